// Lecture L0.8: the XOR net of L0.7 with modules, an optimizer and a data loader over a set of four rows.
// From the same seed it follows the same curve: the slides' loss by name, plain SGD, the full batch.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

void lecture(const LectureOptions& options) {
    const int epochs = options.quick ? 500 : 20000;
    const data::Dataset set{.inputs = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}),
                            .targets = unsqueeze(tensor({0, 1, 1, 0}), 1)};
    for (std::uint64_t seed = options.seed; seed < options.seed + 5; ++seed) {
        manual_seed(seed);
        const Tensor w1 = rand({2, 3}), w2 = rand({3, 1});  // drawn as L0.7 draws them
        const nn::Linear first(2, 3), second(3, 1);
        {
            const NoGrad guard;
            first.weight.copy_(t(w1));
            second.weight.copy_(t(w2));
            first.bias.zero_();
            second.bias.zero_();
        }
        const nn::Sequential model(first, nn::Sigmoid(), second, nn::Sigmoid());
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        data::Loader loader(set, {.batch_size = 4, .shuffle = false});
        std::printf("seed %d: loss", static_cast<int>(seed));
        for (int epoch = 0; epoch <= epochs; ++epoch)
            for (const data::Batch& batch : loader) {
                optimizer.zero_grad();
                const Tensor loss = record(fn::MSE{}, model(batch.x), batch.y);
                if (epoch % std::max(epochs / 5, 1) == 0) std::printf(" %.4f", loss.item());
                loss.backward();
                optimizer.step();
            }
        std::printf("  outputs");
        const NoGrad guard;
        for (const double y : model(set.inputs).to_vector<double>()) std::printf(" %.3f", y);
        std::printf("\n");
    }
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "XOR by modules, an optimizer and a loader: the curve of l0_7.", lecture);
}
