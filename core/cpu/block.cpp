// Gathering and scattering of strided runs, with conversion.
#include <adjoint/core/cpu/block.h>

#include <algorithm>

#include <adjoint/core/convert.h>

namespace adjoint::cpu {
namespace {

template <class To, class From> void load_run(To* to, const From* from, std::int64_t stride, std::int64_t n) {
    if (stride == 1)
        for (std::int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
    else if (stride == 0)
        std::fill_n(to, n, convert<To>(*from));
    else
        for (std::int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i * stride]);
}

template <class To, class From>
void store_run(To* to, std::int64_t stride, const From* from, std::int64_t n) {
    if (stride == 1)
        for (std::int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
    else
        for (std::int64_t i = 0; i < n; ++i) to[i * stride] = convert<To>(from[i]);
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

const void* Walk::load(std::int64_t start, std::int64_t n, void* buffer) {
    if (direct_)
        return static_cast<const char*>(operand_.data) + start * static_cast<std::int64_t>(size_of(compute_));
    if (constant_ && constant_loaded_) return buffer;
    visit_dtype(operand_.dtype, [&](auto source) {
        using From = decltype(source);
        visit_compute(compute_, [&](auto target) {
            using To = decltype(target);
            To* to = static_cast<To*>(buffer);
            const From* from = operand_.as<const From>();
            if (constant_) {
                load_run(to, from, 0, block_size);
                constant_loaded_ = true;
                return;
            }
            for_each_run(rank_, sizes_, strides_, start, n,
                         [&](std::int64_t offset, std::int64_t stride, std::int64_t done,
                             std::int64_t count) { load_run(to + done, from + offset, stride, count); });
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
    visit_dtype(operand_.dtype, [&](auto target) {
        using To = decltype(target);
        visit_compute(compute_, [&](auto source) {
            using From = decltype(source);
            To* to = operand_.as<To>();
            const From* from = static_cast<const From*>(buffer);
            for_each_run(rank_, sizes_, strides_, start, n,
                         [&](std::int64_t offset, std::int64_t stride, std::int64_t done,
                             std::int64_t count) { store_run(to + offset, stride, from + done, count); });
        });
    });
}

}  // namespace adjoint::cpu
