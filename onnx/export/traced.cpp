// Tensors become values by the memory that they look at.
#include <adjoint/onnx/export/traced.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/host_reads.h>

namespace adjoint::onnx::exporting {

namespace {

// What a tensor looks at: equal for two handles of the same elements.
using Place =
    std::tuple<const Storage*, const void*, std::vector<std::int64_t>, std::vector<std::int64_t>, DType>;

Place place_of(const Tensor& x) {
    const TensorImpl& impl = x.impl();
    return {impl.storage.get(),
            impl.data,
            {impl.shape.begin(), impl.shape.end()},
            {impl.strides.begin(), impl.strides.end()},
            impl.dtype};
}

class Tracer : public Observer, public HostReads {
  public:
    explicit Tracer(TracedRun& run) : run_(run) {}

    int add(const Tensor& tensor, Origin origin, const std::string& name = {}) {
        run_.values.push_back({tensor, origin, name, tensor.version()});
        const int id = static_cast<int>(run_.values.size()) - 1;
        known_[place_of(tensor)] = {id, tensor.version()};
        if (origin == Origin::result || origin == Origin::input) made_.insert(tensor.impl().storage.get());
        return id;
    }

    int find(const Tensor& tensor) {
        if (!tensor.defined()) return -1;
        const auto found = known_.find(place_of(tensor));
        if (found != known_.end() && found->second.version == tensor.version()) return found->second.id;
        check<ValueError>(
            !made_.contains(tensor.impl().storage.get()),
            "onnx: a tensor of shape {} near {} was written in place by a part of it, or shares memory "
            "with another in a way that nobody heard of; build it with cat, stack or where",
            tensor.shape(), layer_.empty() ? "the inputs" : "layer " + layer_);
        return add(tensor, Origin::constant);
    }

    void heard(const Heard& call) override {
        if (call.name == "write") {  // what was written to goes on as what was written
            const int id = find(call.inputs[0]);
            known_[place_of(call.outputs[0])] = {id, call.outputs[0].version()};
            made_.insert(call.outputs[0].impl().storage.get());
            return;
        }
        TracedCall traced{std::string(call.name), std::string(call.within), {}, {}, call.attributes, {}};
        for (const Tensor& input : call.inputs) {
            traced.inputs.push_back(find(input));
            if (traced.inputs.back() < 0) continue;
            const std::string& name = run_.values[static_cast<std::size_t>(traced.inputs.back())].name;
            const std::size_t dot = name.rfind('.');
            if (dot != std::string::npos) layer_ = name.substr(0, dot);
        }
        traced.layer = layer_;
        for (const Tensor& output : call.outputs)
            traced.outputs.push_back(output.defined() ? add(output, Origin::result) : -1);
        run_.calls.push_back(std::move(traced));
    }

    void read(const Tensor& x) override {
        if (!adjoint::detail::is_observed()) return;  // by a function of ours, which is heard as one
        const auto found = known_.find(place_of(x));
        const bool known = found != known_.end() && found->second.version == x.version();
        if (known || made_.contains(x.impl().storage.get()))
            run_.reads.push_back({known ? found->second.id : -1, layer_});
    }

  private:
    struct Known {
        int id;
        std::uint32_t version;
    };

    TracedRun& run_;
    std::map<Place, Known> known_;
    std::set<const Storage*> made_;
    std::string layer_;
};

// Whether two lists of attributes differ in nothing but numbers, which may be sizes or made of such.
bool alike(const Attributes& a, const Attributes& b) {
    return std::ranges::equal(a.list(), b.list(), [](const auto& x, const auto& y) {
        if (x.first != y.first || x.second.index() != y.second.index()) return false;
        if (const auto* list = std::get_if<std::vector<std::int64_t>>(&x.second))
            return list->size() == std::get<std::vector<std::int64_t>>(y.second).size();
        return std::holds_alternative<std::int64_t>(x.second) || std::holds_alternative<double>(x.second) ||
               x.second == y.second;
    });
}

}  // namespace

std::vector<Tensor> TracedRun::output_tensors() const {
    std::vector<Tensor> list;
    for (const int value : outputs) list.push_back(values[static_cast<std::size_t>(value)].tensor);
    return list;
}

std::string described(const TracedCall& call) {
    const std::string name = call.within.empty() || call.within == call.name
                                 ? call.name
                                 : call.name + ", a part of " + call.within;
    return call.layer.empty() ? name : fmt::format("{} (layer {})", name, call.layer);
}

TracedRun trace(const Function& function, const std::vector<Tensor>& inputs,
                const std::vector<std::string>& input_names, const nn::NamedTensors& named) {
    TracedRun run;
    const NoGrad guard;
    Tracer tracer(run);
    for (std::size_t i = 0; i < inputs.size(); ++i) tracer.add(inputs[i], Origin::input, input_names[i]);
    for (const auto& [name, tensor] : named) tracer.add(tensor, Origin::named, name);
    for (const Tensor& output : function(inputs)) {
        check<ValueError>(output.defined(), "onnx: an output is undefined");
        run.outputs.push_back(tracer.find(output));
    }
    for (const TracedValue& value : run.values)
        check<ValueError>(value.origin == Origin::result || value.tensor.version() == value.version,
                          "onnx: {} of shape {} was written in place while the model ran",
                          value.name.empty() ? "a constant" : value.name, value.tensor.shape());
    return run;
}

void check_same_calls(const TracedRun& a, const TracedRun& b) {
    const std::size_t common = std::min(a.calls.size(), b.calls.size());
    for (std::size_t i = 0; i < common; ++i) {
        const TracedCall &x = a.calls[i], &y = b.calls[i];
        check<ValueError>(x.name == y.name,
                          "onnx: the model depends on its data or sizes: call {} is {} and, {}, {}", i,
                          described(x), b.circumstances, described(y));
        check<ValueError>(
            x.inputs == y.inputs && x.outputs == y.outputs && alike(x.attributes, y.attributes),
            "onnx: the model depends on its data or sizes: {} takes other operands or attributes {}",
            described(x), b.circumstances);
    }
    check<ValueError>(a.calls.size() == b.calls.size() && a.outputs == b.outputs,
                      "onnx: the model depends on its data or sizes: {} calls and, {}, {}{}", a.calls.size(),
                      b.circumstances, b.calls.size(),
                      a.calls.size() == b.calls.size()
                          ? ""
                          : ", from " + described((a.calls.size() > common ? a : b).calls[common]) + " on");
}

}  // namespace adjoint::onnx::exporting
