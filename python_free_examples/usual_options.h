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
            throw UsageError(text_of("--dataset %s, expected auto, mnist or fashion", dataset.c_str()));
        adjoint::data::Mnist images = adjoint::data::load_mnist(data, is_fashion ? fashion
                                                                      : is_mnist ? mnist
                                                                                 : any);
        say("data: %s\n", images.note.c_str());
        return images;
    }
};
/// For About::data.
inline const std::string images_to_read = "MNIST, else Fashion-MNIST: four IDX files, or two of CSV";

/// Says in Korean how an epoch went; in English the library does (FitOptions::verbose).
inline adjoint::train::Callback korean_progress() {
    return {.on_epoch = [](adjoint::train::Run& run) {
        if (language() == Language::english) return;
        std::printf("%s\n", tr_made(to_string(run.history.last(), run.epochs)).c_str());
        std::fflush(stdout);
    }};
}

/// Where to compute, from the value of --device.
inline adjoint::Device device_of(const std::string& text) {
    try {
        return adjoint::Device::parse(text);
    } catch (const adjoint::ValueError& error) {
        throw UsageError("--device " + text + ": " + error.what());
    }
}
