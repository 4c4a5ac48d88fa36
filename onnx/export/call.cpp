// What the writing of several functions has in common.
#include <adjoint/onnx/export/call.h>

#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <adjoint/core/base/format.h>
#include <adjoint/onnx/format/tensor_value.h>

namespace adjoint::onnx::exporting {

const Mapping* mapping(std::string_view name) {
    static const std::map<std::string_view, Mapping> table = [] {
        Mappings list;
        for (const auto add : {add_elementwise, add_arithmetic, add_reductions, add_shapes, add_indexing,
                               add_products, add_windows, add_normalisation, add_recurrent, add_losses})
            add(list);
        std::map<std::string_view, Mapping> by_name;
        for (const Mapping& entry : list) by_name.emplace(entry.name, entry);
        return by_name;
    }();
    const auto found = table.find(name);
    return found != table.end() ? &found->second : nullptr;
}

std::string Call::in(std::size_t i, DType type) { return cast(in(i), tensor(i).dtype(), type); }

std::string Call::cast(const std::string& name, DType from, DType to) {
    if (from == to) return name;
    return node("Cast", {name}, {attribute("to", static_cast<std::int64_t>(element_type(to)))});
}

// Attributes
// -----------------------------------------------------------------------------

std::string Call::scalar(std::string_view name, DType type) {
    const std::vector<double> values = each<double>(name);
    Size size;
    for (const double value : values) {
        if (std::trunc(value) != value || std::abs(value) >= 0x1p53) return constant(number(name), type);
        size.runs.push_back(static_cast<std::int64_t>(value));
    }
    return size.fixed() ? constant(values[0], type) : cast(builder.size(size), DType::i64, type);
}

Sizes Call::sizes(std::string_view name) const {
    Sizes list;
    for (const auto& run : each<std::vector<std::int64_t>>(name)) {
        list.resize(run.size());
        for (std::size_t i = 0; i < run.size(); ++i) list[i].runs.push_back(run[i]);
    }
    return list;
}

std::vector<std::int64_t> Call::list(std::string_view name) const {
    std::vector<std::int64_t> values;
    for (const Size& value : sizes(name)) {
        if (!value.fixed()) builder.refuse_number(name, value.runs);
        values.push_back(value.first());
    }
    return values;
}

// Nodes
// -----------------------------------------------------------------------------

std::string Call::reshape(const std::string& x, const Sizes& before, const Sizes& after) {
    if (before == after) return x;
    // 0 is the size in the same place, -1 what is left.
    std::vector<std::int64_t> sizes;
    std::vector<std::size_t> open;
    bool empty = false;
    for (std::size_t d = 0; d < after.size(); ++d) {
        empty = empty || (after[d].fixed() && after[d].first() == 0);
        if (after[d].fixed()) {
            sizes.push_back(after[d].first());
        } else if (d < before.size() && before[d] == after[d]) {
            sizes.push_back(0);
        } else {
            sizes.push_back(-1);
            open.push_back(d);
        }
    }
    if (empty) return node("Reshape", {x, builder.sizes(after)}, {attribute("allowzero", std::int64_t{1})});
    if (open.size() <= 1) return node("Reshape", {x, builder.integers(sizes)});
    return node("Reshape", {x, builder.sizes(after)});
}

std::string Call::swap_last_two(const std::string& x, int rank) {
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
    std::iota(dims.begin(), dims.end(), 0);
    std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
    return transpose(x, dims);
}

std::string Call::reduce(const std::string& op, const std::string& x, const std::vector<std::int64_t>& dims,
                         bool keepdim) {
    // Dimensions became an input, of ReduceSum in 13, of the others in 18.
    constexpr std::int64_t all_by_input = 18;
    NodeAttributes attributes{attribute("keepdims", std::int64_t{keepdim})};
    Names inputs{x};
    if (!dims.empty() && (op == "ReduceSum" || builder.opset() >= all_by_input))
        inputs.push_back(builder.integers(dims));
    else if (!dims.empty())
        attributes.push_back(attribute("axes", dims));
    return node(op, inputs, attributes);
}

std::string Call::slice(const std::string& x, std::int64_t dim, std::int64_t start, std::int64_t stop,
                        std::int64_t step) {
    Names inputs{x, builder.integers({start}), builder.integers({stop}), builder.integers({dim})};
    if (step != 1) inputs.push_back(builder.integers({step}));
    return node("Slice", inputs);
}

}  // namespace adjoint::onnx::exporting
