// From the archive of torch.save: the pickle says which tensors there are, members hold their memory.
#include <adjoint/data/torch.h>

#include <algorithm>
#include <unordered_map>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/pickle.h>
#include <adjoint/data/tensor_bytes.h>
#include <adjoint/data/torch_types.h>
#include <adjoint/data/zip.h>

namespace adjoint::data {
namespace {

using PickleNumbers = std::vector<std::int64_t>;

class TorchReader {
  public:
    TorchReader(const std::string& path, const ZipReader& archive) : path_(path), archive_(archive) {
        for (std::size_t i = 0; i < archive.size(); ++i) members_[archive.name(i)] = i;
    }

    TorchFile read(const TorchOptions& options) {
        const std::string folder = folder_name();
        storage_folder_ = folder + "data/";
        if (const auto order = members_.find(folder + "byteorder"); order != members_.end()) {
            const auto bytes = archive_.read(order->second);
            check<IoError>(
                std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == "little",
                "{}: its numbers are big-endian, expected little-endian", path_);
        }
        const std::vector<std::byte> bytes = archive_.read(members_.at(folder + "data.pkl"));
        const Pickle pickle(bytes, path_);
        const PickleValue* value = &pickle.value();
        std::string place = "the file";
        for (const std::string& key : options.key) {
            value = &item(*value, key, place);
            place = key;
        }
        if (value->as<PickleDict>() == nullptr) {
            check<IoError>(tensor_of(*value, "").defined(),
                           "{}: {} holds neither a dictionary of tensors nor a tensor", path_, place);
        }
        visit(*value, "", "", 0);
        return std::move(out_);
    }

  private:
    static constexpr int deepest = 32;
    static constexpr std::size_t most_entries = 1'000'000;

    std::string folder_name() const {
        constexpr std::string_view pickle = "data.pkl";
        for (const auto& [name, i] : members_)
            if (name.ends_with(pickle) && std::count(name.begin(), name.end(), '/') == 1)
                return name.substr(0, name.size() - pickle.size());
        fail<IoError>("{}: a zip archive without data.pkl: no file of torch.save", path_);
    }

    const PickleValue& item(const PickleValue& value, const std::string& key, const std::string& place) {
        std::vector<std::string> keys;
        if (const auto* dict = value.as<PickleDict>())
            for (const auto& [name, of] : dict->items) {
                keys.push_back(key_text(*name));
                if (keys.back() == key) return *of;
            }
        constexpr std::size_t most = 10;
        if (keys.size() > most) keys.resize(most);
        for (std::string& text : keys) text = excerpt(text);
        fail<IndexError>("{}: {} has no key {}; there are {}", path_, place, excerpt(key),
                         keys.empty() ? "none" : fmt::to_string(fmt::join(keys, ", ")));
    }

    std::string key_text(const PickleValue& key) const {
        if (const auto* text = key.as<std::string>()) return *text;
        if (const auto* number = key.as<std::int64_t>()) return std::to_string(*number);
        fail<IoError>("{}: a dictionary has a key that is neither text nor a whole number", path_);
    }

