// The steps that optimizers can take, by name, and the tensors that take one: all that their headers need.
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/functors/list.h>

namespace adjoint {

namespace functor {

// update.h
struct PlainSgdStep;
struct SgdStep;
struct LionStep;
struct DirectionStep;
struct AverageStep;
// update_adam.h
struct AdamStep;
struct AmsgradStep;
struct AdamaxStep;
struct NAdamStep;
struct RAdamStep;
// update_scaled.h
struct AdagradStep;
struct AdadeltaStep;
template <bool centered, bool momentous> struct RmspropStep;
struct RpropStep;

using UpdateList =
    FunctorList<PlainSgdStep, SgdStep, AdamStep, AmsgradStep, AdamaxStep, NAdamStep, RAdamStep, AdagradStep,
                AdadeltaStep, RmspropStep<false, false>, RmspropStep<true, false>, RmspropStep<false, true>,
                RmspropStep<true, true>, RpropStep, LionStep, DirectionStep, AverageStep>;

}  // namespace functor

/// Any of them.
using UpdateOp = functor::UpdateList::Variant;

/// One tensor of a step: dense, all of type `dtype`, `states` as many as the functor names.
struct UpdateSlice {
    void* parameter = nullptr;
    const void* gradient = nullptr;
    void* states[3] = {};
    std::int64_t numel = 0;
    DType dtype = DType::f32;
};

}  // namespace adjoint
