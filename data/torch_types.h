// The element types of PyTorch's storages. Private.
#pragma once

#include <string_view>

#include <adjoint/core/base/dtype.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {

struct TorchStorage {
    std::string_view name;
    DType read_as;
    ForeignInteger stored = {};
};

inline constexpr TorchStorage torch_storages[] = {
    {"torch.FloatStorage", DType::f32},
    {"torch.DoubleStorage", DType::f64},
    {"torch.HalfStorage", DType::f16},
    {"torch.BFloat16Storage", DType::bf16},
    {"torch.LongStorage", DType::i64},
    {"torch.IntStorage", DType::i32},
    {"torch.ByteStorage", DType::u8},
    {"torch.BoolStorage", DType::boolean},
    {"torch.ShortStorage", DType::i32, {2, true}},
    {"torch.CharStorage", DType::i32, {1, true}},
    // Types without a storage of their own, as _rebuild_tensor_v3 names them.
    {"torch.uint16", DType::i32, {2, false}},
    {"torch.uint32", DType::i64, {4, false}},
    {"torch.uint64", DType::i64, {8, false}},
};

/// Null for a name that is none of these.
inline const TorchStorage* torch_storage(std::string_view name) {
    for (const TorchStorage& storage : torch_storages)
        if (storage.name == name) return &storage;
    return nullptr;
}

}  // namespace adjoint::data
