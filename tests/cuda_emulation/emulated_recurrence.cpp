// The loops, and the recurrent layers of the emulated device.
#include "emulated_recurrence.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <adjoint/cuda/cuda_backend.h>

#include "emulator.h"

namespace adjoint {
namespace {

using Numbers = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// How the elements of a layer are read and written, and what the forward pass leaves: for each step, sample
// and unit the gates behind their functions and one number more, the cell or the candidate's part of h.
class Layer {
  public:
    explicit Layer(const Recurrence& recurrence)
        : r(recurrence), gates(static_cast<std::size_t>(r.gates())), kept_per_unit(gates + 1) {}

    std::size_t reserve_bytes() const { return steps * batch * hidden * kept_per_unit * sizeof(double); }

    void forward(const RecurrentPass& pass) const {
        const Weights w = weights(pass);
        Numbers x = read(pass.x, steps * batch * inputs), h = read(pass.h_0, batch * hidden),
                c = read(pass.c_0, batch * hidden), y(steps * batch * hidden);
        for (std::size_t t = 0; t < steps; ++t)
            for (std::size_t n = 0; n < batch; ++n) {
                double *state = &h[n * hidden], *cell = r.has_cell() ? &c[n * hidden] : nullptr;
                const Numbers from_x = product(w.ih, &x[(t * batch + n) * inputs], inputs, w.b_ih),
                              from_h = product(w.hh, state, hidden, w.b_hh);
                for (std::size_t j = 0; j < hidden; ++j) {
                    double kept[5] = {};
                    state[j] = unit(from_x, from_h, j, state[j], cell ? &cell[j] : nullptr, kept);
                    y[(t * batch + n) * hidden + j] = state[j];
                    for (std::size_t k = 0; pass.reserve && k < kept_per_unit; ++k)
                        static_cast<double*>(pass.reserve)[place(t, n, j) + k] = kept[k];
                }
            }
        write(pass.y, y);
        write(pass.h_n, h);
        write(pass.c_n, c);
    }

    void backward(const RecurrentPass& pass, const RecurrentGradients& out) const {
        const Weights w = weights(pass);
        const std::size_t rows = gates * hidden;
        const Numbers x = read(pass.x, steps * batch * inputs), h_0 = read(pass.h_0, batch * hidden),
                      c_0 = read(pass.c_0, batch * hidden), y = read(pass.y, steps * batch * hidden),
                      dy = read(out.y, steps * batch * hidden);
        const auto* const kept = static_cast<const double*>(pass.reserve);
        Numbers dh = read(out.h_n, batch * hidden), dc = read(out.c_n, batch * hidden), dx(x.size()),
                dw_ih(w.ih.size()), dw_hh(w.hh.size()), db_ih(rows), db_hh(rows);
        for (std::size_t t = steps; t-- > 0;)
            for (std::size_t n = 0; n < batch; ++n) {
                const double* before = t > 0 ? &y[((t - 1) * batch + n) * hidden] : &h_0[n * hidden];
                Numbers a(rows), b(rows), below(hidden);  // before the functions: of x's part, of h's
                for (std::size_t j = 0; j < hidden; ++j) {
                    const std::size_t at = n * hidden + j;
                    const double c_before = !r.has_cell() ? 0
                                            : t > 0       ? kept[place(t - 1, n, j) + 4]
                                                          : c_0[at];
                    below[j] = unit_backward(&kept[place(t, n, j)], dh[at] + dy[t * batch * hidden + at],
                                             y[t * batch * hidden + at], before[j], c_before,
                                             r.has_cell() ? &dc[at] : nullptr, &a[j], &b[j]);
                }
                for (std::size_t i = 0; i < rows; ++i) {
                    for (std::size_t k = 0; k < inputs; ++k) {
                        dx[(t * batch + n) * inputs + k] += w.ih[i * inputs + k] * a[i];
                        dw_ih[i * inputs + k] += a[i] * x[(t * batch + n) * inputs + k];
                    }
                    for (std::size_t k = 0; k < hidden; ++k) {
                        below[k] += w.hh[i * hidden + k] * b[i];
                        dw_hh[i * hidden + k] += b[i] * before[k];
                    }
                    db_ih[i] += a[i];
                    db_hh[i] += b[i];
                }
                std::copy(below.begin(), below.end(), dh.begin() + static_cast<std::ptrdiff_t>(n * hidden));
            }
        write(out.x, dx);
        write(out.h_0, dh);
        write(out.c_0, dc);
        write(out.w_ih, dw_ih);
        write(out.w_hh, dw_hh);
        write(out.b_ih, db_ih);
        write(out.b_hh, db_hh);
    }

  private:
    struct Weights {
        Numbers ih, hh, b_ih, b_hh;
    };

    // A unit's next state, from the sums of its gates.
    double unit(const Numbers& x, const Numbers& h, std::size_t j, double state, double* cell,
                double* kept) const {
        const auto sum = [&](std::size_t gate) { return x[gate * hidden + j] + h[gate * hidden + j]; };
        switch (r.kind) {
            case RecurrentKind::lstm:
                for (std::size_t gate = 0; gate < 4; ++gate)
                    kept[gate] = gate == 2 ? std::tanh(sum(gate)) : sigmoid(sum(gate));
                kept[4] = *cell = kept[1] * *cell + kept[0] * kept[2];
                return kept[3] * std::tanh(*cell);
            case RecurrentKind::gru:
                kept[0] = sigmoid(sum(0));
                kept[1] = sigmoid(sum(1));
                kept[3] = h[2 * hidden + j];
                kept[2] = std::tanh(x[2 * hidden + j] + kept[0] * kept[3]);
                return (1 - kept[1]) * kept[2] + kept[1] * state;
            case RecurrentKind::rnn_relu:
                return std::max(0.0, sum(0));
            default:
                return std::tanh(sum(0));
        }
    }

