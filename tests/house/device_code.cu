// Every functor in a kernel, so that the compiler for GPUs reads what the CPU is tested with. Compiled, never
// run.
#include <adjoint/core/functors/functors.h>
#include <adjoint/core/functors/reduce.h>
#include <adjoint/core/functors/update.h>
#include <adjoint/core/random.h>

namespace adjoint {

template <class F, class T> __global__ void map(F f, T* out, const T* x) {
    out[threadIdx.x] = f.template value<T>(x[threadIdx.x]);
}

template <class F, class T> __global__ void zip(F f, T* out, const T* a, const T* b) {
    out[threadIdx.x] = f.template value<T>(a[threadIdx.x], b[threadIdx.x]);
}

template <class F, class T> __global__ void update(F f, T* p, const T* g, T* s) {
    f.template step<T>(p[0], g[0], s[0], s[1], s[2]);
}

__global__ void draw(float* out, std::uint64_t seed, std::uint64_t n) {
    const Philox4 words = philox(seed, 0, threadIdx.x);
    const NormalPair<float> pair = normal_float(words.v[0], words.v[1]);
    out[shuffled_index(threadIdx.x, n, seed, 0)] = pair.first + pair.second + uniform_float(words.v[2]);
}

template <class... Fs> void use_unary(FunctorList<Fs...>) {
    ((void)&map<Fs, float>, ...);
    ((void)&map<Fs, double>, ...);
}
template <class... Fs> void use_binary(FunctorList<Fs...>) {
    ((void)&zip<Fs, float>, ...);
    ((void)&zip<Fs, double>, ...);
}
template <class... Fs> void use_updates(FunctorList<Fs...>) { ((void)&update<Fs, float>, ...); }

void use_all() {
    use_unary(functor::UnaryList{});
    use_binary(functor::BinaryList{});
    use_binary(functor::ReduceList{});
    use_updates(functor::UpdateList{});
}

}  // namespace adjoint
