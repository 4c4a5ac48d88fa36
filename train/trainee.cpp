// A model and a loss in mixed precision, and what is said where they do not take what a batch has.
#include <adjoint/train/trainee.h>

#include <adjoint/autograd/record/autocast.h>
#include <adjoint/core/base/format.h>

namespace adjoint::train {
namespace detail {

void throw_not_callable(const char* what, std::size_t inputs) {
    fail<ShapeError>(
        "the {} cannot be called with the {} inputs of a batch, neither one by one nor as a "
        "std::vector; what is called is operator()(const Tensor&, ..) const (forward() in PyTorch)",
        what, inputs);
}

void throw_not_callable(const char* what, std::size_t outputs, std::size_t targets) {
    fail<ShapeError>(
        "the {} cannot be called with {} outputs and {} targets; it takes each as a tensor if it "
        "is one, else as a tuple or a std::vector",
        what, outputs, targets);
}

}  // namespace detail

Trainee with_autocast(Trainee trainee, DType type) {
    trainee.forward = [of = std::move(trainee.forward), type](const data::Batch& batch) {
        const Autocast guard(type);
        return of(batch);
    };
    if (trainee.loss)
        trainee.loss = [of = std::move(trainee.loss), type](const Tensors& outputs,
                                                            const data::Batch& batch) {
            const Autocast guard(type);
            return of(outputs, batch);
        };
    return trainee;
}

}  // namespace adjoint::train
