// A graph made ready to run: steps in order, values in numbered places. Private.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <adjoint/nn/parameter.h>
#include <adjoint/onnx/import/operator.h>

namespace adjoint::onnx {

/// Where a step finds a value: among those of the run, those known from the shapes of the inputs, the
/// constants, or the tensors of the module.
struct Source {
    enum Kind : std::uint8_t { none, run, known, constant, weight } kind = none;
    int index = 0;
};

struct Step {
    Kernel kernel;
    std::vector<Source> inputs;
    std::vector<Source> outputs;  ///< run or known; none for one that nobody needs
    std::vector<int> released;    ///< places of the run that nobody needs afterwards
    InputSet host = 0;
    bool known = false;  ///< the results follow from the shapes of the inputs
    std::string label;   ///< for its errors
};

/// Runs a step by calling the function, for somebody who wants to know of it; the tensor is the first that
/// the step reads.
using Around = std::function<Values(const Step&, const Tensor&, const std::function<Values()>&)>;

/// Shared by copies of a module, and by threads: running changes nothing but what was learnt of shapes.
class Program {
  public:
    /// As many results as there are outputs.
    /// errors: those of the operators, with the node's name in front.
    Values run(const Values& given, std::span<const nn::Parameter> weights, bool training,
               Allowance& allowance, const Around& around = {}) const;

    std::vector<Step> steps;
    int inputs = 0;  ///< they are the first places of a run
    int places = 0, known_places = 0;
    Values constants;
    std::vector<Source> outputs;
    bool learns_shapes = false;

  private:
    /// What a run with inputs of certain shapes on a certain device has found out.
    struct Learnt {
        std::vector<Shape> shapes;
        Device device;
        Values known;
        Values constants;  ///< on that device; empty on the CPU, where they are anyway
    };

    std::shared_ptr<const Learnt> find(const Values& given, Device device) const;
    void keep(std::shared_ptr<const Learnt> learnt) const;

    mutable std::mutex mutex_;
    mutable std::vector<std::shared_ptr<const Learnt>> learnt_;
};

/// Adds a copy of the elements to a small tensor, for those who read it on the host.
void keep_on_host(Value& value);

/// Runs a step's kernel; its results have types.
Values run_step(const Step& step, const Call& call);

}  // namespace adjoint::onnx
