// What torch_files.py asks of the library.
//
//     torch_files read FILE.pt OUT.npz     the tensors of the file
//     torch_files write IN.npz FILE.pt     a state dictionary of the arrays, the first of them twice
#include <adjoint/adjoint.h>

#include <cstdio>
#include <string>

using namespace adjoint;

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const std::string what = argv[1];
    try {
        if (what == "read") {
            data::NamedTensors tensors = data::load_torch(argv[2]).tensors;
            for (auto& [name, tensor] : tensors)  // NumPy has no bfloat16
                tensor = (tensor.dtype() == bf16 ? tensor.to(f32) : tensor).contiguous();
            data::write_npz(argv[3], tensors);
        } else {
            data::NamedTensors tensors = data::read_npz(argv[2]);
            tensors.emplace_back("again", tensors.front().second);
            data::save_torch(argv[3], tensors);
        }
        return 0;
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
