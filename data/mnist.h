// MNIST and data sets of the same form, found where users keep them.
#pragma once

#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// Images and their class numbers.
struct ImageSet {
    Tensor images;  ///< u8; of MNIST (N, 28, 28), where 0 is background
    Tensor labels;  ///< u8 (N), of MNIST 0 to 9
};

/// The two sets of the files.
struct Mnist {
    ImageSet train, test;
    std::string name;                  ///< "MNIST", "Fashion-MNIST" or "MNIST-like data", told by the labels,
                                       ///< of CSV by the names of the files as well
    std::vector<std::string> classes;  ///< by their labels: "0" .. "9", "T-shirt/top" .. "Ankle boot"
    std::string source;                ///< the directory
    std::string note;  ///< one line for the user: which data set, from where, and why if it is not MNIST
};

/// Which of them has to be found.
enum class MnistSet { any, mnist, fashion };

/// Reads train-images-idx3-ubyte .. t10k-labels-idx1-ubyte (or train-images.idx3-ubyte ..), or else the rows
/// "label, 784 pixels" of mnist_train.csv and mnist_test.csv (fashion-mnist_train.csv ..); plain or .gz.
/// where: `directory`, else $ADJOINT_DATA, else ./data/mnist, else /usr/share/datasets/fashion-mnist.
/// Fashion-MNIST that is wanted is looked for in `directory`, else in $ADJOINT_DATA and the folder
/// fashion-mnist beside it, ./data/fashion-mnist and /usr/share/datasets/fashion-mnist.
/// A directory that was named is never replaced by another.
/// errors: IoError with all that was tried; another set than the wanted one; malformed files; counts that
/// differ; not 28x28; a label above 9.
ADJOINT_API Mnist load_mnist(const std::string& directory = "", MnistSet wanted = MnistSet::any);

}  // namespace adjoint::data
