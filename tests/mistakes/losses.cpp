// Mistakes of losses and of gradients.
#include "mistakes.h"

namespace adjoint {

Topic mistakes_of_losses() {
    return {
        "Losses",
        {
            ADJOINT_MISTAKE("class numbers as floats", cross_entropy(rand({4, 10}), tensor({1, 2, 3, 4}))),
            ADJOINT_MISTAKE("class numbers as a column",
                            cross_entropy(rand({4, 10}), zeros({4, 1}, {.dtype = i64}))),
            ADJOINT_MISTAKE("classes as the last dimension of a sequence",
                            cross_entropy(rand({4, 7, 10}), zeros({4, 7}, {.dtype = i64}))),
            ADJOINT_MISTAKE("one-hot rows of integers",
                            cross_entropy(rand({4, 10}), one_hot(zeros({4}, {.dtype = i64}), 10))),
            ADJOINT_MISTAKE("classes counted from 1",
                            cross_entropy(rand({3, 3}), tensor<std::int64_t>({1, 2, 3}, {3}))),
            ADJOINT_MISTAKE("another number of targets",
                            cross_entropy(rand({4, 10}), zeros({5}, {.dtype = i64}))),
            ADJOINT_MISTAKE("softmax in front of cross entropy", const nn::Linear model(4, 10);
                            cross_entropy(softmax(model(rand({8, 4})), 1), zeros({8}, {.dtype = i64}))),
            ADJOINT_MISTAKE("cross entropy of one column of scores",
                            cross_entropy(rand({4, 1}), zeros({4}, {.dtype = i64}))),
            ADJOINT_MISTAKE("scores where probabilities are expected",
                            binary_cross_entropy(tensor({-1.5, 2}), tensor({0, 1}))),
            ADJOINT_MISTAKE("class weights of another number",
                            cross_entropy(rand({4, 10}), zeros({4}, {.dtype = i64}), {.weight = ones({9})})),
            ADJOINT_MISTAKE("a column against a row", mse_loss(rand({8, 1}), rand({8}))),
            ADJOINT_MISTAKE("targets of another shape", mse_loss(rand({8, 2}), rand({8, 3}))),
        },
    };
}

Topic mistakes_of_gradients() {
    return {
        "Gradients",
        {
            ADJOINT_MISTAKE("backward from more than one number", Tensor x = rand({3}).set_requires_grad();
                            (x * 2).backward()),
            ADJOINT_MISTAKE("backward twice", Tensor x = rand({3}).set_requires_grad();
                            Tensor loss = sum(x * x); loss.backward(); loss.backward()),
            ADJOINT_MISTAKE("nothing requires a gradient", sum(rand({3}) * 2).backward()),
            ADJOINT_MISTAKE("backward of what was computed under NoGrad",
                            Tensor x = rand({3}).set_requires_grad();
                            const NoGrad guard; sum(x).backward()),
            ADJOINT_MISTAKE("a parameter changed in place", Tensor w = rand({3}).set_requires_grad(); w += 1),
            ADJOINT_MISTAKE("an element of a parameter assigned", Tensor w = rand({3}).set_requires_grad();
                            w(0) = 1),
            ADJOINT_MISTAKE("a value overwritten that backward needs",
                            Tensor x = rand({3}).set_requires_grad();
                            Tensor y = exp(x); y += 1; sum(y).backward()),
            ADJOINT_MISTAKE("the gradient of what is no leaf", Tensor x = rand({3}).set_requires_grad();
                            Tensor y = x * 2; sum(y).backward(); y.grad()),
            ADJOINT_MISTAKE("requires_grad of a result", Tensor x = rand({3}).set_requires_grad();
                            (x * 2).set_requires_grad(false)),
            ADJOINT_MISTAKE("the gradient of something else", Tensor x = rand({3}).set_requires_grad();
                            Tensor other = rand({3}).set_requires_grad();
                            grad(std::vector{sum(x)}, std::vector{other})),
        },
    };
}

}  // namespace adjoint