    /// `place` is the value in Python's words: ["state"][0].
    void visit(const PickleValue& value, const std::string& name, const std::string& place, int depth) {
        check<IoError>(depth <= deepest && ++entries_ <= most_entries,
                       "{}: more than {} entries or {} dictionaries inside each other", path_, most_entries,
                       deepest);
        const auto enter = [&](const PickleValue& of, const std::string& key, const std::string& shown) {
            visit(of, name.empty() ? key : name + "." + key, fmt::format("{}[{}]", place, shown), depth + 1);
        };
        const auto enter_all = [&](const PickleValues& items) {
            for (std::size_t i = 0; i < items.size(); ++i)
                enter(*items[i], std::to_string(i), std::to_string(i));
        };
        if (const auto* dict = value.as<PickleDict>()) {
            for (const auto& [key, of] : dict->items) {
                const std::string text = key_text(*key);
                enter(*of, text, key->as<std::string>() ? excerpt(text) : text);
            }
            return;
        }
        if (const auto* list = value.as<PickleList>()) return enter_all(list->items);
        if (const auto* tuple = value.as<PickleTuple>()) return enter_all(tuple->items);
        if (std::holds_alternative<std::monostate>(value.is)) return;
        if (const auto [other, is_new] = places_.emplace(name, place); !is_new)
            fail<IoError>(
                "{}: {} and {} are both {} where keys are joined by dots; TorchOptions::key reads one "
                "dictionary alone",
                path_, other->second, place, excerpt(name));
        if (const auto* number = value.as<std::int64_t>())
            out_.values[name] = std::to_string(*number);
        else if (const auto* real = value.as<double>())
            out_.values[name] = fmt::format("{}", *real);
        else if (const auto* flag = value.as<bool>())
            out_.values[name] = *flag ? "true" : "false";
        else if (const auto* text = value.as<std::string>())
            out_.values[name] = *text;
        else
            out_.tensors.emplace_back(name, tensor_of(value, name));
    }

    // Tensors
    // -----------------------------------------------------------------------------

    template <class... Args>
    [[noreturn]] void bad(const std::string& name, fmt::format_string<Args...> text, Args&&... args) const {
        fail<IoError>("{}: {}: {}", path_, name.empty() ? "the value" : excerpt(name),
                      fmt::format(text, std::forward<Args>(args)...));
    }

    Tensor tensor_of(const PickleValue& value, const std::string& name) {
        if (const auto* global = value.as<PickleGlobal>())
            bad(name, "{} is no tensor, and is not executed", excerpt(global->full()));
        const auto* call = value.as<PickleCall>();
        if (call == nullptr) bad(name, "is no tensor");
        const std::string made_by = call->global.full();
        const PickleValues& in = call->arguments;
        // A parameter is its tensor; with_state are attributes that somebody has given it.
        const auto is_parameter = [](const std::string& maker) {
            return maker == "torch._utils._rebuild_parameter" ||
                   maker == "torch._utils._rebuild_parameter_with_state";
        };
        const auto* inner = in.size() >= 3 ? in[0]->as<PickleCall>() : nullptr;
        if (is_parameter(made_by) && inner != nullptr && !is_parameter(inner->global.full()))
            return tensor_of(*in[0], name);
        const bool untyped = made_by == "torch._utils._rebuild_tensor_v3";
        if (made_by != "torch._utils._rebuild_tensor_v2" && !untyped)
            bad(name,
                "is made by {}, which is not executed; files of tensors can be read: save the state_dict()",
                excerpt(made_by));
        const auto* outside = in.size() >= 4 ? in[0]->as<PickleOutside>() : nullptr;
        if (outside == nullptr) bad(name, "a tensor without its memory");
        const auto* type = untyped && in.size() >= 7 ? in[6]->as<PickleGlobal>() : nullptr;
        if (untyped && type == nullptr) bad(name, "a tensor without its type");
        const Tensor whole = storage(outside->key, type, name);
        const auto* offset = in[1]->as<std::int64_t>();
        const PickleNumbers sizes = numbers(*in[2], name), strides = numbers(*in[3], name);
        if (offset == nullptr || *offset < 0 || sizes.size() != strides.size() || sizes.size() > max_dims)
            bad(name, "its sizes, strides and offset are malformed");
        return view(whole, *offset, sizes, strides, name);
    }

    PickleNumbers numbers(const PickleValue& value, const std::string& name) const {
        const auto* tuple = value.as<PickleTuple>();
        if (tuple == nullptr) bad(name, "its sizes are no tuple");
        PickleNumbers list;
        for (const PickleValue* item : tuple->items) {
            const auto* number = item->as<std::int64_t>();
            if (number == nullptr || *number < 0) bad(name, "its sizes are no positive numbers");
            list.push_back(*number);
        }
        return list;
    }

