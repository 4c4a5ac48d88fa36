// Work to count instructions of: scripts/instructions runs this under callgrind,
// twice as long the second time.
//
//     bench/instructions plain|recorded|backward|xor|xor-captured COUNT
//
// Plain, recorded and backward: the chain x = x b + c of COUNT operations on one-element tensors, not
// recorded, recorded, recorded and run backward. Xor: COUNT steps of the net of row W5, eager or as replays.
#include <adjoint/adjoint.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>

using namespace adjoint;

namespace {

void chain(std::string_view work, int operations) {
    const Tensor a = full({1}, 0.5, {.requires_grad = work != "plain"}), b = full({1}, 0.9),
                 c = full({1}, 0.1);
    Tensor x = a;
    for (int i = 0; i < operations / 2; ++i) x = x * b + c;
    if (work == "backward") x.backward();
}

void xor_net(bool captured, int steps) {
    manual_seed(1);
    const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y = unsqueeze(tensor({0, 1, 1, 0}), 1);
    const nn::Sequential model(nn::Linear(2, 3), nn::Sigmoid(), nn::Linear(3, 1), nn::Sigmoid());
    optim::SGD optimizer(model.parameters(), {.lr = 0.5});
    const std::function<void()> step = [&] {
        optimizer.zero_grad();
        mse_loss(model(x), y).backward();
        optimizer.step();
    };
    if (captured) return capture(step).replay(steps);
    for (int i = 0; i < steps; ++i) step();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: instructions plain|recorded|backward|xor|xor-captured COUNT\n");
        return 2;
    }
    set_num_threads(1);
    const std::string_view work = argv[1];
    const int count = std::atoi(argv[2]);
    if (work.starts_with("xor"))
        xor_net(work == "xor-captured", count);
    else
        chain(work, count);
}
