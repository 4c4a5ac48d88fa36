// Compilation in two passes: the first finds the function of each node and everything that is not
// supported, the second folds what is constant and gives the rest its places.
#include <adjoint/onnx/import/compile.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/onnx/import/fuse.h>
#include <adjoint/onnx/import/graph_order.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/loading.h>
#include <adjoint/onnx/import/shapes.h>

namespace adjoint::onnx {

namespace {

constexpr std::int64_t oldest_ir = 3, newest_ir = 11, newest_opset = 23;
// As deep as graphs may lie in a file; functions can make them deeper.
constexpr int deepest = 100;

/// A named value while places are given out.
struct Item {
    Source source;
    bool fixed_shape = true;  ///< it follows from the shapes of the inputs
};

struct Usage {
    bool trains = false, statistics = false;
};

class GraphCompiler {
  public:
    /// First pass. `outer` is null for the graph of the model.
    GraphCompiler(Loading& loading, const Graph& graph, const std::shared_ptr<const OperatorSets>& sets,
                  const GraphCompiler* outer)
        : loading_(loading),
          graph_(graph),
          outer_(outer),
          depth_(outer ? outer->depth_ + 1 : 0),
          nodes_(loading.functions.expanded(graph.nodes, sets)) {
        check<ValueError>(depth_ <= deepest, "bodies in bodies, more than {} deep", deepest);
        for (const TensorValue& tensor : graph.initializers)
            check<ValueError>(initializers_.emplace(tensor.name, &tensor).second,
                              "the initializer {} is there twice", data::excerpt(tensor.name));
        for (const SparseTensorValue& sparse : graph.sparse_initializers) sparse_.insert(sparse.values.name);
        for (const ValueInfo& info : graph.inputs) {
            // A body gets its inputs in any case.
            if (outer_ == nullptr && initializers_.contains(info.name) &&
                !loading_.again.given.contains(info.name)) {
                optional_.push_back(info);
                continue;
            }
            refuse_type(info, outer ? "the input of a body is" : "an input is");
            inputs_.push_back(info);
            // Some writers say -1 or "?" for a size that is not known.
            if (auto& shape = inputs_.back().type.shape)
                for (Dimension& dimension : *shape)
                    if (dimension.size.value_or(0) < 0 || dimension.name == "?") dimension = {};
            check<ValueError>(names_.insert(info.name).second, "the input {} is there twice",
                              data::excerpt(info.name));
        }
        for (const ValueInfo& info : graph.outputs)
            refuse_type(info, outer ? "the output of a body is" : "an output is");
        if (outer_) captured_ = free_names(graph);
        for (const auto& [name, tensor] : initializers_) names_.insert(name);
        names_.insert(sparse_.begin(), sparse_.end());
        names_.insert(captured_.begin(), captured_.end());
        program_->inputs = static_cast<int>(inputs_.size() + captured_.size());
        program_->outputs.resize(graph.outputs.size());
        for (const std::size_t i : live_order(nodes_, graph.outputs)) build(nodes_[i]);
        for (const ValueInfo& info : graph.outputs)
            check_given(info.name, "the output " + data::excerpt(info.name));
    }

    const std::shared_ptr<Program>& program() const noexcept { return program_; }
    const std::vector<std::string>& captured() const noexcept { return captured_; }
    const std::vector<ValueInfo>& inputs() const noexcept { return inputs_; }
    const std::vector<ValueInfo>& optional() const noexcept { return optional_; }

    /// Second pass. Of what is taken from outside, the constants.
    std::vector<Weight> link(const std::vector<const Value*>& outer_constants) {
        for (const ValueInfo& info : inputs_) {
            items_[info.name] = {new_place(), true};
            declare(info);
        }
        for (std::size_t i = 0; i < captured_.size(); ++i) {
            const Source place = new_place();
            items_[captured_[i]] = {outer_constants[i] ? constant(*outer_constants[i]) : place, true};
        }
        add_initializers();
        for (Entry& entry : entries_) {
            link(entry);
            if (outer_ == nullptr) infer(entry);
        }
        for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
            program_->outputs[i] = items_.at(graph_.outputs[i].name).source;
        fuse_steps(*program_, origins_);
        release();
        program_->places = places_;
        program_->known_places = known_places_;
        program_->learns_shapes = outer_ == nullptr;
        return std::move(weights_);
    }

  private:
    struct Entry {
        const Node* node;
        std::int64_t opset;
        const Row* row;
        Kernel kernel;
        FuseMaker fuse;
        std::vector<std::unique_ptr<GraphCompiler>> bodies;
        std::vector<std::string> names;  // inputs, then what the bodies take

