// Runs an ONNX model on arrays in an .npz file.
#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

#include "command_line.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
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

/// x as what the model declares: the archive may have integers of another type that it can hold.
Tensor as_declared(const Tensor& x, const onnx::ValueInfo& info) {
    struct Integers {
        onnx::ElementType type;
        DType stored;
        double low, high;
    };
    using enum onnx::ElementType;
    constexpr Integers all[] = {{i8, adjoint::i32, -128, 127},
                                {u8, adjoint::u8, 0, 255},
                                {i16, adjoint::i32, -32768, 32767},
                                {u16, adjoint::i32, 0, 65535},
                                {i32, adjoint::i32, -2147483648.0, 2147483647.0},
                                {u32, adjoint::i64, 0, 4294967295.0},
                                {i64, adjoint::i64, -9.3e18, 9.3e18},
                                {u64, adjoint::i64, 0, 9.3e18}};
    for (const Integers& wanted : all) {
        const bool is_integer =
            x.dtype() == adjoint::i32 || x.dtype() == adjoint::i64 || x.dtype() == adjoint::u8;
        if (wanted.type != info.type.element || !is_integer || x.numel() == 0) continue;
        const double low = amin(x).item(), high = amax(x).item();
        if (low < wanted.low || high > wanted.high)
            throw ValueError("onnx_run: the input " + info.name + " is " + to_string(info.type) +
                             ", its array has numbers from " +
                             std::to_string(static_cast<std::int64_t>(low)) + " to " +
                             std::to_string(static_cast<std::int64_t>(high)));
        return x.to(wanted.stored);
    }
    return x;
}

/// The array for each input of the model, by its name or by its place, and those for optional ones by name.
std::map<std::string, Tensor> inputs_from(const data::NamedTensors& arrays, const onnx::Network& network) {
    const auto find = [&](const std::string& name) -> const Tensor* {
        for (const auto& [key, tensor] : arrays)
            if (key == name) return &tensor;
        return nullptr;
    };
    std::map<std::string, Tensor> inputs;
    for (const onnx::ValueInfo& info : network.optional_inputs())
        if (const Tensor* found = find(info.name)) inputs.emplace(info.name, as_declared(*found, info));
    int number = 0;
    for (const onnx::ValueInfo& info : network.inputs()) {
        const std::string place = "in_" + std::to_string(number++);
        const Tensor* found = find(info.name);
        if (found == nullptr) found = find(place);
        if (found == nullptr) throw ValueError("onnx_run: there is no array " + info.name + " or " + place);
        inputs.emplace(info.name, as_declared(*found, info));
    }
    return inputs;
}

void run(const Settings& s) {
    if (s.threads.value_or(1) < 1) throw UsageError(text_of("--threads %d, expected at least 1", *s.threads));
    if (s.repeat.value_or(1) < 1) throw UsageError(text_of("--repeat %d, expected at least 1", *s.repeat));
    if (s.threads) set_num_threads(*s.threads);
    const NoGrad guard;
    const onnx::Network network = onnx::load(s.model);
    const std::map<std::string, Tensor> named_inputs = inputs_from(data::read_npz(s.inputs), network);
    std::vector<Tensor> inputs;
    for (const onnx::ValueInfo& info : network.inputs()) inputs.push_back(named_inputs.at(info.name));
    const nn::Compiled compiled = nn::compile(network);
    const auto answer = [&] {
        // Optional inputs are given by name, and a recording is of the others.
        if (!s.eager && named_inputs.size() == inputs.size()) return compiled(inputs);
        const std::map<std::string, Tensor> results = network(named_inputs);
        std::vector<Tensor> ordered;
        for (const onnx::ValueInfo& info : network.outputs()) ordered.push_back(results.at(info.name));
        return ordered;
    };
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
        say("median of %d runs: %.3f ms\n%s", *s.repeat, *middle, to_string(compiled).c_str());
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
    const int status =
        run_program(argc, argv,
                    {.what = "Runs a model on the arrays of IN.npz, by their names or as in_0, "
                             "in_1 .., and writes out_0, out_1 .. to OUT.npz. Exit status 3: the "
                             "model asks for what is not supported.",
                     .data = "MODEL and IN.npz",
                     .time = "that of the model",
                     .files = "OUT.npz"},
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
    return refused ? 3 : status;
}
