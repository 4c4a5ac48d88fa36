// Memory that is shared by DLPack with a program in C, and descriptions that are not sound.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/dlpack.h>
#include <adjoint/core/tensor/dlpack_abi.h>

#include "core/dlpack_c.h"

namespace adjoint {
namespace {

Tensor numbers() { return tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3}); }

TEST(DLPack, CReadsWhatIsHandedOut) {
    EXPECT_EQ(c_weighted_sum(to_dlpack(numbers())), 1 + 4 + 9 + 16 + 25 + 36);
    EXPECT_EQ(c_weighted_sum_unversioned(to_dlpack_unversioned(numbers())), 1 + 4 + 9 + 16 + 25 + 36);
}

TEST(DLPack, AlsoWithStrides) {
    const Tensor x = transpose(numbers(), 0, 1);  // 1 4 2 5 3 6
    EXPECT_EQ(c_weighted_sum(to_dlpack(x)), 1 + 2 * 4 + 3 * 2 + 4 * 5 + 5 * 3 + 6 * 6);
    EXPECT_EQ(c_weighted_sum_unversioned(to_dlpack_unversioned(narrow(numbers(), 1, 1, 2))),
              2 + 2 * 3 + 3 * 5 + 4 * 6);
}

TEST(DLPack, WhatIsHandedOutOutlivesTheTensor) {
    Tensor x = numbers();
    DLManagedTensorVersioned* handed = to_dlpack(x);
    x = Tensor();
    EXPECT_EQ(c_weighted_sum(handed), 91);
}

TEST(DLPack, AndSharesItsMemory) {
    const Tensor x = numbers();
    DLManagedTensorVersioned* handed = to_dlpack(x);
    static_cast<float*>(handed->dl_tensor.data)[5] = 10;
    EXPECT_EQ(x(1, 2).item(), 10);
    handed->deleter(handed);
}

TEST(DLPack, ATensorOnTheMemoryOfC) {
    float data[] = {1, 2, 3, 4, 5, 6};
    std::int64_t shape[] = {3, 2}, strides[] = {1, 3};
    int deleted = 0;
    {
        const Tensor x = from_dlpack(c_describe(data, 2, shape, strides, 0, &deleted));
        EXPECT_EQ(x.shape(), (Shape{3, 2}));
        EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
        const Tensor view = x(0);
        data[3] = 7;
        EXPECT_EQ(view.to_vector<float>(), (std::vector<float>{1, 7}));
        x.fill_(8);
        EXPECT_EQ(data[0], 8);
        EXPECT_EQ(deleted, 0);
    }
    EXPECT_EQ(deleted, 1);
    {
        const Tensor x = from_dlpack(c_describe_unversioned(data, 2, shape, nullptr, &deleted));
        EXPECT_TRUE(x.is_contiguous());
        EXPECT_EQ(x.numel(), 6);
    }
    EXPECT_EQ(deleted, 2);
}

TEST(DLPack, WhatIsReadOnlyIsCopied) {
    float data[] = {1, 2};
    std::int64_t shape[] = {2};
    int deleted = 0;
    const Tensor x = from_dlpack(c_describe(data, 1, shape, nullptr, DL_READ_ONLY, &deleted));
    EXPECT_EQ(deleted, 1);
    x.fill_(5);
    EXPECT_EQ(data[0], 1);
}

TEST(DLPack, EveryTypeThereAndBack) {
    for (const DType type : {f16, bf16, f32, f64, u8, i32, i64, boolean}) {
        const Tensor x = tensor({0, 1, 1, 0}).to(type);
        for (const Tensor& y : {from_dlpack(to_dlpack(x)), from_dlpack(to_dlpack_unversioned(x))}) {
            EXPECT_EQ(y.dtype(), type);
            EXPECT_EQ(y.to_vector<double>(), x.to_vector<double>());
            EXPECT_EQ(y.impl().data, x.impl().data);
        }
    }
}

TEST(DLPack, SizesWithoutElementsAndWithoutDimensions) {
    EXPECT_EQ(from_dlpack(to_dlpack(empty({0, 3}))).shape(), (Shape{0, 3}));
    EXPECT_EQ(from_dlpack(to_dlpack(full({}, 3))).item(), 3);
}

TEST(DLPack, WhatRequiresAGradientIsNotHandedOut) {
    EXPECT_THROW(to_dlpack(ones({2}, {.requires_grad = true})), AutogradError);
}

// A refused description is still the caller's.
template <class Wanted>
void expect_refused(const std::function<void(DLManagedTensorVersioned&)>& spoil, const std::string& part) {
    float data[6] = {};
    std::int64_t shape[] = {2, 3}, strides[] = {3, 1};
    int deleted = 0;
    DLManagedTensorVersioned* managed = c_describe(data, 2, shape, strides, 0, &deleted);
    spoil(*managed);
    try {
        from_dlpack(managed);
        ADD_FAILURE() << "not refused: " << part;
    } catch (const Wanted& error) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    EXPECT_EQ(deleted, 0);
    managed->deleter(managed);
}

TEST(DLPack, ADescriptionThatIsNotSoundIsRefused) {
    using Managed = DLManagedTensorVersioned;
    expect_refused<ValueError>([](Managed& m) { m.version.major = 2; }, "version 2.1");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.ndim = 9; }, "9 dimensions");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.ndim = -1; }, "-1 dimensions");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.shape = nullptr; }, "sizes are missing");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.shape[0] = -2; }, "a size of -2");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.strides[0] = -3; }, "a stride of -3");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.data = nullptr; }, "no memory");
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.byte_offset = 2; }, "not aligned");
    expect_refused<ValueError>(
        [](Managed& m) { m.dl_tensor.shape[0] = std::numeric_limits<std::int64_t>::max(); }, "beyond 2^63");
    expect_refused<ValueError>(
        [](Managed& m) { m.dl_tensor.strides[0] = std::numeric_limits<std::int64_t>::max(); }, "beyond 2^63");
    constexpr std::uint64_t furthest = std::numeric_limits<std::uint64_t>::max() - 3;
    expect_refused<ValueError>([](Managed& m) { m.dl_tensor.byte_offset = furthest; }, "beyond all memory");
    expect_refused<DTypeError>([](Managed& m) { m.dl_tensor.dtype.lanes = 4; }, "4 lanes");
    expect_refused<DTypeError>([](Managed& m) { m.dl_tensor.dtype = {5, 64, 1}; }, "code 5");
    expect_refused<DeviceError>([](Managed& m) { m.dl_tensor.device.device_type = 7; }, "device type 7");
    if (!cuda::is_available())
        expect_refused<DeviceError>([](Managed& m) { m.dl_tensor.device.device_type = DL_CUDA; }, "cuda");
    EXPECT_THROW(from_dlpack(static_cast<DLManagedTensor*>(nullptr)), ValueError);
}

TEST(DLPack, WhatCannotBeCopiedIsStillTheCallers) {
    expect_refused<OutOfMemoryError>(
        [](DLManagedTensorVersioned& m) {
            m.flags = DL_READ_ONLY;
            m.dl_tensor.shape[0] = std::int64_t{1} << 56;  // one row again and again
            m.dl_tensor.strides[0] = 0;
        },
        "");
}

}  // namespace
}  // namespace adjoint
