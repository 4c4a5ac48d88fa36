// The table of an embedding and its padding row.
#include <adjoint/nn/embedding.h>

#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
#include <adjoint/nn/init.h>

namespace adjoint::nn {
namespace {

std::string describe(std::int64_t rows, std::int64_t columns, const EmbeddingOptions& options) {
    check<ValueError>(rows >= 0 && columns >= 0, "Embedding: a table of {} x {}", rows, columns);
    const std::string padding =
        options.padding_idx ? fmt::format(", padding_idx={}", *options.padding_idx) : "";
    return fmt::format("{}, {}{}", rows, columns, padding);
}

std::int64_t padding_row(std::int64_t rows, const EmbeddingOptions& options) {
    if (!options.padding_idx) return -1;
    const std::int64_t row = *options.padding_idx;
    check<IndexError>(row >= -rows && row < rows, "Embedding: padding_idx {} is outside a table of {} rows",
                      row, rows);
    return row < 0 ? row + rows : row;
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options)
    : Module("Embedding", describe(num_embeddings, embedding_dim, options),
             fmt::format("{} x {}", num_embeddings, embedding_dim)),
      weight(parameter("weight", init::normal_(empty({num_embeddings, embedding_dim})))),
      padding_idx_(padding_row(num_embeddings, options)) {
    if (padding_idx_ >= 0) init::zeros_(select(weight.detach(), 0, padding_idx_));
}

Tensor Embedding::operator()(const Tensor& index) const {
    return computed(index, [&] { return embedding(weight, index, padding_idx_); });
}

}  // namespace adjoint::nn
