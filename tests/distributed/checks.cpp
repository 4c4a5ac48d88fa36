// The operations of a group against what one process computes.
#include "distributed/checks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>

#include "device/compare.h"

namespace adjoint::distributed {
namespace {

using device::every_type;
using device::expect_same_bits;

// What rank `rank` gives: whole numbers, so that sums are exact in every type.
Tensor given(int rank, std::int64_t count, DType type) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < count; ++i)
        values.push_back(static_cast<double>((i * 7 + rank * 3) % (type == boolean ? 2 : 11)));
    return tensor(values, {count}).to(type);
}

double of_all(ReduceOp op, const std::vector<double>& values) {
    double result = values[0];
    for (std::size_t r = 1; r < values.size(); ++r) {
        if (op == ReduceOp::sum || op == ReduceOp::mean) result += values[r];
        if (op == ReduceOp::max) result = std::max(result, values[r]);
        if (op == ReduceOp::min) result = std::min(result, values[r]);
    }
    return op == ReduceOp::mean ? result / static_cast<double>(values.size()) : result;
}

Tensor reduced(int ranks, std::int64_t count, DType type, ReduceOp op) {
    std::vector<std::vector<double>> all;
    for (int r = 0; r < ranks; ++r) all.push_back(given(r, count, type).to_vector<double>());
    std::vector<double> result;
    for (std::size_t i = 0; i < all[0].size(); ++i) {
        std::vector<double> values;
        for (const std::vector<double>& one : all) values.push_back(one[i]);
        result.push_back(of_all(op, values));
    }
    return tensor(result, {count}).to(type);
}

// Elements first .. first + count - 1 of a vector.
Tensor stretch(const Tensor& x, std::int64_t first, std::int64_t count) {
    return detached_view(x, {count}, {1}, first);
}

}  // namespace

void reduces_every_type(const Group& group) {
    for (const DType type : every_type)
        for (const std::int64_t count : {0, 1, 3, 7, 2049, 5000})
            for (const ReduceOp op : {ReduceOp::sum, ReduceOp::mean, ReduceOp::max, ReduceOp::min}) {
                if (op == ReduceOp::mean && !is_floating(type)) continue;
                const Tensor x = given(group.rank(), count, type);
                group.all_reduce(x, op);
                const Tensor expected = reduced(group.size(), count, type, op);
                expect_same_bits(expected, x, name(type));
                const int root = group.size() - 1;
                const Tensor one = given(group.rank(), count, type);
                group.reduce(one, root, op);
                expect_same_bits(group.rank() == root ? expected : given(group.rank(), count, type), one,
                                 "reduce");
            }
}

void moves_every_type(const Group& group) {
    const int own = group.rank(), ranks = group.size(), last = ranks - 1;
    for (const DType type : every_type)
        for (const std::int64_t count : {0, 1, 3, 1025, 5001}) {
            const Tensor sent = given(own, count, type);
            group.broadcast(sent, last);
            expect_same_bits(given(last, count, type), sent, "broadcast");

            const Tensor all = group.all_gather(given(own, count, type));
            ASSERT_EQ(all.shape(), Shape({ranks * count}));
            for (int r = 0; r < ranks; ++r)
                expect_same_bits(given(r, count, type), stretch(all, r * count, count), "all_gather");

            const Tensor mine = given(own, ranks * count, type);
            const Tensor turned = group.all_to_all(mine);
            for (int r = 0; r < ranks; ++r)
                expect_same_bits(stretch(given(r, ranks * count, type), own * count, count),
                                 stretch(turned, r * count, count), "all_to_all");

            const Tensor part = group.reduce_scatter(mine), whole = mine.clone();
            group.all_reduce(whole);
            expect_same_bits(stretch(whole, own * count, count), part, "reduce_scatter");
            group.barrier();
        }
}

