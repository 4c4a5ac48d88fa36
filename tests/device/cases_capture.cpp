// Captured steps: replays against the same steps run eagerly, bit for bit, and what is refused.
#include <gtest/gtest.h>

#include <stdexcept>

#include <adjoint/adjoint.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/functors/update.h>
#include <adjoint/core/cuda/cuda.h>

#include "device/cases.h"

namespace adjoint {
namespace {

// A network with everything that makes a replay hard: random numbers, running statistics, step counts, and
// more groups than one launch can bring values for.
struct Net {
    Device device;
    nn::Linear first{6, 8}, second{8, 3};
    nn::BatchNorm1d norm{8};
    nn::Dropout dropout{0.4};
    nn::Sequential model{first, norm, nn::ReLU(), dropout, second};
    std::unique_ptr<optim::Optimizer> optimizer;
    Tensor x, y, loss;

    enum class By { adam, momentum };
    Net(Device on, By by) : device(on) {
        model.to(on);
        x = zeros({5, 6}, {.device = on});
        y = tensor({0, 1, 2, 1, 0}, {.dtype = i64}).to(on);
        if (by == By::momentum) {
            optimizer = std::make_unique<optim::SGD>(model.parameters(),
                                                     optim::SGDOptions{.lr = 0.1, .momentum = 0.9});
            return;
        }
        std::vector<optim::Adam::Group> groups;
        for (const Tensor& parameter : model.parameters())
            for (const bool used : {true, false})
                groups.push_back(
                    {{used ? parameter : zeros({2}, {.device = on, .requires_grad = true})}, {.lr = 0.01}});
        optimizer = std::make_unique<optim::Adam>(groups);
    }

