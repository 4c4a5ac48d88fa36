// The recurrent cells: a step each, with weights and checks around it.
#include <adjoint/nn/recurrent_cells.h>

#include <cmath>

#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/init.h>
#include <adjoint/nn/recurrent_parts.h>

namespace adjoint::nn {
namespace {

std::string describe(const char* kind, std::int64_t input, std::int64_t hidden, bool bias,
                     const std::string& more) {
    check<ValueError>(input > 0 && hidden > 0, "{}: {} inputs, {} hidden units", kind, input, hidden);
    return fmt::format("{}, {}{}{}", input, hidden, bias ? "" : ", bias=false", more);
}

}  // namespace

namespace detail {

Tensor initial_recurrent_weight(const Shape& shape, std::int64_t hidden_size, DType dtype, Device device) {
    const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
    return init::uniform_(empty(shape, {.dtype = dtype, .device = device}), -bound, bound);
}

}  // namespace detail

RecurrentCell::RecurrentCell(const char* kind, int gates, std::int64_t input_size, std::int64_t hidden_size,
                             const RecurrentCellOptions& options, const std::string& more)
    : Module(kind, describe(kind, input_size, hidden_size, options.bias, more),
             detail::from_to(input_size, hidden_size)),
      input_size_(input_size),
      hidden_size_(hidden_size) {
    const auto draw = [&](const Shape& shape) {
        return detail::initial_recurrent_weight(shape, hidden_size, options.dtype, options.device);
    };
    const std::int64_t rows = gates * hidden_size;
    weight_ih = parameter("weight_ih", draw({rows, input_size}));
    weight_hh = parameter("weight_hh", draw({rows, hidden_size}));
    if (!options.bias) return;
    bias_ih = parameter("bias_ih", draw({rows}));
    bias_hh = parameter("bias_hh", draw({rows}));
}

RecurrentState RecurrentCell::run(const Tensor& x, const RecurrentState& state, RecurrentKind kind) const {
    check<ShapeError>((x.dim() == 1 || x.dim() == 2) && x.shape().back() == input_size_,
                      "{}: input of shape {}, expected (N, {}) or ({},)", this->kind(), x.shape(),
                      input_size_, input_size_);
    const bool single = x.dim() == 1;
    const Tensor batch = single ? unsqueeze(x, 0) : x;
    const auto prepared = [&](const Tensor& s) {
        const Shape expected = single ? Shape{hidden_size_} : Shape{batch.size(0), hidden_size_};
        if (!s.defined())
            return zeros({batch.size(0), hidden_size_}, {.dtype = x.dtype(), .device = x.device()});
        check<ShapeError>(s.shape() == expected, "{}: state of shape {}, expected {}", this->kind(),
                          s.shape(), expected);
        return single ? unsqueeze(s, 0) : s;
    };
    RecurrentState next = recurrent::step(kind, linear(batch, weight_ih, bias_ih),
                                          {prepared(state.h), prepared(state.c)}, detail::tensors_of(*this));
    if (!single) return next;
    return {squeeze(next.h, 0), next.c.defined() ? squeeze(next.c, 0) : Tensor()};
}

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options)
    : RecurrentCell("RNNCell", 1, input_size, hidden_size,
                    {.bias = options.bias, .dtype = options.dtype, .device = options.device},
                    options.nonlinearity == RecurrentNonlinearity::relu ? ", nonlinearity=relu" : ""),
      nonlinearity_(options.nonlinearity) {}

Tensor RNNCell::operator()(const Tensor& x, const Tensor& h) const {
    return computed(x, [&] { return run(x, {h}, detail::kind_of(nonlinearity_)).h; });
}

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const RecurrentCellOptions& options)
    : RecurrentCell("LSTMCell", 4, input_size, hidden_size, options) {}

RecurrentState LSTMCell::operator()(const Tensor& x, const RecurrentState& state) const {
    return computed(x, [&] { return run(x, state, RecurrentKind::lstm); });
}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, const RecurrentCellOptions& options)
    : RecurrentCell("GRUCell", 3, input_size, hidden_size, options) {}

Tensor GRUCell::operator()(const Tensor& x, const Tensor& h) const {
    return computed(x, [&] { return run(x, {h}, RecurrentKind::gru).h; });
}

}  // namespace adjoint::nn
