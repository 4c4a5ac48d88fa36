// The runs by which a model is known, and the file held to what the model gives in them. Private.
#pragma once

#include <string>
#include <vector>

#include <adjoint/onnx/export/export.h>
#include <adjoint/onnx/export/sizes.h>
#include <adjoint/onnx/export/traced.h>

namespace adjoint::onnx::exporting {

/// A model runs with the inputs given, a size of 1 of a dynamic axis being made 2; with other elements and
/// sizes of all dynamic axes, or options.other_inputs; and then with one axis at a time much larger, as far
/// as the model runs and memory is reasonable.
class Runs {
  public:
    /// errors: ValueError for axes and other_inputs that make no sense, and for runs whose calls are not the
    /// same; those of the model.
    Runs(const ListFunction& function, const std::vector<Tensor>& given,
         const std::vector<std::string>& names, const nn::NamedTensors& named, const ExportOptions& options);

    /// Runs the file with the inputs of all runs, and with 1 for each dynamic axis where the model does.
    /// errors: ValueError where it gives something else.
    void check_file(const Model& model) const;

    TracedRuns traced;
    std::vector<Symbol> symbols;  ///< the dynamic axes

  private:
    using AxisSizes = std::vector<std::int64_t>;  // one for each symbol

    void find_symbols();
    std::string circumstances(const AxisSizes& sizes) const;
    std::vector<Tensor> inputs_of(const AxisSizes& sizes) const;
    AxisSizes first_sizes() const;
    AxisSizes sizes_of_others() const;
    // Whether the model ran; it has to, unless it may fail.
    bool add(const std::vector<Tensor>& inputs, const AxisSizes& sizes, const std::string& circumstances,
             bool may_fail = false);
    void add_larger(std::size_t symbol);

    const ListFunction& function_;
    const std::vector<Tensor>& given_;
    const std::vector<std::string>& names_;
    const nn::NamedTensors& named_;
    const ExportOptions& options_;
};

}  // namespace adjoint::onnx::exporting
