// CIFAR-10 and CIFAR-100 in their binary version.
#pragma once

#include <string>
#include <vector>

#include <adjoint/data/mnist.h>

namespace adjoint::data {

/// The two sets of the files, and the names of the classes.
struct Cifar {
    ImageSet train, test;              ///< u8 (N, 3, 32, 32), and u8 (N)
    std::vector<std::string> classes;  ///< by their numbers
    /// Of CIFAR-100 the twenty groups of classes; of CIFAR-10 undefined and empty.
    Tensor coarse_train, coarse_test;
    std::vector<std::string> coarse_classes;
};

/// Reads data_batch_1.bin .. data_batch_5.bin, test_batch.bin and batches.meta.txt, plain or gzip, as
/// scripts/fetch_data cifar10 brings them.
/// errors: IoError naming a file that is missing, is not a whole number of images, or has a
/// label out of range.
/// source: Krizhevsky, Learning multiple layers of features from tiny images, 2009.
ADJOINT_API Cifar load_cifar10(const std::string& directory = "data/cifar10");
/// Reads train.bin, test.bin, fine_label_names.txt and coarse_label_names.txt (scripts/fetch_data cifar100).
/// errors: as load_cifar10.
ADJOINT_API Cifar load_cifar100(const std::string& directory = "data/cifar100");

}  // namespace adjoint::data
