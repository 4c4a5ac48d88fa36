// Recurrent layers: all inputs of a sequence by one matrix product and then step by step, or whole by a call
// of the device.
#include <adjoint/autograd/ops/recurrent.h>

#include <algorithm>
#include <array>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/composition.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/function.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::recurrent {
namespace {

/// (N, gates hidden) as `gates` views of (N, hidden).
std::vector<Tensor> gates_of(const Tensor& x, std::int64_t gates) {
    return unbind(reshape(x, {x.size(0), gates, x.size(1) / gates}), 1);
}

State lstm_step(const Tensor& input, const State& state, const Weights& w) {
    const std::vector<Tensor> gates = gates_of(input + linear(state.h, w.hh, w.bias_hh), 4);
    const Tensor c = sigmoid(gates[1]) * state.c + sigmoid(gates[0]) * tanh(gates[2]);
    return {sigmoid(gates[3]) * tanh(c), c};
}

State gru_step(const Tensor& input, const State& state, const Weights& w) {
    const std::vector<Tensor> from_x = gates_of(input, 3);
    const std::vector<Tensor> from_h = gates_of(linear(state.h, w.hh, w.bias_hh), 3);
    const Tensor reset = sigmoid(from_x[0] + from_h[0]), keep = sigmoid(from_x[1] + from_h[1]);
    const Tensor candidate = tanh(from_x[2] + reset * from_h[2]);
    return {candidate + keep * (state.h - candidate)};
}

Sequence step_by_step(RecurrentKind kind, const Tensor& x, const State& first, const Weights& w,
                      bool reverse) {
    std::vector<Tensor> inputs = unbind(linear(x, w.ih, w.bias_ih)), outputs;
    if (reverse) std::reverse(inputs.begin(), inputs.end());
    State state = first;
    for (const Tensor& input : inputs) {
        state = step(kind, input, state, w);
        outputs.push_back(state.h);
    }
    if (reverse) std::reverse(outputs.begin(), outputs.end());
    return {stack(outputs), state};
}

/// x, h_0, c_0, w_ih, w_hh, b_ih, b_hh: what a whole layer takes, and the order of its gradients.
using Inputs = std::array<Tensor, 7>;

/// A layer as one call of the device: dense operands of one type, y, h_n and c_n if there are cells.
struct Whole : Function {
    static constexpr auto name = "recurrent";
    Recurrence r;
    std::size_t reserve_bytes;
    std::array<Saved, std::tuple_size_v<Inputs>> saved;
    Saved y;
    Tensor reserve;

    Whole(const Recurrence& recurrence, std::size_t bytes) : r(recurrence), reserve_bytes(bytes) {}

    std::vector<Tensor> forward(std::span<const Tensor> in) {
        const Options options{.dtype = r.dtype, .device = in[0].device()};
        std::vector<Tensor> out{empty({r.steps, r.batch, r.hidden}, options),
                                empty({r.batch, r.hidden}, options)};
        if (r.has_cell()) out.push_back(empty({r.batch, r.hidden}, options));
        if (needs_any()) {
            // Null would mean that nothing is to be kept.
            const auto bytes = static_cast<std::int64_t>(std::max<std::size_t>(reserve_bytes, 1));
            reserve = empty({bytes}, {.dtype = DType::u8, .device = options.device});
            std::copy(in.begin(), in.end(), saved.begin());
            y.keep_output(out[0]);
        }
        RecurrentPass pass = operands(in);
        pass.y = data(out[0]);
        pass.h_n = data(out[1]);
        if (r.has_cell()) pass.c_n = data(out[2]);
        pass.reserve = data(reserve);
        pass.reserve_bytes = reserve.defined() ? static_cast<std::size_t>(reserve.numel()) : 0;
        backend(options.device).run(call::Recurrent{r, pass});
        return out;
    }

    Grads backward(const Grads& g) {
        Inputs in;
        for (std::size_t i = 0; i < in.size(); ++i) in[i] = saved[i].get();
        return grad_enabled() ? by_steps(in, g) : by_device(in, g);
    }

  private:
    static void* data(const Tensor& x) { return x.defined() ? x.impl().data : nullptr; }
    static RecurrentPass operands(std::span<const Tensor> in) {
        return {.x = data(in[0]),
                .h_0 = data(in[1]),
                .c_0 = data(in[2]),
                .w_ih = data(in[3]),
                .w_hh = data(in[4]),
                .b_ih = data(in[5]),
                .b_hh = data(in[6])};
    }

