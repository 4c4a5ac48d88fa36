// Calls of a training loop around its step, against what they stand for: index_select and argmax.
#include <gtest/gtest.h>

#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>

#include "device/cases.h"
#include "device/compare.h"

namespace adjoint::device {
namespace {

// One call or its composition.
template <class Call> void carry_out(Device where, const Call& call, bool composed) {
    if (composed)
        compose(backend(where), call);
    else
        backend(where).run(call);
}

constexpr double scale = 1 / 255.0, shift = -0.1307;

Tensor expected_rows(const Tensor& x, const Tensor& places, DType type) {
    const Tensor rows = index_select(x, 0, places);
    return type == DType::f32 && x.dtype() == DType::u8 ? rows.to(type) * scale + shift : rows.to(type);
}

// Of tables as wide as this; the first is cut from a longer one, so that it begins at an odd address.
void expect_rows(Device device, std::int64_t width, std::int64_t count, const std::vector<DType>& from,
                 const std::vector<DType>& to) {
    const std::int64_t size = 40;
    const Tensor places = randint(0, size, {count});
    for (const bool composed : {false, true}) {
        call::TakeRows call{.tables = {}, .count = 0, .places = nullptr, .rows = count};
        const Tensor there = places.to(device);
        call.places = operand(there).as<const std::int64_t>();
        Tensors tables, got, expected;
        for (std::size_t t = 0; t < from.size(); ++t) {
            const std::int64_t skipped = t == 0 ? 1 : 0;
            const Tensor all = numbers({size * width + skipped}, from[t]);
            const Tensor x = reshape(narrow(all, 0, skipped, size * width), {size, width});
            tables.push_back(reshape(narrow(all.to(device), 0, skipped, size * width), {size, width}));
            got.push_back(empty({count, width}, {.dtype = to[t], .device = device}));
            expected.push_back(expected_rows(x, places, to[t]));
            call.tables[call.count++] = {operand(got[t]), operand(tables[t]), width, size, scale, shift};
        }
        carry_out(device, call, composed);
        for (std::size_t t = 0; t < got.size(); ++t)
            expect_same_bits(expected[t], got[t].to(Device::cpu()), name(from[t]) + std::string(" rows"));
    }
}

void rows_of_tables(Device device) {
    for (const std::int64_t width : {1, 3, 4, 64, 784, 1001})
        for (const std::int64_t count : {1, 7, 129})
            for (const DType type : every_type) expect_rows(device, width, count, {type, type}, {type, type});
    expect_rows(device, 20, 64, {DType::u8, DType::u8, DType::u8, DType::i32},
                {DType::f32, DType::f32, DType::i64, DType::i64});
    expect_rows(device, 21, 65, {DType::u8, DType::boolean, DType::u8}, {DType::f32, DType::i64, DType::f32});
    expect_rows(device, 5, 0, {DType::f32}, {DType::f32});
    expect_rows(device, 0, 5, {DType::u8}, {DType::f32});
}

void expect_tally(Device device, const Tensor& logits, const Tensor& targets, DType mean_type) {
    const std::int64_t n = logits.shape()[0];
    const Tensor mean = full({}, 0.7, mean_type, Device::cpu());
    const Tensor best = argmax(logits, 1);
    const double right = sum(eq(best, targets)).item(),
                 sum = (mean * static_cast<double>(n)).to(DType::f64).item();
    for (const bool composed : {false, true}) {
        const Tensor loss = full({}, 2.5, DType::f64, device), count = full({}, 3, DType::i64, device),
                     x = logits.to(device), y = targets.to(device), mean_there = mean.to(device);
        carry_out(device,
                  call::Tally{.loss = operand(loss).as<double>(),
                              .right = operand(count).as<std::int64_t>(),
                              .mean = operand(mean_there),
                              .logits = x.impl().data,
                              .targets = operand(y).as<const std::int64_t>(),
                              .rows = {.rows = n, .columns = logits.shape()[1], .dtype = logits.dtype()}},
                  composed);
        EXPECT_EQ(loss.item(), 2.5 + sum);
        EXPECT_EQ(count.item(), 3 + right) << logits.shape();
    }
}

void tallies(Device device) {
    for (const DType type : {DType::f32, DType::f64})
        for (const Shape& shape :
             {Shape{1, 2}, Shape{64, 10}, Shape{129, 17}, Shape{5, 1500}, Shape{90, 1600}}) {
            // Few values, so that many are equal; some targets are the first greatest, others a later one.
            const Tensor x = randint(0, 4, shape).to(type);
            const Tensor best = argmax(x, 1), some = randint(-2, shape[1] + 2, {shape[0]});
            const Tensor targets = where(lt(rand({shape[0]}), 0.5), best, some);
            expect_tally(device, x, targets, DType::f32);
            expect_tally(device, x, best, DType::f64);
            const Tensor with_nan = where(lt(rand(shape), 0.1), full(shape, NAN, type, Device::cpu()), x);
            expect_tally(device, with_nan, targets, type);
            expect_tally(device, with_nan, argmax(with_nan, 1), type);
        }
}

}  // namespace
}  // namespace adjoint::device

namespace adjoint {

const std::vector<DeviceCase>& batch_cases() {
    static const std::vector<DeviceCase> cases = {{"RowsOfTables", device::rows_of_tables},
                                                  {"Tallies", device::tallies}};
    return cases;
}

}  // namespace adjoint
