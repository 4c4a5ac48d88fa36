// Batched matrix products.
#include <vector>

#include <adjoint/core/contract/activate.h>
#include <adjoint/core/memory/storage.h>
#include <adjoint/cpu/blas/blas.h>
#include <adjoint/cpu/block.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/product_bf16.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

void* advance(const Operand& x, std::int64_t elements) {
    return static_cast<char*>(x.data) + elements * static_cast<std::int64_t>(size_of(x.dtype));
}

// Sums of integer products; exact, and rare enough for plain loops.
template <class T> void integer_product(const GemmCall& g) {
    const T* a = static_cast<const T*>(g.a);
    const T* b = static_cast<const T*>(g.b);
    const T* bias = static_cast<const T*>(g.epilogue.bias);
    T* c = static_cast<T*>(g.c);
    for (std::int64_t i = 0; i < g.m; ++i)
        for (std::int64_t j = 0; j < g.n; ++j) {
            std::int64_t total = bias ? static_cast<std::int64_t>(bias[j]) : 0;
            for (std::int64_t p = 0; p < g.k; ++p)
                total += static_cast<std::int64_t>(a[i * g.a_row + p * g.a_column]) *
                         static_cast<std::int64_t>(b[p * g.b_row + j * g.b_column]);
            c[i * g.c_row + j] = static_cast<T>(total);
        }
}

// Dense f32 copy of a strided matrix of 16-bit numbers.
Ref<Storage> widen(const void* data, DType type, std::int64_t rows, std::int64_t columns, std::int64_t row,
                   std::int64_t column) {
    Ref<Storage> out =
        Storage::allocate(static_cast<std::size_t>(rows * columns) * sizeof(float), Device::cpu());
    const std::int64_t sizes[2] = {rows, columns}, strides[2] = {row, column};
    Walk walk(2, sizes, strides, {const_cast<void*>(data), type}, DType::f32);
    float* to = static_cast<float*>(out->data());
    for (std::int64_t start = 0; start < rows * columns; start += block_size)
        walk.load(start, std::min(block_size, rows * columns - start), to + start);
    return out;
}

// f16 and bf16: computed in f32, rounded once.
void narrow_product(GemmCall g, DType type) {
    const Ref<Storage> a = widen(g.a, type, g.m, g.k, g.a_row, g.a_column);
    const Ref<Storage> b = widen(g.b, type, g.k, g.n, g.b_row, g.b_column);
    const Ref<Storage> bias = g.epilogue.bias ? widen(g.epilogue.bias, type, 1, g.n, 0, 1) : nullptr;
    const Ref<Storage> c =
        Storage::allocate(static_cast<std::size_t>(g.m * g.n) * sizeof(float), Device::cpu());
    const std::int64_t sizes[2] = {g.m, g.n}, strides[2] = {g.c_row, 1};
    const Walk out(2, sizes, strides, {g.c, type}, DType::f32);
    g.a = a->data();
    g.b = b->data();
    g.epilogue.bias = bias ? bias->data() : nullptr;
    g.c = c->data();
    g.c_row = g.n;
    g.a_row = g.k;
    g.b_row = g.n;
    g.a_column = g.b_column = 1;
    product_f32(g);
    const float* from = static_cast<const float*>(c->data());
    for (std::int64_t start = 0; start < g.m * g.n; start += block_size)
        out.store(start, std::min(block_size, g.m * g.n - start), from + start);
}

void one_product(const GemmCall& g, DType type) {
    switch (type) {
        case DType::f32:
            return product_f32(g);
        case DType::f64:
            return product_f64(g);
        case DType::bf16:
            if (product_bf16(g)) return;
            if (const PairKernels* own = kernels().pairs) return product_of_pairs(*own, g);
            [[fallthrough]];
        case DType::f16:
            return narrow_product(g, type);
        case DType::u8:
            return integer_product<std::uint8_t>(g);
        case DType::i32:
            return integer_product<std::int32_t>(g);
        case DType::i64:
            return integer_product<std::int64_t>(g);
        case DType::boolean:
            break;  // arrives as i64
    }
}

}  // namespace

void on(CpuBackend& cpu, const call::MatMul& p) {
    GemmCall g{p.out.data, p.a.data, p.b.data,   p.m,     p.n,        p.k,
               p.out_row,  p.a_row,  p.a_column, p.b_row, p.b_column, p.epilogue};
    if (p.batch_rank == 0) {
        if (p.out.dtype == DType::f32 || p.out.dtype == DType::f64) return one_product(g, p.a.dtype);
        // An activation takes what was rounded to the type.
        g.c = p.epilogue.sums_or(p.out.data);
        g.epilogue = {.bias = p.epilogue.bias};
        one_product(g, p.a.dtype);
        call::activate(cpu, p.epilogue, p.out, p.m * p.n);
        return;
    }
    std::int64_t batch = 1;
    for (int d = 0; d < p.batch_rank; ++d) batch *= p.batch_sizes[d];
    // Small products share a task; a product that is large by itself is split inside.
    constexpr std::int64_t task_work = 1 << 20;
    const std::int64_t work = std::max<std::int64_t>(1, p.m * p.n * p.k);
    const std::int64_t per_task = work >= task_work ? batch : std::max<std::int64_t>(1, task_work / work);
    parallel_for((batch + per_task - 1) / per_task, [&](std::int64_t task) {
        for (std::int64_t i = task * per_task; i < std::min(batch, (task + 1) * per_task); ++i) {
            std::int64_t out = 0, a = 0, b = 0, rest = i;
            for (int d = p.batch_rank - 1; d >= 0; --d) {
                const std::int64_t place = rest % p.batch_sizes[d];
                rest /= p.batch_sizes[d];
                out += place * p.out_batch[d];
                a += place * p.a_batch[d];
                b += place * p.b_batch[d];
            }
            GemmCall one = g;
            one.c = advance(p.out, out);
            one.a = advance(p.a, a);
            one.b = advance(p.b, b);
            one_product(one, p.a.dtype);
        }
    });
}

}  // namespace adjoint::cpu
