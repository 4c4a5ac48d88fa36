// DLPack: descriptions of memory that come from another library.
#include <adjoint/core/tensor/dlpack.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/dlpack_abi.h>

#include "target.h"

namespace adjoint::fuzz {
namespace {

constexpr std::size_t buffer_bytes = 4096;
constexpr int most_sizes = 12;

/// A description as bytes say it. Sizes and strides lie behind it.
struct Written {
    std::uint8_t versioned, with_sizes, with_strides, with_memory;
    std::int32_t device, device_index, rank;
    DLDataType type;
    DLPackVersion version;
    std::uint64_t flags, offset;
    std::array<std::int64_t, most_sizes> sizes, strides;
};

/// Whether every element lies in the buffer and there are few: what a description says of memory nobody can
/// check, so the target looks at elements of those alone that are sound.
bool is_sound(const Written& w) {
    if (w.offset >= buffer_bytes || w.rank < 0 || w.rank > most_sizes || w.with_sizes == 0) return false;
    __extension__ using Wide = __int128;
    const auto rank = static_cast<std::size_t>(w.rank);
    Wide count = 1, reach = 1;
    for (std::size_t d = 0; d < rank; ++d) {
        if (w.sizes[d] < 0) return false;
        count *= w.sizes[d];
        if (count > static_cast<Wide>(buffer_bytes)) return false;
    }
    if (count == 0) return true;
    for (std::size_t d = 0; d < rank; ++d) reach += Wide{w.strides[d]} * (w.sizes[d] - 1);
    const Wide bytes = (w.with_strides != 0 ? reach : count) * (w.type.bits / 8);
    return bytes >= 0 && bytes <= static_cast<Wide>(buffer_bytes - w.offset);
}

template <class Managed> void take(Written& w, Managed& managed) {
    alignas(64) static std::array<std::byte, buffer_bytes> buffer{};
    static int deleted = 0;
    deleted = 0;
    managed.dl_tensor = {.data = w.with_memory != 0 ? buffer.data() : nullptr,
                         .device = {w.device, w.device_index},
                         .ndim = w.rank,
                         .dtype = w.type,
                         .shape = w.with_sizes != 0 ? w.sizes.data() : nullptr,
                         .strides = w.with_strides != 0 ? w.strides.data() : nullptr,
                         .byte_offset = w.offset};
    managed.deleter = [](Managed*) { ++deleted; };
    try {
        const Tensor x = from_dlpack(&managed);
        expect(x.dim() == w.rank, "another number of dimensions than described");
        if (x.device().is_cpu() && is_sound(w)) {
            const Tensor copy = x.clone();
            expect(copy.shape() == x.shape() && copy.numel() == x.numel(), "a copy has another shape");
            if (w.flags == 0 && is_floating(x.dtype()) && x.is_contiguous()) {
                DLManagedTensorVersioned* const handed = to_dlpack(x);
                expect(handed->dl_tensor.ndim == w.rank, "handed out with other dimensions");
                handed->deleter(handed);
            }
        }
    } catch (const Error&) {
        expect(deleted == 0, "refused, but the deleter ran");
        throw;
    }
    expect(deleted == 1, "the deleter did not run once");
}

Target dlpack_target() {
    const auto read = [](const std::string& bytes) {
        Written w{};
        std::memcpy(&w, bytes.data(), std::min(bytes.size(), sizeof(w)));
        // More dimensions are refused before anything is looked at.
        if (!is_sound(w)) w.flags &= ~std::uint64_t{DL_READ_ONLY};  // which would be copied
        if (w.versioned != 0) {
            DLManagedTensorVersioned managed{};
            managed.version = w.version;
            managed.flags = w.flags;
            take(w, managed);
        } else {
            DLManagedTensor managed{};
            w.flags = 0;
            take(w, managed);
        }
    };
    Target target{.name = "dlpack", .read = read, .longest = sizeof(Written)};
    const auto seed = [&](Written w) {
        target.seeds.emplace_back(reinterpret_cast<const char*>(&w), sizeof(w));
    };
    Written w{};
    w.versioned = w.with_sizes = w.with_strides = w.with_memory = 1;
    w.device = DL_CPU;
    w.rank = 2;
    w.type = {DL_FLOAT, 32, 1};
    w.version = {1, 0};
    w.sizes = {3, 4};
    w.strides = {4, 1};
    seed(w);
    w.flags = DL_READ_ONLY;
    w.strides = {1, 3};
    seed(w);
    w.versioned = w.with_strides = 0;
    w.type = {DL_INT, 64, 1};
    w.offset = 8;
    seed(w);
    return target;
}

}  // namespace

std::vector<Target> descriptor_targets() { return {dlpack_target()}; }

}  // namespace adjoint::fuzz
