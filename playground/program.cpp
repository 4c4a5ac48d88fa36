// The program, from top to bottom. What has a name in the tables is written by its code there.
#include <adjoint/playground/program.h>

#include <functional>
#include <map>

#include <adjoint/core/base/error.h>
#include <adjoint/playground/choices.h>

namespace adjoint::playground {

/// points.cpp as text; CMake makes it.
extern const std::string_view points_source;

std::string definition(std::string_view function) {
    const std::string begin = "\nPoints " + std::string(function) + "(";
    const std::size_t signature = points_source.find(begin);
    if (signature == std::string_view::npos)
        throw ValueError("playground: there is no data set \"" + std::string(function) + "\"");
    const std::size_t comment = points_source.rfind("\n\n", signature) + 2;
    const std::size_t end = points_source.find("\n}\n", signature) + 3;
    return std::string(points_source.substr(comment, end - comment));
}

namespace {

std::string joined_features(const Settings& settings) {
    std::string text;
    for (const std::size_t feature : settings.features)
        text += (text.empty() ? "" : ", ") + std::string(features()[feature].code);
    return text;
}

// `rate` of a row's code as the number that it is.
std::string with_rate(std::string_view code, double rate) {
    std::string text(code);
    const std::string word = "rate";
    return text.replace(text.find(word), word.size(), number(rate));
}

std::string network(const Settings& settings) {
    std::string text;
    std::size_t inputs = settings.features.size();
    for (const int units : settings.layers) {
        text += "        nn::Linear(" + std::to_string(inputs) + ", " + std::to_string(units) + "), ";
        if (settings.batch_norm) text += "nn::BatchNorm1d(" + std::to_string(units) + "), ";
        text += std::string(activations()[settings.activation].code) + ",";
        if (settings.dropout > 0) text += " nn::Dropout(" + number(settings.dropout / 100.0) + "),";
        text += "\n";
        inputs = static_cast<std::size_t>(units);
    }
    text += "        nn::Linear(" + std::to_string(inputs) + ", 1)";
    return text + (is_classification(settings) ? ", nn::Tanh()" : "");
}

std::string for_each_weight(const std::string& indent, const std::string& statement) {
    return indent + "for (const auto& [name, weight] : net.named_parameters())\n" + indent +
           "    if (weight.dim() == 2) " + statement + ";\n";
}

constexpr std::string_view head =
    "// The playground's @settings@.\n"
    "#include <adjoint/adjoint.h>\n\n"
    "#include <cstdint>\n"
    "#include <cstdio>\n"
    "#include <numbers>\n\n"
    "using namespace adjoint;\n";

constexpr std::string_view body = R"(
struct Points {
    Tensor x, y;
};

@definition@
// What the network sees of a point.
Tensor features(const Tensor& x) {
    [[maybe_unused]] const Tensor x1 = x(all, slice(0, 1)), x2 = x(all, slice(1, 2));
    return cat({@features@}, 1);
}

int main() {
    manual_seed(@seed@);
    const Points points = @draw@(@count@, @noise@);
    const Tensor shuffled = randperm(@count@);
    const Tensor x = features(index_select(points.x, 0, shuffled)), y = index_select(points.y, 0, shuffled);
    const Tensor train_x = x(slice(0, @train@)), test_x = x(slice(@train@, @count@));
    const Tensor train_y = y(slice(0, @train@)), test_y = y(slice(@train@, @count@));

    // In braces the layers draw their weights from left to right.
    const nn::Sequential net{
@network@};
@init@    optim::@optimizer@ optimizer(net.parameters(), {@options@});

    for (int epoch = 1; epoch <= @epochs@; ++epoch) {
        net.train();
        const Tensor order = randperm(@train@);
        for (std::int64_t first = 0; first + @batch@ <= @train@; first += @batch@) {
            const Tensor chosen = order(slice(first, first + @batch@));
            optimizer.zero_grad();
            Tensor loss = mse_loss(net(index_select(train_x, 0, chosen)), index_select(train_y, 0, chosen));
@penalty@            loss.backward();
            optimizer.step();
        }
        net.eval();
        const NoGrad guard;
        std::printf("epoch %d: loss %.6f, test loss %.6f\n", epoch, mse_loss(net(train_x), train_y).item(),
                    mse_loss(net(test_x), test_y).item());
    }
}
)";

}  // namespace

std::string program(const Settings& settings, int epochs) {
    const DataSet& set = data_sets()[settings.data];
    const OptimizerChoice& optimizer = optimizers()[settings.optimizer];
    const std::string init(inits()[settings.init].code), penalty(penalties()[settings.penalty].code);
    const std::map<std::string, std::string, std::less<>> parts = {
        {"settings", to_string(settings)},
        {"definition", definition(set.code)},
        {"features", joined_features(settings)},
        {"seed", std::to_string(settings.seed)},
        {"draw", std::string(set.code)},
        {"count", std::to_string(point_count)},
        {"noise", number(settings.noise / 100.0)},
        {"train", std::to_string(train_count(settings))},
        {"network", network(settings)},
        {"init", init.empty() ? "" : for_each_weight("    ", init)},
        {"optimizer", std::string(optimizer.kind)},
        {"options", with_rate(optimizer.options, settings.rate)},
        {"epochs", std::to_string(epochs)},
        {"batch", std::to_string(settings.batch)},
        {"penalty", penalty.empty()
                        ? ""
                        : for_each_weight("            ", "loss = loss + " + number(settings.penalty_rate) +
                                                              " * (" + penalty + ")")}};
    std::string text;
    for (std::string_view rest : {head, body}) {
        for (std::size_t mark = rest.find('@'); mark != std::string_view::npos; mark = rest.find('@')) {
            const std::size_t end = rest.find('@', mark + 1);
            text.append(rest.substr(0, mark))
                .append(parts.find(rest.substr(mark + 1, end - mark - 1))->second);
            rest.remove_prefix(end + 1);
        }
        text.append(rest);
    }
    return text;
}

}  // namespace adjoint::playground
