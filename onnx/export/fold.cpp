// gamma (w x + c - mean) / sqrt(var + eps) + beta as another w and c.
#include <adjoint/onnx/export/fold.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::onnx::exporting {
namespace {

class BatchNormFolder {
  public:
    explicit BatchNormFolder(TracedRuns& runs)
        : runs_(runs), a_(runs[0]), uses_(a_.values.size()), maker_(a_.values.size(), -1) {
        for (std::size_t i = 0; i < a_.calls.size(); ++i) {
            for (const int input : a_.calls[i].inputs)
                if (input >= 0) ++uses_[at(input)];
            for (const int output : a_.calls[i].outputs)
                if (output >= 0) maker_[at(output)] = static_cast<int>(i);
        }
        for (const int output : a_.outputs) ++uses_[at(output)];
    }

    void run() {
        const NoGrad guard;
        for (std::size_t i = 0; i < a_.calls.size(); ++i)
            if (a_.calls[i].name == "batch_norm") fold(i);
    }

  private:
    static std::size_t at(int value) { return static_cast<std::size_t>(value); }
    const Tensor& tensor(int value) const { return a_.values[at(value)].tensor; }

    // A parameter or constant, perhaps seen in another shape.
    bool is_known(int value) const {
        if (value < 0) return true;
        const Origin origin = a_.values[at(value)].origin;
        if (origin == Origin::named) return true;
        const int maker = maker_[at(value)];
        if (origin != Origin::result || maker < 0) return false;
        const TracedCall& call = a_.calls[at(maker)];
        return call.name == "reshape" && is_known(call.inputs[0]);
    }
    std::string name_of(int value) const {
        if (value < 0) return "";
        const int maker = maker_[at(value)];
        return maker < 0 ? a_.values[at(value)].name : name_of(a_.calls[at(maker)].inputs[0]);
    }

    static bool is_plain_layer(const TracedCall& call) {
        const auto* activation = call.attributes.find("activation");
        const bool plain = activation == nullptr || std::get<std::string_view>(*activation) == "none";
        return plain && (call.name == "convolution" || call.name == "linear");
    }

    void fold(std::size_t i) {
        const TracedCall& norm = a_.calls[i];
        const auto* training = norm.attributes.find("training");
        const int sums = norm.inputs[0], maker = maker_[at(sums)];
        if (std::get<bool>(*training) || maker < 0 || uses_[at(sums)] != 1) return;
        const TracedCall& layer = a_.calls[at(maker)];
        if (!is_plain_layer(layer) || layer.inputs.size() != 3) return;
        // Of a linear layer over more dimensions the channels are others.
        if (layer.name == "linear" && tensor(sums).dim() != 2) return;
        const int weight = layer.inputs[1], bias = layer.inputs[2];
        bool known = is_known(weight) && is_known(bias) && is_floating(tensor(weight).dtype());
        for (std::size_t k = 1; k < norm.inputs.size(); ++k) known = known && is_known(norm.inputs[k]);
        if (!known) return;

        const double eps = std::get<double>(*norm.attributes.find("eps"));
        const Tensor w = tensor(weight), mean = tensor(norm.inputs[1]);
        Tensor scale = rsqrt(tensor(norm.inputs[2]) + eps);
        if (norm.inputs[3] >= 0) scale = scale * tensor(norm.inputs[3]);
        Shape aligned = Shape::filled(w.dim(), 1);
        aligned[0] = w.shape()[0];
        Tensor c = (bias >= 0 ? tensor(bias) - mean : neg(mean)) * scale;
        if (norm.inputs[4] >= 0) c = c + tensor(norm.inputs[4]);
        const std::string layer_name = layer.layer.empty() ? "" : layer.layer + ".";
        const int new_weight = add((w * reshape(scale, aligned)).to(w.dtype()), name_of(weight)),
                  new_bias = add(c.to(w.dtype()), bias >= 0 ? name_of(bias) : layer_name + "bias");
        for (TracedRun& run : runs_) {
            run.calls[at(maker)].inputs[1] = new_weight;
            run.calls[at(maker)].inputs[2] = new_bias;
            TracedCall& gone = run.calls[i];
            // What is left of it is its activation, as a function of its own.
            const auto activation = std::get<std::string_view>(*gone.attributes.find("activation"));
            gone.name = activation == "none" ? "alias" : std::string(activation);
            gone.inputs.resize(1);
        }
    }

    int add(const Tensor& x, const std::string& name) {
        for (TracedRun& run : runs_) run.values.push_back({x, Origin::named, name, x.version()});
        uses_.push_back(1);
        maker_.push_back(-1);
        return static_cast<int>(a_.values.size()) - 1;
    }

    TracedRuns& runs_;
    const TracedRun& a_;  // the first
    std::vector<int> uses_, maker_;
};

}  // namespace

void fold_batch_norm(TracedRuns& runs) { BatchNormFolder(runs).run(); }

}  // namespace adjoint::onnx::exporting
