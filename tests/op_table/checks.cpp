// What the rows of the operator table are held to.
#include "op_table/checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/backward/gradcheck.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::table {
namespace {

Arrays input_arrays(const Row& row) {
    Arrays arrays;
    for (std::size_t i = 0; i < row.inputs.size(); ++i)
        arrays.push_back(generate(row.inputs[i], row.name(), i));
    return arrays;
}

bool varies(const Row& row, std::size_t i) {
    return row.inputs[i].floating() && row.inputs[i].wants_gradient;
}

Tensors make_inputs(const Row& row, DType type, Device device, bool with_gradient = false) {
    const Arrays arrays = input_arrays(row);
    Tensors inputs;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
        inputs.push_back(to_tensor(arrays[i], row.inputs[i], type).to(device));
        if (with_gradient && varies(row, i)) inputs.back().set_requires_grad();
    }
    return inputs;
}

bool same_number(double a, double b, double tolerance) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (std::isinf(a) || std::isinf(b)) return a == b;
    return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

void expect_same(const Tensor& got, const Tensor& expected, double tolerance, const std::string& what) {
    ASSERT_EQ(got.defined(), expected.defined()) << what;
    if (!got.defined()) return;
    ASSERT_EQ(to_string(got.shape()), to_string(expected.shape())) << what;
    const std::vector<double> a = got.to_vector<double>(), b = expected.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i)
        ASSERT_TRUE(same_number(a[i], b[i], tolerance))
            << what << ": element " << i << ": " << a[i] << " against " << b[i];
}

void expect_values_of(const Row& row, DType type, Device device, double tolerance) {
    const Arrays expected = row.reference(input_arrays(row));
    const Tensors got = row.call(make_inputs(row, type, device));
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t k = 0; k < got.size(); ++k) {
        const std::string what = std::string(name(type)) + " output " + std::to_string(k);
        ASSERT_EQ(to_string(got[k].device()), to_string(device)) << what;
        ASSERT_EQ(to_string(got[k].shape()), to_string(expected[k].shape)) << what;
        if (is_floating(got[k].dtype())) {
            EXPECT_EQ(name(got[k].dtype()), std::string(name(type))) << what;
        }
        const std::vector<double> values = got[k].to_vector<double>();
        for (std::size_t i = 0; i < values.size(); ++i)
            ASSERT_TRUE(same_number(values[i], expected[k].values[i], tolerance))
                << what << ", element " << i << ": expected " << expected[k].values[i] << ", got "
                << values[i];
    }
}

// The same values in other memory
// -----------------------------------------------------------------------------

Tensor reversed_memory(const Tensor& x) {
    Shape order;
    for (int d = x.dim() - 1; d >= 0; --d) order.push_back(d);
    return permute(permute(x, order).clone(), order);
}

Tensor every_second(const Tensor& x) {
    if (x.dim() == 0) return x;
    Shape wide = x.shape();
    wide[wide.size() - 1] = 2 * x.size(-1) + 1;
    const Tensor memory = full(wide, 77, {.dtype = x.dtype(), .device = x.device()});
    const Tensor view = slice(memory, -1, 1, wide.back(), 2);
    view.copy_(x);
    return view;
}

Tensor with_offset(const Tensor& x) {
    const Tensor memory = full({x.numel() + 5}, 77, {.dtype = x.dtype(), .device = x.device()});
    const Tensor view =
        reshape(narrow(memory, 0, 3, x.numel()), x.numel() == 0 ? Shape{x.numel()} : x.shape());
    if (x.numel() == 0) return x;
    view.copy_(x);
    return view;
}

struct Layout {
    const char* name;
    Tensor (*make)(const Tensor&);
};
constexpr Layout layouts[] = {
    {"reversed", reversed_memory}, {"stepped", every_second}, {"offset", with_offset}};

// Outputs and gradients of a row for inputs in any memory; the incoming gradients are made by `cotangent`.
struct Outcome {
    Tensors outputs, gradients;
};

using Cotangent = std::function<Tensor(const Tensor& output)>;

