// Matrix products, and convolutions of bf16, by the library that ADJOINT_BLAS chose: of this folder its files
// alone are compiled.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <adjoint/core/contract/backend.h>
#include <adjoint/cpu/activate.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {

/// What cpu_blas() says.
const char* blas_name() noexcept;
/// c = a b, with its epilogue.
void product_f32(const GemmCall& call);
void product_f64(const GemmCall& call);
/// The same of bf16, summed in f32 and rounded once. False, and nothing done, where the library has nothing
/// better than the same product in f32.
bool product_bf16(const GemmCall& call);

/// Convolutions of bf16 summed in f32 and rounded once; the bias, of f32, may be null.
struct NarrowConvolutions {
    bool (*can)(const Convolution& c);
    void (*forward)(const Convolution& c, bfloat16* y, const bfloat16* x, const bfloat16* w,
                    const float* bias);
    void (*input_gradient)(const Convolution& c, bfloat16* dx, const bfloat16* g, const bfloat16* w);
    void (*weight_gradient)(const Convolution& c, bfloat16* dw, const bfloat16* x, const bfloat16* g);
};
/// Null where the library has nothing better than the same in f32.
const NarrowConvolutions* convolutions_bf16() noexcept;

/// For libraries: the rows of c in tasks that depend on the sizes alone, so that the number of threads does
/// not change bits; each starts as copies of the bias, or zeros, for rows(call, beta) to add the product to;
/// the activation comes last.
template <class T, class Rows> void by_row_tasks(const GemmCall& call, Rows rows) {
    constexpr std::int64_t task_work = std::int64_t{1} << 21;  // multiply-adds
    const std::int64_t work = std::max<std::int64_t>(1, call.n * call.k);
    const std::int64_t height =
        std::clamp<std::int64_t>(task_work / work, 32, std::max<std::int64_t>(call.m, 32));
    parallel_for((call.m + height - 1) / height, [&](std::int64_t task) {
        GemmCall part = call;
        const std::int64_t first = task * height;
        part.m = std::min(height, call.m - first);
        part.a = static_cast<const T*>(call.a) + first * call.a_row;
        part.c = static_cast<T*>(call.c) + first * call.c_row;
        if (call.epilogue.sums) part.epilogue.sums = static_cast<T*>(call.epilogue.sums) + first * call.c_row;
        T* const sums = static_cast<T*>(part.epilogue.sums_or(part.c));
        if (const T* bias = static_cast<const T*>(call.epilogue.bias))
            for (std::int64_t i = 0; i < part.m; ++i) std::copy_n(bias, call.n, sums + i * call.c_row);
        T* const c = static_cast<T*>(std::exchange(part.c, sums));
        rows(part, call.epilogue.bias ? T(1) : T(0));
        if constexpr (!std::is_same_v<T, bfloat16>) {
            if (!call.epilogue.sums && call.epilogue.activation == Activation::none) return;
            for (std::int64_t i = 0; i < part.m; ++i)
                activate(call.epilogue.activation, dtype_of<T>, c + i * call.c_row, sums + i * call.c_row,
                         call.n);
        }
    });
}

/// Whether a library can read both operands: rows or columns must be dense, and must not overlap as those of
/// an expanded operand do.
inline bool is_readable(const GemmCall& call) {
    const auto dense = [](std::int64_t rows, std::int64_t columns, std::int64_t row, std::int64_t column) {
        return (column == 1 && (row >= columns || rows == 1)) ||
               (row == 1 && (column >= rows || columns == 1));
    };
    return dense(call.m, call.k, call.a_row, call.a_column) &&
           dense(call.k, call.n, call.b_row, call.b_column) && call.k > 0;
}

}  // namespace adjoint::cpu