    void load(int i) const {
        // Rows that differ: BatchNorm makes zeros of equal ones, and dropout of zeros shows nothing.
        x.copy_(sin(reshape(linspace(0, 29, 30, {.device = device}), {5, 6}) * (1.0 + i)));
    }
    void step() {
        optimizer->zero_grad();
        loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer->step();
    }
    /// What training has made of it.
    std::vector<std::vector<double>> all() const {
        std::vector<std::vector<double>> values;
        for (const auto& [name, value] : model.state()) values.push_back(value.to_vector<double>());
        for (const auto& [name, value] : optimizer->state()) values.push_back(value.to_vector<double>());
        return values;
    }
};

// Trains with learning rates that change; from step `captured` on by replays.
std::vector<std::vector<double>> trained(Device device, Net::By by, int steps, int captured) {
    manual_seed(3);
    Net net(device, by);
    std::vector<Tensor> losses;
    std::optional<Captured> step;
    std::int64_t waits = 0;
    for (int i = 0; i < steps; ++i) {
        net.load(i);
        net.optimizer->set_lr(0.02 / (1 + i % 7));
        if (i < captured) {
            net.step();
        } else if (i == captured) {
            step = capture([&] { net.step(); }, {.device = device, .warmup = 0});
            waits = cuda::sync_count();
        } else {
            step->replay();
        }
        losses.push_back(net.loss.detach().clone());
    }
    if (step) {
        EXPECT_EQ(cuda::sync_count(), waits);
        EXPECT_GT(step->calls(), 5u);
    }
    std::vector<std::vector<double>> values = net.all();
    values.push_back(stack(losses).to_vector<double>());
    values.push_back({static_cast<double>(generator_state().stream)});
    return values;
}

void equals_the_eager_steps(Device device) {
    EXPECT_EQ(trained(device, Net::By::adam, 100, 2), trained(device, Net::By::adam, 100, 100));
    // The recorded step is the first, which momentum does otherwise than the others.
    EXPECT_EQ(trained(device, Net::By::momentum, 10, 0), trained(device, Net::By::momentum, 10, 10));
}

void warm_up_runs_count_as_steps(Device device) {
    manual_seed(5);
    Net eager(device, Net::By::adam), replayed(device, Net::By::adam);
    replayed.model.load(eager.model.state());
    eager.load(1);
    replayed.load(1);
    manual_seed(6);
    for (int i = 0; i < 7; ++i) eager.step();
    manual_seed(6);
    capture([&] { replayed.step(); }, {.device = device, .warmup = 2}).replay(4);
    EXPECT_EQ(replayed.all(), eager.all());
}

void two_take_turns(Device device) {
    const auto run = [&](bool captures) {
        manual_seed(8);
        Net a(device, Net::By::adam), b(device, Net::By::momentum);
        a.load(1);
        b.load(2);
        const std::function<void()> one = [&] { a.step(); }, other = [&] { b.step(); };
        if (captures) {
            const Captured first = capture(one, {.device = device, .warmup = 0});
            const Captured second = capture(other, {.device = device, .warmup = 0});
            for (int i = 0; i < 4; ++i) {
                first.replay(2);
                second.replay();
                b.dropout(a.x);  // draws numbers, too
            }
        } else {
            one();
            other();
            for (int i = 0; i < 4; ++i) {
                one();
                one();
                other();
                b.dropout(a.x);
            }
        }
        auto values = a.all();
        for (auto& value : b.all()) values.push_back(std::move(value));
        return values;
    };
    EXPECT_EQ(run(true), run(false));
}

void random_numbers_go_on(Device device) {
    const auto draw = [&](std::vector<Tensor>& out) {
        out = {rand({50}, {.device = device}), randn({9}, {.dtype = f64, .device = device}),
               randint(-5, 1000, {20}, {.dtype = i64, .device = device}),
               randperm(300, {.dtype = i64, .device = device})};
        // A generator of the step's own stays where it is.
        const GeneratorState outer = generator_state();
        manual_seed(77);
        out.push_back(rand({5}, {.device = device}));
        set_generator_state(outer);
    };
    const auto read = [](const std::vector<Tensor>& out) {
        std::vector<std::vector<double>> values;
        for (const Tensor& one : out) values.push_back(one.to_vector<double>());
        return values;
    };
    std::vector<Tensor> eager, replayed;
    manual_seed(11);
    for (int i = 0; i < 3; ++i) draw(eager);
    manual_seed(11);
    const Captured step = capture([&] { draw(replayed); }, {.device = device, .warmup = 0});
    const auto first = read(replayed);
    step.replay(2);
    EXPECT_EQ(read(replayed), read(eager));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NE(read(replayed)[i], first[i]) << i;
    EXPECT_EQ(read(replayed)[4], first[4]);
    manual_seed(12);  // another seed altogether
    draw(eager);
    manual_seed(12);
    step.replay();
    EXPECT_EQ(read(replayed), read(eager));
}

void constants_are_copied_anew(Device device) {
    const Tensor x = zeros({3}, {.dtype = f64, .device = device});
    Tensor out;
    const Captured step = capture(
        [&] {
            const Tensor constant = tensor({1, 2, 3}, {.dtype = f64, .device = device});
            out = x + constant;
            constant.copy_(constant * constant);  // a replay must not find what the last one left
            out = out + constant;
        },
        {.device = device});
    x.fill_(10);
    step.replay(3);
    EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{12, 16, 22}));

    // The places that an operator looks up.
    const Captured places = capture(
        [&] {
            out = cat({flip(x, {0}), pad(x, {1, 1}, PadMode::reflect), flatten(diag(x))});
        },
        {.device = device});
    x.copy_(tensor({1, 2, 3}, {.dtype = f64}).to(device));
    places.replay();
    EXPECT_EQ(out.to_vector<double>(),
              (std::vector<double>{3, 2, 1, 2, 1, 2, 3, 2, 1, 0, 0, 0, 2, 0, 0, 0, 3}));
}

