// Sequences: layer upon layer, each in one or both directions.
#include <adjoint/nn/recurrent.h>

#include <adjoint/autograd/ops/dropout.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/recurrent_parts.h>

namespace adjoint::nn {
namespace {

std::string describe(const char* kind, std::int64_t input, std::int64_t hidden,
                     const RecurrentOptions& options, const std::string& more) {
    check<ValueError>(input > 0 && hidden > 0 && options.num_layers > 0,
                      "{}: {} inputs, {} hidden units, {} layers", kind, input, hidden, options.num_layers);
    check<ValueError>(options.dropout >= 0 && options.dropout <= 1, "{}: dropout {} is outside [0, 1]", kind,
                      options.dropout);
    std::string text = fmt::format("{}, {}", input, hidden);
    if (options.num_layers != 1) text += fmt::format(", num_layers={}", options.num_layers);
    text += more;
    if (!options.bias) text += ", bias=false";
    if (options.batch_first) text += ", batch_first=true";
    if (options.dropout != 0) text += fmt::format(", dropout={}", options.dropout);
    if (options.bidirectional) text += ", bidirectional=true";
    return text;
}

RecurrentOptions common(const RNNOptions& options) {
    return {.num_layers = options.num_layers,
            .bias = options.bias,
            .batch_first = options.batch_first,
            .dropout = options.dropout,
            .bidirectional = options.bidirectional,
            .dtype = options.dtype,
            .device = options.device};
}

}  // namespace

Recurrent::Recurrent(const char* kind, int gates, std::int64_t input_size, std::int64_t hidden_size,
                     const RecurrentOptions& options, const std::string& more)
    : Module(kind, describe(kind, input_size, hidden_size, options, more),
             detail::from_to(input_size, hidden_size)),
      input_size_(input_size),
      hidden_size_(hidden_size),
      options_(options),
      weights(draw_weights(gates)) {}

std::vector<RecurrentWeights> Recurrent::draw_weights(int gates) const {
    const auto draw = [&](const std::string& name, const Shape& shape) {
        return parameter(
            name, detail::initial_recurrent_weight(shape, hidden_size_, options_.dtype, options_.device));
    };
    const std::int64_t directions = options_.bidirectional ? 2 : 1, rows = gates * hidden_size_;
    std::vector<RecurrentWeights> result;
    for (std::int64_t layer = 0; layer < options_.num_layers; ++layer)
        for (std::int64_t direction = 0; direction < directions; ++direction) {
            const std::string suffix = fmt::format("_l{}{}", layer, direction == 1 ? "_reverse" : "");
            const std::int64_t inputs = layer == 0 ? input_size_ : directions * hidden_size_;
            RecurrentWeights& w = result.emplace_back();
            w.weight_ih = draw("weight_ih" + suffix, {rows, inputs});
            w.weight_hh = draw("weight_hh" + suffix, {rows, hidden_size_});
            if (!options_.bias) continue;
            w.bias_ih = draw("bias_ih" + suffix, {rows});
            w.bias_hh = draw("bias_hh" + suffix, {rows});
        }
    return result;
}

Tensor Recurrent::initial_state(const char* name, const Tensor& state, const Tensor& sequence,
                                bool single) const {
    const Shape batch{static_cast<std::int64_t>(weights.size()), sequence.size(1), hidden_size_};
    if (!state.defined()) return zeros(batch, {.dtype = sequence.dtype(), .device = sequence.device()});
    const Shape expected = single ? Shape{batch[0], hidden_size_} : batch;
    check<ShapeError>(state.shape() == expected, "{}: {} of shape {}, expected {}", kind(), name,
                      state.shape(), expected);
    return single ? unsqueeze(state, 1) : state;
}

LSTMOutput Recurrent::run(const Tensor& x, const RecurrentState& initial, RecurrentKind kind) const {
    const bool has_cell = kind == RecurrentKind::lstm;
    const bool single = x.dim() == 2, turned = options_.batch_first && !single;
    check<ShapeError>((x.dim() == 2 || x.dim() == 3) && x.shape().back() == input_size_,
                      "{}: input of shape {}, expected {}, or (T, {})", this->kind(), x.shape(),
                      options_.batch_first ? fmt::format("(N, T, {})", input_size_)
                                           : fmt::format("(T, N, {})", input_size_),
                      input_size_);
    Tensor sequence = single ? unsqueeze(x, 1) : turned ? transpose(x, 0, 1) : x;
    check<ShapeError>(sequence.size(0) > 0, "{}: a sequence of length 0, the shape is {}", this->kind(),
                      x.shape());
    const std::vector<Tensor> first_h = unbind(initial_state("h_0", initial.h, sequence, single));
    std::vector<Tensor> first_c(first_h.size());
    if (has_cell) first_c = unbind(initial_state("c_0", initial.c, sequence, single));

    const std::size_t directions = options_.bidirectional ? 2 : 1;
    std::vector<Tensor> last_h, last_c;
    for (std::size_t at = 0; at < weights.size(); at += directions) {
        if (at > 0 && options_.dropout > 0) sequence = dropout(sequence, options_.dropout, is_training());
        std::vector<Tensor> outputs;
        for (std::size_t direction = 0; direction < directions; ++direction) {
            const std::size_t i = at + direction;
            const RecurrentState first{first_h[i], first_c[i]};
            const recurrent::Sequence out =
                recurrent::sequence(kind, sequence, first, detail::tensors_of(weights[i]), direction == 1);
            outputs.push_back(out.y);
            last_h.push_back(out.last.h);
            last_c.push_back(out.last.c);
        }
        sequence = directions == 2 ? cat(outputs, -1) : outputs[0];
    }
    const auto states = [&](const std::vector<Tensor>& last) {
        return single ? squeeze(stack(last), 1) : stack(last);
    };
    return {single   ? squeeze(sequence, 1)
            : turned ? transpose(sequence, 0, 1)
                     : sequence,
            states(last_h), has_cell ? states(last_c) : Tensor()};
}

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options)
    : Recurrent("RNN", 1, input_size, hidden_size, common(options),
                options.nonlinearity == RecurrentNonlinearity::relu ? ", nonlinearity=relu" : ""),
      nonlinearity_(options.nonlinearity) {}

RNNOutput RNN::operator()(const Tensor& x, const Tensor& h_0) const {
    return computed(x, [&]() -> RNNOutput {
        const LSTMOutput out = run(x, {h_0}, detail::kind_of(nonlinearity_));
        return {out.output, out.h_n};
    });
}

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options)
    : Recurrent("LSTM", 4, input_size, hidden_size, options) {}

LSTMOutput LSTM::operator()(const Tensor& x, const RecurrentState& initial) const {
    return computed(x, [&] { return run(x, initial, RecurrentKind::lstm); });
}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options)
    : Recurrent("GRU", 3, input_size, hidden_size, options) {}

RNNOutput GRU::operator()(const Tensor& x, const Tensor& h_0) const {
    return computed(x, [&]() -> RNNOutput {
        const LSTMOutput out = run(x, {h_0}, RecurrentKind::gru);
        return {out.output, out.h_n};
    });
}

}  // namespace adjoint::nn