        /// A node whose result is its input under another name.
        bool is_identity() const {
            return row->name == "Identity" && !names.empty() && !names[0].empty() &&
                   node->outputs.size() == 1;
        }
    };

    void refuse_type(const ValueInfo& info, const std::string& what) {
        constexpr const char* kinds[] = {"",         "",    "sparse tensor", "sequence",
                                         "optional", "map", "opaque value"};
        const Type& type = info.type;
        const std::string who = data::excerpt(info.name);
        if (type.kind == TypeKind::tensor) {
            const auto number = static_cast<std::int64_t>(type.element);
            const bool known = number >= 0 && number <= 23;
            if (type.element != ElementType::undefined && !stored_as(type.element))
                loading_.refusals.add(fmt::format("{} of the element type {}", what,
                                                  known ? name(type.element) : std::to_string(number)),
                                      who);
        } else if (type.kind != TypeKind::unknown) {
            loading_.refusals.add(fmt::format("{} a {}", what, kinds[static_cast<std::size_t>(type.kind)]),
                                  who);
        }
    }

    void refuse_version(std::int64_t version) {
        loading_.refusals.add(fmt::format("version {} of the standard operators, {} is the newest supported",
                                          version, newest_opset),
                              "");
    }

    void check_given(const std::string& name, const std::string& who) const {
        if (!names_.contains(name))
            fail<ValueError>("{} needs the value {}, which nothing gives", who, data::excerpt(name));
    }

    void build(const ScopedNode& scoped) {
        const Node& node = scoped.node;
        const std::string label = label_of(node);
        Entry entry{&node, 0, nullptr, {}, {}, {}, node.inputs};
        for (const std::string& name : needed_names(node)) {
            check_given(name, label);
            if (sparse_.contains(name)) loading_.refusals.add("a sparse initializer", data::excerpt(name));
            const auto initializer = initializers_.find(name);
            if (initializer != initializers_.end() && !stored_as(initializer->second->type))
                loading_.refusals.add(fmt::format("an initializer of the element type {}",
                                                  onnx::name(initializer->second->type)),
                                      data::excerpt(name));
        }
        names_.insert(node.outputs.begin(), node.outputs.end());
        const auto version = scoped.sets->find("");
        const std::string& shown = node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name;
        if (!node.domain.empty())
            return loading_.refusals.add(
                fmt::format("the operator {}.{}", readable(node.domain), readable(node.op_type)),
                data::excerpt(shown));
        check<ValueError>(version != scoped.sets->end(), "{}: no version of the standard operators is given",
                          label);
        entry.opset = version->second;
        entry.row = find_row(node.op_type, version->second);
        if (entry.row == nullptr)
            return loading_.refusals.add(
                fmt::format("the operator {} of version {}", readable(node.op_type), version->second),
                data::excerpt(shown));
        // What its attributes mean is not known.
        if (entry.opset > newest_opset) return refuse_version(entry.opset);
        const Attributes attributes(node.attributes);
        const auto body = [&](const char* attribute) -> Body {
            const std::shared_ptr<const Graph> graph = attributes.graph(attribute);
            bodies_.push_back(graph);
            auto& compiler = entry.bodies.emplace_back(
                std::make_unique<GraphCompiler>(loading_, *graph, scoped.sets, this));
            const std::size_t first = entry.names.size();
            const auto& captured = compiler->captured();
            entry.names.insert(entry.names.end(), captured.begin(), captured.end());
            return {compiler->program(), first, captured.size()};
        };
        try {
            labelled(label, [&] {
                const Build build{attributes, version->second, node.inputs.size(), node.outputs.size(), body};
                entry.kernel = entry.row->make(build);
                attributes.check_all_known();
                if (entry.row->fuse) entry.fuse = entry.row->fuse(build);
            });
        } catch (const Unsupported& error) {
            const std::string what = error.what();
            return loading_.refusals.add(node.op_type + what.substr(label.size()), data::excerpt(shown));
        }
        entries_.push_back(std::move(entry));
    }

    Source new_place() { return {Source::run, places_++}; }
    Source constant(Value value) {
        keep_on_host(value);
        program_->constants.push_back(std::move(value));
        return {Source::constant, static_cast<int>(program_->constants.size()) - 1};
    }
    Source weight(const std::string& name, const Tensor& tensor, bool trains) {
        weights_.push_back({name, tensor, trains});
        return {Source::weight, static_cast<int>(weights_.size()) - 1};
    }

