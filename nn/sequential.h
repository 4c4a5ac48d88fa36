// Sequential: layers, functions and lambdas, one after the other.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <adjoint/core/contract/epilogue.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

class CallTrace;
class Layer;

/// What can stand in a Sequential: takes a tensor, gives a tensor, and may be copied.
template <class F>
concept LayerLike = !std::same_as<F, Layer> && std::copy_constructible<F> &&
                    std::is_invocable_r_v<Tensor, const F&, const Tensor&>;

/// A layer that can do the activation behind it in its own pass: f(x, Activation::relu) = relu(f(x)), the
/// same bits. It says so itself: what a base can does not count, since the layer may compute something else.
template <class F>
concept FusesActivation =
    std::same_as<decltype(&F::operator()), Tensor (F::*)(const Tensor&, Activation) const>;

/// A layer that is an activation, and says so itself.
template <class F>
concept IsActivation = std::same_as<decltype(&F::activation), Activation (F::*)() const noexcept>;

/// Any module, function or lambda from a tensor to a tensor. Copies share it, except within nn::clone.
class ADJOINT_API Layer {
  public:
    template <LayerLike F> Layer(F f) : held_(std::make_shared<const Of<F>>(std::move(f))) {}
    /// Functions by their names, which may have others of the same name beside
    /// them: Sequential(fc, tanh, gelu).
    Layer(Tensor (*function)(const Tensor&)) : held_(std::make_shared<const Of<Function>>(function)) {}
    Layer(Tensor (*function)(const Tensor&, GeluForm));
    Layer(const Layer& other);
    Layer(Layer&&) = default;
    Layer& operator=(const Layer& other);
    Layer& operator=(Layer&&) = default;
    ~Layer() = default;

    Tensor operator()(const Tensor& x) const { return held_->call(x); }
    /// The same with an activation behind it; in one pass, so only where fuses_activation().
    Tensor operator()(const Tensor& x, Activation then) const { return held_->call(x, then); }
    bool fuses_activation() const noexcept { return held_->fuses_activation(); }
    /// The activation that the layer is, none if it is something else.
    Activation activation() const noexcept { return held_->activation(); }
    /// The module, null if it is a function.
    const Module* module() const noexcept { return held_->module(); }
    /// "Linear"; the class's name of a module that names no kind, "Function" of a function.
    std::string kind() const;
    /// The class of what is held.
    const std::type_info& type() const noexcept { return held_->type(); }
    /// What is held, null unless it is an F.
    template <class F> const F* get() const noexcept {
        const auto* of = dynamic_cast<const Of<F>*>(held_.get());
        return of ? &of->f : nullptr;
    }

  private:
    friend class Sequential;

    using Function = Tensor (*)(const Tensor&);

    Layer() = default;  // none

    struct Any {
        Any() = default;
        Any(const Any&) = delete;
        Any& operator=(const Any&) = delete;
        virtual ~Any() = default;
        virtual Tensor call(const Tensor& x) const = 0;
        virtual Tensor call(const Tensor& x, Activation then) const = 0;
        virtual bool fuses_activation() const noexcept = 0;
        virtual Activation activation() const noexcept = 0;
        virtual const Module* module() const noexcept = 0;
        virtual const std::type_info& type() const noexcept = 0;
        virtual std::shared_ptr<const Any> copy() const = 0;
    };
    template <class F> struct Of final : Any {
        explicit Of(const F& from) : f(from) {}
        Tensor call(const Tensor& x) const override { return f(x); }
        Tensor call(const Tensor& x, Activation then) const override {
            if constexpr (FusesActivation<F>)
                return f(x, then);
            else
                throw_not_fused();
        }
        bool fuses_activation() const noexcept override { return FusesActivation<F>; }
        Activation activation() const noexcept override {
            if constexpr (IsActivation<F>)
                return f.activation();
            else if constexpr (std::same_as<F, Tensor (*)(const Tensor&)>)
                return activation_of(f);
            else
                return Activation::none;
        }
        const Module* module() const noexcept override {
            if constexpr (IsModule<F>)
                return &f;
            else
                return nullptr;
        }
        const std::type_info& type() const noexcept override { return typeid(F); }
        std::shared_ptr<const Any> copy() const override { return std::make_shared<const Of>(f); }
        F f;
    };

    [[noreturn]] static void throw_not_fused();

    std::shared_ptr<const Any> held_;
};

/// y = f_n(.. f_2(f_1(x))). Modules among the layers are its children, named by their place: "0.weight".
/// A layer that fuses activations and the one behind it are one pass; the values are those of the two.
class ADJOINT_API Sequential : public Module {
  public:
    // A Sequential alone is copied. To ask whether it is a Layer would be to ask whether it can be copied.
    template <class... Fs>
    requires((sizeof...(Fs) != 1 || !(std::same_as<Fs, Sequential> && ...)) &&
             (std::convertible_to<Fs, Layer> && ...)) explicit Sequential(Fs... layers)
        : Sequential(std::vector<Layer>{Layer(std::move(layers))...}) {}
    explicit Sequential(std::vector<Layer> layers);
    /// The same for up to sixteen layers with names of functions among them.
    explicit Sequential(Layer first, Layer second, Layer third = {}, Layer fourth = {}, Layer fifth = {},
                        Layer sixth = {}, Layer seventh = {}, Layer eighth = {}, Layer ninth = {},
                        Layer tenth = {}, Layer eleventh = {}, Layer twelfth = {}, Layer thirteenth = {},
                        Layer fourteenth = {}, Layer fifteenth = {}, Layer sixteenth = {});

    Tensor operator()(const Tensor& x) const;
    std::size_t size() const noexcept { return layers_.size(); }
    /// errors: IndexError.
    const Layer& operator[](std::size_t i) const;
    /// The layer of class M in place i: net.at<nn::Linear>(0).weight.
    /// errors: IndexError; ValueError if it is another.
    template <class M> const M& at(std::size_t i) const {
        const M* layer = (*this)[i].template get<M>();
        if (layer == nullptr) throw_other_class(i, typeid(M));
        return *layer;
    }

  private:
    [[noreturn]] void throw_other_class(std::size_t i, const std::type_info& wanted) const;
    // Whether layer i does the activation behind it: nobody wants to see what is between them.
    bool fuses(std::size_t i) const noexcept;
    Tensor traced(CallTrace& trace, std::size_t i, const Tensor& x) const;
    std::string path_of_layer(std::size_t i) const;

    std::vector<Layer> layers_;
    std::vector<Activation> then_;  // what each layer does in its pass of the one behind it
};

}  // namespace adjoint::nn
