// The list of targets, and what they share.
#include "target.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <adjoint/core/base/error.h>

namespace adjoint::fuzz {

const std::vector<Target>& targets() {
    static const std::vector<Target> all = [] {
        std::vector<Target> list;
        for (const auto& topic : {array_targets, descriptor_targets, image_targets, model_targets,
#ifdef ADJOINT_FUZZ_ONNX
                                  onnx_targets,
#endif
                                  table_targets})
            for (Target& target : topic()) list.push_back(std::move(target));
        return list;
    }();
    return all;
}

bool reads(const Target& target, const std::string& bytes) {
    try {
        target.read(bytes);
        return true;
    } catch (const Error&) {
        return false;
    }
}

const TemporaryFolder& place() {
    const std::filesystem::path memory = "/dev/shm";
    static const TemporaryFolder folder(std::getenv("TMPDIR") == nullptr && std::filesystem::exists(memory)
                                            ? memory
                                            : std::filesystem::temp_directory_path());
    return folder;
}

std::string content_of(const std::string& name) {
    std::ifstream in(place() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

bool same_bits(const Tensor& a, const Tensor& b) {
    if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
    const Tensor x = a.contiguous(), y = b.contiguous();
    const std::size_t bytes = static_cast<std::size_t>(x.numel()) * size_of(x.dtype());
    return bytes == 0 || std::memcmp(x.impl().data, y.impl().data, bytes) == 0;
}

bool same_bits(const data::NamedTensors& a, const data::NamedTensors& b) {
    bool same = a.size() == b.size();
    for (std::size_t i = 0; same && i < a.size(); ++i)
        same = a[i].first == b[i].first && same_bits(a[i].second, b[i].second);
    return same;
}

}  // namespace adjoint::fuzz