    /// How the nodes use the initializers, also those they get by way of Identity.
    std::unordered_map<std::string, Usage> usages() const {
        std::unordered_map<std::string, std::string> alias;
        std::unordered_map<std::string, Usage> out;
        for (const Entry& entry : entries_) {
            for (std::size_t i = 0; i < entry.names.size(); ++i) {
                const auto known = alias.find(entry.names[i]);
                const std::string& name = known == alias.end() ? entry.names[i] : known->second;
                if (entry.is_identity()) {
                    alias[entry.node->outputs[0]] = name;
                    out.try_emplace(name);  // handed on, though not computed with
                    continue;
                }
                const InputSet bit = i < 32 ? InputSet{1} << i : 0;
                const bool captured = i >= entry.node->inputs.size();
                Usage& usage = out[name];
                usage.statistics = usage.statistics || (entry.row->statistics & bit) != 0;
                usage.trains = usage.trains || captured ||
                               ((entry.row->host | entry.row->constant | entry.row->statistics) & bit) == 0;
            }
        }
        return out;
    }

    /// What has at least one dimension and is used in arithmetic trains, statistics are buffers; the rest
    /// is constant, as are the initializers of bodies.
    void add_initializers() {
        const auto used = usages();
        std::set<std::string> outputs;
        for (const ValueInfo& info : graph_.outputs) outputs.insert(info.name);
        for (const TensorValue& value : graph_.initializers) {
            const auto found = used.find(value.name);
            if (found == used.end() && !outputs.contains(value.name)) continue;
            if (items_.contains(value.name)) continue;  // an input takes its place
            const auto& known = loading_.again.weights;
            const auto kept_before = outer_ ? known.end() : known.find(value.name);
            const Tensor tensor = kept_before != known.end() ? kept_before->second : to_tensor(value);
            const Usage usage = found == used.end() ? Usage{} : found->second;
            const bool kept = outer_ == nullptr && is_floating(tensor.dtype()) && tensor.dim() > 0 &&
                              tensor.numel() > 0 && (usage.trains || usage.statistics);
            if (!kept) loading_.folding.allow(tensor);
            items_[value.name] = {
                kept ? weight(value.name, tensor, !usage.statistics) : constant({tensor, value.type}), true};
        }
    }

    void link(Entry& entry) {
        const Node& node = *entry.node;
        if (entry.is_identity()) {
            items_[node.outputs[0]] = items_.at(entry.names.at(0));
            return;
        }
        Step step{entry.kernel, {}, {}, {}, entry.row->host, false, label_of(node)};
        bool constant_inputs = true, known_inputs = true, fixed = true, host_known = true;
        for (std::size_t i = 0; i < entry.names.size(); ++i) {
            Item item;
            if (!entry.names[i].empty()) item = items_.at(entry.names[i]);
            const InputSet bit = i < 32 ? InputSet{1} << i : 0;
            if (item.source.kind == Source::constant && (entry.row->statistics & bit) != 0 &&
                outer_ == nullptr) {
                // Training writes to it: it must be nobody else's.
                const Tensor own =
                    program_->constants[static_cast<std::size_t>(item.source.index)].tensor.clone();
                item.source = weight(entry.names[i], own, false);
            }
            const auto kind = item.source.kind;
            const bool is_constant = kind == Source::constant || kind == Source::none;
            const bool is_known = is_constant || kind == Source::known;
            constant_inputs = constant_inputs && is_constant;
            known_inputs = known_inputs && is_known;
            fixed = fixed && item.fixed_shape;
            host_known = host_known && (is_known || (entry.row->host & bit) == 0);
            step.inputs.push_back(item.source);
        }
        for (auto& body : entry.bodies) {
            std::vector<const Value*> constants;
            for (const std::string& name : body->captured()) {
                const Source source = items_.at(name).source;
                constants.push_back(source.kind == Source::constant
                                        ? &program_->constants[static_cast<std::size_t>(source.index)]
                                        : nullptr);
            }
            body->link(constants);
        }
        const Nature nature = entry.row->nature;
        const bool folds = constant_inputs && nature != Nature::random && !entry.row->costly;
        if (folds && entry.bodies.empty() && fold(node, step)) return;
        const bool learns = outer_ == nullptr && nature != Nature::random && entry.bodies.empty();
        step.known = learns && (known_inputs || (nature == Nature::of_shape && fixed));
        for (const std::string& name : node.outputs) {
            Item item{{}, step.known || (fixed && host_known && nature != Nature::dynamic)};
            if (!name.empty())
                item.source = step.known ? Source{Source::known, known_places_++} : new_place();
            if (!name.empty()) items_[name] = item;
            step.outputs.push_back(item.source);
        }
        program_->steps.push_back(std::move(step));
        origins_.push_back({entry.row, entry.node, entry.fuse});
    }

