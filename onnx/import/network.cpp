// The module: names for its tensors, and checks of what comes in.
#include <adjoint/onnx/import/network.h>

#include <algorithm>
#include <new>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/onnx/format/file.h>
#include <adjoint/onnx/import/compile.h>
#include <adjoint/onnx/import/graph_order.h>

namespace adjoint::onnx {

namespace {

/// A level of names. What it registers lives in the module that has adopted it.
class Group : public nn::Module {
  public:
    Group() : Module("Group") {}
    using Module::adopt;
    using Module::buffer;
    using Module::parameter;
};

/// "layer1.0.conv1.weight" as {"layer1", "0", "conv1", "weight"}, each a name that a module can have.
std::vector<std::string> path_of(const std::string& name) {
    std::vector<std::string> parts{""};
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '.')
            parts.emplace_back();
        else
            parts.back() += plain ? c : '_';
    }
    std::erase(parts, "");
    if (parts.empty()) parts.emplace_back("unnamed");
    return parts;
}

/// Registers tensors under their paths, with a number behind names that are taken.
class Names {
  public:
    explicit Names(const nn::Module& root,
                   std::function<nn::Parameter(const std::string&, const Weight&)> at_root,
                   std::function<void(const std::string&, const Group&)> adopt)
        : at_root_(std::move(at_root)), adopt_(std::move(adopt)) {
        (void)root;
    }

    std::pair<std::string, nn::Parameter> add(const Weight& weight) {
        std::vector<std::string> path = path_of(weight.name);
        std::string prefix;
        const Group* group = nullptr;
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
            std::string part = path[i];
            while (tensors_.contains(prefix + part)) part += "_";
            auto& below = groups_[prefix + part];
            if (!below) {
                below = std::make_unique<Group>();
                if (group)
                    group->adopt(part, *below, typeid(Group));
                else
                    adopt_(part, *below);
            }
            group = below.get();
            prefix += part + ".";
        }
        std::string own = path.back();
        for (int i = 2; tensors_.contains(prefix + own) || groups_.contains(prefix + own); ++i)
            own = fmt::format("{}_{}", path.back(), i);
        tensors_.insert(prefix + own);
        if (group == nullptr) return {own, at_root_(own, weight)};
        return {prefix + own,
                weight.trains ? group->parameter(own, weight.tensor) : group->buffer(own, weight.tensor)};
    }

  private:
    std::function<nn::Parameter(const std::string&, const Weight&)> at_root_;
    std::function<void(const std::string&, const Group&)> adopt_;
    std::map<std::string, std::unique_ptr<Group>> groups_;
    std::set<std::string> tensors_;
};

std::string options_of(const Model& model) {
    std::string text;
    for (const auto& [what, infos] :
         {std::pair("inputs: ", &model.graph.inputs), {"outputs: ", &model.graph.outputs}}) {
        std::string list;
        for (const ValueInfo& info : *infos) {
            const bool given = std::any_of(model.graph.initializers.begin(), model.graph.initializers.end(),
                                           [&](const TensorValue& value) { return value.name == info.name; });
            if (!given) list += (list.empty() ? "" : ", ") + readable(info.name) + " " + to_string(info.type);
        }
        text += (text.empty() ? "" : "; ") + std::string(what) + list;
    }
    return text;
}

/// The value of an input as the file declares it. `sizes` are those of the names that other
/// inputs have given.
Value checked(const ValueInfo& info, const Tensor& x, std::map<std::string, std::int64_t>& sizes) {
    const std::string shown = readable(info.name);
    check<ValueError>(x.defined(), "onnx: the input {} is undefined", shown);
    const Type& type = info.type;
    if (type.kind != TypeKind::tensor) return {x};
    if (type.element != ElementType::undefined)
        check<DTypeError>(stored_as(type.element) == x.dtype(),
                          "onnx: the input {} is of {}, expected {} as {}", shown, name(x.dtype()),
                          onnx::name(type.element), name(*stored_as(type.element)));
    if (type.shape) {
        bool fits = static_cast<int>(type.shape->size()) == x.dim();
        for (std::size_t i = 0; fits && i < type.shape->size(); ++i) {
            const Dimension& dimension = (*type.shape)[i];
            const std::int64_t size = x.size(static_cast<std::int64_t>(i));
            if (dimension.size)
                fits = size == *dimension.size;
            else if (!dimension.name.empty())
                fits = sizes.emplace(dimension.name, size).first->second == size;
        }
        if (!fits) {
            std::string known;
            for (const auto& [symbol, size] : sizes)
                known += fmt::format(", {} = {}", readable(symbol), size);
            fail<ShapeError>("onnx: the input {} has the shape {}, expected {}{}", shown, x.shape(),
                             to_string(type), known);
        }
    }
    return {x, type.element};
}

}  // namespace

