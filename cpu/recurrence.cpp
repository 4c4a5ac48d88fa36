// A recurrent layer over whole sequences: one product for the inputs of all steps, then step by step
// all gates of some units in one product with what the units make of them; the gradients of the weights
// come at the end.
//
// Samples have nothing to do with one another, so where the weights stay in the cache a task is some
// samples with all of their steps. Large weights are read once for all samples of a step, and a task is
// some units of it. What the forward pass keeps is the values of the gates, (steps, batch, gates hidden),
// and behind them, with the sizes of y, the cells of an LSTM or the candidate's part of h of a GRU.
#include <algorithm>
#include <cstring>

#include <adjoint/core/contract/compose.h>
#include <adjoint/cpu/blas/blas.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

template <class T> class RecurrentLayer {
  public:
    RecurrentLayer(CpuBackend& cpu, const Recurrence& r, const RecurrentPass& pass)
        : cpu_(cpu),
          r_(r),
          pass_(pass),
          panels_(cpu.kernels.panels[column]),
          units_(cpu.kernels.recurrent[column]),
          states_(r.batch * r.hidden),
          gate_row_(r.gates() * r.hidden) {}

    static std::int64_t kept(const Recurrence& r) {
        const bool has_more = r.kind == RecurrentKind::lstm || r.kind == RecurrentKind::gru;
        return r.steps * r.batch * r.hidden * (r.gates() + (has_more ? 1 : 0));
    }

    void forward() {
        const Buffer<T> own(pass_.reserve ? 0 : kept(r_));
        keep_in(pass_.reserve ? static_cast<T*>(pass_.reserve) : own.data());
        sum_of_inputs();
        const Buffer<T> w(gate_blocks() * r_.hidden * panels_.columns);
        pack(w.data(), gate_blocks(), r_.hidden, [&](std::int64_t i) {
            const std::int64_t unit = i / r_.gates() * panels_.columns;
            return Columns{in(pass_.w_hh) + (i % r_.gates() * r_.hidden + unit) * r_.hidden, r_.hidden, 1,
                           units_from(unit)};
        });
        in_order([&](std::int64_t t, std::int64_t first, std::int64_t rows, std::int64_t block) {
            step(t, first, rows, block, w.data());
        });
        const T* const y = static_cast<const T*>(pass_.y);
        std::copy_n(y + (r_.steps - 1) * states_, states_, static_cast<T*>(pass_.h_n));
        if (r_.has_cell()) std::copy_n(more_ + (r_.steps - 1) * states_, states_, static_cast<T*>(pass_.c_n));
    }

    void backward(const RecurrentGradients& g) {
        keep_in(static_cast<T*>(pass_.reserve));
        const bool gru = r_.kind == RecurrentKind::gru;
        const std::int64_t rows = r_.steps * r_.batch;
        const Buffer<T> gates(rows * gate_row_), more(gru ? rows * r_.hidden : 0), state(states_),
            cell(r_.has_cell() ? states_ : 0), none(g.y ? 0 : rows * r_.hidden);
        if (!g.y) std::fill_n(none.data(), rows * r_.hidden, T(0));
        start(state.data(), g.h_n);
        if (r_.has_cell()) start(cell.data(), g.c_n);
        Gradients d{.y = g.y ? in(g.y) : none.data(),
                    .state = state.data(),
                    .cell = cell.data(),
                    .gates = gates.data(),
                    .more = more.data()};
        const Buffer<T> w(blocks() * gate_row_ * panels_.columns);
        pack(w.data(), blocks(), gate_row_, [&](std::int64_t i) {
            const std::int64_t unit = i * panels_.columns;
            return Columns{in(pass_.w_hh) + unit, 1, r_.hidden, units_from(unit)};
        });
        back_in_order(d, w.data());
        finish(state.data(), g.h_0);
        if (r_.has_cell()) finish(cell.data(), g.c_0);
        of_operands(d, g);
    }

  private:
    static constexpr int column = std::is_same_v<T, double> ? compute_f64 : compute_f32;

    // Columns of the second factor of a product as they lie in the weights.
    struct Columns {
        const T* first;
        std::int64_t across, along, count;
    };
    struct Gradients {
        const T* y;
        T *state, *cell, *gates, *more;
    };

    static const T* in(const void* operand) { return static_cast<const T*>(operand); }
    std::int64_t blocks() const { return ceil_div(r_.hidden, panels_.columns); }
    std::int64_t gate_blocks() const { return blocks() * r_.gates(); }
    std::int64_t units_from(std::int64_t unit) const { return std::min(panels_.columns, r_.hidden - unit); }

    void keep_in(T* memory) {
        gates_ = memory;
        more_ = memory + r_.steps * r_.batch * gate_row_;
    }

    // c = a b of dense matrices, one of which may be transposed: strides as in GemmCall.
    static void product(const GemmCall& call) {
        if constexpr (std::is_same_v<T, double>)
            product_f64(call);
        else
            product_f32(call);
    }

    // Into the place of the gates: W_ih x + b_ih, and b_hh where that is added to it.
    void sum_of_inputs() {
        const Buffer<T> bias(gate_row_);
        if (r_.bias) {
            const std::int64_t both = r_.kind == RecurrentKind::gru ? 2 * r_.hidden : gate_row_;
            for (std::int64_t i = 0; i < gate_row_; ++i)
                bias.data()[i] = in(pass_.b_ih)[i] + (i < both ? in(pass_.b_hh)[i] : T(0));
        }
        product({.c = gates_,
                 .a = pass_.x,
                 .b = pass_.w_ih,
                 .m = r_.steps * r_.batch,
                 .n = gate_row_,
                 .k = r_.inputs,
                 .c_row = gate_row_,
                 .a_row = r_.inputs,
                 .a_column = 1,
                 .b_row = 1,
                 .b_column = r_.inputs,
                 .epilogue = {.bias = r_.bias ? bias.data() : nullptr}});
    }

    // Panels of k rows; `columns` says where those of each lie.
    template <class F> void pack(T* to, std::int64_t count, std::int64_t k, F columns) const {
        for_pieces(count, 4 * k * panels_.columns, [&](std::int64_t i) {
            const Columns from = columns(i);
            panels_.pack(to + i * k * panels_.columns, from.first, from.along, from.across, from.count, k);
        });
    }

    // Whether a task is some samples and all of their steps.
    std::int64_t rows_of_task() const {
        constexpr std::int64_t cached = std::int64_t{1} << 19;  // bytes of weights that stay near
        const std::int64_t rows = std::min<std::int64_t>(panels_.rows, 8);
        return gate_row_ * r_.hidden * static_cast<std::int64_t>(sizeof(T)) <= cached ? rows : r_.batch;
    }
    // f(first, rows) for the samples of each task.
    template <class F> void for_samples(F f) const {
        const std::int64_t rows = rows_of_task();
        for_pieces(ceil_div(r_.batch, rows), r_.steps * rows * gate_row_ * r_.hidden / 16,
                   [&](std::int64_t i) { f(i * rows, std::min(rows, r_.batch - i * rows)); });
    }
    // f(block) for the blocks of units in a step of some samples.
    template <class F> void for_blocks(std::int64_t rows, F f) const {
        for_pieces(blocks(), rows * gate_row_ / 16 * panels_.columns, f);
    }

    template <class F> void in_order(F f) const {
        for_samples([&](std::int64_t first, std::int64_t rows) {
            for (std::int64_t t = 0; t < r_.steps; ++t)
                for_blocks(rows, [&](std::int64_t block) { f(t, first, rows, block); });
        });
    }

    // What lies at a unit of a sample in step t, and in the step before.
    RecurrentUnits units_at(std::int64_t t, std::int64_t first, std::int64_t rows, std::int64_t unit) const {
        const std::int64_t state = first * r_.hidden + unit, now = t * states_ + state;
        const auto before = [&](const T* of_steps, const void* of_first) {
            return t > 0 ? of_steps + now - states_ : of_first ? in(of_first) + state : nullptr;
        };
        T* const y = static_cast<T*>(pass_.y);
        return {.kind = r_.kind,
                .rows = rows,
                .units = units_from(unit),
                .hidden = r_.hidden,
                .gate_row = gate_row_,
                .gates = gates_ + (t * r_.batch + first) * gate_row_ + unit,
                .more = more_ + now,
                .cell_before = before(more_, pass_.c_0),
                .state_before = before(y, pass_.h_0),
                .state = y + now};
    }

    void step(std::int64_t t, std::int64_t first, std::int64_t rows, std::int64_t block, const T* w) const {
        const std::int64_t unit = block * panels_.columns, gates = r_.gates();
        const RecurrentUnits units = units_at(t, first, rows, unit);
        PanelCall call{.a = static_cast<const T*>(units.state_before) - unit,
                       .m = rows,
                       .k = r_.hidden,
                       .columns = units.units,
                       .a_row = r_.hidden,
                       .a_column = 1};
        for (std::int64_t gate = 0; gate < gates; ++gate) {
            // The candidate of a GRU keeps its two parts apart.
            const bool apart = r_.kind == RecurrentKind::gru && gate == 2;
            call.b = w + (block * gates + gate) * r_.hidden * panels_.columns;
            call.c = apart ? units.more : static_cast<T*>(units.gates) + gate * r_.hidden;
            call.c_row = apart ? r_.hidden : gate_row_;
            call.accumulate = !apart;
            call.bias = apart && r_.bias ? in(pass_.b_hh) + gate * r_.hidden + unit : nullptr;
            panels_.multiply(call);
        }
        units_.forward(units);
    }

    void back_in_order(const Gradients& d, const T* w) const {
        for_samples([&](std::int64_t first, std::int64_t rows) {
            for (std::int64_t t = r_.steps - 1; t >= 0; --t) {
                const std::int64_t row = t * r_.batch + first;
                for_blocks(rows, [&](std::int64_t block) {
                    const std::int64_t unit = block * panels_.columns, state = first * r_.hidden + unit;
                    units_.backward({.forward = units_at(t, first, rows, unit),
                                     .g = d.y + t * states_ + state,
                                     .g_state = d.state + state,
                                     .g_cell = d.cell + state,
                                     .g_gates = d.gates + row * gate_row_ + unit,
                                     .g_more = d.more + t * states_ + state});
                });
                for_blocks(rows, [&](std::int64_t block) { step_back(d, row, first, rows, block, w); });
            }
        });
    }

    // Of the state before, from the gates of a step.
    void step_back(const Gradients& d, std::int64_t row, std::int64_t first, std::int64_t rows,
                   std::int64_t block, const T* w) const {
        const bool gru = r_.kind == RecurrentKind::gru;
        const std::int64_t unit = block * panels_.columns, both = gru ? 2 * r_.hidden : gate_row_;
        const T* const panel = w + block * gate_row_ * panels_.columns;
        PanelCall call{.c = d.state + first * r_.hidden + unit,
                       .a = d.gates + row * gate_row_,
                       .b = panel,
                       .m = rows,
                       .k = both,
                       .columns = units_from(unit),
                       .c_row = r_.hidden,
                       .a_row = gate_row_,
                       .a_column = 1,
                       .accumulate = gru};
        panels_.multiply(call);
        if (!gru) return;
        call.a = d.more + row * r_.hidden;
        call.b = panel + both * panels_.columns;
        call.k = call.a_row = r_.hidden;
        panels_.multiply(call);
    }

    void start(T* to, const void* from) const {
        if (from)
            std::copy_n(in(from), states_, to);
        else
            std::fill_n(to, states_, T(0));
    }
    void finish(const T* from, void* to) const {
        if (to) std::copy_n(from, states_, static_cast<T*>(to));
    }

    // Of x, the weights and the biases, from the gates of all steps.
    void of_operands(const Gradients& d, const RecurrentGradients& g) {
        const std::int64_t rows = r_.steps * r_.batch, hidden = r_.hidden;
        const bool gru = r_.kind == RecurrentKind::gru;
        const std::int64_t both = gru ? 2 * hidden : gate_row_;
        if (g.x)
            product({.c = g.x,
                     .a = d.gates,
                     .b = pass_.w_ih,
                     .m = rows,
                     .n = r_.inputs,
                     .k = gate_row_,
                     .c_row = r_.inputs,
                     .a_row = gate_row_,
                     .a_column = 1,
                     .b_row = r_.inputs,
                     .b_column = 1});
        // dw = gates^T from, for gates in rows of which `count` count.
        const auto weight = [&](T* to, const T* gates, std::int64_t row, std::int64_t count, const T* from,
                                std::int64_t columns) {
            product({.c = to,
                     .a = gates,
                     .b = from,
                     .m = count,
                     .n = columns,
                     .k = rows,
                     .c_row = columns,
                     .a_row = 1,
                     .a_column = row,
                     .b_row = columns,
                     .b_column = 1});
        };
        if (g.w_ih) weight(static_cast<T*>(g.w_ih), d.gates, gate_row_, gate_row_, in(pass_.x), r_.inputs);
        if (g.w_hh) {
            const Buffer<T> before(rows * hidden);
            std::copy_n(in(pass_.h_0), states_, before.data());
            std::copy_n(static_cast<const T*>(pass_.y), (r_.steps - 1) * states_, before.data() + states_);
            T* const w = static_cast<T*>(g.w_hh);
            weight(w, d.gates, gate_row_, both, before.data(), hidden);
            if (gru) weight(w + both * hidden, d.more, hidden, hidden, before.data(), hidden);
        }
        const auto bias = [&](T* to, const T* gates, std::int64_t count) {
            const composition::Grid grid(cpu_, {1, rows, count}, dtype_of<T>);
            grid.reduce(functor::Sum{}, {to, dtype_of<T>, {}}, grid.dense(gates, dtype_of<T>),
                        {false, true, false});
        };
        if (!r_.bias) return;
        const Buffer<T> own(g.b_ih ? 0 : gate_row_);
        T* const b = g.b_ih ? static_cast<T*>(g.b_ih) : own.data();
        bias(b, d.gates, gate_row_);
        if (!g.b_hh) return;
        std::copy_n(b, both, static_cast<T*>(g.b_hh));
        if (gru) bias(static_cast<T*>(g.b_hh) + both, d.more, hidden);
    }

    CpuBackend& cpu_;
    const Recurrence& r_;
    const RecurrentPass& pass_;
    const PanelKernels& panels_;
    const RecurrentKernels& units_;
    std::int64_t states_, gate_row_;
    T *gates_ = nullptr, *more_ = nullptr;
};

template <class F> auto with_layer(CpuBackend& cpu, const Recurrence& r, const RecurrentPass& pass, F f) {
    if (r.dtype == DType::f64)
        f(RecurrentLayer<double>(cpu, r, pass));
    else
        f(RecurrentLayer<float>(cpu, r, pass));
}

}  // namespace

std::optional<std::size_t> CpuBackend::recurrence_reserve(const Recurrence& r) {
    return static_cast<std::size_t>(RecurrentLayer<float>::kept(r)) * size_of(r.dtype);
}

void on(CpuBackend& cpu, const call::Recurrent& c) {
    with_layer(cpu, c.shape, c.pass, [](auto layer) { layer.forward(); });
}

void on(CpuBackend& cpu, const call::RecurrentBackward& c) {
    with_layer(cpu, c.shape, c.pass, [&](auto layer) { layer.backward(c.gradients); });
}

}  // namespace adjoint::cpu
