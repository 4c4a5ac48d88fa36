// Recurrent layers over whole sequences, step by step.
#include <algorithm>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

using CellActivation = std::function<Tensor(const Tensor&)>;

CellActivation activation_named(std::string name, double alpha, double beta, bool has_alpha, bool has_beta) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const auto first = [&](double otherwise) { return has_alpha ? alpha : otherwise; };
    const auto second = [&](double otherwise) { return has_beta ? beta : otherwise; };
    if (name == "sigmoid") return [](const Tensor& x) { return sigmoid(x); };
    if (name == "tanh") return [](const Tensor& x) { return tanh(x); };
    if (name == "relu") return [](const Tensor& x) { return relu(x); };
    if (name == "softsign") return [](const Tensor& x) { return softsign(x); };
    if (name == "softplus") return [](const Tensor& x) { return softplus(x); };
    if (name == "leakyrelu") return [a = first(0.01)](const Tensor& x) { return leaky_relu(x, a); };
    if (name == "elu") return [a = first(1)](const Tensor& x) { return elu(x, a); };
    if (name == "affine") return [a = first(1), b = second(0)](const Tensor& x) { return x * a + b; };
    if (name == "scaledtanh")
        return [a = first(1), b = second(1)](const Tensor& x) { return tanh(x * b) * a; };
    if (name == "hardsigmoid")
        return [a = first(0.2), b = second(0.5)](const Tensor& x) { return clamp(x * a + b, 0, 1); };
    if (name == "thresholdedrelu")
        return
            [a = first(1)](const Tensor& x) { return where(gt(x, filled({}, a, x)), x, filled({}, 0, x)); };
    fail<ValueError>("the activation {} is not known", name);
}

struct RecurrentSettings {
    std::int64_t hidden = 0;
    int directions = 1;
    bool reverse = false, batch_first = false, coupled = false, reset_after = false;
    std::optional<double> clip;
    std::vector<CellActivation> activations;  // of all directions, one after the other
};

RecurrentSettings recurrent_settings(const Build& b, const std::vector<std::string>& defaults) {
    const Attributes& a = b.attributes;
    RecurrentSettings s;
    const std::string direction = a.text("direction", "forward");
    check<ValueError>(direction == "forward" || direction == "reverse" || direction == "bidirectional",
                      "direction is \"{}\"", direction);
    s.directions = direction == "bidirectional" ? 2 : 1;
    s.reverse = direction == "reverse";
    s.hidden = a.integer("hidden_size", 0);
    s.batch_first = a.flag("layout");
    if (a.has("clip")) s.clip = a.real("clip", 0);
    a.ignore("output_sequence");
    std::vector<std::string> names = a.texts("activations");
    if (names.empty())
        for (int i = 0; i < s.directions; ++i) names.insert(names.end(), defaults.begin(), defaults.end());
    check<ValueError>(names.size() == defaults.size() * static_cast<std::size_t>(s.directions),
                      "{} activations, expected {}", names.size(),
                      defaults.size() * static_cast<std::size_t>(s.directions));
    const auto alphas = a.reals("activation_alpha").value_or(std::vector<double>{});
    const auto betas = a.reals("activation_beta").value_or(std::vector<double>{});
    for (std::size_t i = 0; i < names.size(); ++i)
        s.activations.push_back(activation_named(names[i], i < alphas.size() ? alphas[i] : 0,
                                                 i < betas.size() ? betas[i] : 0, i < alphas.size(),
                                                 i < betas.size()));
    return s;
}

/// The state of one direction, and its step; `x` is what the input gives to all gates, biases of both sides
/// added unless the cell wants those of the state for itself.
struct CellState {
    Tensor h, c = {};
};
struct Direction {
    Tensor recurrent;  // (gates hidden, hidden)
    Tensor bias;       // of the state, (gates hidden) or undefined
    Tensor peepholes;  // (3 hidden) or undefined
    const CellActivation* f = nullptr;
};