void sends_every_type(const Group& group) {
    const int ranks = group.size(), next = (group.rank() + 1) % ranks,
              before = (group.rank() + ranks - 1) % ranks;
    if (ranks == 1) return;
    for (const DType type : every_type)
        for (const std::int64_t count : {0, 1, 3, 100001}) {
            group.send(given(group.rank(), count, type), next);
            const Tensor x = empty({count}, {.dtype = type});
            group.recv(x, before);
            expect_same_bits(given(before, count, type), x, "recv");
            // Around a ring in which everybody waits before he sends.
            const Tensor y = empty({count}, {.dtype = type});
            const Work work = group.recv_async(y, before);
            group.send(given(group.rank(), count, type), next);
            work.wait();
            expect_same_bits(given(before, count, type), y, "recv_async");
        }
}

// Their sum is more than the type can hold, or has lost its last bits there.
void means_of_short_types(const Group& group) {
    for (const std::int64_t count : {3, 3000}) {
        const Tensor largest = full({count}, 65504, DType::f16, Device::cpu());
        group.all_reduce(largest, ReduceOp::mean);
        expect_same_bits(full({count}, 65504, DType::f16, Device::cpu()), largest, "mean of f16");
        const double value = 1 + 1.0 / 128;  // of bf16, three times it is not
        const Tensor x = full({group.size() * count}, value, bf16, Device::cpu());
        expect_same_bits(full({count}, value, bf16, Device::cpu()), group.reduce_scatter(x, ReduceOp::mean),
                         "mean of bf16");
        group.reduce(x, 0, ReduceOp::mean);
        expect_same_bits(full({group.size() * count}, value, bf16, Device::cpu()), x, "mean of bf16");
    }
}

// The order shows in the last bits.
void sums_in_the_order_of_the_ranks(const Group& group) {
    for (const std::int64_t count : {5, 3000}) {
        manual_seed(3);
        Tensor sum, own;
        for (int r = 0; r < group.size(); ++r) {
            const Tensor part = randn({count});
            sum = r == 0 ? part.clone() : sum + part;
            if (r == group.rank()) own = part;
        }
        const Tensor on_root = own.clone();
        group.reduce(on_root, 0);
        if (group.rank() == 0) expect_same_bits(sum, on_root, "reduce");
        group.all_reduce(own);
        expect_same_bits(sum, own, "sum");
    }
}

// What comes each time, and what is left over in the end, is what went in.
void sums_rounded_once_forget_nothing(const Group& group) {
    for (const std::int64_t count : {1, 3000})
        for (const bool on_one : {false, true}) {
            constexpr int rounds = 5;
            const int root = group.size() - 1;
            const double value = 1 + 1.0 / 128;  // of bf16, its sums are not
            const Tensor left = zeros({count});
            Tensor total = zeros({count});
            for (int i = 0; i < rounds; ++i) {
                const Tensor full_value = full({count}, value) + left, x = full_value.to(bf16);
                left.copy_(full_value - x.to(f32));
                group.sum_rounded_async(x, left, on_one ? std::optional(root) : std::nullopt).wait();
                total = total + x.to(f32);
            }
            group.all_reduce(left);
            if (on_one && group.rank() != root) continue;
            const Tensor expected = full({count}, rounds * group.size() * value);
            expect_same_bits(expected, total + left, "sum");
        }
    EXPECT_THROW(group.sum_rounded_async(ones({2}), zeros({2})), DTypeError);
    EXPECT_THROW(group.sum_rounded_async(ones({2}).to(bf16), zeros({2}, {.dtype = f64})), DTypeError);
    EXPECT_THROW(group.sum_rounded_async(ones({2}).to(bf16), zeros({3})), ShapeError);
    EXPECT_THROW(group.sum_rounded_async(ones({2}).to(bf16), expand(zeros({1}), {2})), ValueError);
    EXPECT_THROW(group.sum_rounded_async(ones({2}).to(bf16), zeros({2}), group.size()), IndexError);
}

}  // namespace adjoint::distributed
