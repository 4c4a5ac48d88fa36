// Graphs inside of graphs: branches, loops, scans.
#include <algorithm>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

bool truth(const Call& c, std::size_t i) { return c.number(i) != 0; }

Kernel if_of(const Build& b) {
    return [then_body = b.body("then_branch"), else_body = b.body("else_branch")](const Call& c) -> Values {
        return (truth(c, 0) ? then_body : else_body)(c, {});
    };
}

/// What a step of a loop gave, kept until all of them are stacked.
const Tensor& held(const Call& c, const Value& value) {
    c.allowance->hold(value);
    return value.tensor;
}

/// What the steps of a loop gave, one below the other.
Tensor stacked(const Call& c, const std::vector<Tensor>& steps, int axis = 0) {
    if (steps.empty()) return zeros({0});
    const Tensor all = stack(steps, axis);
    for (const Tensor& step : steps) c.allowance->give_back(Value(step));
    return all;
}

/// Inputs: how often at most, whether at all, what is carried from step to step. Of the body: the number of
/// the step, whether, what is carried -> whether to go on, what is carried, what is collected.
Kernel loop(const Build& b) {
    const Body body = b.body("body");
    check<ValueError>(b.inputs >= 2 && body.inputs() == b.inputs && body.outputs() + 1 >= b.inputs,
                      "a body of {} inputs and {} outputs for a loop of {} inputs", body.inputs(),
                      body.outputs(), b.inputs);
    const std::size_t carried = b.inputs - 2;
    return [body, carried](const Call& c) -> Values {
        const bool bounded = c.has(0);
        const std::int64_t most = bounded ? c.integer(0) : 0;
        bool goes_on = !c.has(1) || truth(c, 1);
        Values state(c.inputs.begin() + 2, c.inputs.begin() + 2 + static_cast<std::ptrdiff_t>(carried));
        std::vector<std::vector<Tensor>> collected(body.outputs() - 1 - carried);
        std::vector<ElementType> types(collected.size(), ElementType::f32);
        for (std::int64_t i = 0; goes_on && (!bounded || i < most); ++i) {
            c.allowance->iterate();
            Values arguments{Value(integers_of({i}, {})), Value(Tensor(true))};
            arguments.insert(arguments.end(), state.begin(), state.end());
            Values out = body(c, std::move(arguments));
            goes_on = out[0].tensor.numel() == 1 && out[0].tensor.item() != 0;
            for (std::size_t k = 0; k < carried; ++k) state[k] = out[k + 1];
            for (std::size_t k = 0; k < collected.size(); ++k) {
                collected[k].push_back(held(c, out[k + 1 + carried]));
                types[k] = out[k + 1 + carried].type;
            }
        }
        for (std::size_t k = 0; k < collected.size(); ++k)
            state.emplace_back(stacked(c, collected[k]), types[k]);
        return state;
    };
}

struct ScanSettings {
    std::size_t scanned = 0;  // how many inputs are
    Integers in_reverse, out_reverse, in_axes, out_axes;

    bool reversed(const Integers& list, std::size_t i) const { return i < list.size() && list[i] != 0; }
    std::int64_t axis(const Integers& list, std::size_t i) const { return i < list.size() ? list[i] : 0; }
};

/// One scan: `inputs` are the states, then the tensors that are gone through.
Values scanned(const Call& c, const Body& body, const ScanSettings& s, const Values& inputs) {
    const std::size_t states = inputs.size() - s.scanned;
    std::vector<std::vector<Tensor>> slices;
    for (std::size_t i = 0; i < s.scanned; ++i) {
        const Tensor& x = inputs[states + i].tensor;
        slices.push_back(unbind(x, wrapped_axis(s.axis(s.in_axes, i), x.dim())));
        if (s.reversed(s.in_reverse, i)) std::reverse(slices.back().begin(), slices.back().end());
        check<ShapeError>(slices.back().size() == slices[0].size(), "sequences of {} and {} steps",
                          slices[0].size(), slices.back().size());
    }
    Values state(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(states));
    std::vector<std::vector<Tensor>> collected(body.outputs() - states);
    for (std::size_t t = 0; t < slices[0].size(); ++t) {
        c.allowance->iterate();
        Values arguments = state;
        for (std::size_t i = 0; i < s.scanned; ++i)
            arguments.emplace_back(slices[i][t], inputs[states + i].type);
        const Values out = body(c, std::move(arguments));
        std::copy_n(out.begin(), states, state.begin());
        for (std::size_t k = 0; k < collected.size(); ++k) collected[k].push_back(held(c, out[states + k]));
    }
    for (std::size_t k = 0; k < collected.size(); ++k) {
        if (s.reversed(s.out_reverse, k)) std::reverse(collected[k].begin(), collected[k].end());
        const std::int64_t axis = s.axis(s.out_axes, k);
        state.emplace_back(stacked(c, collected[k],
                                   collected[k].empty() ? 0 : wrapped_axis(axis, collected[k][0].dim() + 1)));
    }
    return state;
}

/// In version 8 with a batch, whose samples are scanned one after the other, and lengths for them.
Kernel scan(const Build& b) {
    const Body body = b.body("body");
    const std::int64_t count = b.attributes.integer("num_scan_inputs");
    ScanSettings s;
    const auto list = [&](const char* name) { return b.attributes.integers(name).value_or(Integers{}); };
    const bool batched = b.opset < 9;
    s.in_reverse = list(batched ? "directions" : "scan_input_directions");
    s.out_reverse = list("scan_output_directions");
    s.in_axes = list("scan_input_axes");
    s.out_axes = list("scan_output_axes");
    const std::size_t own = b.inputs - (batched ? 1 : 0);
    check<ValueError>(count > 0 && static_cast<std::size_t>(count) <= own && body.inputs() == own &&
                          body.outputs() + static_cast<std::size_t>(count) >= own,
                      "a body of {} inputs and {} outputs for {} inputs, of which {} are scanned",
                      body.inputs(), body.outputs(), own, count);
    s.scanned = static_cast<std::size_t>(count);
    return [=](const Call& c) -> Values {
        if (!batched)
            return scanned(c, body, s,
                           Values(c.inputs.begin(), c.inputs.begin() + static_cast<std::ptrdiff_t>(own)));
        const std::int64_t samples = c[1].size(0);
        std::vector<std::vector<Tensor>> all;
        for (std::int64_t n = 0; n < samples; ++n) {
            Values inputs;
            for (std::size_t i = 0; i < own; ++i) {
                Tensor x = select(c[i + 1], 0, n);
                if (i >= own - s.scanned && c.has(0))
                    x = narrow(x, 0, 0, c.integers(0).at(static_cast<std::size_t>(n)));
                inputs.emplace_back(x, c.type(i + 1));
            }
            const Values out = scanned(c, body, s, inputs);
            all.resize(out.size());
            for (std::size_t k = 0; k < out.size(); ++k) all[k].push_back(out[k].tensor);
        }
        Values out;
        for (const auto& parts : all) out.emplace_back(stack(parts));
        return out;
    };
}

}  // namespace

std::span<const Row> control_rows() {
    static constexpr Row rows[] = {
        {"If", 1, if_of, set_of({0}), Nature::dynamic},
        {"Loop", 1, loop, set_of({0, 1}), Nature::dynamic},
        {"Scan", 8, scan, 0, Nature::dynamic},
    };
    return rows;
}

}  // namespace adjoint::onnx