    Grads by_device(const Inputs& in, const Grads& g) {
        const Tensor output = y.get(), dy = g[0].contiguous(), dh = g[1].contiguous(),
                     dc = r.has_cell() ? g[2].contiguous() : Tensor();
        RecurrentPass pass = operands(in);
        pass.y = data(output);
        pass.reserve = data(reserve);
        pass.reserve_bytes = reserve.defined() ? static_cast<std::size_t>(reserve.numel()) : 0;
        Inputs d;
        for (std::size_t i = 0; i < in.size(); ++i)
            if (in[i].defined() && (i > 0 || needs(0))) d[i] = empty_like(in[i]);
        backend(output.device())
            .run(call::RecurrentBackward{r,
                                         pass,
                                         {.y = data(dy),
                                          .h_n = data(dh),
                                          .c_n = data(dc),
                                          .x = data(d[0]),
                                          .h_0 = data(d[1]),
                                          .c_0 = data(d[2]),
                                          .w_ih = data(d[3]),
                                          .w_hh = data(d[4]),
                                          .b_ih = data(d[5]),
                                          .b_hh = data(d[6])}});
        return as_grads(d);
    }

    Grads by_steps(const Inputs& in, const Grads& g) const {
        return composition::gradients(
            *this, std::vector<Tensor>(in.begin(), in.end()), g, [&](const auto& x) {
                const Sequence again =
                    step_by_step(r.kind, x[0], {x[1], x[2]}, {x[3], x[4], x[5], x[6]}, false);
                std::vector<Tensor> outputs{again.y, again.last.h};
                if (r.has_cell()) outputs.push_back(again.last.c);
                return outputs;
            });
    }

    static Grads as_grads(const Inputs& d) { return {d[0], d[1], d[2], d[3], d[4], d[5], d[6]}; }
};

}  // namespace

State step(RecurrentKind kind, const Tensor& input, const State& state, const Weights& w) {
    switch (kind) {
        case RecurrentKind::lstm:
            return lstm_step(input, state, w);
        case RecurrentKind::gru:
            return gru_step(input, state, w);
        case RecurrentKind::rnn_relu:
            return {relu(input + linear(state.h, w.hh, w.bias_hh))};
        default:
            return {tanh(input + linear(state.h, w.hh, w.bias_hh))};
    }
}

namespace {

Sequence by_device_or_steps(RecurrentKind kind, const Tensor& x, const State& first, const Weights& w,
                            bool reverse) {
    Inputs in{x, first.h, first.c, w.ih, w.hh, w.bias_ih, w.bias_hh};
    const bool alike = std::all_of(in.begin(), in.end(), [&](const Tensor& t) {
        return !t.defined() || (t.dtype() == x.dtype() && t.device() == x.device());
    });
    // An empty or odd operand is left to the operators and their messages.
    if (!alike || !is_floating(x.dtype()) || x.numel() == 0) return step_by_step(kind, x, first, w, reverse);
    const Recurrence r{.kind = kind,
                       .steps = x.size(0),
                       .batch = x.size(1),
                       .inputs = x.size(2),
                       .hidden = first.h.size(1),
                       .bias = w.bias_ih.defined(),
                       .dtype = compute_type(x.dtype()),
                       .precision = matmul_precision()};
    const auto reserve = backend(x.device()).recurrence_reserve(r);
    if (!reserve) return step_by_step(kind, x, first, w, reverse);

    if (reverse) in[0] = flip(x, {0});
    for (Tensor& t : in)
        if (t.defined()) t = t.to(r.dtype).contiguous();
    std::vector<Tensor> out = record(Whole(r, *reserve), std::span<const Tensor>(in));
    for (Tensor& t : out) t = t.to(x.dtype());
    return {reverse ? flip(out[0], {0}) : out[0], {out[1], r.has_cell() ? out[2] : Tensor()}};
}

const char* name_of(RecurrentKind kind) {
    switch (kind) {
        case RecurrentKind::rnn_relu:
            return "rnn_relu";
        case RecurrentKind::lstm:
            return "lstm";
        case RecurrentKind::gru:
            return "gru";
        default:
            return "rnn_tanh";
    }
}

}  // namespace

Sequence sequence(RecurrentKind kind, const Tensor& x, const State& first, const Weights& w, bool reverse) {
    const auto layer = [&] {
        Sequence s = by_device_or_steps(kind, x, first, w, reverse);
        return std::vector<Tensor>{std::move(s.y), std::move(s.last.h), std::move(s.last.c)};
    };
    const auto attributes = [&](auto& v) {
        v("kind", name_of(kind));
        v("reverse", reverse);
    };
    std::vector<Tensor> out =
        composed("recurrent", attributes, layer, x, first.h, first.c, w.ih, w.hh, w.bias_ih, w.bias_hh);
    return {std::move(out[0]), {std::move(out[1]), std::move(out[2])}};
}

}  // namespace adjoint::recurrent
