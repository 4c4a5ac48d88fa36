// The shapes of results, operator by operator. An operator that is not here gives results of which
// nothing is known.
#include <adjoint/onnx/import/shapes.h>

#include <algorithm>
#include <map>

#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/shape_forms.h>
#include <adjoint/onnx/import/window.h>

namespace adjoint::onnx {

namespace {

using InferForms = Forms (*)(const ShapeQuestion&);

Forms same(const ShapeQuestion& q) { return {q.inputs.at(0)}; }
Forms same_dims(const ShapeQuestion& q) { return {Form{q.inputs.at(0).dims}}; }

std::int64_t joined_size(std::int64_t a, std::int64_t b) {
    if (a == b || b == 1) return a;
    if (a == 1) return b;
    return a < 0 ? (b < 0 ? unknown : b) : a;
}

Forms broadcast(const ShapeQuestion& q) {
    Integers result;
    if (q.opset < 7) return nothing();
    for (std::size_t i = 0; i < q.inputs.size(); ++i) {
        if (!q.has(i)) return nothing();
        Integers own = q.dims(i);
        const std::size_t rank = std::max(result.size(), own.size());
        const Integers before = result;
        result.insert(result.begin(), rank - result.size(), 1);
        own.insert(own.begin(), rank - own.size(), 1);
        for (std::size_t d = 0; d < rank; ++d) {
            check<ShapeError>(may_equal(result[d], own[d]) || result[d] == 1 || own[d] == 1,
                              "shapes {} and {} do not broadcast", shown(before), shown(q.dims(i)));
            result[d] = joined_size(result[d], own[d]);
        }
    }
    return {of_dims(result)};
}

/// Of windows: one size for each axis that is known.
Integers window_results(const WindowAttributes& attributes, const Integers& dims, const Integers& kernel) {
    Integers result;
    for (std::size_t i = 0; i + 2 < dims.size(); ++i) {
        const std::size_t rank = dims.size() - 2;
        const auto part = [&](const Integers& list) { return list.empty() ? list : Integers{list.at(i)}; };
        WindowAttributes axis = attributes;
        axis.strides = part(attributes.strides);
        axis.dilations = part(attributes.dilations);
        if (!attributes.pads.empty()) axis.pads = {attributes.pads.at(i), attributes.pads.at(i + rank)};
        const bool known = dims[i + 2] >= 0 && kernel.at(i) >= 0;
        result.push_back(known ? window_axes(axis, {dims[i + 2]}, {kernel[i]})[0].result : unknown);
    }
    return result;
}

void check_window_lists(const WindowAttributes& a, std::size_t rank) {
    const auto fits = [](const Integers& list, std::size_t size) {
        return list.empty() || list.size() == size;
    };
    check<ShapeError>(
        fits(a.kernel, rank) && fits(a.strides, rank) && fits(a.dilations, rank) && fits(a.pads, 2 * rank),
        "the window does not have the {} axes of the image", rank);
}

WindowAttributes window_of(const ShapeQuestion& q) {
    const Attributes attributes(q.node.attributes);
    return window_attributes({attributes, q.opset, q.inputs.size(), q.node.outputs.size(), {}});
}

Forms conv(const ShapeQuestion& q) {
    if (!q.has(0) || !q.has(1)) return nothing();
    const Integers &x = q.dims(0), &w = q.dims(1);
    check<ShapeError>(x.size() >= 3 && x.size() == w.size(), "a kernel of shape {} on {}", shown(w),
                      shown(x));
    const std::int64_t groups = Attributes(q.node.attributes).integer("group", 1);
    check<ShapeError>(x[1] < 0 || w[1] < 0 || (groups > 0 && x[1] % groups == 0 && x[1] / groups == w[1]),
                      "a kernel of shape {} in {} groups on {}: the channels do not fit", shown(w), groups,
                      shown(x));
    if (q.has(2))
        check<ShapeError>(q.dims(2).size() == 1 && may_equal(q.dims(2)[0], w[0]),
                          "a bias of shape {} for {} filters", shown(q.dims(2)), w[0]);
    const WindowAttributes window = window_of(q);
    check_window_lists(window, x.size() - 2);
    Integers result = window_results(window, x, Integers(w.begin() + 2, w.end()));
    result.insert(result.begin(), {x[0], w[0]});
    return {of_dims(result)};
}

Forms pool(const ShapeQuestion& q) {
    if (!q.has(0)) return nothing();
    const Integers& x = q.dims(0);
    const WindowAttributes window = window_of(q);
    check<ShapeError>(x.size() >= 3 && window.kernel.size() + 2 == x.size(), "a window of {} axes on {}",
                      window.kernel.size(), shown(x));
    check_window_lists(window, x.size() - 2);
    Integers result = window_results(window, x, window.kernel);
    result.insert(result.begin(), {x[0], x[1]});
    return Forms(q.node.outputs.size(), of_dims(result));
}

Forms global_pool(const ShapeQuestion& q) {
    if (!q.has(0)) return nothing();
    Integers result = q.dims(0);
    check<ShapeError>(result.size() >= 3, "{} has no spatial axis", shown(result));
    std::fill(result.begin() + 2, result.end(), 1);
    return {of_dims(result)};
}

/// Scale, bias, mean and variance are those of the channels.
Forms by_channel_form(const ShapeQuestion& q) {
    if (!q.has(0)) return nothing();
    check<ShapeError>(q.dims(0).size() >= 2, "{} has no channels", shown(q.dims(0)));
    for (std::size_t i = 1; i < q.inputs.size(); ++i)
        if (q.has(i))
            check<ShapeError>(q.dims(i).size() == 1 && may_equal(q.dims(i)[0], q.dims(0)[1]),
                              "input {} of shape {} for the channels of {}", i, shown(q.dims(i)),
                              shown(q.dims(0)));
    return {of_dims(q.dims(0))};
}

Forms matmul_form(const ShapeQuestion& q) {
    if (!q.has(0) || !q.has(1)) return nothing();
    Integers a = q.dims(0), b = q.dims(1);
    check<ShapeError>(!a.empty() && !b.empty(), "a product with a scalar: {} x {}", shown(a), shown(b));
    const std::int64_t inner = b[b.size() == 1 ? 0 : b.size() - 2];
    check<ShapeError>(may_equal(a.back(), inner), "inner sizes differ: {} x {}", shown(a), shown(b));
    if (a.size() < 2 || b.size() < 2) return nothing();
    const std::int64_t rows = a[a.size() - 2], columns = b.back();
    a.resize(a.size() - 2);
    b.resize(b.size() - 2);
    Forms leading = broadcast({q.node, q.opset, {of_dims(a), of_dims(b)}});
    if (!leading[0].dims) return nothing();
    leading[0].dims->insert(leading[0].dims->end(), {rows, columns});
    return leading;
}

Forms gemm_form(const ShapeQuestion& q) {
    if (!q.has(0) || !q.has(1)) return nothing();
    const Attributes attributes(q.node.attributes);
    const Integers &a = q.dims(0), &b = q.dims(1);
    const bool ta = attributes.flag("transA"), tb = attributes.flag("transB");
    check<ShapeError>(a.size() == 2 && b.size() == 2, "{} and {} are no matrices", shown(a), shown(b));
    check<ShapeError>(may_equal(a[ta ? 0 : 1], b[tb ? 1 : 0]), "inner sizes differ: {}{} x {}{}", shown(a),
                      ta ? "^T" : "", shown(b), tb ? "^T" : "");
    const Integers result{a[ta ? 1 : 0], b[tb ? 0 : 1]};
    if (q.has(2)) (void)broadcast({q.node, q.opset, {of_dims(result), q.inputs[2]}});
    return {of_dims(result)};
}

template <int since> Forms reduce_form(const ShapeQuestion& q) {
    const Attributes attributes(q.node.attributes);
    const auto axes = known_axes(q, since);
    const bool all = !axes && q.inputs.size() < 2 && !attributes.flag("noop_with_empty_axes");
    if (!q.has(0) || (!axes && !all) || (axes && axes->empty())) return nothing();
    const bool keep = attributes.flag("keepdims", true);
    Integers result = q.dims(0), over;
    for (std::size_t i = 0; all && i < result.size(); ++i) over.push_back(static_cast<std::int64_t>(i));
    if (axes) over = wrapped_axes(*axes, static_cast<int>(result.size()));
    for (auto axis = over.rbegin(); axis != over.rend(); ++axis) {
        if (keep)
            result[static_cast<std::size_t>(*axis)] = 1;
        else
            result.erase(result.begin() + *axis);
    }
    return {of_dims(result)};
}

template <int gates> Forms recurrent_form(const ShapeQuestion& q) {
    if (!q.has(0) || !q.has(1) || !q.has(2)) return nothing();
    const Integers &x = q.dims(0), &w = q.dims(1), &r = q.dims(2);
    check<ShapeError>(x.size() == 3 && w.size() == 3 && r.size() == 3 && may_equal(x[2], w[2]) &&
                          may_equal(w[1], r[1]) && (r[1] < 0 || r[2] < 0 || r[1] == gates * r[2]),
                      "weights {} and {} for inputs {}", shown(w), shown(r), shown(x));
    if (Attributes(q.node.attributes).flag("layout")) return {of_dims({x[0], x[1], w[0], r[2]})};
    return {of_dims({x[0], w[0], x[1], r[2]})};
}

const std::map<std::string, InferForms>& inferences() {
    static const auto* const all = [] {
        auto* table = new std::map<std::string, InferForms>{
            {"AveragePool", pool},
            {"BatchNormalization", by_channel_form},
            {"Concat", concat_form},
            {"Conv", conv},
            {"Flatten", flatten_form},
            {"GRU", recurrent_form<3>},
            {"Gather", gather_form},
            {"Gemm", gemm_form},
            {"Cast", same},
            {"Identity", same},
            {"InstanceNormalization", by_channel_form},
            {"LSTM", recurrent_form<4>},
            {"LpPool", pool},
            {"MatMul", matmul_form},
            {"MaxPool", pool},
            {"RNN", recurrent_form<1>},
            {"ReduceSum", reduce_form<13>},
            {"Reshape", reshape_form},
            {"Shape", shape_form},
            {"Squeeze", squeeze_form},
            {"Transpose", transpose_form},
            {"Unsqueeze", unsqueeze_form},
        };
        for (const char* name : {"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"})
            (*table)[name] = global_pool;
        for (const char* name : {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
                                 "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare"})
            (*table)[name] = reduce_form<18>;
        for (const char* name :
             {"Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean",
              "Min", "Mod", "Mul", "Or", "Pow", "Sub", "Sum", "Where", "Xor"})
            (*table)[name] = broadcast;
        for (const char* name : {"Abs",
                                 "Acos",
                                 "Acosh",
                                 "Asin",
                                 "Asinh",
                                 "Atan",
                                 "Atanh",
                                 "Ceil",
                                 "Celu",
                                 "Clip",
                                 "Cos",
                                 "Cosh",
                                 "CumSum",
                                 "DequantizeLinear",
                                 "Dropout",
                                 "Elu",
                                 "Erf",
                                 "Exp",
                                 "Floor",
                                 "Gelu",
                                 "GroupNormalization",
                                 "HardSigmoid",
                                 "HardSwish",
                                 "LRN",
                                 "LayerNormalization",
                                 "LeakyRelu",
                                 "Log",
                                 "LogSoftmax",
                                 "LpNormalization",
                                 "Mish",
                                 "Neg",
                                 "Not",
                                 "QuantizeLinear",
                                 "Reciprocal",
                                 "Relu",
                                 "Round",
                                 "Selu",
                                 "Shrink",
                                 "Sigmoid",
                                 "Sign",
                                 "Sin",
                                 "Sinh",
                                 "Softmax",
                                 "Softplus",
                                 "Softsign",
                                 "Sqrt",
                                 "Tan",
                                 "Tanh",
                                 "ThresholdedRelu"})
            (*table)[name] = same_dims;
        return table;
    }();
    return *all;
}

}  // namespace

std::vector<Form> infer_forms(const ShapeQuestion& question) {
    const auto found = inferences().find(question.node.op_type);
    if (found == inferences().end() || question.inputs.empty()) return {};
    return found->second(question);
}

}  // namespace adjoint::onnx
