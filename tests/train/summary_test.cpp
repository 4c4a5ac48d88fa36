// Summaries: the figures in the tables, and that looking changes nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

// The line of a text that holds `part`, "" if there is none.
std::string line_with(const std::string& text, const std::string& part) {
    const std::size_t at = text.find(part);
    if (at == std::string::npos) return "";
    const std::size_t begin = text.rfind('\n', at) + 1;
    return text.substr(begin, text.find('\n', at) - begin);
}

// The words of a line.
std::vector<std::string> words(const std::string& line) {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

double kib(const std::string& text, const std::string& what) {
    const std::vector<std::string> line = words(line_with(text, what));
    if (line.size() < 2) return -1;
    return std::strtod(line[line.size() - 2].c_str(), nullptr) * (line.back() == "MiB" ? 1024 : 1);
}

TEST(Summary, CountsParametersAndBuffers) {
    const nn::Sequential model(nn::Linear(3, 5), nn::BatchNorm1d(5));
    const std::string text = train::summary(model);
    EXPECT_EQ(words(line_with(text, "0.weight")), (std::vector<std::string>{"0.weight", "(5,", "3)", "15"}));
    EXPECT_EQ(words(line_with(text, "1.running_var")),
              (std::vector<std::string>{"1.running_var", "(5,)", "5", "buffer"}));
    EXPECT_NE(text.find("30 parameters to train"), std::string::npos) << text;
}

TEST(Summary, OfASequentialRunLayerByLayer) {
    const nn::Sequential model(nn::Conv2d(1, 4, 3), nn::ReLU(), nn::Flatten(),
                               nn::Sequential(nn::Linear(144, 10), [](const Tensor& x) { return x * 2; }));
    const std::string text = train::summary(model, {64, 1, 8, 8});
    const auto row = [&](const char* layer) { return words(line_with(text, layer)); };
    EXPECT_EQ(row("(0) Conv2d"),
              (std::vector<std::string>{"(0)", "Conv2d", "(64,", "4,", "6,", "6)", "40", "0.2", "KiB"}));
    EXPECT_EQ(row("(2) Flatten"), (std::vector<std::string>{"(2)", "Flatten", "(64,", "144)"}));
    EXPECT_EQ(row("(1) ReLU"), (std::vector<std::string>{"(1)", "ReLU", "(64,", "4,", "6,", "6)"}))
        << "in the pass before";
    EXPECT_EQ(row("(3) Sequential"), (std::vector<std::string>{"(3)", "Sequential", "(64,", "10)"}));
    EXPECT_EQ(line_with(text, "(0) Linear").substr(0, 14), "    (0) Linear") << text;
    EXPECT_EQ(row("(1) Function"), (std::vector<std::string>{"(1)", "Function", "(64,", "10)"}));
    EXPECT_NE(text.find("1490 parameters to train"), std::string::npos);
}

TEST(Summary, ForecastsTheMemoryOfAStep) {
    const nn::Sequential model(nn::Linear(100, 256), nn::Tanh(), nn::Linear(256, 100));
    const std::string text = train::summary(model, {512, 100});
    const double weights = (100 * 256 + 256 + 256 * 100 + 100) * 4 / 1024.0;
    EXPECT_NEAR(kib(text, "parameters and buffers"), weights, 0.06);
    EXPECT_NEAR(kib(text, "gradients"), weights, 0.06);
    EXPECT_NEAR(kib(text, "optimizer state"), 2 * weights, 0.06);
    EXPECT_NEAR(kib(train::summary(model, {512, 100}, {.optimizer_states = 0}), "optimizer state"), 0, 0.06);
    // Tanh keeps its output, which the second layer needs as well, and the output itself lives on.
    const double kept = 512 * (256 + 100) * 4 / 1024.0;
    EXPECT_GE(kib(text, "kept for the backward pass"), kept);
    EXPECT_LE(kib(text, "kept for the backward pass"), 2 * kept) << text;
    EXPECT_NEAR(kib(text, "together"), 4 * weights + kib(text, "kept for the backward pass"), 10);
}

// Of two ranks that share out one has the first layer's 25,600 weights and a bias of 256, the other the rest.
TEST(Summary, ForecastsTheMemoryOfARank) {
    using distributed::Shard;
    const nn::Sequential model(nn::Linear(100, 256), nn::Tanh(), nn::Linear(256, 100));
    const double all = (100 * 256 + 256 + 256 * 100 + 100) * 4 / 1024.0, own = (100 * 256 + 256) * 4 / 1024.0;
    const auto of = [&](Shard shard) {
        return train::summary(model, {2, 100}, {.ranks = 2, .shard = shard});
    };
    const std::string none = of(Shard::none), optimizer = of(Shard::optimizer),
                      gradients = of(Shard::gradients), parameters = of(Shard::parameters);
    EXPECT_NE(none.find("of one of 2 ranks"), std::string::npos) << none;
    EXPECT_NEAR(kib(none, "optimizer state"), 2 * all, 0.06);
    EXPECT_NEAR(kib(optimizer, "optimizer state"), 2 * own, 0.06);
    EXPECT_NEAR(kib(optimizer, "gradients"), all, 0.06);
    EXPECT_NEAR(kib(gradients, "gradients"), own, 0.06);
    EXPECT_NEAR(kib(gradients, "parameters and buffers"), all, 0.06);
    EXPECT_NEAR(kib(parameters, "parameters and buffers"), own, 0.06);
    EXPECT_THROW(train::summary(model, {2, 100}, {.ranks = 0}), ValueError);
}

TEST(Summary, ChangesNothing) {
    manual_seed(3);
    const nn::Sequential model(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Dropout(0.5));
    model.eval();
    const GeneratorState generator = generator_state();
    train::summary(model, {8, 3});
    EXPECT_EQ(generator_state(), generator);
    EXPECT_FALSE(model.is_training());
    const auto& norm = model.at<nn::BatchNorm1d>(1);
    EXPECT_EQ(norm.num_batches_tracked.item(), 0);
    EXPECT_EQ(norm.running_var.to_vector<float>(), std::vector<float>(4, 1.0F));
    EXPECT_THROW(train::summary(model, {8, 5}), ShapeError);
    EXPECT_FALSE(model.is_training()) << "also after an error";
}

TEST(Summary, OfAModelOfItsOwnClass) {
    struct Net : nn::Module {
        const nn::Linear layer = child("layer", nn::Linear(3, 2));
        const nn::BatchNorm1d norm = child("norm", nn::BatchNorm1d(2));
        Tensor operator()(const Tensor& x) const { return norm(layer(x)); }
    };
    const std::string text = train::summary(Net(), {5, 3});
    EXPECT_EQ(words(line_with(text, "Net")), (std::vector<std::string>{"Net", "(5,", "2)"})) << text;
    EXPECT_EQ(words(line_with(text, "  (layer) ")),
              (std::vector<std::string>{"(layer)", "Linear", "(5,", "2)", "8", "0.0", "KiB"}))
        << text;
    EXPECT_EQ(words(line_with(text, "  (norm) "))[4], "4") << "running statistics are not trained\n" << text;
    EXPECT_NE(text.find("12 parameters to train\n"), std::string::npos);
}

TEST(Summary, ShowsLayersAsTheyRunNotAsTheyWereRegistered) {
    struct Block : nn::Module {
        const nn::Linear out = child("out", nn::Linear(4, 3));
        const nn::Linear in = child("in", nn::Linear(3, 4));
        const nn::ReLU bend = child("bend", nn::ReLU());
        Tensor operator()(const Tensor& x) const { return bend(out(bend(in(x)))); }
    };
    struct Net : nn::Module {
        const nn::Linear unused = child("unused", nn::Linear(7, 7));
        const nn::Linear last = child("last", nn::Linear(3, 2));
        const Block block = child("block", Block());
        Tensor operator()(const Tensor& x) const { return last(block(x)); }
    };
    const Net net;
    for (const Tensor& parameter : net.last.parameters()) parameter.set_requires_grad(false);
    for (const std::string& text :
         {train::summary(net, {5, 3}), train::summary(nn::Sequential(net), {5, 3})}) {
        std::size_t before = 0;
        for (const char* row : {"Net", "(block) Block", "(in) Linear", "(bend) ReLU", "(out) Linear",
                                "(last) Linear", "(unused) Linear"}) {
            const std::size_t at = text.find(row);
            ASSERT_NE(at, std::string::npos) << row << "\n" << text;
            EXPECT_GT(at, before) << row << "\n" << text;
            before = at;
        }
        EXPECT_EQ(words(line_with(text, "(bend)")),
                  (std::vector<std::string>{"(bend)", "ReLU", "(5,", "4),", "2", "calls"}));
        EXPECT_EQ(words(line_with(text, "(out)"))[3], "3)") << text;
        EXPECT_EQ(words(line_with(text, "(unused)"))[2], "not") << text;
        EXPECT_NE(line_with(text, "(last)").find("8 frozen"), std::string::npos) << text;
        EXPECT_NE(text.find("87 parameters to train, 8 frozen\n"), std::string::npos) << text;
        EXPECT_NEAR(kib(text, "gradients"), 87 * 4 / 1024.0, 0.06);
    }
    EXPECT_NE(train::summary(static_cast<const nn::Module&>(net)).find("87 parameters to train, 8 frozen, "),
              std::string::npos);
}

}  // namespace
}  // namespace adjoint
