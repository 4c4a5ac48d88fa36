// Divisions of samples: one to train and one to test with, or k folds that take turns.
//
//     const auto [training, test] = data::train_test_split(set, 0.2, {.seed = 1});
//     for (const data::Split& fold : data::k_fold(set.size(), 5, {.stratify = set.targets}))
//         ... set.select(fold.train), set.select(fold.test) ...
#pragma once

#include <cstdint>
#include <vector>

#include <adjoint/data/loader.h>

namespace adjoint::data {

/// Numbers of samples, ascending; each sample is in one of the two.
struct Split {
    std::vector<std::int64_t> train, test;
};
/// The two parts.
struct TrainTest {
    Dataset train, test;
};

struct SplitOptions {
    bool shuffle = true;     ///< false: runs of neighbours, the test samples of a single split the last ones
    std::uint64_t seed = 0;  ///< of the order before it is divided
    Tensor stratify = {};    ///< one class number per sample: every part gets its share of each class
};

/// round(n test_size) samples to test with, the others to train. Stratified, each class gives its share of
/// them, rounded so that the sum is kept.
/// errors: ValueError unless 0 < test_size < 1 and no part is empty; ShapeError, DTypeError for `stratify`.
ADJOINT_API Split train_test_split(std::int64_t n, double test_size = 0.25, const SplitOptions& options = {});
/// The same as two data sets, copied.
ADJOINT_API TrainTest train_test_split(const Dataset& set, double test_size = 0.25,
                                       const SplitOptions& options = {});

/// k divisions; each sample is a test sample in one of them. The numbers of test samples, and stratified
/// those of each class, differ by at most one.
/// errors: ValueError unless 2 <= k <= n; ShapeError, DTypeError for `stratify`.
ADJOINT_API std::vector<Split> k_fold(std::int64_t n, std::int64_t k, const SplitOptions& options = {});

}  // namespace adjoint::data
