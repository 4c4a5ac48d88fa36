// What is said where a model or a loss does not take what a batch has.
#include <adjoint/train/trainee.h>

#include <adjoint/core/base/format.h>

namespace adjoint::train::detail {

void throw_not_callable(const char* what, std::size_t inputs) {
    fail<ShapeError>(
        "the {} cannot be called with the {} inputs of a batch, neither one by one nor as a "
        "std::vector",
        what, inputs);
}

void throw_not_callable(const char* what, std::size_t outputs, std::size_t targets) {
    fail<ShapeError>(
        "the {} cannot be called with {} outputs and {} targets; it takes each as a tensor if it "
        "is one, else as a tuple or a std::vector",
        what, outputs, targets);
}

}  // namespace adjoint::train::detail
