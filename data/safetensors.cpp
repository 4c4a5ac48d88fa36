// Loading and saving safetensors files.
#include <adjoint/data/safetensors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>
#include <numeric>
#include <unordered_set>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/safetensors_header.h>

namespace adjoint::data {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie in memory");

// The limit that other readers of the format set.
constexpr std::uint64_t longest_json = 100'000'000;

}  // namespace

const Tensor& SafeTensors::operator[](const std::string& name) const {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const auto& entry) { return entry.first == name; });
    if (found == tensors.end())
        fail<IndexError>("safetensors: no tensor {} among {}", excerpt(name), tensors.size());
    return found->second;
}

namespace {

SafeTensors load_one_file(const std::string& path) {
    InputStream stream(path);
    check<IoError>(!stream.compressed(), "{}: is gzip, expected safetensors; unpack it first", path);
    const std::uint64_t size = stream.file_size();
    std::array<std::byte, header_length_bytes> length_read{};
    stream.read(length_read, "the header's length");
    const std::uint64_t length = ByteReader(length_read, path).read_u64_le();
    // PyTorch's files are zip archives of a pickle or, older ones, pickles; as a
    // length that is no sensible one.
    const auto starts_with = [&](std::initializer_list<int> bytes) {
        return std::equal(bytes.begin(), bytes.end(), length_read.begin(),
                          [](int a, std::byte b) { return a == std::to_integer<int>(b); });
    };
    check<IoError>(
        length <= longest_json || !(starts_with({'P', 'K', 3, 4}) || starts_with({0x80, 2})),
        "{}: is a file of torch.save or another pickle or archive, not a safetensors file; in Python "
        "safetensors.torch.save_file(model.state_dict(), path) writes one",
        path);
    check<IoError>(length <= size - header_length_bytes,
                   "{}: not a safetensors file: a header of {} bytes in a file of {}", path, length, size);
    check<IoError>(length <= longest_json, "{}: a header of {} bytes, at most {} are allowed", path, length,
                   longest_json);
    std::string text(static_cast<std::size_t>(length), '\0');
    stream.read(std::as_writable_bytes(std::span(text.data(), text.size())), "the header");

    SafeTensorsHeader header = parse_safetensors_header(text, size - header_length_bytes - length, path);
    SafeTensors result;
    result.metadata = std::move(header.metadata);
    result.tensors.reserve(header.entries.size());
    for (SafeTensorsEntry& entry : header.entries) {
        Tensor tensor = read_tensor(stream, entry.claim, "tensor " + excerpt(entry.name));
        result.tensors.emplace_back(std::move(entry.name), std::move(tensor));
    }
    return result;
}

// The tensors of several files, as an index says which is where.
SafeTensors load_by_index(const std::string& path) {
    const SafeTensorsIndex index = read_safetensors_index(path);
    const std::string folder = path.substr(0, path.find_last_of('/') + 1);
    SafeTensors result;
    result.metadata = index.metadata;
    for (const auto& [file, names] : index.files) {
        SafeTensors part = load_one_file(folder + file);
        for (const std::string& name : names) {
            const auto found = std::find_if(part.tensors.begin(), part.tensors.end(),
                                            [&](const auto& entry) { return entry.first == name; });
            check<IoError>(found != part.tensors.end(), "{}: tensor {} is not in {}", path, excerpt(name),
                           excerpt(file));
            result.tensors.push_back(std::move(*found));
        }
    }
    return result;
}

void save_all(const std::string& path, const NamedTensors& tensors,
              const std::map<std::string, std::string>& metadata) {
    std::vector<std::size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (const auto& [name, tensor] : tensors) bytes_of(tensor, "save_safetensors", excerpt(name));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return size_of(tensors[a].second.dtype()) > size_of(tensors[b].second.dtype());
    });

    SafeTensorsHeader header;
    header.metadata = metadata;
    std::unordered_set<std::string_view> names{"__metadata__"};
    std::vector<std::span<const std::byte>> pieces;
    std::uint64_t reached = 0;
    for (const std::size_t i : order) {
        const auto& [name, tensor] = tensors[i];
        if (!names.insert(name).second)
            fail<ValueError>("save_safetensors: the name {} is taken", excerpt(name));
        pieces.push_back(bytes_of(tensor, "save_safetensors", name));
        const std::uint64_t end = reached + pieces.back().size();
        header.entries.push_back({name, {tensor.shape(), tensor.dtype(), end - reached}, reached, end});
        reached = end;
    }
    const std::string text = format_safetensors_header(header);
    check<ValueError>(text.size() <= longest_json,
                      "save_safetensors: a header of {} bytes, at most {} are allowed", text.size(),
                      longest_json);
    const std::uint64_t length = text.size();
    atomic_write(path, [&](Writer& writer) {
        writer.write(std::as_bytes(std::span(&length, 1)));
        writer.write(text);
        for (const auto piece : pieces) writer.write(piece);
    });
}

}  // namespace

SafeTensors load_safetensors(const std::string& path) {
    return in_memory(path,
                     [&] { return path.ends_with(".json") ? load_by_index(path) : load_one_file(path); });
}

void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
    in_memory(path, [&] { save_all(path, tensors, metadata); });
}

}  // namespace adjoint::data
