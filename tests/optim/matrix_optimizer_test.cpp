// Muon, LBFGS and averages of weights: against plain loops of doubles, fixed numbers, resuming.
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/capture/capture.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/optim/average.h>
#include <adjoint/optim/lbfgs.h>
#include <adjoint/optim/muon.h>
#include <adjoint/optim/sgd.h>

#include "trajectory.h"

namespace adjoint::optim {
namespace {

using Matrix = std::vector<Vector>;

Matrix times(const Matrix& a, const Matrix& b) {
    Matrix out(a.size(), Vector(b[0].size(), 0));
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = 0; j < b[0].size(); ++j)
            for (std::size_t k = 0; k < b.size(); ++k) out[i][j] += a[i][k] * b[k][j];
    return out;
}

Matrix turned(const Matrix& a) {
    Matrix out(a[0].size(), Vector(a.size()));
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = 0; j < a[0].size(); ++j) out[j][i] = a[i][j];
    return out;
}

Matrix newton_schulz(Matrix x) {
    const bool tall = x.size() > x[0].size();
    if (tall) x = turned(x);
    double square = 0;
    for (const Vector& row : x)
        for (const double value : row) square += value * value;
    for (Vector& row : x)
        for (double& value : row) value /= std::max(std::sqrt(square), 1e-7);
    for (int step = 0; step < 5; ++step) {
        const Matrix gram = times(x, turned(x)), second = times(gram, gram);
        Matrix factor = gram;
        for (std::size_t i = 0; i < gram.size(); ++i)
            for (std::size_t j = 0; j < gram.size(); ++j)
                factor[i][j] = -4.775 * gram[i][j] + 2.0315 * second[i][j] + (i == j ? 3.4445 : 0);
        x = times(factor, x);
    }
    return tall ? turned(x) : x;
}

TEST(Muon, FollowsItsFormula) {
    struct Case {
        std::int64_t rows, columns;
        bool nesterov;
        MuonRate rate;
        double adjustment;
    };
    for (const Case& c :
         {Case{4, 2, true, MuonRate::original, std::sqrt(2.0)}, Case{2, 4, false, MuonRate::original, 1},
          Case{3, 4, true, MuonRate::match_rms_adamw, 0.4}}) {
        Matrix expected(static_cast<std::size_t>(c.rows), Vector(static_cast<std::size_t>(c.columns)));
        Matrix buffer = expected;
        Vector flat;
        for (Vector& row : expected)
            for (double& value : row)
                flat.push_back(value = std::cos(static_cast<double>(flat.size()) * 1.7));
        const Tensor x = tensor(flat, {c.rows, c.columns});
        x.set_requires_grad();
        Muon muon({x}, {.lr = 0.05,
                        .weight_decay = 0.2,
                        .momentum = 0.8,
                        .nesterov = c.nesterov,
                        .adjust_lr_fn = c.rate});
        for (int t = 1; t <= steps; ++t) {
            give_gradient(x, t);
            muon.step();
            Matrix mixed = expected;
            for (std::size_t i = 0; i < expected.size(); ++i)
                for (std::size_t j = 0; j < expected[0].size(); ++j) {
                    const double g = gradient_at(expected[i][j], t);
                    buffer[i][j] = 0.8 * buffer[i][j] + 0.2 * g;
                    mixed[i][j] = c.nesterov ? 0.2 * g + 0.8 * buffer[i][j] : buffer[i][j];
                }
            mixed = newton_schulz(mixed);
            flat.clear();
            for (std::size_t i = 0; i < expected.size(); ++i)
                for (std::size_t j = 0; j < expected[0].size(); ++j) {
                    expected[i][j] *= 1 - 0.05 * 0.2;
                    expected[i][j] -= 0.05 * c.adjustment * mixed[i][j];
                    flat.push_back(expected[i][j]);
                }
            const Vector got = x.to_vector<double>();
            for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], flat[i], 1e-12) << "step " << t;
        }
    }
}

TEST(Muon, TakesMatricesAloneAndResumes) {
    EXPECT_THROW(Muon({parameter(start)}), ShapeError);
    EXPECT_THROW(Muon({ones({2, 2})}, {.momentum = 1}), ValueError);
    EXPECT_THROW(Muon({ones({2, 2})}, {.ns_steps = -1}), ValueError);
    const auto make = [] {
        const Tensor x = eye(3);
        x.set_requires_grad();
        return x;
    };
    const Tensor whole = make(), first = make(), second = make(), idle = make();
    Muon a({whole, idle}), b({first, idle}), c({second, idle});
    for (int t = 0; t < 6; ++t) {
        give_gradient(whole, t);
        a.step();
    }
    for (int t = 0; t < 3; ++t) {
        give_gradient(first, t);
        b.step();
    }
    second.detach().copy_(first.detach());
    c.load_state(b.state());
    for (int t = 3; t < 6; ++t) {
        give_gradient(second, t);
        c.step();
    }
    EXPECT_EQ(second.to_vector<float>(), whole.to_vector<float>());
    EXPECT_TRUE(equal(idle.detach(), eye(3)));
}

