// The summary tables.
#include <adjoint/train/watch/summary.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/parallel/sharding.h>
#include <adjoint/nn/call_trace.h>
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
    explicit Undisturbed(const nn::Module& module) : generator_(generator_state()) {
        for (const auto& [name, tensor] : module.named_buffers())
            buffers_.emplace_back(tensor.detach(), tensor.detach().clone());
    }
    ~Undisturbed() {
        set_generator_state(generator_);
        for (const auto& [buffer, before] : buffers_) buffer.copy_(before);
    }
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;

  private:
    GeneratorState generator_;
    std::vector<std::pair<Tensor, Tensor>> buffers_;  // with what they held
};

// Those of a module's tensors that belong to none of its children.
nn::NamedTensors own(nn::NamedTensors tensors) {
    std::erase_if(tensors, [](const auto& entry) { return entry.first.find('.') != std::string::npos; });
    return tensors;
}

nn::NamedTensors trained(nn::NamedTensors parameters) {
    std::erase_if(parameters, [](const auto& entry) { return !entry.second.requires_grad(); });
    return parameters;
}

std::int64_t elements(const nn::NamedTensors& tensors) {
    std::int64_t count = 0;
    for (const auto& [name, tensor] : tensors) count += tensor.numel();
    return count;
}

std::string parameters_text(const nn::Module& module) {
    const std::int64_t all = module.parameter_count(), moved = elements(trained(module.named_parameters()));
    return fmt::format("{} parameters to train{}", moved,
                       moved < all ? fmt::format(", {} frozen", all - moved) : "");
}

// A module and what it is made of, as it ran.
struct Layer {
    std::string name, kind;
    nn::Module module;
    std::size_t first = never;  // the number of the first call of it, or of a part of it
    std::vector<Shape> outputs = {};
    std::vector<Layer> parts = {};

    static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
};

Layer layer_of(const std::string& name, const std::string& kind, const nn::Module& module,
               const std::string& path, const std::vector<nn::LayerCall>& calls) {
    Layer layer{name, kind, module};
    for (std::size_t i = 0; i < calls.size(); ++i)
        if (calls[i].path == path) {
            layer.first = std::min(layer.first, i);
            layer.outputs.push_back(calls[i].output_shape);
        }
    for (const auto& [part, child] : module.children()) {
        layer.parts.push_back(
            layer_of("(" + part + ") ", child.kind(), child, path.empty() ? part : path + "." + part, calls));
        layer.first = std::min(layer.first, layer.parts.back().first);
    }
    std::stable_sort(layer.parts.begin(), layer.parts.end(),
                     [](const Layer& a, const Layer& b) { return a.first < b.first; });
    return layer;
}

void add_layer(Table& table, const Layer& layer, std::size_t depth) {
    std::string output = layer.first == Layer::never ? "not called" : "";
    if (!layer.outputs.empty()) output = to_string(layer.outputs[0]);
    if (layer.outputs.size() > 1) output += fmt::format(", {} calls", layer.outputs.size());
    std::vector<std::string> cells{std::string(2 * depth, ' ') + layer.name + layer.kind, output};
    if (const nn::NamedTensors state = own(layer.module.state()); !state.empty()) {
        const nn::NamedTensors parameters = own(layer.module.named_parameters());
        const std::int64_t count = elements(parameters);
        cells.push_back(fmt::format("{}{}", count, elements(trained(parameters)) < count ? " frozen" : ""));
        cells.push_back(memory_text(bytes_of(state)));
    }
    table.add(std::move(cells));
    for (const Layer& part : layer.parts) add_layer(table, part, depth + 1);
}

// What the rank has that owns most of these parameters.
std::int64_t largest_share(const nn::NamedTensors& parameters, int ranks) {
    std::vector<Tensor> tensors;
    for (const auto& [name, parameter] : parameters) tensors.push_back(parameter);
    const std::vector<int> owners = distributed::owners_of(tensors, ranks);
    std::vector<nn::NamedTensors> shares(static_cast<std::size_t>(ranks));
    for (std::size_t i = 0; i < owners.size(); ++i)
        shares[static_cast<std::size_t>(owners[i])].push_back(parameters[i]);
    std::int64_t most = 0;
    for (const nn::NamedTensors& share : shares) most = std::max(most, bytes_of(share));
    return most;
}

std::int64_t memory_in_use(Device device) {
    return device.is_cuda() ? cuda::memory_stats(device).in_use : host_memory_stats().in_use;
}

}  // namespace

std::string summary(const nn::Module& module) try {
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
    return table.str() + fmt::format("{}, {} with buffers\n", parameters_text(module),
                                     memory_text(bytes_of(module.state())));
} catch (const std::bad_alloc&) {
    throw_no_memory("summary");
}

std::string summary(const nn::Layer& model, const Shape& input_shape, const SummaryOptions& options) try {
    check<ValueError>(options.ranks >= 1, "summary: {} ranks, expected at least 1", options.ranks);
    const nn::Module none;
    const nn::Module& module = model.module() ? *model.module() : none;
    const nn::NamedTensors state = module.state(), moved = trained(module.named_parameters());
    const Device device = state.empty() ? Device::cpu() : state[0].second.device();
    const Undisturbed undisturbed(module);
    const TrainingMode mode(module);

    Table table;
    table.add({"layer", "output", "parameters", "memory"});
    table.add_rule();
    const Tensor input = zeros(input_shape, {.dtype = options.dtype, .device = device});
    std::vector<nn::LayerCall> calls;
    std::int64_t kept = 0;
    {
        const nn::CallTrace trace;
        const std::int64_t before = memory_in_use(device);
        const Tensor output = model(input);
        kept = memory_in_use(device) - before;
        calls = trace.calls();
        // A model with a forward pass of its own is no call; what is no part of it has no place in the table.
        std::erase_if(calls, [&](const nn::LayerCall& call) {
            return call.path == module.path() && call.layer && !call.layer->is_same(module);
        });
        if (calls.empty() || calls[0].path != module.path()) {
            nn::LayerCall& whole = *calls.emplace(calls.begin());
            whole.path = module.path();
            whole.output_shape = output.shape();
        }
    }
    add_layer(table, layer_of("", model.kind(), module, module.path(), calls), 0);
    table.add_rule();

    using distributed::Shard;
    const std::int64_t all = bytes_of(moved), own = largest_share(moved, options.ranks);
    const std::int64_t weights = options.shard >= Shard::gradients ? own : all,
                       moments = options.optimizer_states * (options.shard >= Shard::optimizer ? own : all),
                       held = bytes_of(state) - (options.shard >= Shard::parameters ? all - own : 0);
    Table forecast;
    forecast.add({"training step on " + to_string(input_shape) +
                      (options.ranks > 1 ? fmt::format(", of one of {} ranks", options.ranks) : ""),
                  "", ""});
    const auto line = [&](const char* what, std::int64_t bytes) {
        forecast.add({fmt::format("  {}", what), "", memory_text(bytes)});
    };
    line("parameters and buffers", held);
    line("gradients", weights);
    line("optimizer state", moments);
    line("kept for the backward pass", kept);
    line("together", held + weights + moments + kept);
    return table.str() + parameters_text(module) + "\n" + forecast.str();
} catch (const std::bad_alloc&) {
    throw_no_memory("summary");
}

}  // namespace adjoint::train
