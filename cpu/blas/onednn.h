// What the files on oneDNN share: one engine, and one thread of oneDNN's for a task of ours.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

extern "C" void omp_set_num_threads(int);

namespace adjoint::cpu::onednn {

inline const dnnl::engine& engine() {
    // Never destroyed: a static object's destructor may compute.
    static const dnnl::engine& cpu = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
    return cpu;
}

inline void use_one_thread() {
    thread_local const bool single = (omp_set_num_threads(1), true);
    static_cast<void>(single);
}

/// Without instructions for bf16 (AVX512-BF16, AMX) oneDNN is slower than the same work in f32.
inline bool has_bf16_instructions() {
    constexpr auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
    static const auto found = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    return (found & wanted) == wanted;
}

}  // namespace adjoint::cpu::onednn
