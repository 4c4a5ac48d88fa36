// cuBLASLt, opened.
#include <adjoint/cuda/cublaslt_table.h>

#include <adjoint/core/format.h>

namespace adjoint::cuda_backend {
namespace {
const std::string file = fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR);
}

const Library<CublasLt>& cublaslt() {
    static const auto* library = new Library<CublasLt>(file);
    return *library;
}

cuda::Component cublaslt_component(bool open) {
    if (!open)
        return located_component(
            file,
            "it is part of the CUDA Toolkit and of the wheel nvidia-cublas; without it the "
            "library's own, slower kernel multiplies");
    cuda::Component component;
    const Library<CublasLt>& library = cublaslt();
    component.location = library.location;
    component.problem = library.problem;
    if (library.usable()) {
        const std::size_t version = library.table.cublasLtGetVersion();  // 130100 is 13.1.0
        component.version = fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
    }
    return component;
}

}  // namespace adjoint::cuda_backend
