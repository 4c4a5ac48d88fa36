// cuBLASLt, opened.
#include <adjoint/cuda/libraries/cublaslt_table.h>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {
namespace {
const std::string cublaslt_file = fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR);
}

const Library<CublasLt>& cublaslt() {
    static const auto* library = new Library<CublasLt>(cublaslt_file);
    return *library;
}

cuda::Component cublaslt_component(bool open) {
    if (!open)
        return located_component(
            cublaslt_file,
            "it is part of the CUDA Toolkit and of the wheel nvidia-cublas; without it the "
            "library's own, slower kernel multiplies");
    const Library<CublasLt>& library = cublaslt();
    return opened_component(library, library.usable() ? library.table.cublasLtGetVersion() : 0);
}

}  // namespace adjoint::cuda_backend
