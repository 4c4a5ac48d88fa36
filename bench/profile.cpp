// Where the time and the memory of a training step go: the rows of bench/mnist under adjoint::profile.
//
//     bench/profile W1 [eager|captured|predict] [trace.json]     predict: the forward pass by nn::compile
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string_view>

#include "mnist_rows.h"

int main(int argc, char** argv) {
    using namespace adjoint;
    const bench::Row* const row = bench::row_named(argc > 1 ? argv[1] : "");
    const std::string_view way = argc > 2 ? argv[2] : "eager";
    if (!row || (way != "eager" && way != "captured" && way != "predict")) {
        std::fputs("usage: profile W1|W2|W3|W4 [eager|captured|predict] [trace.json]\n", stderr);
        return 2;
    }
    const nn::Sequential model = row->model();
    const auto optimizer = row->optimizer(model);
    Shape shape = row->sample;
    shape.insert(0, row->batch_size);
    const Tensor x = randn(shape), y = randint(0, 10, {row->batch_size});
    Tensor loss;
    const auto train = [&] {
        optimizer->zero_grad();
        loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer->step();
    };
    std::function<void()> step = train;
    if (way == "captured") {
        step = [captured = capture(train)] { captured.replay(); };
    } else if (way == "predict") {
        step = [compiled = nn::compile(model), &x] { (void)compiled(x); };
    }
    const Profile found = profile(step, {.warmup = 5, .steps = 40});
    std::cout << found;
    if (argc > 3) std::ofstream(argv[3]) << found.trace;
}
