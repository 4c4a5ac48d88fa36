// The graph while it is built: nodes, constants and the names of values. Private.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/export.h>
#include <adjoint/onnx/export/sizes.h>
#include <adjoint/onnx/export/traced.h>

namespace adjoint::onnx::exporting {

using Names = std::vector<std::string>;
using NodeAttributes = std::vector<Attribute>;

inline Attribute attribute(std::string name, std::int64_t value) { return {std::move(name), value, {}}; }
inline Attribute attribute(std::string name, double value) {
    return {std::move(name), static_cast<float>(value), {}};
}
inline Attribute attribute(std::string name, std::string value) {
    return {std::move(name), std::move(value), {}};
}
inline Attribute attribute(std::string name, std::vector<std::int64_t> value) {
    return {std::move(name), std::move(value), {}};
}

class Builder {
  public:
    Builder(const TracedRuns& runs, std::vector<Symbol> symbols, const ExportOptions& options);

    std::int64_t opset() const noexcept { return options_.opset; }

    // Nodes
    // -----------------------------------------------------------------------------

    /// The name of the result of a new node; that of a value which the current call is made of.
    std::string node(const std::string& op, const Names& inputs, NodeAttributes attributes = {});
    Names node_of_many(const std::string& op, const Names& inputs, NodeAttributes attributes, int outputs);

    // Constants
    // -----------------------------------------------------------------------------

    std::string constant(const Tensor& tensor, const std::string& name = {});
    std::string integers(const std::vector<std::int64_t>& values) {
        return constant(tensor(values, {static_cast<std::int64_t>(values.size())}, Device::cpu()));
    }
    std::string number(double value, DType type) { return constant(full({}, value, type, Device::cpu())); }
    /// A static value with its last two dimensions exchanged.
    std::string transposed_constant(int value, const std::string& name, DType type);
    /// Sizes as a tensor of one dimension: a constant, or computed from the dynamic axes.
    /// errors: ValueError for a size that no formula gives.
    std::string sizes(const Sizes& sizes);
    /// The same of one, without dimensions.
    std::string size(const Size& size);
    /// What a dynamic size is called where it is that of an axis, "" for others.
    std::string symbol_name(const Size& size) const;

    // Values of the run
    // -----------------------------------------------------------------------------

    const TracedValue& first(int value) const { return runs_[0].values.at(static_cast<std::size_t>(value)); }
    Sizes shape(int value) const;
    /// The name under which nodes find a value; makes the constant that it may be.
    std::string name(int value);
    void set_name(int value, std::string name) { names_[value] = std::move(name); }
    /// Whether a value does not depend on the inputs: a parameter, a constant, or made of such.
    bool is_static(int value) const { return static_.at(static_cast<std::size_t>(value)); }
    /// Whether it is made of nothing but constants, of the sizes of the dynamic axes.
    bool is_pattern(int value) const { return pattern_.at(static_cast<std::size_t>(value)); }
    /// How many calls and outputs take a value.
    int uses(int value) const { return uses_.at(static_cast<std::size_t>(value)); }
    Tensor static_tensor(int value) const { return first(value).tensor.detach(); }

    /// Keeps a name from being given to another value.
    void take(const std::string& name) { taken_.insert(name); }
    /// Names nodes, and the call in messages.
    void begin(const TracedCall& call) { current_ = &call; }
    [[noreturn]] void refuse(const std::string& reason) const;
    /// Of a number that is not the same in all runs.
    [[noreturn]] void refuse_number(std::string_view name, const std::vector<std::int64_t>& runs) const;
    [[noreturn]] void refuse_number(std::string_view name, const std::vector<double>& runs) const;

    /// The graph of what the outputs need.
    Graph finish(const std::vector<int>& outputs, const Names& input_names, const Names& output_names,
                 std::size_t inputs);

  private:
    std::string fresh(const std::string& hint);
    std::string symbol_size(std::size_t symbol);
    std::string formula(const SizeFormula& formula);
    std::string pattern_constant(int value);
    void find_static_values();
    void compare_runs(int value);
    [[noreturn]] void refuse_unheard(int value) const;
    template <class T> std::string values_of(const std::vector<T>& runs) const;
    void drop_unused(Graph& graph, const Names& outputs) const;
    void rename(const std::string& from, const std::string& to);

    const TracedRuns& runs_;
    std::vector<Symbol> symbols_;
    const ExportOptions& options_;
    const TracedCall* current_ = nullptr;
    std::vector<Node> nodes_;
    std::vector<TensorValue> initializers_;
    std::map<int, std::string> names_;
    std::map<std::pair<int, DType>, std::string> transposed_;
    std::map<std::string, std::string> small_constants_;  // by their bytes
    std::map<std::string, Tensor> named_constants_;       // those that came with a name
    std::map<std::string, int> counts_;                   // of names with one beginning
    std::set<std::string> taken_;
    std::vector<bool> static_, pattern_;
    std::vector<int> uses_;
};

}  // namespace adjoint::onnx::exporting
