// Calls that take many elements together.
#include <vector>

#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/math.h>

#include "places.h"
#include "toy_device.h"

namespace adjoint {
namespace {

// Calls f(number of the output, offset) for each element, output by output.
template <class F> void for_elements(const ReductionLoop& r, F f) {
    std::int64_t output = 0;
    if (r.outputs == 0 || r.length == 0) return;
    toy::for_places<1>(r.kept_rank, r.kept_sizes, &r.kept_strides, [&](const auto& first) {
        toy::for_places<1>(r.reduced_rank, r.reduced_sizes, &r.reduced_strides,
                           [&](const auto& at) { f(output, first[0] + at[0]); });
        ++output;
    });
}

}  // namespace

void on(ToyBackend&, const call::Reduce& c) {
    visit_compute(c.loop.compute, [&](auto type) {
        using T = decltype(type);
        using Total = std::conditional_t<std::is_same_v<T, float>, double, T>;
        std::visit(
            [&]<class Op>(const Op& op) {
                std::vector<Total> totals(static_cast<std::size_t>(c.loop.outputs),
                                          Op::template start<Total>());
                for_elements(c.loop, [&](std::int64_t output, std::int64_t at) {
                    Total& total = totals[static_cast<std::size_t>(output)];
                    total = op.template value<Total>(total, toy::load<T>(c.loop.in, at));
                });
                for (std::size_t i = 0; i < totals.size(); ++i)
                    toy::store(c.loop.out, static_cast<std::int64_t>(i), static_cast<T>(totals[i]));
            },
            c.op);
    });
}

void on(ToyBackend&, const call::ArgReduce& c) {
    visit_compute(c.loop.compute, [&](auto type) {
        using T = decltype(type);
        std::int64_t last = -1, place = 0;
        T best{};
        for_elements(c.loop, [&](std::int64_t output, std::int64_t at) {
            const T x = toy::load<T>(c.loop.in, at);
            std::int64_t& winner = c.loop.out.as<std::int64_t>()[output];
            place = output == last ? place + 1 : 0;
            const bool better = math::isnan(x) ? !math::isnan(best) : (c.largest ? x > best : x < best);
            if (output != last || better) {
                best = x;
                winner = place;
            }
            last = output;
        });
    });
}

void on(ToyBackend& device, const call::MatMul& product) {
    const call::MatMul c = call::without_activation(product);
    std::int64_t strides[3][max_dims];
    for (int d = 0; d < c.batch_rank; ++d) {
        strides[0][d] = c.out_batch[d];
        strides[1][d] = c.a_batch[d];
        strides[2][d] = c.b_batch[d];
    }
    visit_compute(compute_type(c.a.dtype), [&](auto type) {
        using T = decltype(type);
        toy::for_places<3>(c.batch_rank, c.batch_sizes, strides, [&](const auto& first) {
            for (std::int64_t i = 0; i < c.m; ++i)
                for (std::int64_t j = 0; j < c.n; ++j) {
                    T total = c.epilogue.bias
                                  ? toy::load<T>({const_cast<void*>(c.epilogue.bias), c.a.dtype}, j)
                                  : T(0);
                    for (std::int64_t k = 0; k < c.k; ++k)
                        total += toy::load<T>(c.a, first[1] + i * c.a_row + k * c.a_column) *
                                 toy::load<T>(c.b, first[2] + k * c.b_row + j * c.b_column);
                    toy::store(c.out, first[0] + i * c.out_row + j, total);
                }
        });
    });
    call::activate(device, product.epilogue, product.out, product.m * product.n);
}

}  // namespace adjoint
