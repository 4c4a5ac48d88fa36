// Nodes and constants with names of their own, and in the end those that are needed.
#include <adjoint/onnx/export/builder.h>

#include <algorithm>
#include <cstring>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/format/tensor_value.h>

namespace adjoint::onnx::exporting {
namespace {

bool same_bytes(const Tensor& a, const Tensor& b) {
    if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
    const Tensor x = a.to(Device::cpu()).contiguous(), y = b.to(Device::cpu()).contiguous();
    return x.numel() == 0 || x.impl().data == y.impl().data ||
           std::memcmp(x.impl().data, y.impl().data,
                       static_cast<std::size_t>(x.numel()) * size_of(x.dtype())) == 0;
}

// The one element that all are equal to.
std::optional<Tensor> only_element(const Tensor& given) {
    if (given.numel() == 0) return zeros({1}, given.dtype(), Device::cpu());
    const Tensor x = given.to(Device::cpu()).contiguous();
    const std::size_t size = size_of(x.dtype());
    for (std::int64_t i = 1; i < x.numel(); ++i)
        if (std::memcmp(x.impl().data, x.impl().data + static_cast<std::size_t>(i) * size, size) != 0)
            return std::nullopt;
    return detached_view(x, {1}, {1});
}

// The numbers start, start + step, ..
struct Range {
    std::int64_t start, step;
};
std::optional<Range> range_of(const Tensor& x) {
    if (x.dim() != 1 || x.numel() == 0 || x.dtype() != DType::i64) return std::nullopt;
    const std::vector<std::int64_t> values = x.to_vector<std::int64_t>();
    const Range range{values[0], values.size() > 1 ? values[1] - values[0] : 1};
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] != range.start + static_cast<std::int64_t>(i) * range.step) return std::nullopt;
    return range;
}

// What two constants of different sizes have in common that a formula can say.
bool same_pattern(const Tensor& a, const Tensor& b) {
    if (a.dtype() != b.dtype() || a.dim() != b.dim()) return false;
    const auto from = range_of(a), to = range_of(b);
    if (from && to && (from->step == to->step || a.numel() == 1 || b.numel() == 1)) return true;
    const auto x = only_element(a), y = only_element(b);
    return x && y && same_bytes(*x, *y);
}

}  // namespace

Builder::Builder(const TracedRuns& runs, std::vector<Symbol> symbols, const ExportOptions& options)
    : runs_(runs), symbols_(std::move(symbols)), options_(options) {
    const TracedRun& first = runs[0];
    for (const TracedValue& value : first.values)
        if (!value.name.empty()) taken_.insert(value.name);
    uses_.resize(first.values.size());
    for (const TracedCall& call : first.calls)
        for (const int input : call.inputs)
            if (input >= 0) ++uses_[static_cast<std::size_t>(input)];
    for (const int output : first.outputs) ++uses_[static_cast<std::size_t>(output)];
    find_static_values();
}

void Builder::compare_runs(int value) {
    const auto i = static_cast<std::size_t>(value);
    const auto all = [&](auto same) {
        return std::all_of(runs_.begin() + 1, runs_.end(), [&](const TracedRun& run) {
            return same(runs_[0].values[i].tensor, run.values[i].tensor);
        });
    };
    static_[i] = all(same_bytes);
    pattern_[i] = !static_[i] && all(same_pattern);
}

void Builder::find_static_values() {
    const std::size_t count = runs_[0].values.size();
    static_.resize(count);
    pattern_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const Origin origin = runs_[0].values[i].origin;
        if (origin == Origin::named) static_[i] = true;
        if (origin == Origin::constant) compare_runs(static_cast<int>(i));
    }
    for (const TracedCall& call : runs_[0].calls) {
        bool known = call.name != "dropout";
        for (const int input : call.inputs)
            known = known && (input < 0 || is_static(input) || is_pattern(input));
        for (const int output : call.outputs)
            if (known && output >= 0) compare_runs(output);
    }
}

void Builder::refuse(const std::string& reason) const {
    fail<ValueError>("onnx: {}: {}", current_ != nullptr ? described(*current_) : "the model", reason);
}

// "3, with batch = 9: 4"
template <class T> std::string Builder::values_of(const std::vector<T>& runs) const {
    std::string text = fmt::format("{}", runs[0]);
    for (std::size_t i = 1; i < runs.size(); ++i)
        text += fmt::format(", {}: {}", runs_[i].circumstances, runs[i]);
    return text;
}

void Builder::refuse_number(std::string_view name, const std::vector<std::int64_t>& runs) const {
    refuse(fmt::format("{} is {}", name, values_of(runs)));
}
void Builder::refuse_number(std::string_view name, const std::vector<double>& runs) const {
    refuse(fmt::format("{} is {}", name, values_of(runs)));
}

// Nodes
// -----------------------------------------------------------------------------

std::string Builder::fresh(const std::string& hint) {
    for (;;) {
        const int number = counts_[hint]++;
        const std::string name = fmt::format("{}_{}", hint, number);
        if (taken_.insert(name).second) return name;
    }
}

