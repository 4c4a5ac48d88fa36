// A run of a model as the calls that it made, as an observer heard them. Private.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <adjoint/autograd/record/observer.h>
#include <adjoint/nn/module.h>

namespace adjoint::onnx::exporting {

/// Where a value comes from: given from outside, a parameter or buffer, made of nothing, or by a call.
enum class Origin { input, named, constant, result };

struct TracedValue {
    Tensor tensor;
    Origin origin = Origin::constant;
    std::string name;  ///< of an input, a parameter or a buffer
    std::uint32_t version = 0;
};

struct TracedCall {
    std::string name;
    std::string within;                ///< the function of ours that it is a part of, or ""
    std::vector<int> inputs, outputs;  ///< places among the values, -1 for an undefined tensor
    Attributes attributes;
    std::string layer;  ///< the module whose parameters it takes, or the last before that took any
};

/// Elements that the host has read.
struct TracedRead {
    int value = -1;  ///< -1 for what no call gave as it was
    std::string layer;
};

struct TracedRun {
    std::string circumstances;  ///< "with other inputs", "with batch = 9"
    std::vector<TracedValue> values;
    std::vector<TracedCall> calls;
    std::vector<TracedRead> reads;
    std::vector<int> outputs;

    std::vector<Tensor> output_tensors() const;
};
using TracedRuns = std::vector<TracedRun>;

using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

/// Runs `function` without gradients and listens.
/// errors: ValueError for parts of a tensor that are written in place, which no other form has.
TracedRun trace(const Function& function, const std::vector<Tensor>& inputs,
                const std::vector<std::string>& input_names, const nn::NamedTensors& named);

/// "linear (layer fc1)", "index_select, a part of flip (layer fc1)"
std::string described(const TracedCall& call);

/// Compares a run with another one, of different inputs.
/// errors: ValueError naming the first call that one of them made and the other did not, or that had
/// attributes which are no numbers and differ.
void check_same_calls(const TracedRun& a, const TracedRun& b);

}  // namespace adjoint::onnx::exporting