std::string to_string(const Type& type) {
    constexpr const char* kinds[] = {"unknown",   "",        "sparse ", "sequence of ",
                                     "optional ", "map to ", "opaque"};
    std::string text = kinds[static_cast<std::size_t>(type.kind)];
    if (type.kind == TypeKind::tensor || type.kind == TypeKind::sparse_tensor) {
        text += name(type.element);
        if (!type.shape) return text;
        std::vector<std::string> sizes;
        for (const Dimension& d : *type.shape)
            sizes.push_back(d.size && *d.size >= 0 ? std::to_string(*d.size)
                            : d.name.empty()       ? "?"
                                                   : readable(d.name));
        return text + fmt::format(" ({})", fmt::join(sizes, ", "));
    }
    for (const Type& inner : type.inner) text += to_string(inner);
    return text;
}

Network::Network(const Model& model) try : Module("Network", options_of(model)) {
    Compiled compiled = compile(model);
    program_ = compiled.program;
    auto declared = std::make_shared<Declared>();
    declared->inputs = std::move(compiled.inputs);
    declared->outputs = std::move(compiled.outputs);
    declared->metadata = model.metadata;
    Names names(
        *this,
        [this](const std::string& name, const Weight& weight) {
            return weight.trains ? parameter(name, weight.tensor) : buffer(name, weight.tensor);
        },
        [this](const std::string& name, const Group& group) { adopt(name, group, typeid(Group)); });
    for (const Weight& weight : compiled.weights) {
        auto [name, tensor] = names.add(weight);
        declared->names[name] = weight.name;
        tensors_.push_back(std::move(tensor));
    }
    declared_ = std::move(declared);
    eval();
} catch (const std::bad_alloc&) {
    throw_no_memory("onnx");
}

Tensor Network::operator()(const Tensor& x) const {
    check<ValueError>(declared_->inputs.size() == 1, "onnx: the model has {} inputs, one is given",
                      declared_->inputs.size());
    return (*this)(std::vector<Tensor>{x}).at(0);
}

std::vector<Tensor> Network::operator()(const std::vector<Tensor>& inputs) const try {
    check<ValueError>(declared_->inputs.size() == inputs.size(),
                      "onnx: the model has {} inputs, {} are given", declared_->inputs.size(), inputs.size());
    Values values;
    std::map<std::string, std::int64_t> sizes;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        values.push_back(checked(declared_->inputs[i], inputs[i], sizes));
    std::vector<Tensor> results;
    for (Value& value : program_->run(values, tensors_, is_training()))
        results.push_back(std::move(value.tensor));
    return results;
} catch (const std::bad_alloc&) {
    throw_no_memory("onnx");
}

std::map<std::string, Tensor> Network::operator()(const std::map<std::string, Tensor>& inputs) const {
    std::vector<Tensor> ordered;
    for (const ValueInfo& info : declared_->inputs) {
        const auto found = inputs.find(info.name);
        check<ValueError>(found != inputs.end(), "onnx: the input {} is missing", data::excerpt(info.name));
        ordered.push_back(found->second);
    }
    for (const auto& [name, tensor] : inputs)
        if (std::ranges::find(declared_->inputs, name, &ValueInfo::name) == declared_->inputs.end())
            fail<ValueError>("onnx: the model has no input {}", data::excerpt(name));
    const std::vector<Tensor> results = (*this)(ordered);
    std::map<std::string, Tensor> named;
    for (std::size_t i = 0; i < results.size(); ++i) named[declared_->outputs[i].name] = results[i];
    return named;
}

Network load(const std::string& path) {
    const Model model = read(path);
    try {
        return Network(model);
    } catch (Error& error) {
        error.lead(path.c_str());
        throw;
    }
}

}  // namespace adjoint::onnx