Tensor clipped(const Tensor& x, const RecurrentSettings& s) {
    return s.clip ? clamp(x, -*s.clip, *s.clip) : x;
}
Tensor gate(const Tensor& x, std::int64_t hidden, int i) { return narrow(x, -1, i * hidden, hidden); }

CellState rnn_step(const Tensor& x, const CellState& state, const Direction& d, const RecurrentSettings& s) {
    return {d.f[0](clipped(x + linear(state.h, d.recurrent, d.bias), s))};
}

/// Gates: update, reset, new.
CellState gru_step(const Tensor& x, const CellState& state, const Direction& d, const RecurrentSettings& s) {
    const std::int64_t n = s.hidden;
    const auto part = [&](const Tensor& t, int from, int gates) {
        return t.defined() ? narrow(t, 0, from * n, gates * n) : t;
    };
    const Tensor gates =
        narrow(x, -1, 0, 2 * n) + linear(state.h, part(d.recurrent, 0, 2), part(d.bias, 0, 2));
    const Tensor both = d.f[0](clipped(gates, s));
    const Tensor update = gate(both, n, 0), reset = gate(both, n, 1);
    const Tensor weight = part(d.recurrent, 2, 1), bias = part(d.bias, 2, 1);
    const Tensor inner =
        s.reset_after ? reset * linear(state.h, weight, bias) : linear(reset * state.h, weight, bias);
    const Tensor fresh = d.f[1](clipped(gate(x, n, 2) + inner, s));
    return {fresh + update * (state.h - fresh)};
}

/// Gates: input, output, forget, cell.
CellState lstm_step(const Tensor& x, const CellState& state, const Direction& d, const RecurrentSettings& s) {
    const std::int64_t n = s.hidden;
    const Tensor gates = x + linear(state.h, d.recurrent, d.bias);
    const auto peeped = [&](int i, int hole, const Tensor& c) {
        const Tensor own = gate(gates, n, i);
        return clipped(d.peepholes.defined() ? own + gate(d.peepholes, n, hole) * c : own, s);
    };
    const Tensor input = d.f[0](peeped(0, 0, state.c));
    const Tensor forget = s.coupled ? 1 - input : d.f[0](peeped(2, 2, state.c));
    const Tensor c = forget * state.c + input * d.f[1](clipped(gate(gates, n, 3), s));
    const Tensor output = d.f[0](peeped(1, 1, c));
    return {output * d.f[2](c), c};
}

using Step = CellState (*)(const Tensor&, const CellState&, const Direction&, const RecurrentSettings&);

/// For each step of time the sequences that still run, (N, 1) of bool; nothing if all run to the end.
std::vector<Tensor> running(const Integers& lengths, std::int64_t time, Device device) {
    if (std::all_of(lengths.begin(), lengths.end(), [&](auto length) { return length >= time; })) return {};
    std::vector<Tensor> masks;
    for (std::int64_t t = 0; t < time; ++t) {
        Integers runs;
        for (const std::int64_t length : lengths) runs.push_back(t < length);
        masks.push_back(
            integers_of(runs, {static_cast<std::int64_t>(runs.size()), 1}).to(DType::boolean).to(device));
    }
    return masks;
}

CellState chosen(const Tensor& mask, const CellState& now, const CellState& before) {
    return {where(mask, now.h, before.h), now.c.defined() ? where(mask, now.c, before.c) : Tensor()};
}

