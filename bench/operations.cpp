// Single operations on large tensors, forward; of some the backward pass too. The least time of the rounds.
//
//     bench/operations [threads] [rounds] [rows...]     rows: the names below, all by default
#include <adjoint/adjoint.h>

#include <cstdlib>
#include <cstring>
#include <functional>

#include "report.h"

using namespace adjoint;

namespace {

struct Operation {
    const char* name;
    std::function<std::function<void()>()> make;
};

// Forward and backward, from the gradient 1 of every element.
std::function<void()> both_ways(std::vector<Tensor> inputs, std::function<Tensor()> f) {
    for (Tensor& x : inputs) x.set_requires_grad();
    const NoGrad guard;
    const Tensor g = ones_like(f());
    return [=] { grad(std::vector<Tensor>{f()}, inputs, {.grad_outputs = {g}}); };
}

template <class F> Operation plain(const char* name, Shape shape, F f) {
    return {name, [=]() -> std::function<void()> {
                const Tensor x = randn(shape);
                return [=] { f(x); };
            }};
}

std::function<void()> attention(std::int64_t batch, std::int64_t length, bool backward) {
    const Shape shape{batch, 8, length, 32};
    const Tensor q = randn(shape), k = randn(shape), v = randn(shape);
    const auto f = [=] { return scaled_dot_product_attention(q, k, v, {.is_causal = true}); };
    if (backward) return both_ways({q, k, v}, f);
    return [=] {
        const NoGrad guard;
        f();
    };
}

const Shape square{4096, 4096}, long_rows{4096, 1000}, large{std::int64_t{16} << 20};

const Operation operations[] = {
    plain("copy", long_rows, [](const Tensor& x) { return x.clone(); }),
    plain("relu", large, [](const Tensor& x) { return relu(x); }),
    plain("gelu", large, [](const Tensor& x) { return gelu(x); }),
    plain("tanh", large, [](const Tensor& x) { return tanh(x); }),
    plain("exp", large, [](const Tensor& x) { return exp(x); }),
    {"add-row",
     []() -> std::function<void()> {
         const Tensor x = randn(square), row = randn({4096});
         return [=] { x + row; };
     }},
    {"embedding",
     []() -> std::function<void()> {
         const Tensor table = randn({50000, 256}), index = randint(0, 50000, {64, 512});
         return [=] { embedding(table, index); };
     }},
    {"layer-norm",
     []() -> std::function<void()> {
         const Tensor x = randn(long_rows), w = ones({1000}), b = zeros({1000});
         return [=] { layer_norm(x, {1000}, w, b); };
     }},
    {"layer-norm-both",
     [] {
         const Tensor x = randn(long_rows), w = ones({1000}), b = zeros({1000});
         return both_ways({x, w, b}, [=] { return layer_norm(x, {1000}, w, b); });
     }},
    plain("sort", {1 << 20}, [](const Tensor& x) { return sort(x); }),
    plain("sort-rows", long_rows, [](const Tensor& x) { return sort(x); }),
    plain("transpose", square, [](const Tensor& x) { return transpose(x, 0, 1).contiguous(); }),
    plain("sum-0", square, [](const Tensor& x) { return sum(x, 0); }),
    plain("cumsum-rows", long_rows, [](const Tensor& x) { return cumsum(x, 1); }),
    plain("cumsum-columns", long_rows, [](const Tensor& x) { return cumsum(x, 0); }),
    plain("product-256", {256, 256}, [](const Tensor& x) { return matmul(x, x); }),
    plain("product-512", {512, 512}, [](const Tensor& x) { return matmul(x, x); }),
    {"product-512-bf16",
     []() -> std::function<void()> {
         const Tensor x = randn({512, 512}).to(bf16);
         return [=] { matmul(x, x); };
     }},
    {"attention-128", [] { return attention(16, 128, false); }},
    {"attention-128-both", [] { return attention(16, 128, true); }},
    {"attention-1024", [] { return attention(2, 1024, false); }},
    {"attention-1024-both", [] { return attention(2, 1024, true); }},
};

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
    for (const Operation& operation : operations) {
        bool wanted = argc <= 3;
        for (int i = 3; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], operation.name) == 0;
        if (!wanted) continue;
        manual_seed(1);
        bench::report(operation.name, "adjoint", num_threads(),
                      1e3 * bench::least_time(rounds, operation.make()), "ms");
    }
}
