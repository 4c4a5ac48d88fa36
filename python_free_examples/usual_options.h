// What --data, --dataset and --device mean in every program that takes them.
#pragma once

#include <adjoint/adjoint.h>

#include "command_line.h"

#include <cstdio>
#include <string>
#include <vector>

/// Where the images are, and which.
struct ImageSource {
    std::string data, dataset = "auto";

    std::vector<Option> options() {
        return {{"data", "folder of the images; else $ADJOINT_DATA, data/mnist, Fashion-MNIST", &data},
                {"dataset", "which images it must be: auto, mnist or fashion", &dataset}};
    }

    /// Reads them and says which they are.
    adjoint::data::Mnist load() const {
        using enum adjoint::data::MnistSet;
        const bool is_fashion = dataset == "fashion", is_mnist = dataset == "mnist";
        if (!is_fashion && !is_mnist && dataset != "auto")
            throw UsageError("--dataset " + dataset + ", expected auto, mnist or fashion");
        adjoint::data::Mnist images = adjoint::data::load_mnist(data, is_fashion ? fashion
                                                                      : is_mnist ? mnist
                                                                                 : any);
        std::printf("data: %s\n", images.note.c_str());
        return images;
    }
};
/// For About::data.
inline const std::string images_to_read = "MNIST, else Fashion-MNIST: four IDX files, or two of CSV";

/// Where to compute, from the value of --device.
inline adjoint::Device device_of(const std::string& text) {
    try {
        return adjoint::Device::parse(text);
    } catch (const adjoint::ValueError& error) {
        throw UsageError("--device " + text + ": " + error.what());
    }
}
