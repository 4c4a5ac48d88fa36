// Draws by probability: numbers of categories, with or without replacement, and the next token of a model.
//
// They are drawn on the host, so the same numbers come on every device, and no recorded step can have them.
#pragma once

#include <cstdint>

#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// `count` positions of each row, each with the share that its element has of the row's sum; without
/// replacement none comes twice, and the share is that of those that are left.
/// shapes: (C) -> (count); (N, C) -> (N, count).
/// dtypes: floating; the result is i64.
/// errors: ShapeError, DTypeError; ValueError naming the row of an element that is negative or not finite, of
/// a sum of 0, or of fewer positive elements than are drawn without replacement.
ADJOINT_API Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement = false);

struct SampleOptions {
    double temperature = 1;  ///< divides the logits; 0 takes the largest, the first of equal ones
    std::int64_t top_k = 0;  ///< only so many of the largest, the first of equal ones; 0 for all
    double top_p = 1;        ///< only the fewest whose probabilities come to it
    GeneratorState* generator = nullptr;  ///< drawn from and moved on, instead of the thread's own
};
/// One position of each row, with probability softmax(logits / temperature) among those that top_k and then,
/// by what these have among themselves, top_p leave.
/// shapes: (.., C) -> (..).
/// dtypes: floating; the result is i64.
/// errors: ShapeError, DTypeError; ValueError for options out of their range and naming the row that has a
/// NaN, +inf, or -inf alone.
/// source: Holtzman et al., The curious case of neural text degeneration, 2020, of top_p.
ADJOINT_API Tensor sample_categorical(const Tensor& logits, const SampleOptions& options = {});

}  // namespace adjoint