// A replayed step takes today's learning rate, and the average goes along.
TEST(Muon, IsCaptured) {
    const auto train = [](bool captured) {
        const Tensor x = eye(3) + 0.25;
        x.set_requires_grad();
        Muon muon({x}, {.lr = 0.05});
        ExponentialMovingAverage average({x}, 0.5);
        const auto step = [&] {
            muon.zero_grad();
            sum(square(x - 0.5)).backward();
            muon.step();
            average.update();
        };
        if (captured) {
            const Captured recorded = capture(step, {.warmup = 1});
            recorded.replay();
            muon.set_lr(0.01);
            recorded.replay();
        } else {
            for (int i = 0; i < 3; ++i) step();
            muon.set_lr(0.01);
            step();
        }
        std::vector<float> result = x.to_vector<float>();
        for (const float value : average.averages()[0].to_vector<float>()) result.push_back(value);
        return result;
    };
    EXPECT_EQ(train(true), train(false));
}

/// Rosenbrock's valley and a smooth term that couples all, from a fixed start.
struct Valley {
    Tensor x = parameter({-1.2, 1.0, 0.5, -0.7}), unused = parameter({3.0});
    int calls = 0;
    Tensor value() const {
        const Tensor left = x(slice(0, 3)), right = x(slice(1, 4));
        return sum(square(right - square(left)) * 10.0 + square(1.0 - left)) + square(sum(x)) * 0.1;
    }
    std::function<Tensor()> closure(LBFGS& lbfgs) {
        return [this, &lbfgs] {
            ++calls;
            lbfgs.zero_grad();
            const Tensor loss = value();
            loss.backward();
            return loss;
        };
    }
};

// The numbers are those of torch::optim::LBFGS of libtorch 1.13.1 on the same problem in f64.
void expect_valley(const LBFGSOptions& options, const std::vector<std::pair<int, Vector>>& after, int calls) {
    Valley valley;
    LBFGS lbfgs({valley.x, valley.unused}, options);
    int step = 0;
    for (const auto& [steps_then, values] : after) {
        for (; step < steps_then; ++step) lbfgs.step(valley.closure(lbfgs));
        const Vector got = valley.x.to_vector<double>();
        for (std::size_t i = 0; i < got.size(); ++i)
            EXPECT_NEAR(got[i], values[i], 1e-9) << "after " << steps_then << " steps";
    }
    EXPECT_EQ(valley.calls, calls);
    EXPECT_EQ(lbfgs.state()[2].second.item<int>(), calls);
}

TEST(LBFGS, MeetsPyTorchWithoutLineSearch) {
    expect_valley(
        {.lr = 0.05, .max_iter = 4, .history_size = 3},
        {{1, {-1.1353659501222593, 0.94896427771569025, 0.47673066236504319, -0.59925311923327707}},
         {4, {-0.99756415163880074, 0.85656522605203711, 0.48783656662395242, -0.19947738948832189}},
         {8, {-0.8795364554797187, 0.77335744109496651, 0.50272144537349472, 0.068295404679417721}}},
        32);
}

TEST(LBFGS, MeetsPyTorchWithStrongWolfe) {
    expect_valley(
        {.max_iter = 4, .history_size = 3, .line_search_fn = LineSearch::strong_wolfe},
        {{1, {-0.61237842036479795, 0.47203084016118063, 0.27693646268637856, 0.081268636156605886}},
         {4, {0.75657041579166373, 0.53173000506558621, 0.29008691867306496, 0.014239962612638163}},
         {8, {0.84666972647909255, 0.72159412119660193, 0.5208865528311295, 0.24795402616841292}}},
        38);
}

TEST(LBFGS, ResumesBitForBit) {
    Valley whole, first, second;
    const LBFGSOptions options{.max_iter = 3, .history_size = 4, .line_search_fn = LineSearch::strong_wolfe};
    LBFGS a({whole.x, whole.unused}, options), b({first.x, first.unused}, options),
        c({second.x, second.unused}, options);
    EXPECT_EQ(a.state().size(), 3U);
    for (int i = 0; i < 5; ++i) a.step(whole.closure(a));
    for (int i = 0; i < 2; ++i) b.step(first.closure(b));
    second.x.detach().copy_(first.x.detach());
    c.load_state(b.state());
    for (int i = 0; i < 3; ++i) c.step(second.closure(c));
    EXPECT_EQ(second.x.to_vector<double>(), whole.x.to_vector<double>());
    EXPECT_EQ(whole.unused.item(), 3.0);
    EXPECT_EQ(whole.unused.version(), 0U);

    NamedTensors damaged = b.state();
    damaged.back().second = zeros({2}, {.dtype = f64});
    EXPECT_THROW(c.load_state(damaged), ShapeError);
    damaged.pop_back();
    EXPECT_THROW(c.load_state(damaged), ValueError);
    damaged = b.state();
    damaged.emplace_back("more", Tensor(1.0));
    EXPECT_THROW(c.load_state(damaged), ValueError);
}