std::string Builder::node(const std::string& op, const Names& inputs, NodeAttributes attributes) {
    return node_of_many(op, inputs, std::move(attributes), 1)[0];
}

Names Builder::node_of_many(const std::string& op, const Names& inputs, NodeAttributes attributes,
                            int outputs) {
    Names names;
    const std::string hint = current_ != nullptr ? current_->name : "size";
    for (int i = 0; i < outputs; ++i) names.push_back(fresh(hint));
    const std::string layer = current_ != nullptr ? current_->layer : "";
    nodes_.push_back({.op_type = op,
                      .inputs = inputs,
                      .outputs = names,
                      .attributes = std::move(attributes),
                      .name = layer.empty() ? names[0] : layer + "/" + names[0]});
    return names;
}

// Constants
// -----------------------------------------------------------------------------

std::string Builder::constant(const Tensor& given, const std::string& name) {
    const Tensor x = given.detach().to(Device::cpu()).contiguous();
    constexpr std::int64_t small = 64, large = 1024;
    std::string key;
    if (name.empty() && x.numel() <= small) {
        key = fmt::format("{} {} ", adjoint::name(x.dtype()), x.shape());
        key.append(x.impl().data, static_cast<std::size_t>(x.numel()) * size_of(x.dtype()));
        if (const auto found = small_constants_.find(key); found != small_constants_.end())
            return found->second;
    }
    if (name.empty() && x.numel() > large)
        if (const auto element = only_element(x)) {
            const std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().end());
            return node("ConstantOfShape", {integers(sizes)},
                        {{"value", tensor_value("", element->clone()), {}}});
        }
    std::string own = name.empty() ? fresh("constant") : name;
    if (!name.empty()) {
        // A layer that is called twice has its weights once, but not where folding has changed one of them.
        const auto [found, is_new] = named_constants_.try_emplace(name, x);
        if (!is_new && same_bytes(found->second, x)) return name;
        if (!is_new) own = fresh(name);
    }
    initializers_.push_back(tensor_value(own, x));
    if (!key.empty()) small_constants_[key] = own;
    return own;
}

std::string Builder::transposed_constant(int value, const std::string& name, DType type) {
    const auto [found, is_new] = transposed_.try_emplace({value, type});
    if (is_new) {
        const NoGrad guard;
        found->second = constant(transpose(static_tensor(value).to(type), -1, -2).contiguous(), name);
    }
    return found->second;
}

std::string Builder::symbol_size(std::size_t symbol) {
    const Symbol& of = symbols_[symbol];
    const std::int64_t axis = of.axis;
    constexpr std::int64_t has_start = 15;
    if (opset() >= has_start)
        return node("Shape", {of.input}, {attribute("end", axis + 1), attribute("start", axis)});
    return node("Gather", {node("Shape", {of.input}), integers({axis})});
}

std::string Builder::formula(const SizeFormula& formula) {
    std::string size = symbol_size(formula.symbols[0]);
    for (std::size_t i = 1; i < formula.symbols.size(); ++i)
        size = node("Mul", {size, symbol_size(formula.symbols[i])});
    if (formula.factor != 1) size = node("Mul", {size, integers({formula.factor})});
    return formula.offset == 0 ? size : node("Add", {size, integers({formula.offset})});
}

std::string Builder::sizes(const Sizes& sizes) {
    Names parts;
    std::vector<std::int64_t> fixed;
    const auto close = [&] {
        if (!fixed.empty()) parts.push_back(integers(fixed));
        fixed.clear();
    };
    for (const Size& size : sizes) {
        if (size.fixed()) {
            fixed.push_back(size.first());
            continue;
        }
        const auto found = formula_of(size, symbols_);
        if (!found)
            refuse("a size is " + values_of(size.runs) +
                   ", which is no dynamic axis times a number or another axis, nor with a number added");
        close();
        parts.push_back(formula(*found));
    }
    close();
    if (parts.empty()) return integers({});
    return parts.size() == 1 ? parts[0] : node("Concat", parts, {attribute("axis", std::int64_t{0})});
}

std::string Builder::size(const Size& size) {
    if (size.fixed()) return constant(Tensor(size.first()));
    return node("Squeeze", {sizes({size}), integers({0})});
}

std::string Builder::symbol_name(const Size& size) const {
    const auto found = formula_of(size, symbols_);
    const bool plain = found && found->factor == 1 && found->offset == 0 && found->symbols.size() == 1;
    return plain ? symbols_[found->symbols[0]].name : "";
}

// Values of the run
// -----------------------------------------------------------------------------

Sizes Builder::shape(int value) const {
    Sizes sizes(static_cast<std::size_t>(first(value).tensor.dim()));
    for (const TracedRun& run : runs_) {
        const Shape& shape = run.values.at(static_cast<std::size_t>(value)).tensor.shape();
        for (int d = 0; d < first(value).tensor.dim(); ++d)
            sizes[static_cast<std::size_t>(d)].runs.push_back(d < shape.size() ? shape[d] : -1);
    }
    return sizes;
}

