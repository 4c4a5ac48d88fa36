// Losses of classes.
#include <limits>

#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

NllOptions loss_options(const Build& b) {
    NllOptions options;
    const std::string reduction = b.attributes.text("reduction", "mean");
    check<ValueError>(reduction == "none" || reduction == "sum" || reduction == "mean", "reduction is \"{}\"",
                      reduction);
    options.reduction = reduction == "none"  ? Reduction::none
                        : reduction == "sum" ? Reduction::sum
                                             : Reduction::mean;
    options.ignore_index = b.attributes.integer("ignore_index", std::numeric_limits<std::int64_t>::min());
    return options;
}

Tensor loss_of(const Tensor& log_probabilities, const Call& c, NllOptions options) {
    if (c.has(2)) options.weight = c[2];
    return nll_loss(log_probabilities, c[1].to(DType::i64), options);
}

Kernel negative_log_likelihood(const Build& b) {
    return one([options = loss_options(b)](const Call& c) { return loss_of(c[0], c, options); });
}

Kernel softmax_cross_entropy(const Build& b) {
    return [options = loss_options(b)](const Call& c) -> Values {
        const Tensor log_probabilities = log_softmax(c[0], 1);
        return {Value(loss_of(log_probabilities, c, options)), Value(log_probabilities)};
    };
}

constexpr InputSet weights = set_of({2});

}  // namespace

std::span<const Row> loss_rows() {
    static constexpr Row rows[] = {
        {"NegativeLogLikelihoodLoss", 12, negative_log_likelihood, 0, Nature::plain, weights},
        {"SoftmaxCrossEntropyLoss", 12, softmax_cross_entropy, 0, Nature::plain, weights},
    };
    return rows;
}

}  // namespace adjoint::onnx
