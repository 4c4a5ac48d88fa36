// Exercise 14, lecture L3.8: a convolution is a matrix product.
//
// x (N, C, H, W) are images, w (F, C, K, K) F filters, b (F). unfold(x, K) has the windows of each image as
// columns: (N, C K K, windows), in rows of W - K + 1. Useful: reshape(x, {..}), matmul, which does each image
// of a batch, unsqueeze(b, 1).
#include "exercise.h"

using namespace adjoint;

// (N, F, H - K + 1, W - K + 1)
Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& b) {
    const std::int64_t filters = w.size(0), k = w.size(2);
    const std::int64_t height = x.size(2) - k + 1, width = x.size(3) - k + 1;
    const Tensor rows = blank("a filter in each row, (F, C K K)");
    const Tensor y = blank("each filter with each window, and the bias");
    return blank("the windows in their rows again");
}
