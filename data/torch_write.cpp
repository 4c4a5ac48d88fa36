// To an archive that torch.load reads: a pickle of one dictionary, and a member for each memory.
#include <adjoint/data/torch.h>

#include <set>
#include <unordered_map>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/tensor_bytes.h>
#include <adjoint/data/torch_types.h>
#include <adjoint/data/zip.h>

namespace adjoint::data {
namespace {

/// A pickle of protocol 2, instruction by instruction.
class PickleWriter {
  public:
    PickleWriter() : out_("\x80\x02") {}

    PickleWriter& op(char code) {
        out_ += code;
        return *this;
    }
    PickleWriter& global(std::string_view module, std::string_view name) {
        out_ += fmt::format("c{}\n{}\n", module, name);
        return *this;
    }
    PickleWriter& text(std::string_view value) {
        op('X');
        little_endian(value.size(), 4);
        out_ += value;
        return *this;
    }
    PickleWriter& integer(std::int64_t value) {
        out_ += "\x8a\x08";
        little_endian(static_cast<std::uint64_t>(value), 8);
        return *this;
    }
    PickleWriter& tuple(std::span<const std::int64_t> values) {
        op('(');
        for (const std::int64_t value : values) integer(value);
        return op('t');
    }
    const std::string& content() const noexcept { return out_; }

  private:
    void little_endian(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i, value >>= 8) out_ += static_cast<char>(value & 255);
    }

    std::string out_;
};

constexpr char op_empty_tuple_code = ')', op_reduce_code = 'R', op_mark_code = '(', op_tuple_code = 't';

// collections.OrderedDict()
void ordered_dict(PickleWriter& out) {
    out.global("collections", "OrderedDict").op(op_empty_tuple_code).op(op_reduce_code);
}

std::string_view storage_name(DType type) {
    for (const TorchStorage& storage : torch_storages)
        if (storage.read_as == type && storage.stored.bytes == 0)
            return storage.name.substr(sizeof("torch.") - 1);
    fail<DTypeError>("save_torch: no storage for {}", name(type));
}

}  // namespace

void save_torch(const std::string& path, const NamedTensors& tensors) {
    constexpr auto op = "save_torch";
    struct Kept {
        std::string number;
        std::span<const std::byte> bytes;
    };
    std::vector<Kept> kept;
    std::unordered_map<std::string, std::size_t> places;  // of memory and type
    std::set<std::string_view> names;
    PickleWriter out;
    ordered_dict(out);
    out.op(op_mark_code);
    for (const auto& [name, tensor] : tensors) {
        const auto bytes = bytes_of(tensor, op, excerpt(name));
        check<ValueError>(names.insert(name).second, "{}: the name {} is there twice", op, excerpt(name));
        const std::string id = fmt::format("{} {} {}", static_cast<const void*>(bytes.data()), bytes.size(),
                                           adjoint::name(tensor.dtype()));
        const auto [place, is_new] = places.try_emplace(id, kept.size());
        if (is_new) kept.push_back({std::to_string(kept.size()), bytes});
        out.text(name).global("torch._utils", "_rebuild_tensor_v2").op(op_mark_code);
        out.op(op_mark_code).text("storage").global("torch", storage_name(tensor.dtype()));
        out.text(kept[place->second].number).text("cpu").integer(tensor.numel()).op(op_tuple_code).op('Q');
        out.integer(0).tuple({tensor.shape().begin(), tensor.shape().end()});
        out.tuple({tensor.strides().begin(), tensor.strides().end()});
        out.op('\x89');
        ordered_dict(out);  // hooks
        out.op(op_tuple_code).op(op_reduce_code);
    }
    out.op('u').op('.');

    const std::string folder = "archive/", order = "little", version = "3\n";
    const auto text = [](const std::string& content) {
        return std::as_bytes(std::span(content.data(), content.size()));
    };
    std::vector<ZipMember> members{{folder + "data.pkl", {text(out.content())}},
                                   {folder + "byteorder", {text(order)}},
                                   {folder + "version", {text(version)}}};
    for (const Kept& memory : kept) members.push_back({folder + "data/" + memory.number, {memory.bytes}});
    write_zip(path, members, false, op);
}

}  // namespace adjoint::data
