// Runs an ONNX model on arrays in an .npz file.
#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

#include "command_line.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

using namespace adjoint;

namespace {

struct Settings {
    std::string model, inputs, outputs;
    std::optional<int> threads, repeat;
    bool eager = false;
};

/// The array for each input of the model, by its name or by its place.
std::vector<Tensor> inputs_from(const data::NamedTensors& arrays, const onnx::Network& network) {
    const auto find = [&](const std::string& name) -> const Tensor* {
        for (const auto& [key, tensor] : arrays)
            if (key == name) return &tensor;
        return nullptr;
    };
    std::vector<Tensor> inputs;
    for (const onnx::ValueInfo& info : network.inputs()) {
        const std::string place = "in_" + std::to_string(inputs.size());
        const Tensor* found = find(info.name);
        if (found == nullptr) found = find(place);
        if (found == nullptr) throw ValueError("onnx_run: there is no array " + info.name + " or " + place);
        inputs.push_back(*found);
    }
    return inputs;
}

void run(const Settings& s) {
    if (s.threads.value_or(1) < 1) throw ValueError("onnx_run: --threads, expected at least 1");
    if (s.repeat.value_or(1) < 1) throw ValueError("onnx_run: --repeat, expected at least 1");
    if (s.threads) set_num_threads(*s.threads);
    const NoGrad guard;
    const onnx::Network network = onnx::load(s.model);
    const std::vector<Tensor> inputs = inputs_from(data::read_npz(s.inputs), network);
    const nn::Compiled compiled = nn::compile(network);
    const auto answer = [&] { return s.eager ? network(inputs) : compiled(inputs); };
    std::vector<Tensor> outputs = answer();
    if (s.repeat) {
        std::vector<double> times;
        for (int i = 0; i < *s.repeat; ++i) {
            const auto start = std::chrono::steady_clock::now();
            outputs = answer();
            times.push_back(
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
        }
        const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
        std::nth_element(times.begin(), middle, times.end());
        std::printf("median of %d runs: %.3f ms\n%s", *s.repeat, *middle, to_string(compiled).c_str());
    }
    data::NamedTensors named;
    for (const Tensor& output : outputs) {
        // NumPy has no bf16.
        const Tensor array = output.dtype() == bf16 ? output.to(f32) : output;
        named.emplace_back("out_" + std::to_string(named.size()), array.contiguous());
    }
    data::write_npz(s.outputs, named);
}

}  // namespace

int main(int argc, char** argv) {
    Settings s;
    bool refused = false;
    const int status = run_program(argc, argv,
                                   "Runs a model on the arrays of IN.npz, by their names or as in_0, in_1 "
                                   ".., and writes out_0, out_1 .. to "
                                   "OUT.npz. Exit status 2: the model asks for what is not supported.",
                                   {{"threads", "CPU threads; by default one per core", &s.threads},
                                    {"repeat", "run so often again and print the median time", &s.repeat},
                                    {"eager", "call by call, without a recording", &s.eager},
                                    {"MODEL", "", &s.model},
                                    {"IN.npz", "", &s.inputs},
                                    {"OUT.npz", "", &s.outputs}},
                                   [&] {
                                       try {
                                           run(s);
                                       } catch (const onnx::UnsupportedError& error) {
                                           std::fprintf(stderr, "%s\n", error.what());
                                           refused = true;
                                       }
                                   });
    return refused ? 2 : status;
}
