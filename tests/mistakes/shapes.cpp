// Mistakes of shapes and of types.
#include "mistakes.h"

namespace adjoint {

Topic mistakes_of_shapes() {
    using nn::Sequential, nn::Linear, nn::ReLU, nn::Conv2d, nn::LSTM;
    return {
        "Shapes",
        {
            ADJOINT_MISTAKE("a layer that does not take what the one before gives",
                            Sequential(Linear(784, 100), ReLU(), Linear(128, 10))(rand({32, 784}))),
            ADJOINT_MISTAKE("images that were not flattened", Linear(784, 10)(rand({32, 1, 28, 28}))),
            ADJOINT_MISTAKE("one sample without its batch, in a model that reshapes",
                            Sequential(nn::Flatten(), Linear(784, 10))(rand({28, 28}))),
            ADJOINT_MISTAKE("channels last (NHWC)", Conv2d(3, 8, 3)(rand({32, 28, 28, 3}))),
            ADJOINT_MISTAKE("gray images without a channel", Conv2d(1, 8, 3)(rand({32, 28, 28}))),
            ADJOINT_MISTAKE("an image smaller than the kernel", Conv2d(1, 8, 5)(rand({32, 1, 4, 4}))),
            ADJOINT_MISTAKE("pooled to nothing", max_pool2d(rand({32, 8, 1, 1}), 2)),
            ADJOINT_MISTAKE("batch normalisation of other channels",
                            Sequential(Conv2d(1, 8, 3), nn::BatchNorm2d(16))(rand({32, 1, 28, 28}))),
            ADJOINT_MISTAKE("batch normalisation of one value in training", nn::BatchNorm1d(8)(rand({1, 8}))),
            ADJOINT_MISTAKE("layer normalisation of another size", nn::LayerNorm(64)(rand({32, 100}))),
            ADJOINT_MISTAKE("a sequence with other features", LSTM(16, 32)(rand({10, 4, 8}))),
            ADJOINT_MISTAKE("heads that do not divide the width", nn::MultiheadAttention(10, 3)),
            ADJOINT_MISTAKE("a product of matrices that do not fit",
                            matmul(rand({64, 784}), rand({256, 10}))),
            ADJOINT_MISTAKE("shapes that do not broadcast", rand({32, 10}) + rand({32})),
            ADJOINT_MISTAKE("a shape of another number of elements",
                            reshape(rand({32, 784}), {32, 1, 28, 27})),
            ADJOINT_MISTAKE("tensors of different shapes stacked", stack({rand({3}), rand({4})})),
            ADJOINT_MISTAKE("tensors joined along the wrong dimension", cat({rand({2, 3}), rand({2, 4})}, 0)),
            ADJOINT_MISTAKE("a dimension that is not there", sum(rand({32, 10}), 2)),
            ADJOINT_MISTAKE("an index outside", rand({32, 10})(32)),
            ADJOINT_MISTAKE("a negative size", zeros({-1, 3})),
        },
    };
}

Topic mistakes_of_types() {
    using nn::Linear;
    return {
        "Types and devices",
        {
            ADJOINT_MISTAKE("floats for an embedding", nn::Embedding(100, 16)(tensor({1, 5, 7}))),
            ADJOINT_MISTAKE("a word that the embedding has not",
                            nn::Embedding(100, 16)(tensor<std::int64_t>({99, 100}, {2}))),
            ADJOINT_MISTAKE("gradients of integers", arange(3).set_requires_grad()),
            ADJOINT_MISTAKE("the mean of integers", mean(arange(3))),
            ADJOINT_MISTAKE("a mask of integers",
                            scaled_dot_product_attention(rand({1, 4, 8}), rand({1, 4, 8}), rand({1, 4, 8}),
                                                         {.attn_mask = arange(4)})),
            ADJOINT_MISTAKE("a number asked of many", rand({2}).item()),
            ADJOINT_MISTAKE("elements read as another type", rand({2}).data<double>()),
            ADJOINT_MISTAKE("a device by the wrong name", rand({2}).to(Device::parse("gpu"))),
            ADJOINT_MISTAKE("an undefined tensor", Tensor() + 1),
        },
    };
}

}  // namespace adjoint
