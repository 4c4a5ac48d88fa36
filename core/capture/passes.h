// Passes over the calls of a recorded step: fewer calls, the same bits. Private.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include <adjoint/core/capture/effects.h>

namespace adjoint {

/// A call of a recorded step, as it was made in the recorded run.
struct RecordedCall {
    AnyCall call;
    std::size_t at = 0;      // its place in the recorded run
    std::size_t update = 0;  // of one with an Update: its place among them
    std::string_view layer;  // in which it was made; lives as long as the program
};

/// A constant that a sum, product or quotient reads becomes part of it, and simple arithmetic on one a
/// constant: a gradient of 1 at the start of a backward pass goes.
void fold_constants(std::vector<RecordedCall>& list);
/// Calls go whose results nobody sees.
void drop_dead_calls(std::vector<RecordedCall>& list, const Lifetimes& lifetimes);
/// Elementwise calls over the same elements become one, and so does a reduction behind them. What is between
/// them is not written. `programs` keeps what the new calls point to.
void fuse_elementwise(std::vector<RecordedCall>& list, const Lifetimes& lifetimes,
                      std::deque<ElementProgram>& programs);

/// An optimizer's step becomes part of the backward pass of a layer that it may be done beside: the last one,
/// as a rule, whose weight nobody reads any more.
void join_updates(std::vector<RecordedCall>& list);

}  // namespace adjoint
