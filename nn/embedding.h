// Embedding: a table of learnt vectors.
#pragma once

#include <optional>

#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct EmbeddingOptions {
    std::optional<std::int64_t>
        padding_idx;  ///< a row of zeros that does not learn; negative counts from the end
};

/// Rows of weight (num_embeddings, embedding_dim), which starts normal.
/// shapes: index any -> (.., embedding_dim).
/// errors: IndexError for an index out of range.
class ADJOINT_API Embedding : public Module {
  public:
    Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, const EmbeddingOptions& options = {});
    Tensor operator()(const Tensor& index) const;

    const Parameter weight;

  private:
    std::int64_t padding_idx_;  // -1: none
};

}  // namespace adjoint::nn
