// The sums of an epoch take what lies on one device.
#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/train/totals.h>

#include "toy_device.h"

namespace adjoint {
namespace {

TEST(TotalsOnTheToy, RefuseTargetsAndOutputsThatLieElsewhere) {
    const Tensor loss = full({}, 0.5, f32, toy_device()), outputs = zeros({3, 4}),
                 targets = zeros({3}, {.dtype = i64});
    train::Totals totals;
    EXPECT_THROW(totals.add(loss, outputs.to(toy_device()), targets), DeviceError);
    EXPECT_THROW(totals.add(loss, outputs, targets.to(toy_device())), DeviceError);
    totals.count(3);
    totals.add(loss, outputs.to(toy_device()), targets.to(toy_device()));
    EXPECT_EQ(totals.score().accuracy, 1);
    EXPECT_EQ(totals.score().loss, 0.5);
}

}  // namespace
}  // namespace adjoint
