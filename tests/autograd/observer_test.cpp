// What an observer hears: each call that nobody heard of made, with inputs, outputs and attributes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/attention.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/layer_norm.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/tensor/creation.h>

#include "op_table/op_table.h"

namespace adjoint {
namespace {

struct Call {
    std::string name;
    std::vector<Tensor> inputs, outputs;
    Attributes attributes;
};

class Listener : public Observer {
  public:
    void heard(const Heard& call) override {
        calls.push_back({std::string(call.name),
                         {call.inputs.begin(), call.inputs.end()},
                         {call.outputs.begin(), call.outputs.end()},
                         call.attributes});
    }
    std::vector<std::string> names() const {
        std::vector<std::string> list;
        for (const Call& call : calls) list.push_back(call.name);
        return list;
    }
    std::vector<Call> calls;
};

using Names = std::vector<std::string>;

TEST(Observer, HearsACallWithItsInputsAndOutputs) {
    const Tensor a = ones({2}), b = ones({2});
    Listener listener;
    const Tensor y = a * b;
    ASSERT_EQ(listener.names(), Names{"mul"});
    EXPECT_TRUE(listener.calls[0].inputs[0].is_same(a));
    EXPECT_TRUE(listener.calls[0].inputs[1].is_same(b));
    EXPECT_TRUE(listener.calls[0].outputs[0].is_same(y));
}

TEST(Observer, HearsTheSameWithAndWithoutGradients) {
    const auto heard = [](bool gradient, bool recording) {
        const Tensor x = full({2, 3}, 0.5, {.requires_grad = gradient});
        const GradMode mode(recording);
        Listener listener;
        mean(softplus(sum(x, 1)) * x(0, 0));
        return listener.names();
    };
    const Names all = heard(true, true);
    EXPECT_GE(all.size(), 5u);
    EXPECT_EQ(all, heard(false, true));
    EXPECT_EQ(all, heard(true, false));
    EXPECT_EQ(all, heard(false, false));
}

TEST(Observer, AndTheGraphIsRecordedAsWithout) {
    const Tensor x = full({3}, 0.5, {.requires_grad = true});
    Tensor y;
    {
        Listener listener;
        y = sum(square(x));
    }
    y.backward();
    EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1, 1}));
}

TEST(Observer, HearsAttributes) {
    const Tensor x = ones({2, 3});
    Listener listener;
    sum(x, {-1}, true);
    leaky_relu(x, 0.25);
    ASSERT_EQ(listener.names(), (Names{"sum", "leaky_relu"}));
    const Attributes& of_sum = listener.calls[0].attributes;
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(*of_sum.find("dims")), (std::vector<std::int64_t>{1}));
    EXPECT_TRUE(std::get<bool>(*of_sum.find("keepdim")));
    EXPECT_EQ(of_sum.find("dim"), nullptr);
    EXPECT_EQ(std::get<double>(*listener.calls[1].attributes.find("negative_slope")), 0.25);
}

TEST(Observer, ACompositionThatHasAnOwnNameIsOneCall) {
    const Tensor x = randn({2, 3});
    Listener listener;
    layer_norm(x, {3}, ones({3}), zeros({3}));
    linear(randn({2, 4, 3}), randn({5, 3}), zeros({5}), {.then = Activation::gelu});
    le(x, x);
    ASSERT_EQ(listener.names(), (Names{"layer_norm", "linear", "le"}));
    EXPECT_EQ(std::get<std::string_view>(*listener.calls[1].attributes.find("activation")), "gelu");
}

TEST(Observer, AnotherIsHeardAsItsParts) {
    const Tensor x = randn({2, 3, 4});
    Listener listener;
    scaled_dot_product_attention(x, x, x);
    Names names = listener.names();
    std::sort(names.begin(), names.begin() + 2);  // the operands of a product, in whatever order
    EXPECT_EQ(names, (Names{"mul_scalar", "permute", "matmul", "softmax", "matmul"}));
}

TEST(Observer, HearsOfAWriteInPlace) {
    const Tensor x = ones({2});
    Listener listener;
    x += ones({2});
    ASSERT_EQ(listener.names(), (Names{"add", "write"}));
    EXPECT_TRUE(listener.calls[1].inputs[0].is_same(listener.calls[0].outputs[0]));
    EXPECT_TRUE(listener.calls[1].outputs[0].is_same(x));
}

TEST(Observer, OfSeveralTheInnermostHears) {
    const Tensor x = ones({2});
    Listener outer;
    {
        Listener inner;
        exp(x);
        EXPECT_EQ(inner.names(), Names{"exp"});
    }
    log(x);
    EXPECT_EQ(outer.names(), Names{"log"});
}

TEST(Observer, ALateFailureIsNotHeardAndTheThreadGoesOn) {
    const Tensor x = ones({2});
    {
        Listener listener;
        EXPECT_THROW(matmul(ones({2, 3}), ones({2, 3})), ShapeError);
        exp(x);
        EXPECT_EQ(listener.names(), Names{"exp"});
    }
    EXPECT_FALSE(detail::is_observed());
    EXPECT_TRUE(grad_enabled());
}

// The result of every operator of the table is an input, or an output that was heard of, or made of nothing.
TEST(Observer, HearsWhatMakesTheResultOfEveryOperator) {
    for (const table::Row& row : table::rows()) {
        table::Tensors inputs;
        bool empty = false;
        for (std::size_t i = 0; i < row.inputs.size(); ++i) {
            inputs.push_back(
                table::to_tensor(table::generate(row.inputs[i], row.name(), i), row.inputs[i], DType::f32));
            empty = empty || inputs.back().numel() == 0;
        }
        if (empty) continue;
        Listener listener;
        const table::Tensors outputs = row.call(inputs);
        for (const Tensor& output : outputs) {
            bool known = output.dim() == 0 && output.dtype() == DType::i64;  // the place of an only element
            const auto add = [&](const std::vector<Tensor>& list) {
                for (const Tensor& x : list) known = known || (x.defined() && x.is_same(output));
            };
            add(inputs);
            for (const Call& call : listener.calls) add(call.outputs);
            EXPECT_TRUE(known) << row.name() << ": one of its " << outputs.size() << " results";
        }
    }
}

}  // namespace
}  // namespace adjoint
