// What attention does to rows of scores: the softmax over keys that come block by block, and the way back.
#include <algorithm>
#include <cstring>
#include <limits>

#include <adjoint/cpu/fold.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class T> constexpr T infinity = std::numeric_limits<T>::infinity();

// A row of scores as the softmax takes them: scaled, with what the mask adds; -inf there covers a NaN.
template <class T> struct Scores {
    const T *sums, *added;
    T scale;
    template <bool masked> __attribute__((always_inline)) T at(std::int64_t i) const {
        const T score = sums[i] * scale;
        if constexpr (!masked) return score;
        return added[i] == -infinity<T> ? -infinity<T> : score + added[i];
    }
};

template <class T> Scores<T> scores_of(const AttentionScores& s, std::int64_t r) {
    const T* added = static_cast<const T*>(s.added);
    return {static_cast<const T*>(s.scores) + r * s.row, added ? added + r * s.row : nullptr,
            static_cast<T>(s.scale)};
}

template <class T> void clear(T* from, const T* to) {
    if (from < to) std::memset(from, 0, static_cast<std::size_t>(to - from) * sizeof(T));
}

std::int64_t seen_by(const AttentionScores& s, std::int64_t r) {
    return s.causal ? std::clamp<std::int64_t>(s.seen + r, 0, s.columns) : s.columns;
}

template <class T, bool masked> void softmax_row(const AttentionSoftmax& call, std::int64_t r) {
    const std::int64_t n = seen_by(call.block, r);
    const Scores<T> scores = scores_of<T>(call.block, r);
    T* const y = static_cast<T*>(call.block.scores) + r * call.block.row;
    T &top = static_cast<T*>(call.tops)[r], &total = static_cast<T*>(call.totals)[r];
    const T before = top;
    const T most = functor::Max{}.value<T>(
        before, fold<functor::Max, T>(n, [&](std::int64_t i) { return scores.template at<masked>(i); }));
    // No key so far.
    if (most == -infinity<T>) return clear<T>(y, y + call.block.columns);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) y[i] = math::exp(scores.template at<masked>(i) - most);
    clear<T>(y + n, y + call.block.columns);
    const T shrink = math::exp(before - most);
    top = most;
    total = total * shrink + fold<functor::Sum, T>(n, [y](std::int64_t i) { return y[i]; });
    if (before == most || before == -infinity<T>) return;
    T* const out = static_cast<T*>(call.out) + r * call.values;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < call.values; ++i) out[i] *= shrink;
}

template <class T> void softmax_rows(const AttentionSoftmax& call) {
    for (std::int64_t r = 0; r < call.block.rows; ++r)
        call.block.added ? softmax_row<T, true>(call, r) : softmax_row<T, false>(call, r);
}

template <class T> void finish(const AttentionFinish& call) {
    for (std::int64_t r = 0; r < call.rows; ++r) {
        const T top = static_cast<const T*>(call.tops)[r], total = static_cast<const T*>(call.totals)[r];
        const bool blind = top == -infinity<T>;
        const T scale = blind ? T(0) : T(1) / total;
        T* const to = static_cast<T*>(call.to) + r * call.to_row;
        const T* const from = static_cast<const T*>(call.out) + r * call.values;
#pragma GCC ivdep
        for (std::int64_t i = 0; i < call.values; ++i) to[i] = from[i] * scale;
        if (call.log_sums) static_cast<T*>(call.log_sums)[r] = blind ? infinity<T> : top + math::log(total);
    }
}

// The weights anew and, from the gradients of the weights, those of the scores before they are scaled.
template <class T, bool masked> void gradient_row(const AttentionGradient& call, std::int64_t r) {
    const std::int64_t n = seen_by(call.block, r);
    const Scores<T> scores = scores_of<T>(call.block, r);
    T* const weights = static_cast<T*>(call.block.scores) + r * call.block.row;
    T* const g = static_cast<T*>(call.g) + r * call.block.row;
    const T log_sum = static_cast<const T*>(call.log_sums)[r], dot = static_cast<const T*>(call.dots)[r];
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        const T weight = math::exp(scores.template at<masked>(i) - log_sum);
        weights[i] = weight;
        g[i] = weight * (g[i] - dot) * scores.scale;
    }
    clear<T>(weights + n, weights + call.block.columns);
    clear<T>(g + n, g + call.block.columns);
}

template <class T> void gradient_rows(const AttentionGradient& call) {
    for (std::int64_t r = 0; r < call.block.rows; ++r)
        call.block.added ? gradient_row<T, true>(call, r) : gradient_row<T, false>(call, r);
}

template <class T> void dots(const AttentionDots& call) {
    for (std::int64_t r = 0; r < call.rows; ++r) {
        const T* const a = static_cast<const T*>(call.a) + r * call.a_row;
        const T* const b = static_cast<const T*>(call.b) + r * call.b_row;
        static_cast<T*>(call.to)[r] =
            fold<functor::Sum, T>(call.columns, [a, b](std::int64_t i) { return a[i] * b[i]; });
    }
}

template <class T>
constexpr AttentionKernels attention_kernels{softmax_rows<T>, finish<T>, gradient_rows<T>, dots<T>};

}  // namespace

void add_attention(Kernels& table) {
    table.attention[compute_f32] = attention_kernels<float>;
    table.attention[compute_f64] = attention_kernels<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