Tensor ramp(const Tensor& y) {
    std::vector<double> values(static_cast<std::size_t>(y.numel()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.25 + 0.125 * static_cast<double>(i % 11);
    return tensor(values, y.shape(), {.dtype = y.dtype(), .device = y.device()});
}

Outcome evaluate(const Row& row, const Tensors& inputs, const Cotangent& cotangent = ramp,
                 bool create_graph = false) {
    Outcome outcome;
    Tensors leaves, wanted;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        leaves.push_back(inputs[i].detach());
        if (!row.differentiable || !varies(row, i)) continue;
        leaves.back().set_requires_grad();
        wanted.push_back(leaves.back());
    }
    outcome.outputs = row.call(leaves);
    if (wanted.empty()) return outcome;
    Tensors reached;
    GradOptions options{
        .grad_outputs = {}, .retain_graph = false, .create_graph = create_graph, .allow_unused = true};
    for (const Tensor& y : outcome.outputs) {
        if (!y.requires_grad()) continue;
        reached.push_back(y);
        options.grad_outputs.push_back(cotangent(y));
    }
    if (!reached.empty()) outcome.gradients = grad(reached, wanted, options);
    for (Tensor& y : outcome.outputs) y = y.detach();
    return outcome;
}

void expect_same_outcome(const Outcome& got, const Outcome& expected, double tolerance,
                         const std::string& what) {
    ASSERT_EQ(got.outputs.size(), expected.outputs.size()) << what;
    ASSERT_EQ(got.gradients.size(), expected.gradients.size()) << what;
    for (std::size_t k = 0; k < got.outputs.size(); ++k)
        expect_same(got.outputs[k], expected.outputs[k], tolerance, what + ", output " + std::to_string(k));
    for (std::size_t k = 0; k < got.gradients.size(); ++k)
        expect_same(got.gradients[k], expected.gradients[k], tolerance,
                    what + ", gradient " + std::to_string(k));
}

}  // namespace

void expect_any_layout(const Row& row, Device device) {
    for (const auto& [type, tolerance] : {std::pair(DType::f64, 1e-11), std::pair(DType::f32, 1e-5),
                                          std::pair(DType::f16, 4e-3), std::pair(DType::bf16, 3e-2)}) {
        SCOPED_TRACE(name(type));
        const Tensors dense = make_inputs(row, type, device);
        const Outcome expected = evaluate(row, dense);
        for (const Layout& layout : layouts) {
            Tensors moved;
            for (const Tensor& x : dense) moved.push_back(layout.make(x));
            expect_same_outcome(evaluate(row, moved), expected, tolerance, layout.name);
        }
        if (row.on_distinct_only) continue;
        for (std::size_t i = 0; i < dense.size(); ++i) {
            for (int d = 0; d < dense[i].dim(); ++d) {
                if (dense[i].size(d) < 2 || row.inputs[i].kind == Input::Kind::fixed_integer) continue;
                Tensors expanded = dense, copied = dense;
                expanded[i] = expand(narrow(dense[i], d, 0, 1), dense[i].shape());
                copied[i] = expanded[i].clone();
                expect_same_outcome(
                    evaluate(row, expanded), evaluate(row, copied), tolerance,
                    "input " + std::to_string(i) + " expanded in dimension " + std::to_string(d));
            }
        }
    }
}

void expect_any_incoming_layout(const Row& row, Device device) {
    const Tensors inputs = make_inputs(row, DType::f64, device);
    const Outcome expected = evaluate(row, inputs);
    expect_same_outcome(evaluate(row, inputs, [](const Tensor& y) { return reversed_memory(ramp(y)); }),
                        expected, 1e-11, "transposed incoming gradient");
    expect_same_outcome(evaluate(row, inputs, [](const Tensor& y) { return every_second(ramp(y)); }),
                        expected, 1e-11, "stepped incoming gradient");
    const auto constant = [](const Tensor& y) { return full_like(y, 0.75); };
    const auto expanded = [](const Tensor& y) {
        return expand(full({}, 0.75, {.dtype = y.dtype(), .device = y.device()}), y.shape());
    };
    expect_same_outcome(evaluate(row, inputs, expanded), evaluate(row, inputs, constant), 1e-11,
                        "expanded incoming gradient");
}

