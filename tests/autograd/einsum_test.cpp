// einsum, bilinear, attention and unbind: bad arguments are refused by an error that names
// them; types, long chains.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/attention.h>
#include <adjoint/autograd/ops/einsum.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

const Tensor row = ones({3}), matrix = ones({2, 3}), cube = ones({2, 3, 4});

template <class Kind> void expect_refused(const std::function<void()>& call, const std::string& names) {
    try {
        call();
        ADD_FAILURE() << "not refused: " << names;
    } catch (const Kind& error) {
        EXPECT_NE(std::string(error.what()).find(names), std::string::npos) << error.what();
    }
    EXPECT_EQ(einsum("ij,j->i", {matrix, row}).shape(), (Shape{2}));
}

TEST(Einsum, RefusesEquationsThatMakeNoSense) {
    const auto refused = [](const char* equation, std::initializer_list<Tensor> operands, const char* names) {
        const std::vector<Tensor> list = operands;
        expect_refused<ValueError>([&] { einsum(equation, list); }, names);
    };
    refused("ij,j->i", {matrix}, "2 operands, 1");
    refused("ij", {matrix, row}, "1 operands, 2");
    refused("i1->i", {matrix}, "'1'");
    refused("ij-i", {matrix}, "'-'");
    refused("i.j->i", {matrix}, "'.'");
    refused("......", {matrix}, "'.'");
    refused("ij->k", {matrix}, "index k");
    refused("ij->ii", {matrix}, "index i");
    refused("ij->i->j", {matrix}, "'-'");
    refused("", {}, "1 operands, 0");
}

TEST(Einsum, RefusesOperandsThatDoNotFit) {
    const auto refused = [](const char* equation, std::initializer_list<Tensor> operands, const char* names) {
        const std::vector<Tensor> list = operands;
        expect_refused<ShapeError>([&] { einsum(equation, list); }, names);
    };
    refused("ijk->i", {matrix}, "3 dimensions of operand 0");
    refused("i->i", {matrix}, "1 dimensions of operand 0");
    refused("...ijk->i", {matrix}, "3 dimensions of operand 0");
    refused("ij,jk->ik", {matrix, matrix}, "index j");
    refused("ii->i", {matrix}, "index i");
    refused("...i,...i->...", {cube, ones({2, 4})}, "...");
    expect_refused<ShapeError>([] { bilinear(row, row, ones({2, 3, 4})); }, "bilinear");
    expect_refused<ShapeError>([] { bilinear(row, row, ones({2, 3, 3}), ones({3})); }, "bias");
    expect_refused<ShapeError>([] { attention_weights(matrix, ones({2, 4})); }, "attention");
    expect_refused<ShapeError>([] { scaled_dot_product_attention(matrix, matrix, ones({3, 3})); }, "values");
    expect_refused<ShapeError>([] { unbind(Tensor(1.0)); }, "unbind");
    expect_refused<IndexError>([] { unbind(matrix, 2); }, "unbind");
}

TEST(Einsum, KeepsTypesAsProductsDo) {
    EXPECT_EQ(einsum("ij,j->i", {matrix.to(f64), row.to(f64)}).dtype(), f64);
    EXPECT_EQ(einsum("ij,j->i", {matrix, row.to(f64)}).dtype(), f64);
    EXPECT_EQ(einsum("ij,j->i", {matrix.to(i64), row.to(i64)}).dtype(), i64);
    EXPECT_EQ(sum(einsum("ij,j->i", {matrix.to(i64), row.to(i64)})).item<int>(), 6);
}

// Each step is the other's input; one node takes all their gradients.
TEST(Unbind, TakesGradientsOfAllPartsAtOnce) {
    const Tensor x = rand({50, 3});
    x.set_requires_grad();
    Tensor state = zeros({3});
    for (const Tensor& part : unbind(x)) {
        EXPECT_STREQ(part.producer_name(), "unbind");
        state = state * 0.5 + part;
    }
    sum(state).backward();
    EXPECT_EQ(x.grad().to_vector<float>()[149], 1);
    EXPECT_EQ(x.grad().to_vector<float>()[147 - 3], 0.5F);
    EXPECT_EQ(x.grad().to_vector<float>()[0], std::ldexp(1.0F, -49));
}

}  // namespace
}  // namespace adjoint
