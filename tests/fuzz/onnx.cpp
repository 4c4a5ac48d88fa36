// ONNX models: read, written again, and built.
#ifdef ADJOINT_FUZZ_ONNX
#include <adjoint/onnx.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "onnx/models.h"
#include "target.h"

namespace adjoint::fuzz {
namespace {

/// Small models of Debian's libonnx-testdata, one of each operator and more, where it is installed.
void append_conformance_models(std::vector<std::string>& seeds) {
    const std::filesystem::path folder = "/usr/share/libonnx-testdata/data";
    constexpr std::uintmax_t largest = 2048;
    std::error_code missing;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, missing))
        if (entry.path().filename() == "model.onnx" && entry.file_size() <= largest)
            paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        std::ifstream in(path, std::ios::binary);
        seeds.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
}

Target onnx_target() {
    const auto read = [](const std::string& bytes) {
        const onnx::Model model = onnx::read(std::as_bytes(std::span(bytes)), "model");
        const std::string again = onnx::to_bytes(model);
        expect(onnx::to_bytes(onnx::read(std::as_bytes(std::span(again)), "again")) == again,
               "written and read again it is another model");
        const onnx::Network network(model);
        expect(network.inputs().size() <= model.graph.inputs.size(), "inputs that the model does not have");
    };
    Target target{.name = "onnx", .read = read};
    target.seeds = {onnx::to_bytes(onnx::small_model()), onnx::to_bytes(onnx::model_of_many_operators()),
                    onnx::to_bytes(onnx::greedy_model())};
    append_conformance_models(target.seeds);
    return target;
}

}  // namespace

std::vector<Target> onnx_targets() { return {onnx_target()}; }

}  // namespace adjoint::fuzz
#endif