void expect_derivatives(const Row& row, Device device) {
    const Tensors inputs = make_inputs(row, DType::f64, device, true);
    const GradcheckResult first = gradcheck(row.call, inputs);
    EXPECT_TRUE(first.ok) << first.message;
    if (row.second) {
        const GradcheckResult second = gradgradcheck(row.call, inputs);
        EXPECT_TRUE(second.ok) << "second order: " << second.message;
        // What a function saved may be a dense copy of its input: its history must not end there.
        Tensors moved;
        for (const Tensor& x : inputs)
            moved.push_back(reversed_memory(x.detach()).detach().set_requires_grad(x.requires_grad()));
        const GradcheckResult transposed = gradgradcheck(row.call, moved);
        EXPECT_TRUE(transposed.ok) << "second order, transposed memory: " << transposed.message;
    }
    // The fused slope of an ordinary pass and the recorded derivative say the same.
    expect_same_outcome(evaluate(row, inputs, ramp, true), evaluate(row, inputs), 1e-10, "recorded pass");
}

void expect_single_precision(const Row& row, Device device) {
    const Outcome wide = evaluate(row, make_inputs(row, DType::f64, device));
    const Outcome narrow = evaluate(row, make_inputs(row, DType::f32, device));
    expect_same_outcome(narrow, wide, 1e-3, "f32");
    for (const Tensor& g : narrow.gradients)
        EXPECT_TRUE(!g.defined() || g.dtype() == DType::f32) << "the gradient has type " << name(g.dtype());
}

void expect_half_precision(const Row& row, Device device) {
    for (const auto& [type, tolerance] : {std::pair(DType::f16, 4e-3), std::pair(DType::bf16, 3e-2)}) {
        const Tensors inputs = make_inputs(row, type, device);
        Tensors widened;
        for (std::size_t i = 0; i < inputs.size(); ++i)
            widened.push_back(row.inputs[i].floating() ? inputs[i].to(DType::f64) : inputs[i]);
        const Outcome wide = evaluate(row, widened), narrow = evaluate(row, inputs);
        expect_same_outcome(narrow, wide, tolerance, name(type));
        for (const Tensor& y : narrow.outputs)
            EXPECT_TRUE(!is_floating(y.dtype()) || y.dtype() == type)
                << "the result has type " << name(y.dtype());
        for (const Tensor& g : narrow.gradients)
            EXPECT_TRUE(!g.defined() || g.dtype() == type) << "the gradient has type " << name(g.dtype());
    }
}

void expect_values(const Row& row, Device device) {
    expect_values_of(row, DType::f64, device, row.tolerance_f64);
    expect_values_of(row, DType::f32, device, row.tolerance_f32);
}

void expect_as_on_cpu(const Row& row, Device device) {
    for (const DType type : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
        const std::string what = std::string(name(type)) + " on " + to_string(device) + " and cpu";
        Outcome here, there;
        try {
            here = evaluate(row, make_inputs(row, type, Device::cpu()));
        } catch (const DTypeError&) {
            EXPECT_THROW(evaluate(row, make_inputs(row, type, device)), DTypeError) << what;
            continue;
        }
        there = evaluate(row, make_inputs(row, type, device));
        // Sums may be taken in another order: some units in the last place of the type.
        const double tolerance = type == DType::f64 ? 1e-12 : (type == DType::f32 ? 1e-5 : 2e-2);
        expect_same_outcome(there, here, tolerance, what);
    }
}

void expect_everything(const Row& row, Device device) {
    expect_values(row, device);
    expect_half_precision(row, device);
    expect_any_layout(row, device);
    if (!row.differentiable) return;
    expect_any_incoming_layout(row, device);
    expect_derivatives(row, device);
    expect_single_precision(row, device);
}

std::set<std::string> all_operators() {
    std::set<std::string> names;
    for (const Row& row : rows()) names.insert(row.op);
    return names;
}

}  // namespace adjoint::table
