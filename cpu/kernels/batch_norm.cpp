// Batch normalisation of a run of elements of one channel; sums in double.
#include <adjoint/cpu/fold.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

template <class T> double channel_sum(const void* elements, std::int64_t n) {
    const T* const x = static_cast<const T*>(elements);
    return fold<functor::Sum, double>(n, [x](std::int64_t i) { return static_cast<double>(x[i]); });
}

template <class T> double channel_square(const void* elements, std::int64_t n, double mean) {
    const T* const x = static_cast<const T*>(elements);
    return fold<functor::Sum, double>(n, [x, mean](std::int64_t i) {
        const double d = static_cast<double>(x[i]) - mean;
        return d * d;
    });
}

template <class T> void channel_forward(const ChannelRun& run) {
    const T* const x = static_cast<const T*>(run.x);
    T* const y = static_cast<T*>(run.y);
    const T centre = static_cast<T>(run.centre), scale = static_cast<T>(run.scale),
            shift = static_cast<T>(run.shift);
    if (run.rectify) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < run.n; ++i)
            y[i] = functor::Relu{}.value<T>((x[i] - centre) * scale + shift);
    } else {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < run.n; ++i) y[i] = (x[i] - centre) * scale + shift;
    }
}

// Gradients behind the activation, which is ReLU where its results are there.
template <bool rectified, class T> struct UpstreamRun {
    const T *g, *saved;
    __attribute__((always_inline)) T at(std::int64_t i) const {
        if constexpr (rectified) return functor::SlopeTimes<functor::Relu>{}.value(g[i], saved[i]);
        return g[i];
    }
};

template <class T, class F> void visit_upstream(const ChannelGradientRun& run, F f) {
    const T* const g = static_cast<const T*>(run.g);
    const T* const saved = static_cast<const T*>(run.saved);
    saved ? f(UpstreamRun<true, T>{g, saved}) : f(UpstreamRun<false, T>{g, saved});
}

template <class T> void channel_gradient_sums(const ChannelGradientRun& run, double* of_g, double* of_gh) {
    const T* const x = static_cast<const T*>(run.x);
    const T centre = static_cast<T>(run.centre), inverse = static_cast<T>(run.inverse);
    visit_upstream<T>(run, [&](auto g) {
        *of_g +=
            fold<functor::Sum, double>(run.n, [g](std::int64_t i) { return static_cast<double>(g.at(i)); });
        *of_gh += fold<functor::Sum, double>(run.n, [=](std::int64_t i) {
            return static_cast<double>(g.at(i)) * static_cast<double>((x[i] - centre) * inverse);
        });
    });
}

template <class T> void channel_backward(const ChannelGradientRun& run) {
    const T* const x = static_cast<const T*>(run.x);
    T* const dx = static_cast<T*>(run.dx);
    const T centre = static_cast<T>(run.centre), inverse = static_cast<T>(run.inverse),
            scale = static_cast<T>(run.scale), mean_g = static_cast<T>(run.mean_g),
            mean_gh = static_cast<T>(run.mean_gh);
    visit_upstream<T>(run, [&](auto g) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < run.n; ++i) {
            const T h = (x[i] - centre) * inverse;
            dx[i] = scale * (g.at(i) - mean_g - h * mean_gh);
        }
    });
}

template <class T>
constexpr BatchNormKernels channel_kernels{channel_sum<T>, channel_square<T>, channel_forward<T>,
                                           channel_gradient_sums<T>, channel_backward<T>};

}  // namespace

void add_batch_norm(Kernels& table) {
    table.batch_norm[compute_f32] = channel_kernels<float>;
    table.batch_norm[compute_f64] = channel_kernels<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
