// Programs over elements: every functor as a step, against the calls that it stands for on the CPU.
#include <gtest/gtest.h>

#include <cstring>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>

#include "device/cases.h"
#include "device/compare.h"

namespace adjoint::device {
namespace {

// A functor whose numbers are 0.5, 1.5, 2.5.
template <class F> F functor_with_numbers() {
    constexpr double numbers[] = {0.5, 1.5, 2.5};
    F f{};
    static_assert(sizeof(F) <= sizeof numbers);
    if constexpr (sizeof(F) >= sizeof(double)) std::memcpy(static_cast<void*>(&f), numbers, sizeof(F));
    return f;
}

template <class... Fs> std::vector<UnaryOp> unary_ops(FunctorList<Fs...>) {
    return {functor_with_numbers<Fs>()...};
}
template <class... Fs> std::vector<BinaryOp> binary_ops(FunctorList<Fs...>) {
    return {functor_with_numbers<Fs>()...};
}

template <class Op> bool takes_integers(const Op& op) {
    return std::visit([]<class F>(const F&) { return functor::takes_integers<F>; }, op);
}
template <class Op> const char* name_of(const Op& op) {
    return std::visit([]<class F>(const F&) -> const char* { return F::name; }, op);
}

ElementProgram program_over(const Shape& shape, DType compute) {
    ElementProgram p;
    p.compute = compute;
    p.numel = shape.numel();
    for (int d = 0; d < shape.size(); ++d) p.sizes[p.rank++] = shape[d];
    return p;
}

void add_input(ElementProgram& p, const Tensor& x) {
    ElementProgram::Input in{{x.impl().data, x.dtype()}, {}};
    for (int d = 0; d < x.dim(); ++d) in.strides[d] = x.strides()[d];
    p.inputs.push_back(in);
}

void add_step(ElementProgram& p, const decltype(ElementProgram::Step::op)& op, std::uint8_t a = 0,
              std::uint8_t b = 0, std::uint8_t c = 0) {
    p.steps.push_back({op, {a, b, c}, static_cast<std::uint8_t>(p.buffers++)});
}

void add_output(ElementProgram& p, std::size_t value, const Tensor& to) {
    p.outputs.push_back({static_cast<std::uint8_t>(value), {to.impl().data, to.dtype()}});
}

// The program in one call and made of single ones: the same bits. What the single ones are worth is held
// elsewhere, and functions such as exp may differ from the CPU's in the last bit.
void expect_steps(Device device, const Tensors& inputs, DType compute, DType type, const std::string& what,
                  const std::function<void(ElementProgram&)>& add_steps) {
    const Shape shape = inputs[0].shape();
    const auto run = [&](Device where, bool composed) {
        ElementProgram p = program_over(shape, compute);
        Tensors there;
        for (const Tensor& x : inputs) there.push_back(expand(x.to(where), shape));
        for (const Tensor& x : there) add_input(p, x);
        add_steps(p);
        const Tensor last = empty(shape, {.dtype = type, .device = where}),
                     first = empty(shape, {.dtype = compute, .device = where});
        add_output(p, p.values() - 1, last);
        add_output(p, p.inputs.size(), first);
        if (composed)
            compose(backend(where), call::Chain{&p});
        else
            backend(where).run(call::Chain{&p});
        return Tensors{last.to(Device::cpu()), first.to(Device::cpu())};
    };
    const Tensors expected = run(device, true), got = run(device, false);
    for (std::size_t i = 0; i < got.size(); ++i) expect_same_bits(got[i], expected[i], what);
}

void chains_of_every_functor(Device device) {
    for (const DType compute : {DType::f32, DType::f64, DType::i64}) {
        const Tensors inputs{numbers({7, 33}, compute), numbers({33}, compute)};
        for (const UnaryOp& op : unary_ops(functor::UnaryList{}))
            if (compute != DType::i64 || takes_integers(op))
                expect_steps(device, inputs, compute, compute, name_of(op), [&](ElementProgram& p) {
                    add_step(p, op, 0);
                    add_step(p, BinaryOp(functor::Add{}), 2, 1);
                });
        for (const BinaryOp& op : binary_ops(functor::BinaryList{}))
            if (compute != DType::i64 || takes_integers(op))
                expect_steps(device, inputs, compute, compute, name_of(op), [&](ElementProgram& p) {
                    add_step(p, op, 0, 1);
                    add_step(p, UnaryOp(functor::Neg{}), 2);
                });
    }
}

void long_chains_of_all_types(Device device) {
    for (const DType compute : {DType::f32, DType::f64})
        for (const DType type : every_type)
            for (const std::int64_t n : {1, 129, 40001}) {
                const Tensors inputs{numbers({n, 3}, type), numbers({n, 1}, compute), numbers({}, compute)};
                expect_steps(device, inputs, compute, type, name(type), [&](ElementProgram& p) {
                    add_step(p, ElementProgram::Constant{0.25});     // 3
                    add_step(p, BinaryOp(functor::Gt{}), 0, 3);      // 4
                    add_step(p, BinaryOp(functor::Mul{}), 1, 2);     // 5
                    add_step(p, ElementProgram::Select{}, 4, 5, 0);  // 6
                    for (std::uint8_t i = 6; p.steps.size() < ElementProgram::most_steps; ++i)
                        add_step(p, BinaryOp(functor::Sub{}), 1, i);
                });
            }
}

void reductions_behind_chains(Device device) {
    for (const DType compute : {DType::f32, DType::f64})
        for (const Shape& shape : {Shape{5, 7}, Shape{3, 9000}, Shape{1, 70000}, Shape{300, 2}}) {
            const Tensor x = numbers(shape, compute), row = numbers({shape[1]}, compute);
            const auto run = [&](Device where, bool composed) {
                ElementProgram p = program_over(shape, compute);
                const Tensor there = x.to(where), second = expand(row.to(where), shape);
                add_input(p, there);
                add_input(p, second);
                add_step(p, BinaryOp(functor::Mul{}), 0, 1);
                add_step(p, UnaryOp(functor::Tanh{}), 2);
                Tensors sums;
                for (const auto value : {std::uint8_t{3}, std::uint8_t{2}, std::uint8_t{1}}) {
                    sums.push_back(empty({shape[0]}, {.dtype = compute, .device = where}));
                    const call::ChainReduce c{
                        &p, value, functor::Sum{}, {sums.back().impl().data, compute}, shape[0]};
                    if (composed)
                        compose(backend(where), c);
                    else
                        backend(where).run(c);
                }
                for (Tensor& sum : sums) sum = sum.to(Device::cpu());
                return sums;
            };
            const Tensors expected = run(device, true), got = run(device, false);
            for (std::size_t i = 0; i < got.size(); ++i) expect_same_bits(got[i], expected[i], "row sums");
        }
}

}  // namespace
}  // namespace adjoint::device

namespace adjoint {

const std::vector<DeviceCase>& chain_cases() {
    static const std::vector<DeviceCase> cases = {
        {"ChainsOfEveryFunctor", device::chains_of_every_functor},
        {"LongChainsOfAllTypes", device::long_chains_of_all_types},
        {"ReductionsBehindChains", device::reductions_behind_chains},
    };
    return cases;
}

}  // namespace adjoint
