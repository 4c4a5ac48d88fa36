// Bad calls of losses.
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>

#include "refusals.h"

namespace adjoint::table {

void add_bad_losses(BadCalls& calls) {
    const Tensor x = ones({2, 3}), y = ones({3, 2}), half = full({2, 3}, 0.5);
    const Tensor labels = tensor({0, 2}).to(i64), wrong = tensor({0, 3}).to(i64),
                 negative = tensor({-1, 0}).to(i64);
    calls.insert(
        calls.end(),
        {
            {"mse_loss", "(3, 2)", [=] { mse_loss(x, y); }},
            {"mse_loss", "undefined", [=] { mse_loss(x, Tensor()); }},
            {"l1_loss", "(3, 2)", [=] { l1_loss(x, y); }},
            {"smooth_l1_loss", "(3, 2)", [=] { smooth_l1_loss(x, y); }},
            {"smooth_l1_loss", "beta = -1", [=] { smooth_l1_loss(x, x, {.beta = -1}); }},
            {"huber_loss", "(3, 2)", [=] { huber_loss(x, y); }},
            {"huber_loss", "delta = 0", [=] { huber_loss(x, x, {.delta = 0}); }},
            {"binary_cross_entropy", "(3, 2)", [=] { binary_cross_entropy(half, y); }},
            {"binary_cross_entropy", "(4,)",
             [=] { binary_cross_entropy(half, half, {.weight = ones({4})}); }},
            {"binary_cross_entropy_with_logits", "(3, 2)", [=] { binary_cross_entropy_with_logits(x, y); }},
            {"binary_cross_entropy_with_logits", "(4,)",
             [=] { binary_cross_entropy_with_logits(x, half, {.pos_weight = ones({4})}); }},
            {"kl_div", "(3, 2)", [=] { kl_div(x, y); }},
            {"kl_div", "batchmean", [=] { kl_div(x, x, {.reduction = Reduction::sum, .batchmean = true}); }},
            {"nll_loss", "3", [=] { nll_loss(x, wrong); }},
            {"nll_loss", "-1", [=] { nll_loss(x, negative); }},
            {"nll_loss", "class numbers", [=] { nll_loss(x, ones({2})); }},
            {"nll_loss", "(3,)",
             [=] {
                 nll_loss(x, tensor({0, 1, 2}).to(i64));
             }},
            {"nll_loss", "weight", [=] { nll_loss(x, labels, {.weight = ones({2})}); }},
            {"cross_entropy", "3", [=] { cross_entropy(x, wrong); }},
            {"cross_entropy", "-1", [=] { cross_entropy(x, negative); }},
            {"cross_entropy", "(3, 2)", [=] { cross_entropy(x, y); }},
            {"cross_entropy", "reshape the targets", [=] { cross_entropy(x, unsqueeze(labels, 1)); }},
            {"cross_entropy", "argmax(targets, 1)", [=] { cross_entropy(x, x.to(i64)); }},
            {"cross_entropy", "the classes are dimension 1",
             [=] {
                 cross_entropy(zeros({2, 5, 3}), zeros({2, 5}).to(i64));
             }},
            {"cross_entropy", "targets.to(i64)", [=] { cross_entropy(x, labels.to(f32)); }},
            {"cross_entropy", "(3,)",
             [=] {
                 cross_entropy(x, tensor({0, 1, 2}).to(i64));
             }},
            {"cross_entropy", "weight", [=] { cross_entropy(x, labels, {.weight = ones({4})}); }},
            {"cross_entropy", "label smoothing 1.5",
             [=] { cross_entropy(x, labels, {.label_smoothing = 1.5}); }},

        });
}

}  // namespace adjoint::table
