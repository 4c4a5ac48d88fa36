// checkpoint(f, x...): the bits of f(x...), values, gradients, statistics and random numbers alike, for less
// memory; and what it refuses.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/sanitizer.h>
#include <adjoint/core/memory/host_memory.h>

namespace adjoint {
namespace {

using Numbers = std::vector<double>;

void append(Numbers& numbers, const Tensor& x) {
    for (const double value : x.to_vector<double>()) numbers.push_back(value);
}

nn::Sequential block() {
    return nn::Sequential(nn::Linear(6, 6), nn::BatchNorm1d(6), nn::GELU(), nn::Dropout(0.4),
                          nn::Linear(6, 6));
}

// What three steps of a model of two blocks leave, called as `call` says.
using Call = std::function<Tensor(const nn::Sequential& part, const Tensor& x)>;
Numbers trained(const Call& call, std::optional<DType> autocast = {}, bool captured = false) {
    manual_seed(4);
    const nn::Sequential first = block(), second = block();
    std::vector<Tensor> parameters = first.parameters();
    for (const Tensor& parameter : second.parameters()) parameters.push_back(parameter);
    optim::Adam optimizer(parameters, {.lr = 0.01});
    const Tensor x = randn({8, 6});
    Tensor loss;
    const auto step = [&] {
        optimizer.zero_grad();
        const Autocast guard(autocast.value_or(f32));
        const Tensor y = call(second, call(first, x));  // the input needs no gradient, the parameters do
        loss = sum(square(y.to(f32) + dropout(y.to(f32), 0.1)));
        loss.backward();
        optimizer.step();
    };
    Numbers numbers;
    if (captured) {
        capture(step, {.warmup = 1}).replay(3);
        append(numbers, loss);
    } else {
        for (int i = 0; i < 5; ++i) step();
        append(numbers, loss);
    }
    for (const nn::Sequential& part : {first, second})
        for (const auto& [name, tensor] : part.state()) append(numbers, tensor);
    for (const Tensor& parameter : parameters) append(numbers, parameter.grad());
    numbers.push_back(static_cast<double>(generator_state().stream));
    return numbers;
}

const Call as_it_is = [](const nn::Sequential& part, const Tensor& x) { return part(x); };
const Call kept_short = [](const nn::Sequential& part, const Tensor& x) { return checkpoint(part, x); };
const Call nested = [](const nn::Sequential& part, const Tensor& x) {
    return checkpoint(
        [part](const Tensor& y) {
            const Tensor z = checkpoint([part](const Tensor& u) { return part(u); }, dropout(y, 0.2));
            return z * 0.5 + y;
        },
        x);
};
const Call as_nested = [](const nn::Sequential& part, const Tensor& x) {
    return part(dropout(x, 0.2)) * 0.5 + x;
};

TEST(ActivationCheckpoint, HasTheBitsOfThePlainCall) {
    const Numbers expected = trained(as_it_is);
    EXPECT_EQ(trained(kept_short), expected);
    EXPECT_NE(trained(nested), expected);
    EXPECT_EQ(trained(nested), trained(as_nested));
    EXPECT_EQ(trained(kept_short, bf16), trained(as_it_is, bf16));
    EXPECT_NE(trained(as_it_is, bf16), expected);
}

TEST(ActivationCheckpoint, InACapturedStepToo) {
    EXPECT_EQ(trained(kept_short, {}, true), trained(as_it_is));
    EXPECT_EQ(trained(nested, {}, true), trained(as_nested));
}

TEST(ActivationCheckpoint, TakesAndGivesSeveral) {
    manual_seed(2);
    const Tensor a = randn({3, 4}, {.dtype = f64}).set_requires_grad(true), b = randn({4}, {.dtype = f64}),
                 w = randn({3, 4}, {.dtype = f64}).set_requires_grad(true);
    const Tensor places = tensor<std::int64_t>({2, 0}, {2});
    const auto f = [=](const Tensor& x, const Tensor& scale, const Tensor& rows, const Tensor& none) {
        EXPECT_FALSE(none.defined());
        return std::make_tuple(tanh(x) * scale * w, index_select(x, 0, rows), argmax(x, 1));
    };
    const auto gradients = [&](bool shorter) {
        a.set_grad({});
        w.set_grad({});
        const Tensor inner = a * 2;
        const auto [y, z, best] =
            shorter ? checkpoint(f, inner, b, places, Tensor()) : f(inner, b, places, {});
        EXPECT_FALSE(best.requires_grad());
        EXPECT_EQ(best.dtype(), i64);
        (sum(y) + sum(square(z))).backward();
        Numbers numbers;
        for (const Tensor& x : {y, z, best, a.grad(), w.grad()}) append(numbers, x);
        return numbers;
    };
    EXPECT_EQ(gradients(true), gradients(false));
    // One result of two is used: the other gets a gradient of 0.
    const std::vector<Tensor> both = checkpoint(
        [](const Tensor& x) {
            return std::vector<Tensor>{x * 3, exp(x)};
        },
        a);
    EXPECT_EQ(grad(sum(both[0]), a).to_vector<double>(), Numbers(12, 3.0));
    // An input that comes back as it is.
    const Tensor same = checkpoint([](const Tensor& x) { return x; }, a);
    EXPECT_EQ(grad(sum(same), a).to_vector<double>(), Numbers(12, 1.0));
    const NoGrad guard;
    EXPECT_FALSE(checkpoint([](const Tensor& x) { return x * 2; }, a).requires_grad());
}

TEST(ActivationCheckpoint, HooksOfParametersRunOnce) {
    const Tensor w = ones({3}).set_requires_grad(true);
    int calls = 0;
    w.register_hook([&](const Tensor& g) {
        ++calls;
        return g * 10;
    });
    const Tensor y = checkpoint([=](const Tensor& x) { return x * w; }, full({3}, 2));
    sum(y * w).backward();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(w.grad().to_vector<double>(), Numbers(3, 40.0));
}

TEST(ActivationCheckpoint, KeepsLess) {
#if ADJOINT_ADDRESS_SANITIZER
    GTEST_SKIP() << "under AddressSanitizer every block comes from the system and is not counted";
#endif
    const auto deep = [](const Tensor& x) {
        Tensor y = x;
        for (int i = 0; i < 10; ++i) y = tanh(y);
        return y;
    };
    const auto peak = [&](bool shorter) {
        const Tensor x = rand({1000}).set_requires_grad(true);
        return capture(
                   [&] {
                       x.set_grad({});
                       Tensor y = x;
                       for (int i = 0; i < 10; ++i) y = shorter ? checkpoint(deep, y) : deep(y);
                       sum(y).backward();
                   },
                   {.optimize = false})
            .peak_bytes();
    };
    EXPECT_GT(peak(false), 100u * 4000u);
    EXPECT_LT(peak(true), 30u * 4000u);
}

TEST(ActivationCheckpoint, RefusesWhatItCannotDo) {
    const Tensor x = ones({3}).set_requires_grad(true);
    const Tensor outside = x * 2;
    const auto says = [](const auto& act, const char* what) {
        try {
            act();
            ADD_FAILURE() << "no error: " << what;
        } catch (const AutogradError& error) {
            EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
        }
    };
    says([&] { checkpoint([=](const Tensor& y) { return y * outside; }, x); }, "is not among its inputs");
    const auto twice = [](const Tensor& y) { return exp(y) * y; };
    says([&] { grad(sum(checkpoint(twice, x)), x, {.create_graph = true}); }, "second order");
    says(
        [&] {
            const Tensor y = full({3}, 2.0);
            const Tensor z = checkpoint([=](const Tensor& u) { return u * x; }, y);
            y.fill_(1);
            sum(z).backward();
        },
        "modified in place");
    int calls = 0;
    const Tensor other = ones({3}).set_requires_grad(true);
    says(
        [&] {
            sum(checkpoint([&](const Tensor& u) { return calls++ == 0 ? u * x : u * other; }, x)).backward();
        },
        "other parameters");
    calls = 0;
    const GeneratorState before = generator_state();
    EXPECT_THROW(sum(checkpoint(
                         [&](const Tensor& u) {
                             if (calls++ > 0) throw ValueError("not again");
                             return u * 2;
                         },
                         x))
                     .backward(),
                 ValueError);
    EXPECT_EQ(generator_state(), before);
    EXPECT_FALSE(is_recomputing());
    EXPECT_TRUE(grad_enabled());
    const Tensor y = checkpoint(twice, x);
    y.backward(ones({3}), true);
    const Numbers once = [&] { return x.grad().to_vector<double>(); }();
    y.backward(ones({3}));
    EXPECT_EQ(x.grad().to_vector<double>()[0], 2 * once[0]);
    says([&] { y.backward(ones({3})); }, "freed");
}

}  // namespace
}  // namespace adjoint
