// Warnings: each of the usual mistakes is named once, and a correct program hears nothing.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <adjoint/adjoint.h>

#include "temporary_folder.h"

namespace adjoint {
namespace {

// Hears the warnings while it lives, apart from the one about the build, which any step may give.
class Listener {
  public:
    Listener() {
        set_warning_handler([this](const std::string& message) {
            if (message.find("not optimised") == std::string::npos) heard.push_back(message);
        });
    }
    ~Listener() { set_warning_handler({}); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::vector<std::string> heard;
};

bool has(const std::vector<std::string>& heard, const std::string& part) {
    return heard.size() == 1 && heard[0].find(part) != std::string::npos;
}

const Tensor& inputs() {
    static const Tensor x = ones({8, 4});
    return x;
}
Tensor labels() { return zeros({8}, {.dtype = i64}); }

TEST(Warning, IsGivenOnceAndCanBeSilenced) {
    const Listener listener;
    warn_once("topic", "first");
    warn_once("topic", "again");
    warn_once("other", "second");
    EXPECT_EQ(listener.heard, (std::vector<std::string>{"first", "second"}));
    EXPECT_TRUE(warnings_enabled());
    set_warnings(false);
    warn_once("third", "third");
    set_warnings(true);
    EXPECT_EQ(listener.heard.size(), 2u);
    warn_once("third", "third");
    EXPECT_EQ(listener.heard.size(), 3u) << "what was silenced has not been said";
}

TEST(Warning, AHandlerMayWarnAndBeReplaced) {
    std::vector<std::string> heard;
    set_warning_handler([&](const std::string& message) {
        heard.push_back(message);
        warn_once("outer", "again");
        warn_once("from the handler", "nested");
        if (message == "nested")
            set_warning_handler([&](const std::string& text) { heard.push_back("new: " + text); });
    });
    warn_once("outer", "first");
    warn_once("another", "second");
    set_warning_handler({});
    EXPECT_EQ(heard, (std::vector<std::string>{"first", "nested", "new: second"}));
}

TEST(Warning, GoesToStandardError) {
    set_warning_handler({});
    testing::internal::CaptureStderr();
    warn_once("a test", "something is odd");
    warn_once("a test", "something is odd");
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "adjoint: warning: something is odd (ADJOINT_WARNINGS=0 silences such hints)\n");
}

TEST(Warning, OfAMissingZeroGrad) {
    const Listener listener;
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 0.01});
    for (int step = 0; step < 6; ++step) {
        cross_entropy(model(inputs()), labels()).backward();
        optimizer.step();
    }
    EXPECT_TRUE(has(listener.heard, "zero_grad()"));
}

TEST(Warning, NoneForGradientsThatAreCollectedOnPurposeOrZeroedByHand) {
    const Listener listener;
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 0.01});
    for (int step = 0; step < 12; ++step) {
        optimizer.zero_grad();
        // One more part of a batch at every step.
        for (int part = 0; part <= step; ++part) cross_entropy(model(inputs()), labels()).backward();
        optimizer.step();
    }
    for (int step = 0; step < 6; ++step) {
        for (const Tensor& parameter : model.parameters()) parameter.grad().fill_(0);
        cross_entropy(model(inputs()), labels()).backward();
        optimizer.step();
    }
    for (int step = 0; step < 6; ++step) {
        model.zero_grad();
        cross_entropy(model(inputs()), labels()).backward();
        optimizer.step();
    }
    EXPECT_TRUE(listener.heard.empty()) << listener.heard[0];
}

TEST(Warning, OfAPredictionInTrainingMode) {
    for (const nn::Layer& layer : {nn::Layer(nn::Dropout(0.5)), nn::Layer(nn::BatchNorm1d(4))}) {
        const Listener listener;
        const nn::Sequential model(std::vector<nn::Layer>{layer});
        model(inputs());
        EXPECT_TRUE(listener.heard.empty());
        const NoGrad guard;
        model.eval();
        model(inputs());
        EXPECT_TRUE(listener.heard.empty());
        model.train();
        model(inputs());
        model(inputs());
        EXPECT_TRUE(has(listener.heard, "eval()"));
    }
}

TEST(Warning, OfSoftmaxBeforeCrossEntropy) {
    const Listener listener;
    const nn::Linear model(4, 2);
    cross_entropy(log_softmax(model(inputs()), 1), labels());
    softmax(cross_entropy(model(inputs()), labels(), {.reduction = Reduction::none}), 0);
    EXPECT_TRUE(listener.heard.empty());
    cross_entropy(softmax(model(inputs()), 1), labels());
    EXPECT_TRUE(has(listener.heard, "softmax"));
}

