// The activations as layers. Those that a layer before them can do in its pass say which they are.
#pragma once

#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// Which activation a plain function is; none if it is none of those.
ADJOINT_API Activation activation_of(Tensor (*function)(const Tensor&)) noexcept;

/// relu() as a layer.
class ADJOINT_API ReLU : public Module {
  public:
    ReLU() : Module("ReLU") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return relu(x); });
    }
    Activation activation() const noexcept { return Activation::relu; }
};

/// relu6() as a layer.
class ADJOINT_API ReLU6 : public Module {
  public:
    ReLU6() : Module("ReLU6") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return relu6(x); });
    }
};

/// selu() as a layer.
class ADJOINT_API SELU : public Module {
  public:
    SELU() : Module("SELU") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return selu(x); });
    }
};

/// sigmoid() as a layer.
class ADJOINT_API Sigmoid : public Module {
  public:
    Sigmoid() : Module("Sigmoid") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return sigmoid(x); });
    }
    Activation activation() const noexcept { return Activation::sigmoid; }
};

/// logsigmoid() as a layer.
class ADJOINT_API LogSigmoid : public Module {
  public:
    LogSigmoid() : Module("LogSigmoid") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return logsigmoid(x); });
    }
};

/// tanh() as a layer.
class ADJOINT_API Tanh : public Module {
  public:
    Tanh() : Module("Tanh") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return tanh(x); });
    }
    Activation activation() const noexcept { return Activation::tanh; }
};

/// silu() as a layer.
class ADJOINT_API SiLU : public Module {
  public:
    SiLU() : Module("SiLU") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return silu(x); });
    }
    Activation activation() const noexcept { return Activation::silu; }
};

/// mish() as a layer.
class ADJOINT_API Mish : public Module {
  public:
    Mish() : Module("Mish") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return mish(x); });
    }
};

/// softsign() as a layer.
class ADJOINT_API Softsign : public Module {
  public:
    Softsign() : Module("Softsign") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return softsign(x); });
    }
};

/// hardsigmoid() as a layer.
class ADJOINT_API Hardsigmoid : public Module {
  public:
    Hardsigmoid() : Module("Hardsigmoid") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return hardsigmoid(x); });
    }
};

/// hardswish() as a layer.
class ADJOINT_API Hardswish : public Module {
  public:
    Hardswish() : Module("Hardswish") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return hardswish(x); });
    }
};

/// leaky_relu() as a layer.
class ADJOINT_API LeakyReLU : public Module {
  public:
    explicit LeakyReLU(double negative_slope = 0.01)
        : Module("LeakyReLU", detail::describe({{"negative_slope", negative_slope}})),
          negative_slope_(negative_slope) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return leaky_relu(x, negative_slope_); });
    }

  private:
    double negative_slope_;
};

/// elu() as a layer.
class ADJOINT_API ELU : public Module {
  public:
    explicit ELU(double alpha = 1) : Module("ELU", detail::describe({{"alpha", alpha}})), alpha_(alpha) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return elu(x, alpha_); });
    }

  private:
    double alpha_;
};

/// celu() as a layer.
class ADJOINT_API CELU : public Module {
  public:
    explicit CELU(double alpha = 1) : Module("CELU", detail::describe({{"alpha", alpha}})), alpha_(alpha) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return celu(x, alpha_); });
    }

  private:
    double alpha_;
};

/// softplus() as a layer.
class ADJOINT_API Softplus : public Module {
  public:
    explicit Softplus(double beta = 1, double threshold = 20)
        : Module("Softplus", detail::describe({{"beta", beta}, {"threshold", threshold}})),
          beta_(beta),
          threshold_(threshold) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return softplus(x, beta_, threshold_); });
    }

  private:
    double beta_, threshold_;
};

/// hardtanh() as a layer.
class ADJOINT_API Hardtanh : public Module {
  public:
    explicit Hardtanh(double low = -1, double high = 1)
        : Module("Hardtanh", detail::describe({{"low", low}, {"high", high}})), low_(low), high_(high) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return hardtanh(x, low_, high_); });
    }

  private:
    double low_, high_;
};

/// softmax() as a layer.
class ADJOINT_API Softmax : public Module {
  public:
    explicit Softmax(int dim) : Module("Softmax", detail::describe({{"dim", dim}})), dim_(dim) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return softmax(x, dim_); });
    }

  private:
    int dim_;
};

/// log_softmax() as a layer.
class ADJOINT_API LogSoftmax : public Module {
  public:
    explicit LogSoftmax(int dim) : Module("LogSoftmax", detail::describe({{"dim", dim}})), dim_(dim) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return log_softmax(x, dim_); });
    }

  private:
    int dim_;
};

/// gelu() as a layer.
class ADJOINT_API GELU : public Module {
  public:
    explicit GELU(GeluForm approximate = GeluForm::none)
        : Module("GELU", approximate == GeluForm::tanh ? "approximate=tanh" : ""),
          approximate_(approximate) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return gelu(x, approximate_); });
    }
    Activation activation() const noexcept {
        return approximate_ == GeluForm::tanh ? Activation::gelu_tanh : Activation::gelu;
    }

  private:
    GeluForm approximate_;
};

/// x where positive, weight x elsewhere, with a weight that is learnt: one, or one per channel (dimension 1).
class ADJOINT_API PReLU : public Module {
  public:
    explicit PReLU(std::int64_t num_parameters = 1, double init = 0.25);
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return prelu(x, weight); });
    }

    const Parameter weight;
};

/// maxout(x, pieces, dim)
class ADJOINT_API Maxout : public Module {
  public:
    explicit Maxout(std::int64_t pieces, int dim = 1);
    Tensor operator()(const Tensor& x) const;

  private:
    std::int64_t pieces_;
    int dim_;
};

}  // namespace adjoint::nn
