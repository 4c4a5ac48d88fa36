// The operator table tested: rows whose call makes a mistake that an operator could make. Every one has to be
// caught, and the row without it has to pass.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/autograd/record/function.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

#include "op_table/checks.h"

namespace adjoint::table {
namespace {

using Call = std::function<Tensors(const Tensors&)>;

struct Mistake {
    const char* what;
    const char* row;
    Call call;
};

// A function of one variable given by its value and its backward pass, for mistakes in the latter.
struct Custom : Function {
    static constexpr auto name = "custom";
    using Value = std::function<Tensor(const Tensor& x)>;
    using Slope = std::function<Tensor(const Tensor& g, const Tensor& x)>;
    Value value;
    Slope slope;
    Saved x;
    Custom(Value v, Slope s) : value(std::move(v)), slope(std::move(s)) {}
    Tensor forward(const Tensor& input) {
        x = input;
        return value(input);
    }
    Grads backward(const Tensor& g) { return {slope(g, x.get())}; }
};

// d(a b) with its parts exchanged.
struct Swapped : Function {
    static constexpr auto name = "swapped";
    Saved a, b;
    Tensor forward(const Tensor& x, const Tensor& y) {
        a = x;
        b = y;
        return x * y;
    }
    Grads backward(const Tensor& g) { return {g * a.get(), g * b.get()}; }
};

// The gradient of index_select, with assignment in the place of addition.
struct Overwriting : Function {
    static constexpr auto name = "overwriting";
    Saved index;
    Shape shape;
    Tensor forward(const Tensor& x, const Tensor& places) {
        index = places;
        shape = x.shape();
        return index_select(x, 0, places);
    }
    Grads backward(const Tensor& g) {
        const Tensor out = zeros(shape, {.dtype = g.dtype()});
        out(index.get()) = g;
        return {out, Tensor()};
    }
};

Call custom(Custom::Value value, Custom::Slope slope) {
    return [=](const Tensors& in) { return Tensors{record(Custom(value, slope), in[0])}; };
}

Call unary(std::function<Tensor(const Tensor& x)> f) {
    return [=](const Tensors& in) { return Tensors{f(in[0])}; };
}

// The memory of x in the order in which it lies there, taken for a dense tensor; zeros where it ends.
Tensor as_if_dense(const Tensor& x) {
    const Storage& storage = *x.impl().storage;
    const double* memory = x.data<double>();
    const auto* end =
        reinterpret_cast<const double*>(static_cast<const char*>(storage.data()) + storage.bytes());
    std::vector<double> values(static_cast<std::size_t>(x.numel()));
    std::copy_n(memory, std::min<std::ptrdiff_t>(end - memory, x.numel()), values.begin());
    return tensor(values, x.shape(), {.dtype = x.dtype()});
}

std::vector<Mistake> mistakes_in_values() {
    return {
        {"a sign", "sub", [](const Tensors& in) { return Tensors{in[1] - in[0]}; }},
        {"a missing term", "affine", [](const Tensors& in) { return Tensors{affine(in[0], in[1])}; }},
        {"a biased variance", "var_last",
         unary([](const Tensor& x) { return var(x, -1, false, {.unbiased = false}); })},
        {"an unbiased variance where the biased one is meant", "batch_norm_training",
         [](const Tensors& in) {
             const Tensor centred = in[0] - mean(in[0], 0, true);
             return Tensors{centred / sqrt(var(in[0], 0, true) + 1e-3) * in[1] + in[2]};
         }},
        {"epsilon outside the root", "batch_norm_training",
         [](const Tensors& in) {
             const Tensor centred = in[0] - mean(in[0], 0, true);
             return Tensors{centred / (adjoint::std(in[0], 0, true, {.unbiased = false}) + 1e-3) * in[1] +
                            in[2]};
         }},
        {"a dropped remainder", "sum_long",
         unary([](const Tensor& x) { return sum(narrow(x, 0, 0, x.size(0) / 8 * 8), 0); })},
        {"a remainder counted twice", "sum_long",
         unary([](const Tensor& x) { return sum(x, 0) + sum(narrow(x, 0, 64, 6), 0); })},
        {"a sum in half precision", "sum_long",
         unary([](const Tensor& x) { return sum(x.to(DType::f16), 0).to(x.dtype()); })},
        {"a sum where a mean is meant", "mse_loss_mean",
         [](const Tensors& in) { return Tensors{mse_loss(in[0], in[1], Reduction::sum)}; }},
        {"the mean taken over all elements instead of the weights used", "nll_loss_weight_mean",
         [](const Tensors& in) {
             const Tensor total = nll_loss(in[0], in[1], {.weight = in[2], .reduction = Reduction::sum});
             return Tensors{total / static_cast<double>(in[1].numel())};
         }},
        {"an unstable logarithm of a sum", "logsumexp_huge",
         unary([](const Tensor& x) { return log(sum(exp(x), -1)); })},
        {"the wrong dimension", "softmax_first", unary([](const Tensor& x) { return softmax(x, 1); })},
        {"a transposed product", "matmul_batch",
         [](const Tensors& in) { return Tensors{transpose(matmul(in[0], in[1]), 1, 2)}; }},
        {"a kernel that is turned round", "conv2d_nobias",
         [](const Tensors& in) {
             return Tensors{conv2d(in[0], flip(in[1], {2, 3}))};
         }},
        {"padding counted in the mean", "avg_pool2d_withoutpadding",
         unary([](const Tensor& x) { return avg_pool2d(x, 3, {.stride = 2, .padding = 1}); })},
        {"rounding half away from zero", "round_special",
         unary([](const Tensor& x) { return sign(x) * floor(abs(x) + 0.5); })},
        {"NaN lost", "maximum_nan",
         [](const Tensors& in) { return Tensors{where(in[0] > in[1], in[0], in[1])}; }},
        {"a keepdim forgotten", "sum_middle_kept", unary([](const Tensor& x) { return sum(x, 1); })},
        {"the exclusive sum", "cumsum_last", unary([](const Tensor& x) { return cumsum(x, -1) - x; })},
        {"a start one too early", "narrow", unary([](const Tensor& x) { return narrow(x, 1, 0, 3); })},
    };
}

// Values of dense inputs are right.
std::vector<Mistake> mistakes_elsewhere() {
    using T = const Tensor&;
    const auto keep = [](T x) { return x.detach(); };
    return {
        {"strides ignored", "exp",
         [](const Tensors& in) {
             if (in[0].dtype() != DType::f64) return Tensors{exp(in[0])};
             return Tensors{exp(in[0]) - exp(in[0].detach()) + exp(as_if_dense(in[0].detach()))};
         }},
        {"a sign", "cos", custom([](T x) { return cos(x); }, [](T g, T x) { return g * sin(x); })},
        {"a missing factor", "square", custom([](T x) { return square(x); }, [](T g, T x) { return g * x; })},
        {"a missing chain: the incoming gradient is left out", "exp",
         custom([](T x) { return exp(x); }, [](T, T x) { return exp(x); })},
        {"the output where the input is meant", "log",
         custom([](T x) { return log(x); }, [](T g, T x) { return g / log(x); })},
        {"a second derivative cut off", "exp",
         custom([](T x) { return exp(x); }, [keep](T g, T x) { return g * exp(keep(x)); })},
        {"the incoming gradient cut off from the second pass", "square",
         custom([](T x) { return square(x); }, [keep](T g, T x) { return keep(g) * 2 * x; })},
        {"a recorded pass that says something else", "tanh",
         custom([](T x) { return tanh(x); },
                [](T g, T x) {
                    const Tensor slope = 1 - square(tanh(x));
                    return grad_enabled() ? g * slope * 1.001 : g * slope;
                })},
        {"an incoming gradient read without its strides", "neg",
         custom([](T x) { return neg(x); },
                [](T g, T) {
                    if (grad_enabled() || g.dtype() != DType::f64) return neg(g);
                    return neg(as_if_dense(g));
                })},
        {"a gradient of the wrong precision", "sqrt",
         custom([](T x) { return sqrt(x); },
                [](T g, T x) { return (g * 0.5 / sqrt(x)).to(DType::f16).to(x.dtype()); })},
        {"a gradient that is not spread", "mean_all",
         custom([](T x) { return mean(x); }, [](T g, T x) { return expand(g, x.shape()); })},
        {"the gradient of the unbiased variance divided by n", "var_all",
         custom([](T x) { return var(x); },
                [](T g, T x) { return g * 2 * (x - mean(x)) / static_cast<double>(x.numel()); })},
        {"the mean taken for a constant in a normalisation", "layer_norm_plain",
         [keep](const Tensors& in) {
             const Tensor& x = in[0];
             const Tensor centred = x - keep(mean(x, -1, true));
             return Tensors{centred / sqrt(mean(square(x - mean(x, -1, true)), -1, true) + 1e-3)};
         }},
        {"the running sum of the gradient in the wrong direction", "cumsum_last",
         custom([](T x) { return cumsum(x, -1); }, [](T g, T) { return cumsum(g, -1); })},
        {"softmax taken for elementwise", "softmax_last",
         custom([](T x) { return softmax(x, -1); },
                [](T g, T x) {
                    const Tensor y = softmax(x, -1);
                    return g * y * (1 - y);
                })},
        {"a division by zero", "prod_one_zero",
         custom([](T x) { return prod(x); }, [](T g, T x) { return g * prod(x) / x; })},
        {"no gradient at all", "sin",
         custom([](T x) { return sin(x); }, [](T, T x) { return zeros_like(x); })},
        {"the factors of a product exchanged", "mul",
         [](const Tensors& in) { return Tensors{record(Swapped{}, in[0], in[1])}; }},
        {"a bias without its gradient", "linear",
         [keep](const Tensors& in) { return Tensors{linear(in[0], in[1], keep(in[2]))}; }},
        {"repeated places that do not add up", "index_select_first",
         [](const Tensors& in) { return Tensors{record(Overwriting{}, in[0], in[1])}; }},
    };
}

const Row* find(const std::string& name) {
    const auto at =
        std::find_if(rows().begin(), rows().end(), [&](const Row& r) { return r.name() == name; });
    return at == rows().end() ? nullptr : &*at;
}

// How many of the checks a row fails.
int failures(const Row& row, void (*look)(const Row&, Device) = expect_everything) {
    testing::TestPartResultArray results;
    int failed = 0;
    {
        const testing::ScopedFakeTestPartResultReporter reporter(
            testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
        try {
            look(row, Device::cpu());
        } catch (const Error&) {
            ++failed;
        }
    }
    for (int i = 0; i < results.size(); ++i) failed += results.GetTestPartResult(i).failed();
    return failed;
}

void expect_caught(const std::vector<Mistake>& mistakes, bool values_are_right) {
    for (const Mistake& mistake : mistakes) {
        SCOPED_TRACE(std::string(mistake.row) + ": " + mistake.what);
        const Row* right = find(mistake.row);
        ASSERT_NE(right, nullptr) << "there is no such row";
        EXPECT_EQ(failures(*right), 0) << "the row itself fails";
        Row wrong = *right;
        wrong.call = mistake.call;
        EXPECT_EQ(failures(wrong, expect_values) == 0, values_are_right) << "another mistake than is meant";
        EXPECT_GT(failures(wrong), 0) << "the mistake was not caught";
    }
}

TEST(PlantedMistake, InAValueIsCaught) { expect_caught(mistakes_in_values(), false); }
TEST(PlantedMistake, InADerivativeOrALayoutIsCaught) { expect_caught(mistakes_elsewhere(), true); }

TEST(PlantedMistake, ThereAreMany) {
    EXPECT_GE(mistakes_in_values().size() + mistakes_elsewhere().size(), 40u);
}

}  // namespace
}  // namespace adjoint::table
