// A call of the run while it is written as nodes, and the table of how each is. Private.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <adjoint/onnx/export/builder.h>

namespace adjoint::onnx::exporting {

class Call {
  public:
    /// One call, as each run made it.
    Call(Builder& b, std::vector<const TracedCall*> runs)
        : builder(b), runs_(std::move(runs)), first_(*runs_[0]) {}

    Builder& builder;

    // Operands
    // -----------------------------------------------------------------------------

    std::size_t inputs() const noexcept { return first_.inputs.size(); }
    bool has(std::size_t i) const { return i < inputs() && first_.inputs[i] >= 0; }
    int input(std::size_t i) const { return first_.inputs.at(i); }
    std::string in(std::size_t i) { return builder.name(input(i)); }
    /// An operand in another type than its own.
    std::string in(std::size_t i, DType type);
    const Tensor& tensor(std::size_t i = 0) const { return builder.first(input(i)).tensor; }
    Sizes shape(std::size_t i = 0) const { return builder.shape(input(i)); }

    bool has_output(std::size_t i) const {
        return i < first_.outputs.size() && first_.outputs[i] >= 0 && builder.uses(first_.outputs[i]) > 0;
    }
    std::size_t outputs() const noexcept { return first_.outputs.size(); }
    const Tensor& result(std::size_t i = 0) const { return builder.first(first_.outputs.at(i)).tensor; }
    Sizes result_shape(std::size_t i = 0) const { return builder.shape(first_.outputs.at(i)); }
    void set(std::size_t i, const std::string& name) { builder.set_name(first_.outputs.at(i), name); }
    void set(const std::string& name) { set(0, name); }

    // Attributes
    // -----------------------------------------------------------------------------

    // errors: ValueError for a number that differs between the runs, but where a size is asked for.

    std::int64_t integer(std::string_view name) const { return same<std::int64_t>(name); }
    Size size(std::string_view name) const { return {each<std::int64_t>(name)}; }
    double number(std::string_view name) const { return same<double>(name); }
    /// A number as an operand, which may be a size.
    std::string scalar(std::string_view name, DType type);
    bool flag(std::string_view name) const { return get<bool>(name); }
    std::string_view word(std::string_view name) const { return get<std::string_view>(name); }
    std::vector<std::int64_t> list(std::string_view name) const;
    Sizes sizes(std::string_view name) const;
    bool has_attribute(std::string_view name) const { return first_.attributes.find(name) != nullptr; }

    // Nodes
    // -----------------------------------------------------------------------------

    std::string node(const std::string& op, const Names& inputs, NodeAttributes attributes = {}) {
        return builder.node(op, inputs, std::move(attributes));
    }
    std::string constant(double value, DType type) { return builder.number(value, type); }
    std::string cast(const std::string& name, DType from, DType to);
    /// x in other sizes, of which some may be dynamic.
    std::string reshape(const std::string& x, const Sizes& before, const Sizes& after);
    std::string transpose(const std::string& x, const std::vector<std::int64_t>& dims) {
        return node("Transpose", {x}, {attribute("perm", dims)});
    }
    std::string swap_last_two(const std::string& x, int rank);
    /// op over dimensions; none means all.
    std::string reduce(const std::string& op, const std::string& x, const std::vector<std::int64_t>& dims,
                       bool keepdim);
    std::string squeeze(const std::string& x, std::int64_t dim) {
        return node("Squeeze", {x, builder.integers({dim})});
    }
    std::string unsqueeze(const std::string& x, std::int64_t dim) {
        return node("Unsqueeze", {x, builder.integers({dim})});
    }
    /// x[.., start : stop : step, ..] along one dimension.
    std::string slice(const std::string& x, std::int64_t dim, std::int64_t start, std::int64_t stop,
                      std::int64_t step = 1);
    std::string activated(const std::string& x, std::string_view activation, DType type);

    [[noreturn]] void refuse(const std::string& reason) const { builder.refuse(reason); }

  private:
    template <class T> const T& get(std::string_view name) const { return of<T>(first_, name); }
    template <class T> std::vector<T> each(std::string_view name) const {
        std::vector<T> values;
        for (const TracedCall* call : runs_) values.push_back(of<T>(*call, name));
        return values;
    }
    template <class T> T same(std::string_view name) const {
        const std::vector<T> values = each<T>(name);
        if (std::ranges::any_of(values, [&](T value) {
                return value != values[0] && (value == value || values[0] == values[0]);
            }))
            builder.refuse_number(name, values);
        return values[0];
    }
    template <class T> const T& of(const TracedCall& call, std::string_view name) const {
        const auto* value = call.attributes.find(name);
        if (value == nullptr || !std::holds_alternative<T>(*value))
            refuse("has no attribute " + std::string(name));
        return std::get<T>(*value);
    }

    std::vector<const TracedCall*> runs_;
    const TracedCall& first_;
};

/// How one function is written: as the nodes that `write` makes.
struct Mapping {
    const char* name;
    void (*write)(Call& call);
};
using Mappings = std::vector<Mapping>;

void add_elementwise(Mappings& table);
void add_arithmetic(Mappings& table);
void add_reductions(Mappings& table);
void add_shapes(Mappings& table);
void add_indexing(Mappings& table);
void add_products(Mappings& table);
void add_windows(Mappings& table);
void add_normalisation(Mappings& table);
void add_recurrent(Mappings& table);
void add_losses(Mappings& table);

/// Null for a function that has none.
const Mapping* mapping(std::string_view name);

}  // namespace adjoint::onnx::exporting
