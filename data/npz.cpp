// Members of an archive as arrays.
#include <adjoint/data/npz.h>

#include <algorithm>
#include <set>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/npy_format.h>
#include <adjoint/data/tensor_bytes.h>
#include <adjoint/data/zip.h>

namespace adjoint::data {
namespace {

constexpr std::string_view ending = ".npy";

NamedTensors read_arrays(const std::string& path, std::uint64_t unpacked_limit) {
    const ZipReader archive(path, unpacked_limit);
    NamedTensors tensors;
    for (std::size_t i = 0; i < archive.size(); ++i) {
        const std::string& name = archive.name(i);
        check<IoError>(name.ends_with(ending) && name.size() > ending.size(),
                       "{}: member {} is no array: its name does not end in .npy", path, excerpt(name));
        InputStream stream(archive.read(i), fmt::format("{}: {}", path, name));
        tensors.emplace_back(name.substr(0, name.size() - ending.size()), read_npy(stream));
    }
    return tensors;
}

void write_arrays(const std::string& path, const NamedTensors& tensors, const NpzOptions& options) {
    constexpr auto op = "write_npz";
    std::vector<std::string> headers;
    headers.reserve(tensors.size());  // the members point into it
    std::vector<ZipMember> members;
    std::set<std::string> names;
    for (const auto& [name, tensor] : tensors) {
        constexpr std::size_t longest = 1 << 10;
        const bool sound = !name.empty() && name.size() <= longest &&
                           std::none_of(name.begin(), name.end(),
                                        [](char c) { return static_cast<unsigned char>(c) < 0x20; });
        check<ValueError>(sound, "{}: the name {} is empty, too long or holds control characters", op,
                          excerpt(name));
        check<ValueError>(names.insert(name).second, "{}: the name {} is there twice", op, excerpt(name));
        const auto elements = bytes_of(tensor, op, excerpt(name));
        const auto& header = headers.emplace_back(npy_header(tensor, op));
        const auto first = std::as_bytes(std::span(header.data(), header.size()));
        members.push_back({name + std::string(ending), {first, elements}});
    }
    write_zip(path, members, options.compress, op);
}

}  // namespace

NamedTensors read_npz(const std::string& path, std::uint64_t unpacked_limit) {
    return in_memory(path, [&] { return read_arrays(path, unpacked_limit); });
}

void write_npz(const std::string& path, const NamedTensors& tensors, const NpzOptions& options) {
    in_memory(path, [&] { write_arrays(path, tensors, options); });
}

}  // namespace adjoint::data