std::string Builder::pattern_constant(int value) {
    Size start;
    std::int64_t step = 1;
    bool counts = false;
    for (const TracedRun& run : runs_) {
        const Tensor& tensor = run.values[static_cast<std::size_t>(value)].tensor;
        counts = counts || !only_element(tensor);
        const std::optional<Range> range = range_of(tensor);
        if (!range) continue;
        if (tensor.numel() > 1) step = range->step;
        start.runs.push_back(range->start);
    }
    if (counts) {
        // From 0 on: ONNX Runtime makes a Gather of a Range that ends before 0 a Slice, of nothing.
        std::string numbers = node("Range", {size({{0}}), size(shape(value)[0]), size({{1}})});
        if (step != 1) numbers = node("Mul", {numbers, size({{step}})});
        return start.fixed() && start.first() == 0 ? numbers : node("Add", {numbers, size(start)});
    }
    return node("ConstantOfShape", {sizes(shape(value))},
                {{"value", tensor_value("", only_element(first(value).tensor)->clone()), {}}});
}

void Builder::refuse_unheard(int value) const {
    const auto in = [&](const TracedRun& run) { return run.values[static_cast<std::size_t>(value)].tensor; };
    const TracedRun& other = *std::find_if(runs_.begin() + 1, runs_.end(), [&](const TracedRun& run) {
        return !same_bytes(in(runs_[0]), in(run));
    });
    refuse(
        fmt::format("it takes a tensor of shape {}, {} another one of shape {}, that no function made of the "
                    "inputs: it depends on their sizes or data in another way, or on chance",
                    in(runs_[0]).shape(), other.circumstances, in(other).shape()));
}

std::string Builder::name(int value) {
    if (value < 0) return "";
    if (const auto found = names_.find(value); found != names_.end()) return found->second;
    const TracedValue& of = first(value);
    std::string made;
    if (of.origin == Origin::input)
        made = of.name;
    else if (is_static(value))
        made = constant(static_tensor(value), of.name);
    else if (is_pattern(value))
        made = pattern_constant(value);
    else
        refuse_unheard(value);
    return names_[value] = made;
}

// The graph
// -----------------------------------------------------------------------------

void Builder::rename(const std::string& from, const std::string& to) {
    for (Node& node : nodes_) {
        for (std::string& name : node.inputs)
            if (name == from) name = to;
        for (std::string& name : node.outputs)
            if (name == from) name = to;
    }
}

void Builder::drop_unused(Graph& graph, const Names& outputs) const {
    std::set<std::string> needed(outputs.begin(), outputs.end());
    std::vector<Node> kept;
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
        if (std::none_of(node->outputs.begin(), node->outputs.end(),
                         [&](const std::string& name) { return needed.contains(name); }))
            continue;
        needed.insert(node->inputs.begin(), node->inputs.end());
        kept.push_back(*node);
        // Last outputs that nobody takes are left out; TopK has to have both.
        Names& names = kept.back().outputs;
        while (node->op_type != "TopK" && !needed.contains(names.back())) names.pop_back();
    }
    std::reverse(kept.begin(), kept.end());
    graph.nodes = std::move(kept);
    for (const TensorValue& tensor : initializers_)
        if (needed.contains(tensor.name)) graph.initializers.push_back(tensor);
}

Graph Builder::finish(const std::vector<int>& outputs, const Names& input_names, const Names& output_names,
                      std::size_t inputs) {
    const auto info = [&](const std::string& name, int value) {
        std::vector<Dimension> dims;
        for (const Size& size : shape(value))
            dims.push_back(size.fixed() ? Dimension{.size = size.first(), .name = {}}
                                        : Dimension{.size = {}, .name = symbol_name(size)});
        return ValueInfo{.name = name,
                         .type = {.kind = TypeKind::tensor,
                                  .element = element_type(first(value).tensor.dtype()),
                                  .shape = dims}};
    };
    Graph graph{.name = "adjoint"};
    for (std::size_t i = 0; i < inputs; ++i)
        graph.inputs.push_back(info(input_names[i], static_cast<int>(i)));
    std::set<std::string> given;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const std::string inside = name(outputs[i]);
        const bool by_node = std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
            return std::find(node.outputs.begin(), node.outputs.end(), inside) != node.outputs.end();
        });
        if (by_node && !given.contains(inside)) {
            rename(inside, output_names[i]);
            for (auto& [value, name] : names_)
                if (name == inside) name = output_names[i];
        } else {
            current_ = nullptr;
            nodes_.push_back({.op_type = "Identity",
                              .inputs = {inside},
                              .outputs = {output_names[i]},
                              .name = output_names[i]});
        }
        given.insert(output_names[i]);
        graph.outputs.push_back(info(output_names[i], outputs[i]));
    }
    drop_unused(graph, output_names);
    return graph;
}

}  // namespace adjoint::onnx::exporting