TEST(LBFGS, RecordsTheClosureAndStopsAtTheMinimum) {
    const Tensor x = parameter({1.0, -2.0});
    LBFGS lbfgs({x}, {.line_search_fn = LineSearch::strong_wolfe});
    const auto closure = [&] {
        lbfgs.zero_grad();
        const Tensor loss = sum(square(x - 3.0));
        loss.backward();
        return loss;
    };
    const NoGrad guard;
    EXPECT_EQ(lbfgs.step(closure).item(), 29.0);
    EXPECT_NEAR(x.to_vector<double>()[1], 3, 1e-8);
    const auto evaluations = lbfgs.state()[2].second.item<int>();
    lbfgs.step(closure);
    EXPECT_EQ(lbfgs.state()[2].second.item<int>(), evaluations + 1) << "the gradient is 0 at once";
}

TEST(LBFGS, RefusesNonsense) {
    const Tensor x = parameter(start);
    EXPECT_THROW(LBFGS({}), ValueError);
    EXPECT_THROW(LBFGS({x, x}), ValueError);
    EXPECT_THROW(LBFGS({x, parameter(start, f32)}), ValueError);
    EXPECT_THROW(LBFGS({ones({2}, {.dtype = i64})}), DTypeError);
    EXPECT_THROW(LBFGS({x}, {.lr = -1}), ValueError);
    EXPECT_THROW(LBFGS({x}, {.max_iter = 0}), ValueError);
    EXPECT_THROW(LBFGS({x}, {.history_size = 0}), ValueError);
    EXPECT_THROW(LBFGS({x}).set_lr(-1), ValueError);
}

TEST(ExponentialMovingAverage, FollowsAndSwaps) {
    const Tensor x = parameter(start), y = parameter({4.0}, f32);
    SGD sgd({x, y}, {.lr = 0.1});
    ExponentialMovingAverage average({x, y}, 0.75);
    Vector expected = start;
    for (int t = 1; t <= steps; ++t) {
        give_gradient(x, t);
        give_gradient(y, t);
        sgd.step();
        average.update();
        const Vector now = x.to_vector<double>();
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = 0.75 * expected[i] + 0.25 * now[i];
    }
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(average.averages()[0].to_vector<double>()[i], expected[i], 1e-12);
    EXPECT_EQ(average.averages()[1].dtype(), f32);

    const Vector weights = x.to_vector<double>(), means = average.averages()[0].to_vector<double>();
    average.swap();
    EXPECT_TRUE(average.is_swapped());
    EXPECT_EQ(x.to_vector<double>(), means);
    EXPECT_THROW(average.update(), ValueError);
    {
        // Saved while they are swapped, they are swapped back in another process.
        const Tensor other = parameter(means), last = parameter(y.to_vector<double>(), f32);
        ExponentialMovingAverage resumed({other, last}, 0.75);
        resumed.load_state(average.state());
        EXPECT_TRUE(resumed.is_swapped());
        resumed.swap();
        EXPECT_EQ(other.to_vector<double>(), weights);
        EXPECT_EQ(resumed.averages()[0].to_vector<double>(), means);
    }
    average.swap();
    EXPECT_EQ(x.to_vector<double>(), weights);

    const NamedTensors state = average.state();
    ASSERT_EQ(state.size(), 2U);
    const Tensor other = parameter(start), last = parameter({0.0}, f32);
    ExponentialMovingAverage resumed({other, last}, 0.75);
    resumed.load_state(state);
    EXPECT_EQ(resumed.averages()[0].to_vector<double>(), means);
    NamedTensors damaged = state;
    damaged.pop_back();
    EXPECT_THROW(resumed.load_state(damaged), ValueError);
    EXPECT_THROW(ExponentialMovingAverage({x}, 1), ValueError);
    EXPECT_THROW(ExponentialMovingAverage({ones({2}, {.dtype = i64})}), DTypeError);
}

TEST(StochasticWeightAverage, IsThePlainMean) {
    const Tensor x = parameter({8.0, 1.0});
    StochasticWeightAverage average({x});
    EXPECT_EQ(average.averages()[0].to_vector<double>(), (Vector{8, 1}));
    const auto put = [&](const Vector& values) {
        const NoGrad guard;
        x.copy_(tensor(values, {2}, {.dtype = f64}));
        average.update();
    };
    put({2, 4});
    EXPECT_EQ(average.averages()[0].to_vector<double>(), (Vector{2, 4})) << "what was before does not count";
    put({4, 0});
    StochasticWeightAverage resumed({x});
    resumed.load_state(average.state());
    put({9, 2});
    resumed.update();
    EXPECT_EQ(average.count(), 3);
    EXPECT_NEAR(average.averages()[0].to_vector<double>()[0], 5, 1e-12);
    EXPECT_NEAR(average.averages()[0].to_vector<double>()[1], 2, 1e-12);
    EXPECT_EQ(resumed.averages()[0].to_vector<double>(), average.averages()[0].to_vector<double>());
    EXPECT_THROW(resumed.load_state(ExponentialMovingAverage({x}).state()), ValueError);
}

}  // namespace
}  // namespace adjoint::optim