    /// What is known of a value once it has its place.
    Form form_of(const std::string& name) {
        const auto item = items_.find(name);
        if (item == items_.end()) return {};
        const Source source = item->second.source;
        const auto index = static_cast<std::size_t>(source.index);
        if (source.kind == Source::weight) return {sizes_of(weights_[index].tensor)};
        if (source.kind != Source::constant) return forms_[name];
        const Value& value = program_->constants[index];
        Form form{sizes_of(value.tensor)};
        if (value.host && is_integer(value.tensor) && value.host->integers.size() <= most_form_elements)
            form.elements.emplace(value.host->integers.begin(), value.host->integers.end());
        return form;
    }

    void declare(const ValueInfo& info) {
        if (info.type.kind != TypeKind::tensor || !info.type.shape) return;
        Integers dims;
        for (const Dimension& dimension : *info.type.shape) {
            std::int64_t size = dimension.size.value_or(-1);
            if (!dimension.size && !dimension.name.empty())
                size = symbols_.emplace(dimension.name, -2 - static_cast<std::int64_t>(symbols_.size()))
                           .first->second;
            dims.push_back(size);
        }
        forms_[info.name] = {dims};
    }

    void infer(const Entry& entry) {
        ShapeQuestion question{*entry.node, entry.opset, {}};
        for (const std::string& name : entry.node->inputs) question.inputs.push_back(form_of(name));
        const auto forms = labelled(label_of(*entry.node), [&] { return infer_forms(question); });
        for (std::size_t i = 0; i < forms.size() && i < entry.node->outputs.size(); ++i)
            forms_[entry.node->outputs[i]] = forms[i];
    }

    /// Runs a step whose inputs are constants.
    bool fold(const Node& node, const Step& step) {
        Values arguments;
        for (const Source& source : step.inputs)
            arguments.push_back(source.kind == Source::none
                                    ? Value()
                                    : program_->constants[static_cast<std::size_t>(source.index)]);
        std::optional<Values> results = loading_.folding.run(step, arguments, node.outputs.size());
        if (!results) return false;
        for (std::size_t i = 0; i < node.outputs.size(); ++i)
            if (!node.outputs[i].empty())
                items_[node.outputs[i]] = {constant(std::move((*results)[i])), true};
        return true;
    }

    /// Each place is given back after the last step that needs it.
    void release() {
        std::vector<int> last(static_cast<std::size_t>(places_), -1);
        for (std::size_t i = 0; i < program_->steps.size(); ++i) {
            const Step& step = program_->steps[i];
            for (const auto& sources : {step.inputs, step.outputs})
                for (const Source& source : sources)
                    if (source.kind == Source::run)
                        last[static_cast<std::size_t>(source.index)] = static_cast<int>(i);
        }
        for (const Source& source : program_->outputs)
            if (source.kind == Source::run) last[static_cast<std::size_t>(source.index)] = -1;
        for (std::size_t place = 0; place < last.size(); ++place)
            if (last[place] >= 0)
                program_->steps[static_cast<std::size_t>(last[place])].released.push_back(
                    static_cast<int>(place));
    }

    Loading& loading_;
    const Graph& graph_;
    const GraphCompiler* outer_;
    int depth_;
    std::vector<ScopedNode> nodes_;
    std::vector<std::shared_ptr<const Graph>> bodies_;  // whose compilers refer to them
    std::unordered_map<std::string, const TensorValue*> initializers_;
    std::set<std::string> sparse_, names_;
    std::vector<ValueInfo> inputs_, optional_;
    std::vector<std::string> captured_;
    std::vector<Entry> entries_;
    std::shared_ptr<Program> program_ = std::make_shared<Program>();

    std::unordered_map<std::string, Item> items_;
    std::unordered_map<std::string, Form> forms_;
    std::map<std::string, std::int64_t> symbols_;
    std::vector<Weight> weights_;
    std::vector<StepOrigin> origins_;  // beside the steps
    int places_ = 0, known_places_ = 0;
};

}  // namespace

Compiled compile(const Model& model, const Again& again) {
    Loading loading(model, again);
    if (model.ir_version < oldest_ir || model.ir_version > newest_ir)
        loading.refusals.add(
            fmt::format("the IR version {}, supported are {} to {}", model.ir_version, oldest_ir, newest_ir),
            "");
    const auto sets = operator_sets(model.operator_sets);
    GraphCompiler compiler(loading, model.graph, sets, nullptr);
    loading.refusals.check();
    std::vector<Weight> weights = compiler.link({});
    return {compiler.program(), std::move(weights), compiler.inputs(), model.graph.outputs,
            compiler.optional()};
}

}  // namespace adjoint::onnx
