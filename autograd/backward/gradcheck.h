// Holds the derivatives of a function against finite differences.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// A function of several tensors with several results.
using TensorsFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
/// A function of several tensors with one result.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

struct GradcheckOptions {
    double eps = 1e-6;   ///< step of the central difference
    double atol = 1e-7;  ///< an element agrees within atol + rtol |expected|
    double rtol = 1e-5;
    int projections = 2;  ///< how many random combinations of the outputs are differentiated
};

/// Whether all is right, and if not, what is not.
struct GradcheckResult {
    bool ok = true;
    std::string message;  ///< the first disagreement: input, element, expected, got
    explicit operator bool() const noexcept { return ok; }
};

/// v^T J by the graph against (v . f(x + eps e_i) - v . f(x - eps e_i)) / (2 eps), for each element of each
/// input that requires a gradient; also that f gives the same bits twice and each gradient
/// has its input's shape.
/// dtypes: f64 (integers where no gradient is required).
/// errors: DTypeError; ValueError if no input requires one.
ADJOINT_API GradcheckResult gradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                                      const GradcheckOptions& options = {});
ADJOINT_API GradcheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                      const GradcheckOptions& options = {});

/// gradcheck of the gradient itself, as a function of the inputs and of the incoming gradients.
ADJOINT_API GradcheckResult gradgradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                                          const GradcheckOptions& options = {});
ADJOINT_API GradcheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                          const GradcheckOptions& options = {});

}  // namespace adjoint
