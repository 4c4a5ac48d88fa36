// The summary tables.
#include <adjoint/train/watch/summary.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/train/mode.h>

namespace adjoint::train {
namespace {

std::int64_t bytes_of(const nn::NamedTensors& tensors) {
    std::int64_t bytes = 0;
    for (const auto& [name, tensor] : tensors)
        bytes += tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
    return bytes;
}

std::string memory_text(std::int64_t bytes) {
    const double kib = static_cast<double>(bytes) / 1024;
    return kib < 1024 ? fmt::format("{:.1f} KiB", kib) : fmt::format("{:.1f} MiB", kib / 1024);
}

// Lines of cells, padded to columns; the first two to the left, the others to the right.
class Table {
  public:
    void add(std::vector<std::string> cells) {
        widths_.resize(std::max(widths_.size(), cells.size()));
        for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], cells[i].size());
        lines_.push_back(std::move(cells));
    }
    void add_rule() { lines_.emplace_back(); }
    std::string str() const {
        std::size_t width = 0;
        for (const std::size_t column : widths_) width += column + 2;
        std::string text;
        for (const std::vector<std::string>& cells : lines_) {
            std::string line = cells.empty() ? std::string(width - 2, '-') : "";
            for (std::size_t i = 0; i < cells.size(); ++i) {
                const std::string space(widths_[i] - cells[i].size(), ' ');
                line += (i > 0 ? "  " : "") + (i < 2 ? cells[i] + space : space + cells[i]);
            }
            line.erase(line.find_last_not_of(' ') + 1);
            text += line + "\n";
        }
        return text;
    }

  private:
    std::vector<std::vector<std::string>> lines_;
    std::vector<std::size_t> widths_;
};

// The state that a forward pass in training mode changes, put back at the end.
class Undisturbed {
  public:
    explicit Undisturbed(const nn::Module& module) : module_(module), generator_(generator_state()) {
        for (const auto& [name, tensor] : module.named_buffers())
            buffers_.emplace_back(name, tensor.detach().clone());
    }
    ~Undisturbed() {
        set_generator_state(generator_);
        module_.load(buffers_, {.strict = false});
    }
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;

  private:
    const nn::Module& module_;
    GeneratorState generator_;
    nn::NamedTensors buffers_;
};

// The kind of a layer as it prints itself: "Linear".
std::string kind_of(const nn::Layer& layer) {
    if (layer.module() == nullptr) return "Function";
    const std::string text = nn::to_string(*layer.module());
    return text.substr(0, text.find('('));
}

// What a module that is no Sequential is made of; when its children run is known to the module alone.
void add_children(Table& table, const nn::Module& module, std::size_t depth) {
    std::vector<std::pair<std::string, nn::NamedTensors>> children;
    std::map<std::string, std::int64_t> parameters;
    for (const auto& [name, tensor] : module.state()) {
        const std::size_t dot = name.rfind('.');
        if (dot == std::string::npos) continue;
        const std::string child = name.substr(0, dot);
        if (children.empty() || children.back().first != child) children.push_back({child, {}});
        children.back().second.emplace_back(name, tensor);
    }
    for (const auto& [name, tensor] : module.named_parameters())
        if (const std::size_t dot = name.rfind('.'); dot != std::string::npos)
            parameters[name.substr(0, dot)] += tensor.numel();
    for (const auto& [name, state] : children)
        table.add({std::string(2 * depth, ' ') + name, "", std::to_string(parameters[name]),
                   memory_text(bytes_of(state))});
}

Tensor add_layer(Table& table, const nn::Layer& layer, const std::string& name, std::size_t depth, Tensor x) {
    const auto* const sequence = layer.get<nn::Sequential>();
    std::vector<std::string> cells{std::string(2 * depth, ' ') + name + kind_of(layer)};
    if (sequence != nullptr) {
        table.add(std::move(cells));
        for (std::size_t i = 0; i < sequence->size(); ++i)
            x = add_layer(table, (*sequence)[i], fmt::format("({}) ", i), depth + 1, std::move(x));
        return x;
    }
    x = layer(x);
    cells.push_back(to_string(x.shape()));
    if (layer.module() != nullptr && !layer.module()->state().empty()) {
        cells.push_back(std::to_string(layer.module()->parameter_count()));
        cells.push_back(memory_text(bytes_of(layer.module()->state())));
    }
    table.add(std::move(cells));
    if (layer.module() != nullptr) add_children(table, *layer.module(), depth + 1);
    return x;
}

std::int64_t memory_in_use(Device device) {
    return device.is_cuda() ? cuda::memory_stats(device).in_use : host_memory_stats().in_use;
}

}  // namespace

std::string summary(const nn::Module& module) {
    Table table;
    table.add({"name", "shape", "elements", ""});
    table.add_rule();
    const auto add = [&](const nn::NamedTensors& tensors, const char* kind) {
        for (const auto& [name, tensor] : tensors)
            table.add({name, to_string(tensor.shape()), std::to_string(tensor.numel()), kind});
    };
    add(module.named_parameters(), "");
    add(module.named_buffers(), "buffer");
    table.add_rule();
    return table.str() + fmt::format("{} parameters to train, {} with buffers\n", module.parameter_count(),
                                     memory_text(bytes_of(module.state())));
}

std::string summary(const nn::Layer& model, const Shape& input_shape, const SummaryOptions& options) {
    const nn::Module none;
    const nn::Module& module = model.module() ? *model.module() : none;
    const nn::NamedTensors state = module.state(), parameters = module.named_parameters();
    const Device device = state.empty() ? Device::cpu() : state[0].second.device();
    const Undisturbed undisturbed(module);
    const TrainingMode mode(module);

    Table table;
    table.add({"layer", "output", "parameters", "memory"});
    table.add_rule();
    const Tensor input = zeros(input_shape, {.dtype = options.dtype, .device = device});
    const std::int64_t before = memory_in_use(device);
    const Tensor output = add_layer(table, model, "", 0, input);
    const std::int64_t kept = memory_in_use(device) - before;
    table.add_rule();

    const std::int64_t weights = bytes_of(parameters), moments = options.optimizer_states * weights;
    Table forecast;
    forecast.add({"training step on " + to_string(input_shape), "", ""});
    const auto line = [&](const char* what, std::int64_t bytes) {
        forecast.add({fmt::format("  {}", what), "", memory_text(bytes)});
    };
    line("parameters and buffers", bytes_of(state));
    line("gradients", weights);
    line("optimizer state", moments);
    line("kept for the backward pass", kept);
    line("together", bytes_of(state) + weights + moments + kept);
    return table.str() + fmt::format("{} parameters to train\n", module.parameter_count()) + forecast.str();
}

}  // namespace adjoint::train
