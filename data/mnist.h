// MNIST and data sets of the same form, found where users keep them.
#pragma once

#include <string>

#include <adjoint/core/tensor.h>

namespace adjoint::data {

struct ImageSet {
    Tensor images;  ///< u8 (N, 28, 28), 0 is background
    Tensor labels;  ///< u8 (N), 0 to 9
};

struct Mnist {
    ImageSet train, test;
    std::string name;    ///< "MNIST", "Fashion-MNIST" or "MNIST-like data", told by the labels
    std::string source;  ///< the directory
    std::string note;    ///< one line for the user: which data set, from where, and why if it is not MNIST
};

/// The four IDX files (train-images-idx3-ubyte .. t10k-labels-idx1-ubyte; also train-images.idx3-ubyte; plain
/// or .gz) in `directory`, else in $ADJOINT_DATA, else in ./data/mnist, else in
/// /usr/share/datasets/fashion-mnist. errors: IoError naming all that was tried; for files that are
/// malformed, disagree in number, or are not 28x28 with labels below 10. A directory that was named is never
/// replaced by another.
ADJOINT_API Mnist load_mnist(const std::string& directory = "");

}  // namespace adjoint::data