/// Results: (T, directions, N, hidden), the last states (directions, N, hidden), and the last cells.
template <int gates> Values run_recurrent(const Call& c, const RecurrentSettings& s, Step step) {
    const bool cells = step == lstm_step;
    const Tensor x = s.batch_first ? transpose(c[0], 0, 1) : c[0];
    check<ShapeError>(x.dim() == 3 && c[1].dim() == 3 && c[2].dim() == 3, "input {}, weights {} and {}",
                      c[0].shape(), c[1].shape(), c[2].shape());
    RecurrentSettings own = s;
    own.hidden = c[2].size(2);
    check<ShapeError>(c[1].size(0) == s.directions && c[1].size(1) == gates * own.hidden &&
                          c[2].size(1) == gates * own.hidden && c[1].size(2) == x.size(2),
                      "weights {} and {} for {} gates of {} hidden over {} inputs", c[1].shape(),
                      c[2].shape(), gates, own.hidden, x.size(2));
    const std::int64_t time = x.size(0), batch = x.size(1);
    std::vector<Tensor> masks;
    if (c.has(4)) masks = running(c.integers(4), time, x.device());
    const auto initial = [&](std::size_t i, int direction) {
        if (!c.has(i)) return filled({batch, own.hidden}, 0, x);
        return select(c[i], s.batch_first ? 1 : 0, direction);
    };
    std::vector<Tensor> outputs, last, last_cells;
    for (int k = 0; k < s.directions; ++k) {
        Direction d{select(c[2], 0, k),
                    {},
                    {},
                    s.activations.data() + static_cast<std::size_t>(k) * s.activations.size() /
                                               static_cast<std::size_t>(s.directions)};
        Tensor input_bias;
        if (c.has(3)) {
            const Tensor both = select(c[3], 0, k);
            input_bias = narrow(both, 0, 0, gates * own.hidden);
            d.bias = narrow(both, 0, gates * own.hidden, gates * own.hidden);
        }
        if (cells && c.has(7)) d.peepholes = select(c[7], 0, k);
        const std::vector<Tensor> inputs = unbind(linear(x, select(c[1], 0, k), input_bias));
        CellState state{initial(5, k), cells ? initial(6, k) : Tensor()};
        std::vector<Tensor> y(inputs.size());
        for (std::int64_t i = 0; i < time; ++i) {
            const auto t = static_cast<std::size_t>(s.reverse || k == 1 ? time - 1 - i : i);
            const CellState now = step(inputs[t], state, d, own);
            state = masks.empty() ? now : chosen(masks[t], now, state);
            y[t] = masks.empty() ? now.h : where(masks[t], now.h, filled({}, 0, now.h));
        }
        outputs.push_back(y.empty() ? filled({0, batch, own.hidden}, 0, x) : stack(y));
        last.push_back(state.h);
        if (cells) last_cells.push_back(state.c);
    }
    const int at = s.batch_first ? 1 : 0;
    Tensor y = stack(outputs, 1);
    if (s.batch_first) y = permute(y, {2, 0, 1, 3});
    Values out{Value(y), Value(stack(last, at))};
    if (cells) out.emplace_back(stack(last_cells, at));
    return out;
}

Kernel rnn(const Build& b) {
    return [s = recurrent_settings(b, {"Tanh"})](const Call& c) -> Values {
        return run_recurrent<1>(c, s, rnn_step);
    };
}

Kernel gru(const Build& b) {
    RecurrentSettings s = recurrent_settings(b, {"Sigmoid", "Tanh"});
    s.reset_after = b.attributes.flag("linear_before_reset");
    return [s](const Call& c) -> Values { return run_recurrent<3>(c, s, gru_step); };
}

Kernel lstm(const Build& b) {
    RecurrentSettings s = recurrent_settings(b, {"Sigmoid", "Tanh", "Tanh"});
    s.coupled = b.attributes.flag("input_forget");
    return [s](const Call& c) -> Values { return run_recurrent<4>(c, s, lstm_step); };
}

constexpr InputSet lengths = set_of({4});

}  // namespace

std::span<const Row> recurrent_rows() {
    static constexpr Row rows[] = {
        {.name = "GRU", .since = 1, .make = gru, .host = lengths, .costly = true},
        {.name = "LSTM", .since = 1, .make = lstm, .host = lengths, .costly = true},
        {.name = "RNN", .since = 1, .make = rnn, .host = lengths, .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
