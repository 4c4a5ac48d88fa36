// Lecture L5.12: reinforcement learning on one page. A net balances a pole on a cart: nobody tells
// it what is right, it tries, and what was followed by more steps upright becomes more likely
// (policy gradient, REINFORCE).
//
// source: the cart and its pole as in Barto, Sutton and Anderson, Neuronlike adaptive elements, 1983; the
// rule of Williams, Simple statistical gradient-following algorithms, 1992, with the mean return as baseline.
#include <adjoint/adjoint.h>

#include <algorithm>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr std::int64_t carts = 16;  // that run side by side
constexpr int longest = 200;        // steps; a pole that falls or a cart that leaves ends its run before

// Place, speed, angle and turning of each cart 0.02 s later; a push of 1 is 10 N to the right, one of 0 as
// much to the left.
Tensor pushed(const Tensor& state, const Tensor& push) {
    const Tensor x = select(state, 1, 0), v = select(state, 1, 1), angle = select(state, 1, 2),
                 turn = select(state, 1, 3);
    const double cart = 1, pole = 0.1, half = 0.5, gravity = 9.8, seconds = 0.02, mass = cart + pole;
    const Tensor force = 20 * push - 10, sine = sin(angle), cosine = cos(angle);
    const Tensor forward = (force + pole * half * square(turn) * sine) / mass;
    const Tensor turning =
        (gravity * sine - cosine * forward) / (half * (4.0 / 3 - pole * square(cosine) / mass));
    const Tensor speeding = forward - pole * half * turning * cosine / mass;
    return stack({x + seconds * v, v + seconds * speeding, angle + seconds * turn, turn + seconds * turning},
                 1);
}

Tensor is_up(const Tensor& state) {
    return logical_and(lt(abs(select(state, 1, 0)), 2.4), lt(abs(select(state, 1, 2)), 12 * M_PI / 180));
}

// What happened: of each step and cart the state, the push, and whether the run still went on.
struct Episode {
    std::vector<Tensor> states, pushes, alive;
    double steps = 0;  // upright, the mean over the carts
};

Episode run(const nn::Sequential& policy) {
    const NoGrad guard;
    Episode episode;
    Tensor state = rand({carts, 4}) * 0.1 - 0.05, alive = ones({carts});
    for (int step = 0; step < longest && amax(alive).item() > 0; ++step) {
        const Tensor push = bernoulli(sigmoid(squeeze(policy(state), 1)));
        episode.states.push_back(state);
        episode.pushes.push_back(push);
        episode.alive.push_back(alive);
        episode.steps += mean(alive).item();
        state = pushed(state, push);
        alive = alive * is_up(state).to(f32);
    }
    return episode;
}

// Each push becomes more likely by how many more steps followed it than is usual.
void learn(const nn::Sequential& policy, optim::Adam& optimizer, const Episode& episode) {
    const Tensor alive = stack(episode.alive), count = sum(alive);
    Tensor to_go = flip(cumsum(flip(alive, {0}), 0), {0});  // steps upright from here on
    const Tensor usual = sum(to_go * alive) / count,
                 spread = sqrt(sum(square(to_go - usual) * alive) / count);
    const Tensor better = (to_go - usual) / (spread + 1e-6) * alive;
    const Tensor scores = squeeze(policy(stack(episode.states)), 2);
    optimizer.zero_grad();
    const Tensor losses =
        binary_cross_entropy_with_logits(scores, stack(episode.pushes), {.reduction = Reduction::none});
    (sum(losses * better) / count).backward();
    optimizer.step();
}

picture::Values trained(std::uint64_t seed, int rounds) {
    manual_seed(seed);
    const nn::Sequential policy(nn::Linear(4, 32), nn::Tanh(), nn::Linear(32, 1));
    optim::Adam optimizer(policy.parameters(), {.lr = 0.02});
    picture::Values returns;
    for (int round = 0; round < rounds; ++round) {
        const Episode episode = run(policy);
        returns.push_back(episode.steps);
        learn(policy, optimizer, episode);
    }
    return returns;
}

void lecture(const LectureOptions& options) {
    const int seeds = options.quick ? 3 : 15, rounds = options.quick ? 40 : 80;
    say("a pole on a cart, upright for %d steps at most; %d carts a round\n", longest,
        static_cast<int>(carts));
    std::vector<picture::Values> all;
    picture::Chart chart({.title = tr("Balancing a pole"),
                          .x = {.label = tr("round")},
                          .y = {.label = tr("steps upright"), .range = picture::Range{0, longest}}});
    picture::Values first, last;
    for (int seed = 0; seed < seeds; ++seed) {
        all.push_back(trained(options.seed + static_cast<std::uint64_t>(seed), rounds));
        first.push_back(all.back().front());
        const picture::Values end(all.back().end() - 10, all.back().end());
        last.push_back(mean(tensor(end, {10})).item());
        say("seed %2d: %5.1f steps in the first round, %5.1f in the last ten\n",
            static_cast<int>(options.seed) + seed, first.back(), last.back());
        std::fflush(stdout);
        chart.curve("", all.back(), {.pale = true, .width = 0.8});
    }
    picture::Values middle;
    for (int round = 0; round < rounds; ++round) {
        picture::Values of_round;
        for (const picture::Values& returns : all)
            of_round.push_back(returns[static_cast<std::size_t>(round)]);
        middle.push_back(median_of(of_round));
    }
    say("median of %d seeds: %.1f steps in the first round, %.1f in the last ten (from %.1f to %.1f)\n",
        seeds, median_of(first), median_of(last), *std::min_element(last.begin(), last.end()),
        *std::max_element(last.begin(), last.end()));
    chart.curve(tr("median"), middle, {.width = 4}).save(options.picture("l5_12_returns.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Reinforcement learning: a net learns to balance a pole by trying.",
                       lecture, {.time = "less than a minute", .files = "l5_12_returns.svg"});
}
