// The calls of a captured training step of the rows of bench/mnist, as docs/design.md shows them.
//
//     bench/describe W1 [plain]     plain: as recorded, without passes
#include <cstdio>

#include "mnist_rows.h"

int main(int argc, char** argv) {
    using namespace adjoint;
    const bench::Row* const row = bench::row_named(argc > 1 ? argv[1] : "");
    if (!row) {
        std::fputs("usage: describe W1|W2|W3|W4 [plain]\n", stderr);
        return 2;
    }
    const nn::Sequential model = row->model();
    const auto optimizer = row->optimizer(model);
    Shape shape = row->sample;
    shape.insert(0, row->batch_size);
    const Tensor x = randn(shape), y = randint(0, 10, {row->batch_size});
    Tensor loss;
    const Captured step = capture(
        [&] {
            optimizer->zero_grad();
            loss = cross_entropy(model(x), y);
            loss.backward();
            optimizer->step();
        },
        {.optimize = argc < 3});
    std::printf("%s", step.describe().c_str());
}
