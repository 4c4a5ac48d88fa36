// Draws from a list by weights: the one way for tensors of probabilities and for samplers. Private.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <adjoint/core/contract/generator.h>

namespace adjoint {

/// `count` positions, each with its share of the weights: one block of the stream for each draw, from block
/// `first`. The weights are finite, not negative, not all 0.
std::vector<std::int64_t> drawn_with_replacement(std::span<const double> weights, std::int64_t count,
                                                 GeneratorState stream, std::uint64_t first = 0);

/// `count` different positions of positive weight, of which there are as many: one block of the stream for
/// each weight, from block `first`.
/// source: Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006.
std::vector<std::int64_t> drawn_without_replacement(std::span<const double> weights, std::int64_t count,
                                                    GeneratorState stream, std::uint64_t first = 0);

}  // namespace adjoint