    // From the gradient g of a unit's state: those of its gates before their functions, at a[gate hidden] and
    // b[gate hidden], and the part of the state before that does not go through them. dc is moved on.
    double unit_backward(const double* kept, double g, double y, double before, double c_before, double* dc,
                         double* a, double* b) const {
        const auto both = [&](std::size_t gate, double value) {
            a[gate * hidden] = b[gate * hidden] = value;
        };
        const auto slope = [&](std::size_t gate) { return kept[gate] * (1 - kept[gate]); };
        switch (r.kind) {
            case RecurrentKind::lstm: {
                const double bent = std::tanh(kept[4]), of_cell = *dc + g * kept[3] * (1 - bent * bent);
                both(0, of_cell * kept[2] * slope(0));
                both(1, of_cell * c_before * slope(1));
                both(2, of_cell * kept[0] * (1 - kept[2] * kept[2]));
                both(3, g * bent * slope(3));
                *dc = of_cell * kept[1];
                return 0;
            }
            case RecurrentKind::gru: {
                const double candidate = g * (1 - kept[1]) * (1 - kept[2] * kept[2]);
                both(0, candidate * kept[3] * slope(0));
                both(1, g * (before - kept[2]) * slope(1));
                a[2 * hidden] = candidate;
                b[2 * hidden] = candidate * kept[0];
                return g * kept[1];
            }
            case RecurrentKind::rnn_relu:
                both(0, y > 0 ? g : 0);
                return 0;
            default:
                both(0, g * (1 - y * y));
                return 0;
        }
    }

    Weights weights(const RecurrentPass& pass) const {
        const std::size_t rows = gates * hidden;
        return {read(pass.w_ih, rows * inputs), read(pass.w_hh, rows * hidden), read(pass.b_ih, rows),
                read(pass.b_hh, rows)};
    }
    Numbers product(const Numbers& w, const double* x, std::size_t columns, const Numbers& bias) const {
        Numbers sums = bias;
        for (std::size_t i = 0; i < sums.size(); ++i)
            for (std::size_t k = 0; k < columns; ++k) sums[i] += w[i * columns + k] * x[k];
        return sums;
    }
    std::size_t place(std::size_t t, std::size_t n, std::size_t j) const {
        return ((t * batch + n) * hidden + j) * kept_per_unit;
    }
    // Zeros for null.
    Numbers read(const void* data, std::size_t count) const {
        Numbers values(count);
        for (std::size_t i = 0; data && i < count; ++i)
            values[i] = r.dtype == DType::f64 ? static_cast<const double*>(data)[i]
                                              : static_cast<double>(static_cast<const float*>(data)[i]);
        return values;
    }
    void write(void* data, const Numbers& values) const {
        for (std::size_t i = 0; data && i < values.size(); ++i)
            if (r.dtype == DType::f64)
                static_cast<double*>(data)[i] = values[i];
            else
                static_cast<float*>(data)[i] = static_cast<float>(values[i]);
    }

    const Recurrence r;
    const std::size_t steps = static_cast<std::size_t>(r.steps), batch = static_cast<std::size_t>(r.batch),
                      inputs = static_cast<std::size_t>(r.inputs),
                      hidden = static_cast<std::size_t>(r.hidden);
    const std::size_t gates, kept_per_unit;
};

}  // namespace

EmulatedRecurrence& emulated_recurrence() {
    static EmulatedRecurrence state;
    return state;
}

namespace emulated {

std::size_t reserve_bytes(const Recurrence& r) { return Layer(r).reserve_bytes(); }
void forward(const Recurrence& r, const RecurrentPass& pass) { Layer(r).forward(pass); }
void backward(const Recurrence& r, const RecurrentPass& pass, const RecurrentGradients& gradients) {
    Layer(r).backward(pass, gradients);
}
void queue(cuda_backend::Stream stream, std::function<void()> work) {
    emulator::queue(stream, std::move(work));
}

}  // namespace emulated

namespace cuda_backend {

std::optional<std::size_t> CudaBackend::recurrence_reserve(const Recurrence& r) {
    const EmulatedRecurrence& now = emulated_recurrence();
    if (!now.on) return std::nullopt;
    return now.instead ? now.instead->reserve(device, r) : emulated::reserve_bytes(r);
}

void on(CudaBackend& cuda, const call::Recurrent& c) {
    EmulatedRecurrence& now = emulated_recurrence();
    ++now.forward;
    now.kept += c.pass.reserve != nullptr;
    if (now.instead)
        now.instead->forward(cuda.device, c.shape, c.pass);
    else
        emulator::queue(cuda.device.stream, [=] { emulated::forward(c.shape, c.pass); });
}

void on(CudaBackend& cuda, const call::RecurrentBackward& c) {
    EmulatedRecurrence& now = emulated_recurrence();
    ++now.backward;
    if (now.instead)
        now.instead->backward(cuda.device, c.shape, c.pass, c.gradients);
    else
        emulator::queue(cuda.device.stream, [=] { emulated::backward(c.shape, c.pass, c.gradients); });
}

}  // namespace cuda_backend
}  // namespace adjoint
