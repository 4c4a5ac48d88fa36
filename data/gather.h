// Batches of a data set in memory: views of neighbours, or one gather of rows for each tensor. Private.
#pragma once

#include <adjoint/data/dataset.h>

namespace adjoint::data {

/// Rows first .. first + count - 1 of a dense tensor, sharing its memory.
Tensor rows(const Tensor& x, std::int64_t first, std::int64_t count);

/// The set with its sample_shape filled in.
/// errors: what Loader says of a set.
Dataset checked(Dataset set);
/// Batches of a checked set: of neighbours, and of the samples whose numbers stand in `places`,
/// on the set's device.
Batch batch_of(const Dataset& set, std::int64_t first, std::int64_t count);
Batch batch_of(const Dataset& set, const Tensor& places);
/// The latter as a step in one part.
Batch step_of(const Dataset& set, const Tensor& places);

}  // namespace adjoint::data