TEST(Warning, OfOneClassAloneInCrossEntropy) {
    Listener listener;
    cross_entropy(ones({8, 2}), labels());
    EXPECT_FALSE(has(listener.heard, "one class alone"));
    EXPECT_EQ(cross_entropy(ones({2, 1}), zeros({2}).to(i64)).item(), 0);
    EXPECT_TRUE(has(listener.heard, "BCEWithLogitsLoss"));
}

TEST(Warning, OfAMemberThatIsNoChild) {
    struct Net : nn::Module {
        const nn::Linear fc1 = nn::Linear(4, 8);  // child() was forgotten
        const nn::Linear fc2 = child("fc2", nn::Linear(8, 2));
        Tensor operator()(const Tensor& x) const { return fc2(relu(fc1(x))); }
    };
    const data::Dataset set{.inputs = inputs(), .targets = labels()};
    const auto heard = [&](const auto& model, const auto& loss, std::vector<Tensor> parameters) {
        const Listener listener;
        optim::SGD optimizer(parameters, {.lr = 0.01});
        train::FitOptions options{.epochs = 2, .batch_size = 4, .verbose = false};
        options.transform = [](data::Batch batch) {
            batch.x = batch.x.clone().set_requires_grad();  // a leaf of the batch is nobody's parameter
            return batch;
        };
        train::fit(model, loss, optimizer, set, options);
        return listener.heard;
    };
    const Net net;
    const std::vector<std::string> half = heard(net, nn::CrossEntropyLoss(), net.parameters());
    ASSERT_EQ(half.size(), 1u);
    EXPECT_NE(half[0].find("2 tensors"), std::string::npos) << half[0];
    EXPECT_NE(half[0].find("child()"), std::string::npos) << half[0];
    const nn::Sequential whole(nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 2));
    EXPECT_TRUE(heard(whole, nn::CrossEntropyLoss(), whole.parameters()).empty());
    EXPECT_TRUE(heard(whole, nn::CrossEntropyLoss(), whole.at<nn::Linear>(2).parameters()).empty())
        << "who trains the head alone leaves the rest to itself on purpose";
    const Tensor temperature = ones({}, {.requires_grad = true});
    EXPECT_EQ(heard(
                  whole, [&](const Tensor& y, const Tensor& t) { return cross_entropy(y * temperature, t); },
                  whole.parameters())
                  .size(),
              1u)
        << "a parameter of the loss";
}

TEST(Warning, OfTheGradientOfANonLeaf) {
    const Listener listener;
    const Tensor x = ones({2}, {.requires_grad = true}), y = x * 2, z = x * 3;
    z.retain_grad();
    sum(y * z).backward();
    EXPECT_TRUE(x.grad().defined() && z.grad().defined());
    EXPECT_FALSE(ones({2}).grad().defined());
    EXPECT_TRUE(listener.heard.empty());
    EXPECT_FALSE(y.grad().defined());
    EXPECT_TRUE(has(listener.heard, "mul_scalar is not kept; call retain_grad()"));
}

TEST(Warning, OfAResumedRunThatHasNothingLeft) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.ckpt";
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 0.01});
    train::FitOptions options{
        .epochs = 2, .verbose = false, .callbacks = {train::checkpoint({.path = path})}};
    const data::Dataset set{.inputs = inputs(), .targets = labels()};
    train::fit(model, cross_entropy, optimizer, set, options);
    const Listener listener;
    options.resume = path;
    options.epochs = 3;
    train::fit(model, cross_entropy, optimizer, set, options);
    EXPECT_TRUE(listener.heard.empty());
    train::fit(model, cross_entropy, optimizer, set, options);
    EXPECT_TRUE(has(listener.heard, "3 epochs behind it, and .epochs, which counts these too, is 3"));
}

TEST(Warning, NoneInFit) {
    const Listener listener;
    manual_seed(1);
    const data::Dataset set{.inputs = randn({40, 4}), .targets = zeros({40}, {.dtype = i64})};
    const nn::Sequential model(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.5),
                               nn::Linear(8, 2));
    optim::Adam optimizer(model.parameters());
    train::fit(model, nn::CrossEntropyLoss(), optimizer, set,
               {.epochs = 4, .batch_size = 8, .validation_split = 0.2, .verbose = false});
    train::predict(model, set);
    train::summary(model, {8, 4});
    EXPECT_TRUE(listener.heard.empty()) << listener.heard[0];
}

}  // namespace
}  // namespace adjoint
