// What can be read off a call: the name of what it computes, the bytes that it moves, its sums. Private.
#pragma once

#include <string_view>
#include <type_traits>
#include <variant>

#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/calls.h>
#include <adjoint/core/contract/span.h>

namespace adjoint {

/// Of a functor in a variant; empty if it has none.
template <class Variant> std::string_view functor_name(const Variant& op) {
    return std::visit(
        [](const auto& f) -> std::string_view {
            if constexpr (requires { f.name; }) return f.name;
            return "";
        },
        op);
}

/// Empty for none.
inline std::string_view activation_name(Activation activation) {
    if (activation == Activation::none) return "";
    return visit_activation(activation, [](const auto& f) -> std::string_view { return f.name; });
}

/// The functor or activation inside a call; empty if there is none.
template <class Call> std::string_view inner_name(const Call& call) {
    if constexpr (requires { call.op.index(); })
        return functor_name(call.op);
    else if constexpr (requires { call.update.op; })
        return functor_name(call.update.op);
    else if constexpr (requires { call.activation; })
        return activation_name(call.activation);
    else if constexpr (requires { call.epilogue.activation; })
        return activation_name(call.epilogue.activation);
    else
        return "";
}

namespace detail {

// The visitor of a call's memory that adds up bytes. What is read again and again counts once.
class Volume {
  public:
    void writes(const void* data, std::int64_t numel, DType type) { add(data, numel, type); }
    void reads(const void* data, std::int64_t numel, DType type) { add(data, numel, type); }
    void updates(const void* data, std::int64_t numel, DType type) { add(data, 2 * numel, type); }
    void writes(const Operand& x, std::int64_t numel) { add(x.data, numel, x.dtype); }
    void reads(const Operand& x, std::int64_t numel) { add(x.data, numel, x.dtype); }
    template <int N> void writes(const Loop<N>& loop, int i) { of_loop(loop, i); }
    template <int N> void reads(const Loop<N>& loop, int i, std::int64_t = 0) { of_loop(loop, i); }
    template <int N> void updates(const Loop<N>& loop, int i, std::int64_t) {
        of_loop(loop, i);
        of_loop(loop, i);
    }
    template <int N> void loop(const Loop<N>& loop) {
        for (int i = 0; i < N; ++i) of_loop(loop, i);
    }
    void reduction(const ReductionLoop& r) {
        writes(r.out, r.outputs);
        reads(r.in, r.outputs * r.length);
    }

    double bytes = 0;

  private:
    void add(const void* data, std::int64_t numel, DType type) {
        if (data) bytes += static_cast<double>(numel) * static_cast<double>(size_of(type));
    }
    template <int N> void of_loop(const Loop<N>& loop, int i) {
        std::int64_t numel = 1;
        for (int d = 0; d < loop.rank; ++d)
            if (loop.strides[i][d] != 0) numel *= loop.sizes[d];
        add(loop.operands[i].data, numel, loop.operands[i].dtype);
    }
};

// Multiplications and additions of products; nothing is said of other calls.
template <class Call> double flops_of(const Call& call) {
    const auto product = [](auto... sizes) { return (2.0 * ... * static_cast<double>(sizes)); };
    if constexpr (requires { call.batch_rank; }) {
        double batch = 1;
        for (int d = 0; d < call.batch_rank; ++d) batch *= static_cast<double>(call.batch_sizes[d]);
        return batch * product(call.m, call.n, call.k);
    } else if constexpr (std::is_same_v<Call, call::LinearBackward>) {
        return ((call.dx != nullptr) + (call.dw != nullptr)) * product(call.rows, call.inputs, call.outputs);
    } else if constexpr (std::is_same_v<Call, call::BackwardUpdate>) {
        return flops_of(call.backward);
    } else if constexpr (requires { call.shape.depth(); }) {
        return product(call.shape.results(), call.shape.depth());
    } else if constexpr (requires { call.shape.gates(); }) {
        const Recurrence& r = call.shape;
        const double forward = product(r.steps, r.batch, r.gates(), r.hidden, r.inputs + r.hidden);
        return std::is_same_v<Call, call::RecurrentBackward> ? 2 * forward : forward;
    } else {
        return 0;
    }
}

}  // namespace detail

template <class Call> detail::Work work_of(const Call& call) {
    detail::Volume volume;
    call.memory(volume);
    return {volume.bytes, detail::flops_of(call)};
}

}  // namespace adjoint
