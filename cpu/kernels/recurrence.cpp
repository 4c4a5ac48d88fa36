// What the units of a recurrent layer make of the sums of their gates, and the way back. The formulas are
// those of recurrent::step (autograd/ops/recurrent.h).
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

// One sample's part of the arrays.
template <class T> struct UnitRow {
    T *gates, *more, *state;
    const T *cell_before, *state_before;
};
template <class T> struct UnitGradients {
    const T* g;
    T *state, *cell, *gates, *more;
};

template <class T> T* at(void* first, std::int64_t element) {
    return first != nullptr ? static_cast<T*>(first) + element : nullptr;
}
template <class T> const T* at(const void* first, std::int64_t element) {
    return first != nullptr ? static_cast<const T*>(first) + element : nullptr;
}

template <class T> UnitRow<T> row_of(const RecurrentUnits& u, std::int64_t r) {
    const std::int64_t units = r * u.hidden;
    return {at<T>(u.gates, r * u.gate_row), at<T>(u.more, units), at<T>(u.state, units),
            at<T>(u.cell_before, units), at<T>(u.state_before, units)};
}

struct Lstm {
    template <class T> static void forward(const UnitRow<T>& u, std::int64_t n, std::int64_t step) {
        T *in = u.gates, *forget = in + step, *candidate = forget + step, *out = candidate + step;
#pragma GCC ivdep
        for (std::int64_t j = 0; j < n; ++j) {
            const T i = math::sigmoid(in[j]), f = math::sigmoid(forget[j]), c = math::tanh(candidate[j]),
                    o = math::sigmoid(out[j]), cell = f * u.cell_before[j] + i * c;
            in[j] = i;
            forget[j] = f;
            candidate[j] = c;
            out[j] = o;
            u.more[j] = cell;
            u.state[j] = o * math::tanh(cell);
        }
    }
    template <class T>
    static void backward(const UnitRow<T>& u, const UnitGradients<T>& d, std::int64_t n, std::int64_t step) {
        const T *in = u.gates, *forget = in + step, *candidate = forget + step, *out = candidate + step;
        T *d_in = d.gates, *d_forget = d_in + step, *d_candidate = d_forget + step,
          *d_out = d_candidate + step;
#pragma GCC ivdep
        for (std::int64_t j = 0; j < n; ++j) {
            const T i = in[j], f = forget[j], c = candidate[j], o = out[j], bent = math::tanh(u.more[j]),
                    g = d.state[j] + d.g[j], g_cell = d.cell[j] + g * o * (T(1) - bent * bent);
            d_in[j] = g_cell * c * (i * (T(1) - i));
            d_forget[j] = g_cell * u.cell_before[j] * (f * (T(1) - f));
            d_candidate[j] = g_cell * i * (T(1) - c * c);
            d_out[j] = g * bent * (o * (T(1) - o));
            d.cell[j] = g_cell * f;
            d.state[j] = T(0);
        }
    }
};

struct Gru {
    template <class T> static void forward(const UnitRow<T>& u, std::int64_t n, std::int64_t step) {
        T *reset = u.gates, *keep = reset + step, *candidate = keep + step;
#pragma GCC ivdep
        for (std::int64_t j = 0; j < n; ++j) {
            const T r = math::sigmoid(reset[j]), k = math::sigmoid(keep[j]),
                    c = math::tanh(candidate[j] + r * u.more[j]);
            reset[j] = r;
            keep[j] = k;
            candidate[j] = c;
            u.state[j] = c + k * (u.state_before[j] - c);
        }
    }
    template <class T>
    static void backward(const UnitRow<T>& u, const UnitGradients<T>& d, std::int64_t n, std::int64_t step) {
        const T *reset = u.gates, *keep = reset + step, *candidate = keep + step;
        T *d_reset = d.gates, *d_keep = d_reset + step, *d_candidate = d_keep + step;
#pragma GCC ivdep
        for (std::int64_t j = 0; j < n; ++j) {
            const T r = reset[j], k = keep[j], c = candidate[j], g = d.state[j] + d.g[j],
                    g_candidate = g * (T(1) - k) * (T(1) - c * c);
            d_reset[j] = g_candidate * u.more[j] * (r * (T(1) - r));
            d_keep[j] = g * (u.state_before[j] - c) * (k * (T(1) - k));
            d_candidate[j] = g_candidate;
            d.more[j] = g_candidate * r;
            d.state[j] = g * k;
        }
    }
};

// One gate and a function whose slope takes its result.
template <class Functor> struct Plain {
    template <class T> static void forward(const UnitRow<T>& u, std::int64_t n, std::int64_t) {
        const Functor f{};
#pragma GCC ivdep
        for (std::int64_t j = 0; j < n; ++j) u.gates[j] = u.state[j] = f.template value<T>(u.gates[j]);
    }
    template <class T>
    static void backward(const UnitRow<T>& u, const UnitGradients<T>& d, std::int64_t n, std::int64_t) {
        const Functor f{};
#pragma GCC ivdep
        for (std::int64_t j = 0; j < n; ++j) {
            d.gates[j] = (d.state[j] + d.g[j]) * f.slope(u.gates[j]);
            d.state[j] = T(0);
        }
    }
};

template <class F> void visit_kind(RecurrentKind kind, F f) {
    switch (kind) {
        case RecurrentKind::lstm:
            return f(Lstm{});
        case RecurrentKind::gru:
            return f(Gru{});
        case RecurrentKind::rnn_relu:
            return f(Plain<functor::Relu>{});
        case RecurrentKind::rnn_tanh:
            return f(Plain<functor::Tanh>{});
    }
}

template <class T> void forward(const RecurrentUnits& u) {
    visit_kind(u.kind, [&](auto kind) {
        for (std::int64_t r = 0; r < u.rows; ++r) kind.forward(row_of<T>(u, r), u.units, u.hidden);
    });
}

template <class T> void backward(const RecurrentUnitsBackward& all) {
    const RecurrentUnits& u = all.forward;
    visit_kind(u.kind, [&](auto kind) {
        for (std::int64_t r = 0; r < u.rows; ++r) {
            const std::int64_t units = r * u.hidden;
            const UnitGradients<T> d{at<T>(all.g, units), at<T>(all.g_state, units), at<T>(all.g_cell, units),
                                     at<T>(all.g_gates, r * u.gate_row), at<T>(all.g_more, units)};
            kind.backward(row_of<T>(u, r), d, u.units, u.hidden);
        }
    });
}

}  // namespace

void add_recurrent(Kernels& table) {
    table.recurrent[compute_f32] = {forward<float>, backward<float>};
    table.recurrent[compute_f64] = {forward<double>, backward<double>};
}

}  // namespace adjoint::cpu::ADJOINT_ISA
