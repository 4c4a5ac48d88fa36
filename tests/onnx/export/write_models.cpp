// Writes models, the inputs they are given and what they make of them here, for check_models.py.
//
//     onnx_models FOLDER
//
// For each case NAME.onnx and NAME_0.npz, NAME_1.npz, ..: arrays in_0, in_1, .. and out_0, out_1, ...
// refused.txt names the rows of the operator table that have no form in ONNX, with the reason.
#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "onnx/export/networks.h"
#include "op_table/op_table.h"

using namespace adjoint;

namespace {

void write_arrays(const std::string& path, const std::vector<Tensor>& inputs,
                  const std::vector<Tensor>& outputs) {
    data::NamedTensors arrays;
    const auto add = [&](const char* kind, const std::vector<Tensor>& list) {
        for (std::size_t i = 0; i < list.size(); ++i)
            arrays.emplace_back(kind + std::to_string(i), list[i].detach().contiguous());
    };
    add("in_", inputs);
    add("out_", outputs);
    data::write_npz(path, arrays);
}

void write_case(const std::string& folder, const std::string& name, const onnx::ListFunction& function,
                const std::vector<std::vector<Tensor>>& inputs, const onnx::ExportOptions& options) {
    onnx::save(folder + "/" + name + ".onnx", function, inputs[0], options);
    const NoGrad guard;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        write_arrays(folder + "/" + name + "_" + std::to_string(i) + ".npz", inputs[i], function(inputs[i]));
}

void write_rows(const std::string& folder) {
    std::ofstream refused(folder + "/refused.txt");
    for (const table::Row& row : table::rows()) {
        table::Tensors inputs;
        for (std::size_t i = 0; i < row.inputs.size(); ++i)
            inputs.push_back(
                table::to_tensor(table::generate(row.inputs[i], row.name(), i), row.inputs[i], DType::f32));
        try {
            write_case(folder, "op_" + row.name(), row.call, {inputs}, {});
        } catch (const Error& error) {
            refused << row.name() << ": " << error.what() << '\n';
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: onnx_models FOLDER\n");
        return 2;
    }
    const std::string folder = argv[1];
    std::filesystem::create_directories(folder);
    try {
        write_rows(folder);
        for (const networks::Case& of : networks::cases())
            write_case(folder, "net_" + of.name, of.function, of.inputs, of.options);
    } catch (const Error& error) {
        std::fprintf(stderr, "onnx_models: %s\n", error.what());
        return 1;
    }
}