// Calls that take memory for themselves, between tensors that come and go.
void working_memory_is_nobody_elses(Device device) {
    manual_seed(13);
    const nn::Sequential model(nn::Conv2d(2, 3, 3), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten());
    model.to(device);
    const Tensor x = zeros({4, 2, 10, 10}, {.device = device});
    Tensor out;
    const auto step = [&] {
        model.zero_grad();
        const Tensor features = model(x), longer = reshape(features, {-1});
        const Tensor wide = expand(unsqueeze(longer, 0), {200, longer.numel()}).contiguous();
        const Tensor total = sum(wide * wide), sorted = sort(longer).values;
        (total + sum(sorted * longer)).backward();
        out = cat({reshape(total, {1}), sorted.detach(), longer.detach()});
        for (const Tensor& parameter : model.parameters()) out = cat({out, reshape(parameter.grad(), {-1})});
    };
    const Tensor other = randn({4, 2, 10, 10}, {.device = device});
    x.copy_(other);
    step();
    const std::vector<double> expected = out.to_vector<double>();
    x.zero_();
    const Captured captured = capture(step, {.device = device});
    std::vector<Tensor> others;  // must not be given what the recording writes to
    for (int i = 0; i < 20; ++i) others.push_back(full({4, 3, 8, 8}, 7, {.device = device}));
    x.copy_(other);
    captured.replay(3);
    EXPECT_EQ(out.to_vector<double>(), expected);
    for (const Tensor& one : others) EXPECT_EQ(sum(one).item(), 7 * 4 * 3 * 8 * 8);
}

void results_outlive_the_recording(Device device) {
    const Tensor x = full({1000}, 2, {.device = device});
    Tensor out;
    {
        const Captured step = capture([&] { out = x * x; }, {.device = device});
        x.fill_(3);
        step.replay();
    }
    std::vector<Tensor> others{zeros({1000}, {.device = device})};
    EXPECT_EQ(sum(out).item(), 9000);
    // And may be used, and given up, in the next one.
    Tensor twice;
    const Captured next = capture(
        [&] {
            if (out.defined()) twice = out + out;
            out = {};
        },
        {.device = device, .warmup = 0});
    for (int i = 0; i < 20; ++i) others.push_back(full({1000}, 7, {.device = device}));
    next.replay();
    EXPECT_EQ(sum(twice).item(), 18000);
}

void refuses_what_a_replay_cannot_repeat(Device device) {
    const Tensor x = ones({2}, {.device = device});
    Tensor out;
    const auto message = [&](const std::function<void()>& step) -> std::string {
        try {
            capture(step, {.device = device, .warmup = 0});
        } catch (const CaptureError& error) {
            out = x + x;  // the next computation is none of the capture's
            EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{2, 2}));
            return error.what();
        }
        return "";
    };
    const auto expect = [&](const char* part, const std::function<void()>& step) {
        const std::string text = message(step);
        EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
    };
    expect("item()", [&] { out = x * sum(x).item(); });
    expect("data()", [&] { out = x + static_cast<double>(x.data<float>()[0]); });
    expect("not inside a capture", [&] { capture([&] { out = x + x; }, {.device = device}); });
    expect("synchronize", [&] { backend(device).synchronize(); });
    const Captured ready = capture([&] { out = x + x; }, {.device = device});
    expect("replay", [&] { ready.replay(); });
    if (!device.is_cpu()) {
        expect("copy to the host", [&] { out = (x + x).to(Device::cpu()); });
        expect("is recorded on", [&] { out = ones({2}); });
    }
    EXPECT_THROW(capture([] {}, {.device = device, .warmup = -1}), ValueError);
}

void an_error_in_the_step_leaves_nothing_behind(Device device) {
    Net net(device, Net::By::momentum);
    net.load(1);
    EXPECT_THROW(capture(
                     [&] {
                         net.step();
                         throw std::runtime_error("in the middle");
                     },
                     {.device = device}),
                 std::runtime_error);
    EXPECT_THROW(capture([&] { net.x + zeros({7}, {.device = device}); }, {.device = device}), ShapeError);
    const Captured step = capture([&] { net.step(); }, {.device = device});
    step.replay();
    EXPECT_TRUE(std::isfinite(net.loss.item()));
}