    Tensor view(const Tensor& whole, std::int64_t offset, const PickleNumbers& sizes,
                const PickleNumbers& strides, const std::string& name) const {
        // The place behind the last element; within the memory, nothing overflows.
        std::int64_t end = offset, step = 0;
        bool sound = true, empty = false;
        for (std::size_t d = 0; d < sizes.size(); ++d) {
            empty = empty || sizes[d] == 0;
            sound = sound && sizes[d] < std::int64_t{1} << 40;
            if (sizes[d] > 0)
                sound = sound && !__builtin_mul_overflow(sizes[d] - 1, strides[d], &step) &&
                        !__builtin_add_overflow(end, step, &end);
        }
        std::int64_t count = 1;
        for (const std::int64_t size : sizes) sound = sound && !__builtin_mul_overflow(count, size, &count);
        if (!sound || (!empty && end >= whole.numel()) || offset > whole.numel())
            bad(name, "sizes ({}), strides ({}) and offset {} exceed its memory of {} elements",
                fmt::join(sizes, ", "), fmt::join(strides, ", "), offset, whole.numel());
        const Shape shape{std::span<const std::int64_t>(sizes)};
        return detached_view(whole, shape,
                             empty ? dense_strides(shape) : Shape(std::span<const std::int64_t>(strides)),
                             empty ? 0 : offset);
    }

    /// ("storage", torch.FloatStorage, key, place, count): each member is read once. With a type besides, the
    /// storage is of bytes, and so is the count.
    Tensor storage(const PickleValues& key, const PickleGlobal* type, const std::string& name) {
        const auto* kind = key.size() >= 5 ? key[0]->as<std::string>() : nullptr;
        const auto* own_type = kind != nullptr ? key[1]->as<PickleGlobal>() : nullptr;
        const auto* number = own_type != nullptr ? key[2]->as<std::string>() : nullptr;
        const auto* length = number != nullptr ? key[4]->as<std::int64_t>() : nullptr;
        if (length == nullptr || *kind != "storage" || *length < 0) bad(name, "its memory is not described");
        if (type != nullptr && own_type->name != "UntypedStorage")
            bad(name, "a tensor of {} on memory of {}", excerpt(type->full()), excerpt(own_type->full()));
        const bool untyped = type != nullptr;
        if (!untyped) type = own_type;
        const TorchStorage* known = torch_storage(type->full());
        if (known == nullptr || (untyped && known->stored.bytes == 0))
            bad(name, "elements of {} have no type here", excerpt(type->full()));
        const std::int64_t count = untyped ? *length / known->stored.bytes : *length;
        const std::string id = *number + " " + type->full();
        const auto [found, is_new] = storages_.try_emplace(id);
        if (!is_new) {
            if (count > found->second.numel()) bad(name, "its memory is described twice, differently");
            return found->second;
        }
        const auto member = members_.find(storage_folder_ + *number);
        if (member == members_.end()) bad(name, "the archive has no {}", excerpt(storage_folder_ + *number));
        const std::uint64_t size = static_cast<std::uint64_t>(count);
        const Claim wanted = claim(path_, excerpt(name), {&size, 1}, known->read_as);
        InputStream stream(archive_.read(member->second), fmt::format("{}: {}", path_, member->first));
        return found->second = read_tensor(stream, wanted, known->stored, excerpt(name));
    }

    const std::string& path_;
    const ZipReader& archive_;
    std::map<std::string, std::size_t> members_;
    std::string storage_folder_;
    std::unordered_map<std::string, Tensor> storages_;
    std::unordered_map<std::string, std::string> places_;  // of the entries, by their names
    std::size_t entries_ = 0;
    TorchFile out_;
};

}  // namespace

const Tensor& TorchFile::operator[](const std::string& name) const {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first == name; });
    if (found == tensors.end())
        fail<IndexError>("load_torch: no tensor {} among {}", excerpt(name), tensors.size());
    return found->second;
}

TorchFile load_torch(const std::string& path, const TorchOptions& options) {
    return in_memory(path, [&] {
        const ZipReader archive(path, options.unpacked_limit);
        return TorchReader(path, archive).read(options);
    });
}

}  // namespace adjoint::data
