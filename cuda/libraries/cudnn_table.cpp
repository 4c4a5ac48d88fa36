// cuDNN, opened.
#include <adjoint/cuda/libraries/cudnn_table.h>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {
namespace {
const std::string cudnn_file = fmt::format("libcudnn.so.{}", CUDNN_MAJOR);
}

const Library<Cudnn>& cudnn() {
    static const auto* library = new Library<Cudnn>(cudnn_file);
    return *library;
}

cuda::Component cudnn_component(bool open) {
    if (!open)
        return located_component(cudnn_file,
                                 "it comes as a package of its own (cudnn9-cuda-13) and as the wheel "
                                 "nvidia-cudnn-cu13; without it convolutions are matrix products and "
                                 "recurrent layers go step by step");
    const Library<Cudnn>& library = cudnn();
    return opened_component(library, library.usable() ? library.table.cudnnGetVersion() : 0);
}

}  // namespace adjoint::cuda_backend