void a_wrong_index_is_named_at_the_next_wait(Device device) {
    if (!device.is_cuda()) return;  // others name it at once
    Net net(device, Net::By::adam);
    net.load(1);
    const Captured step = capture([&] { net.step(); }, {.device = device});
    net.y.copy_(tensor({0, 9, 1, 1, 1}, {.dtype = i64}).to(device));
    step.replay();
    try {
        net.loss.item();
        FAIL() << "label 9 of 3 classes was accepted";
    } catch (const IndexError& error) {
        EXPECT_STREQ(error.what(), "cross_entropy: label 9 at index 1 is outside [0, 3)");
    }
    net.y.zero_();
    step.replay();
    EXPECT_NO_THROW(net.loss.item());
}

// An optimizer that does not do the same in each step.
struct Fickle : optim::Optimizer {
    explicit Fickle(const std::vector<Tensor>& parameters) : Optimizer("fickle") {
        add_group(parameters, 0.5, {});
    }
    UpdateOp update(std::size_t, double lr, std::int64_t step) const override {
        if (step > 2) return functor::DirectionStep{.lr = lr, .weight_decay = 0};
        return functor::PlainSgdStep{.lr = lr, .weight_decay = 0, .maximize = true};
    }
};

void another_kind_of_update_is_refused_or_done(Device device) {
    const Tensor x = ones({4}, {.device = device, .requires_grad = true});
    Fickle optimizer({x});
    const Captured step = capture(
        [&] {
            optimizer.zero_grad();
            sum(x).backward();
            optimizer.step();
        },
        {.device = device, .warmup = 0});
    step.replay();
    EXPECT_EQ(sum(x).item(), 8);
    if (!device.is_cuda()) {
        step.replay();
        EXPECT_EQ(sum(x).item(), 6);
    } else {
        EXPECT_THROW(step.replay(), CaptureError);
        EXPECT_EQ(sum(x).item(), 8);
    }
}

void a_compiled_model_answers_as_the_model(Device device) {
    manual_seed(9);
    const Net net(device, Net::By::adam);
    const nn::Compiled answer = nn::compile(net.model);
    for (int i = 0; i < 6; ++i) {
        net.load(i);
        const Tensor x = narrow(net.x, 0, 0, 2 + i % 2);
        const Tensor y = answer(x);
        net.norm.weight.detach().fill_(0.5 + i / 2);
        const Tensor again = answer(x);
        const NoGrad no_grad;
        const nn::EvaluationMode mode;
        EXPECT_TRUE(equal(again, net.model(x))) << i;
        EXPECT_EQ(equal(y, again), i % 2 == 1) << i;
    }
    EXPECT_EQ(answer.recordings().size(), 2u);
}

}  // namespace

const std::vector<DeviceCase>& capture_cases() {
    static const std::vector<DeviceCase> cases = {
        {"ReplaysEqualTheEagerSteps", equals_the_eager_steps},
        {"WarmUpRunsCountAsSteps", warm_up_runs_count_as_steps},
        {"TwoCapturesTakeTurns", two_take_turns},
        {"RandomNumbersGoOnInReplays", random_numbers_go_on},
        {"ConstantsOfAStepAreCopiedAnew", constants_are_copied_anew},
        {"WorkingMemoryOfAReplayIsNobodyElses", working_memory_is_nobody_elses},
        {"AnotherKindOfUpdateIsRefusedInAReplay", another_kind_of_update_is_refused_or_done},
        {"ResultsOutliveTheRecording", results_outlive_the_recording},
        {"CaptureRefusesWhatAReplayCannotRepeat", refuses_what_a_replay_cannot_repeat},
        {"AnErrorInACapturedStepLeavesNothingBehind", an_error_in_the_step_leaves_nothing_behind},
        {"ACompiledModelAnswersAsTheModel", a_compiled_model_answers_as_the_model},
        {"AWrongIndexInAReplayIsNamedAtTheNextWait", a_wrong_index_is_named_at_the_next_wait},
    };
    return cases;
}

}  // namespace adjoint
