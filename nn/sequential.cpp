// The layers of a Sequential.
#include <adjoint/nn/sequential.h>

#include <adjoint/core/base/format.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {

Layer::Layer(const Layer& other) : held_(detail::CloneScope::active() ? other.held_->copy() : other.held_) {}

Layer& Layer::operator=(const Layer& other) { return *this = Layer(other); }

void Layer::throw_not_fused() {
    fail<ValueError>("Layer: its module takes no activation in its pass; ask fuses_activation() first");
}

Sequential::Sequential(std::vector<Layer> layers)
    : Module("Sequential"), layers_(std::move(layers)), then_(layers_.size()) {
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i)
        if (layers_[i].fuses_activation()) then_[i] = layers_[i + 1].activation();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        const Module* module = layers_[i].module();
        if (module != nullptr)
            adopt(std::to_string(i), *module, layers_[i].type());
        else
            child(std::to_string(i), "Function");
    }
}

Tensor Sequential::operator()(const Tensor& x) const {
    Tensor y = x;
    for (std::size_t i = 0; i < layers_.size(); ++i)
        if (then_[i] != Activation::none) {
            y = layers_[i](y, then_[i]);
            ++i;
        } else
            y = layers_[i](y);
    return y;
}

const Layer& Sequential::operator[](std::size_t i) const {
    check<IndexError>(i < layers_.size(), "Sequential: layer {} of {}", i, layers_.size());
    return layers_[i];
}

void Sequential::throw_other_class(std::size_t i, const std::type_info& wanted) const {
    fail<ValueError>("Sequential: layer {} is a {}, not a {}", i, class_name(layers_[i].type()),
                     class_name(wanted));
}

}  // namespace adjoint::nn
