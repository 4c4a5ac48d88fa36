// Gathering and scattering of strided runs, with conversion.
#include <adjoint/cpu/block.h>

#include <algorithm>

#include <adjoint/core/base/convert.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu {
namespace {

// The conversion of dense runs between the types of an operand and of the kernels.
ConvertKernel dense_load(DType stored, DType compute) {
    return kernels().load[static_cast<std::size_t>(stored)][compute_column(compute)];
}
ConvertKernel dense_store(DType stored, DType compute) {
    return kernels().store[static_cast<std::size_t>(stored)][compute_column(compute)];
}

// Calls run(offset in elements, stride, position in the block, count) for each innermost run of start ..
// start + n - 1.
template <class Run>
void for_each_run(int rank, const std::int64_t* sizes, const std::int64_t* strides, std::int64_t start,
                  std::int64_t n, Run run) {
    if (rank == 0) {
        run(std::int64_t{0}, std::int64_t{0}, std::int64_t{0}, n);
        return;
    }
    std::int64_t place[max_dims];
    std::int64_t offset = 0, rest = start;
    for (int d = rank - 1; d >= 0; --d) {
        place[d] = rest % sizes[d];
        rest /= sizes[d];
        offset += place[d] * strides[d];
    }
    const int last = rank - 1;
    for (std::int64_t done = 0; done < n;) {
        const std::int64_t count = std::min(sizes[last] - place[last], n - done);
        run(offset, strides[last], done, count);
        done += count;
        offset -= place[last] * strides[last];
        place[last] = 0;
        int d = last - 1;
        for (; d >= 0; --d) {
            offset += strides[d];
            if (++place[d] < sizes[d]) break;
            offset -= sizes[d] * strides[d];
            place[d] = 0;
        }
    }
}

}  // namespace

void fill_block(DType compute, void* out, double value, std::int64_t n) {
    visit_compute(compute, [&](auto type) {
        using T = decltype(type);
        std::fill_n(static_cast<T*>(out), n, static_cast<T>(value));
    });
}

void select_block(DType compute, void* out, const void* condition, const void* a, const void* b,
                  std::int64_t n) {
    visit_compute(compute, [&](auto type) {
        using T = decltype(type);
        const T *where = static_cast<const T*>(condition), *x = static_cast<const T*>(a),
                *y = static_cast<const T*>(b);
        T* const to = static_cast<T*>(out);
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) to[i] = where[i] != T(0) ? x[i] : y[i];
    });
}

Walk::Walk(int rank, const std::int64_t* sizes, const std::int64_t* strides, Operand operand, DType compute)
    : rank_(rank), sizes_(sizes), strides_(strides), operand_(operand), compute_(compute) {
    bool dense = true;
    constant_ = rank > 0;
    std::int64_t step = 1;
    for (int d = rank - 1; d >= 0; --d) {
        dense = dense && strides[d] == step;
        constant_ = constant_ && strides[d] == 0;
        step *= sizes[d];
    }
    direct_ = dense && operand.dtype == compute;
}

const void* Walk::inside_run(std::int64_t start, std::int64_t n) const {
    const int last = rank_ - 1;
    if (last < 0 || strides_[last] != 1 || operand_.dtype != compute_) return nullptr;
    const std::int64_t place = start % sizes_[last];
    if (place + n > sizes_[last]) return nullptr;
    std::int64_t offset = place, rest = start / sizes_[last];
    for (int d = last - 1; d >= 0 && rest > 0; --d) {
        offset += rest % sizes_[d] * strides_[d];
        rest /= sizes_[d];
    }
    return static_cast<const char*>(operand_.data) + offset * static_cast<std::int64_t>(size_of(compute_));
}

const void* Walk::load(std::int64_t start, std::int64_t n, void* buffer) {
    if (direct_)
        return static_cast<const char*>(operand_.data) + start * static_cast<std::int64_t>(size_of(compute_));
    if (constant_ && filled_ == buffer && n <= filled_count_) return buffer;
    if (const void* run = inside_run(start, n)) return run;
    const ConvertKernel dense = dense_load(operand_.dtype, compute_);
    visit_dtype(operand_.dtype, [&](auto stored) {
        using From = decltype(stored);
        visit_compute(compute_, [&](auto computed) {
            using To = decltype(computed);
            To* to = static_cast<To*>(buffer);
            const From* from = operand_.as<const From>();
            if (constant_) {
                std::fill_n(to, n, convert<To>(*from));
                filled_ = buffer;
                filled_count_ = n;
                return;
            }
            for_each_run(
                rank_, sizes_, strides_, start, n,
                [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count) {
                    if (stride == 1) return dense(to + done, from + offset, count);
                    if (stride == 0) {
                        std::fill_n(to + done, count, convert<To>(from[offset]));
                        return;
                    }
                    for (std::int64_t i = 0; i < count; ++i)
                        to[done + i] = convert<To>(from[offset + i * stride]);
                });
        });
    });
    return buffer;
}

void* Walk::target(std::int64_t start, void* buffer) const {
    return direct_ ? static_cast<char*>(operand_.data) + start * static_cast<std::int64_t>(size_of(compute_))
                   : buffer;
}

void Walk::store(std::int64_t start, std::int64_t n, const void* buffer) const {
    if (direct_) return;
    const ConvertKernel dense = dense_store(operand_.dtype, compute_);
    visit_dtype(operand_.dtype, [&](auto stored) {
        using To = decltype(stored);
        visit_compute(compute_, [&](auto computed) {
            using From = decltype(computed);
            To* to = operand_.as<To>();
            const From* from = static_cast<const From*>(buffer);
            for_each_run(
                rank_, sizes_, strides_, start, n,
                [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count) {
                    if (stride == 1) return dense(to + offset, from + done, count);
                    for (std::int64_t i = 0; i < count; ++i)
                        to[offset + i * stride] = convert<To>(from[done + i]);
                });
        });
    });
}

}  // namespace adjoint::cpu
