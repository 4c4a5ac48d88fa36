// The calls of a captured training step of the rows of bench/mnist, as docs/design.md shows them.
//
//     bench/describe W1 [plain]     plain: as recorded, without passes
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "mnist_rows.h"

int main(int argc, char** argv) {
    using namespace adjoint;
    const auto* const row = std::find_if(std::begin(bench::rows), std::end(bench::rows), [&](const auto& r) {
        return argc > 1 && r.name == std::string_view(argv[1]);
    });
    if (row == std::end(bench::rows)) {
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
