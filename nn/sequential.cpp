// The layers of a Sequential.
#include <adjoint/nn/sequential.h>

#include <optional>

#include <adjoint/core/base/format.h>
#include <adjoint/nn/call_trace.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {

Layer::Layer(const Layer& other) : held_(detail::CloneScope::active() ? other.held_->copy() : other.held_) {}

Layer& Layer::operator=(const Layer& other) { return *this = Layer(other); }

void Layer::throw_not_fused() {
    fail<ValueError>("Layer: its module takes no activation in its pass; ask fuses_activation() first");
}

Layer::Layer(Tensor (*function)(const Tensor&, GeluForm)) {
    if (function == static_cast<Tensor (*)(const Tensor&, GeluForm)>(&gelu))
        *this = Layer(GELU());
    else
        *this = Layer([function](const Tensor& x) { return function(x, GeluForm::none); });
}

Sequential::Sequential(Layer first, Layer second, Layer third, Layer fourth, Layer fifth, Layer sixth,
                       Layer seventh, Layer eighth, Layer ninth, Layer tenth, Layer eleventh, Layer twelfth,
                       Layer thirteenth, Layer fourteenth, Layer fifteenth, Layer sixteenth)
    : Sequential([&] {
          std::vector<Layer> given;
          for (Layer* layer : {&first, &second, &third, &fourth, &fifth, &sixth, &seventh, &eighth, &ninth,
                               &tenth, &eleventh, &twelfth, &thirteenth, &fourteenth, &fifteenth, &sixteenth})
              if (layer->held_) given.push_back(std::move(*layer));
          return given;
      }()) {}

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
    return computed(x, [&] {
        Tensor y = x;
        std::size_t i = 0;
        try {
            for (; i < layers_.size(); ++i) {
                const bool fused = fuses(i);
                if (CallTrace* const trace = CallTrace::current()) [[unlikely]]
                    y = traced(*trace, i, y);
                else if (fused)
                    y = layers_[i](y, then_[i]);
                else
                    y = layers_[i](y);
                i += fused;  // the layer behind has been done, too
            }
        } catch (Error& error) {
            if (const Module* const layer = layers_[i].module())
                place(*layer, error);
            else
                error.place(path_of_layer(i) + " (Function)");
            throw;
        }
        return y;
    });
}

bool Sequential::fuses(std::size_t i) const noexcept {
    if (then_[i] == Activation::none) return false;
    const auto hooked = [&](std::size_t at) {
        const Module* const module = layers_[at].module();
        return module != nullptr && module->has_hooks();
    };
    return !hooked(i) && !hooked(i + 1);
}

// A layer, noted also where it is a function, and the activation that it does.
Tensor Sequential::traced(CallTrace& trace, std::size_t i, const Tensor& x) const {
    const bool noted = layers_[i].module() == nullptr, fused = fuses(i);
    const auto note = [&](std::size_t at, const Tensor& in) {
        std::optional<Module> layer;
        if (const Module* const module = layers_[at].module()) layer = *module;
        return trace.begin(path_of_layer(at), layers_[at].kind(), std::move(layer), in);
    };
    const std::size_t call = noted ? note(i, x) : 0;
    Tensor y = fused ? layers_[i](x, then_[i]) : layers_[i](x);
    if (noted) trace.end(call, y);
    if (fused) trace.end(note(i + 1, y), y);
    return y;
}

std::string Sequential::path_of_layer(std::size_t i) const {
    const std::string own = path();
    return (own.empty() ? "" : own + ".") + std::to_string(i);
}

std::string Layer::kind() const {
    if (const Module* const own = module()) {
        const std::string given = own->kind();
        return given.empty() ? class_name(type()) : given;
    }
    return "Function";
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
