// Convolutions through cuDNN's descriptors, kept by geometry.
#include <adjoint/cuda/libraries/dnn.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>

#include <adjoint/cuda/libraries/dnn_handle.h>

namespace adjoint::cuda_backend {
namespace {

enum class Direction { forward, data, filter };

// Everything that decides how a convolution is done.
using ConvolutionKey = std::array<std::int64_t, 18>;

ConvolutionKey key_of(const Convolution& c, Direction direction) {
    const Windows& w = c.windows;
    return {w.batch,
            w.channels,
            w.size[0],
            w.size[1],
            w.kernel[0],
            w.kernel[1],
            w.stride[0],
            w.stride[1],
            w.padding[0],
            w.padding[1],
            w.dilation[0],
            w.dilation[1],
            w.output[0],
            w.output[1],
            c.filters,
            c.groups,
            static_cast<std::int64_t>(w.dtype) * 8 + static_cast<std::int64_t>(direction),
            static_cast<std::int64_t>(matmul_precision())};
}

// cuDNN counts in int, and takes nothing that is empty.
bool fits(const Convolution& c) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    const Windows& w = c.windows;
    // Sizes that stand beside a 0 make no product.
    for (const std::int64_t size :
         {w.batch, w.channels, c.filters, w.size[0], w.size[1], w.output[0], w.output[1]})
        if (size < 1 || size > most) return false;
    return w.batch * w.channels * w.plane() <= most && w.batch * c.filters * w.outputs() <= most &&
           c.filters * c.depth() <= most && *std::max_element(w.padding, w.padding + 2) <= most &&
           *std::max_element(w.stride, w.stride + 2) <= most &&
           *std::max_element(w.dilation, w.dilation + 2) <= most;
}

// The same bits in every run, and no transform (Winograd, FFT) that rounds more than the sums do.
constexpr cudnnConvolutionFwdAlgo_t forward_algorithms[] = {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                                                            CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM};
constexpr cudnnConvolutionBwdDataAlgo_t data_algorithms[] = {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1};
constexpr cudnnConvolutionBwdFilterAlgo_t filter_algorithms[] = {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1};

// The descriptors of one geometry and the algorithm chosen for one direction.
class ConvolutionPlan {
  public:
    ConvolutionPlan(const Cudnn& dnn, cudnnHandle_t handle, const Convolution& c, Direction direction)
        : dnn_(dnn) {
        described_ = describe(c);
        if (!described_) return;
        switch (direction) {
            case Direction::forward:
                usable_ =
                    choose(forward_algorithms, [&](cudnnConvolutionFwdAlgo_t algorithm, std::size_t* bytes) {
                        return dnn.cudnnGetConvolutionForwardWorkspaceSize(handle, x, w, convolution, y,
                                                                           algorithm, bytes);
                    });
                break;
            case Direction::data:
                usable_ =
                    choose(data_algorithms, [&](cudnnConvolutionBwdDataAlgo_t algorithm, std::size_t* bytes) {
                        return dnn.cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w, y, convolution, x,
                                                                                algorithm, bytes);
                    });
                break;
            case Direction::filter:
                usable_ = choose(filter_algorithms,
                                 [&](cudnnConvolutionBwdFilterAlgo_t algorithm, std::size_t* bytes) {
                                     return dnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(
                                         handle, x, y, convolution, w, algorithm, bytes);
                                 });
                break;
        }
    }
    ConvolutionPlan(const ConvolutionPlan&) = delete;
    ConvolutionPlan& operator=(const ConvolutionPlan&) = delete;
    ~ConvolutionPlan() {
        if (x) dnn_.cudnnDestroyTensorDescriptor(x);
        if (y) dnn_.cudnnDestroyTensorDescriptor(y);
        if (w) dnn_.cudnnDestroyFilterDescriptor(w);
        if (convolution) dnn_.cudnnDestroyConvolutionDescriptor(convolution);
    }

    bool usable() const noexcept { return usable_; }
    std::size_t workspace() const noexcept { return workspace_; }
    template <class Algorithm> Algorithm algorithm() const noexcept {
        return static_cast<Algorithm>(algorithm_);
    }

    cudnnTensorDescriptor_t x = nullptr, y = nullptr;
    cudnnFilterDescriptor_t w = nullptr;
    cudnnConvolutionDescriptor_t convolution = nullptr;

  private:
    bool describe(const Convolution& c) {
        const Windows& s = c.windows;
        const auto number = [](std::int64_t value) { return static_cast<int>(value); };
        const cudnnDataType_t type = data_type(s.dtype);
        const cudnnDataType_t sums = s.dtype == DType::f64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
        const cudnnStatus_t steps[] = {
            dnn_.cudnnCreateTensorDescriptor(&x),
            dnn_.cudnnCreateTensorDescriptor(&y),
            dnn_.cudnnCreateFilterDescriptor(&w),
            dnn_.cudnnCreateConvolutionDescriptor(&convolution),
            dnn_.cudnnSetTensor4dDescriptor(x, CUDNN_TENSOR_NCHW, type, number(s.batch), number(s.channels),
                                            number(s.size[0]), number(s.size[1])),
            dnn_.cudnnSetTensor4dDescriptor(y, CUDNN_TENSOR_NCHW, type, number(s.batch), number(c.filters),
                                            number(s.output[0]), number(s.output[1])),
            dnn_.cudnnSetFilter4dDescriptor(w, type, CUDNN_TENSOR_NCHW, number(c.filters),
                                            number(c.group_channels()), number(s.kernel[0]),
                                            number(s.kernel[1])),
            dnn_.cudnnSetConvolution2dDescriptor(convolution, number(s.padding[0]), number(s.padding[1]),
                                                 number(s.stride[0]), number(s.stride[1]),
                                                 number(s.dilation[0]), number(s.dilation[1]),
                                                 CUDNN_CROSS_CORRELATION, sums),
            dnn_.cudnnSetConvolutionGroupCount(convolution, number(c.groups)),
            dnn_.cudnnSetConvolutionMathType(convolution, math_type(s.dtype, matmul_precision())),
        };
        return std::ranges::all_of(steps,
                                   [](cudnnStatus_t status) { return status == CUDNN_STATUS_SUCCESS; });
    }

    // The first algorithm that cuDNN has for this geometry.
    template <class Algorithms, class Size> bool choose(const Algorithms& algorithms, const Size& size) {
        for (const auto algorithm : algorithms)
            if (size(algorithm, &workspace_) == CUDNN_STATUS_SUCCESS) {
                algorithm_ = static_cast<int>(algorithm);
                return true;
            }
        return false;
    }

    const Cudnn& dnn_;
    bool described_ = false, usable_ = false;
    int algorithm_ = 0;
    std::size_t workspace_ = 0;
};

}  // namespace

struct Convolutions::Implementation {
    std::mutex mutex;
    DnnHandle handles;
    std::map<ConvolutionKey, std::unique_ptr<ConvolutionPlan>> plans;

    // Null where cuDNN has no way to do it. Under the lock.
    const ConvolutionPlan* plan_for(cudnnHandle_t handle, const Convolution& c, Direction direction) {
        if (!fits(c)) return nullptr;
        std::unique_ptr<ConvolutionPlan>& plan = plans[key_of(c, direction)];
        if (!plan) plan = std::make_unique<ConvolutionPlan>(cudnn().table, handle, c, direction);
        return plan->usable() ? plan.get() : nullptr;
    }

    // Calls `run(table, handle, plan, workspace)` with a plan that cuDNN accepts; false if there is none.
    template <class Run>
    bool with_plan(DeviceState& device, const char* op, const Convolution& c, Direction direction,
                   const Run& run) {
        const Library<Cudnn>& library = cudnn();
        if (!library.usable()) return false;
        const std::scoped_lock lock(mutex);
        const cudnnHandle_t handle = handles.on(device, op);
        const ConvolutionPlan* const plan = plan_for(handle, c, direction);
        if (!plan) return false;
        const Scratch workspace(device, plan->workspace());
        check_dnn(run(library.table, handle, *plan, workspace.as<void>()), op);
        check_launch(device, op);
        return true;
    }

    bool can(DeviceState& device, const Convolution& c) {
        if (!cudnn().usable()) return false;
        const std::scoped_lock lock(mutex);
        const cudnnHandle_t handle = handles.on(device, "convolution");
        return plan_for(handle, c, Direction::forward) && plan_for(handle, c, Direction::data) &&
               plan_for(handle, c, Direction::filter);
    }
};

namespace {

// Factors of the result and of what was there before.
struct Factors {
    float one = 1, zero = 0;
    double wide_one = 1, wide_zero = 0;
    bool wide;

    explicit Factors(DType type) : wide(type == DType::f64) {}
    const void* alpha() const { return wide ? static_cast<const void*>(&wide_one) : &one; }
    const void* beta() const { return wide ? static_cast<const void*>(&wide_zero) : &zero; }
};

}  // namespace

Convolutions::Convolutions() : implementation_(std::make_unique<Implementation>()) {}
Convolutions::~Convolutions() = default;

bool Convolutions::can(DeviceState& device, const Convolution& c) { return implementation_->can(device, c); }

bool Convolutions::forward(DeviceState& device, const Convolution& c, void* y, const void* x, const void* w) {
    const Factors factors(c.windows.dtype);
    return implementation_->with_plan(
        device, "convolution", c, Direction::forward,
        [&](const Cudnn& dnn, cudnnHandle_t handle, const ConvolutionPlan& plan, void* workspace) {
            return dnn.cudnnConvolutionForward(handle, factors.alpha(), plan.x, x, plan.w, w,
                                               plan.convolution, plan.algorithm<cudnnConvolutionFwdAlgo_t>(),
                                               workspace, plan.workspace(), factors.beta(), plan.y, y);
        });
}

bool Convolutions::backward_data(DeviceState& device, const Convolution& c, void* dx, const void* g,
                                 const void* w) {
    const Factors factors(c.windows.dtype);
    return implementation_->with_plan(
        device, "convolution_input", c, Direction::data,
        [&](const Cudnn& dnn, cudnnHandle_t handle, const ConvolutionPlan& plan, void* workspace) {
            return dnn.cudnnConvolutionBackwardData(handle, factors.alpha(), plan.w, w, plan.y, g,
                                                    plan.convolution,
                                                    plan.algorithm<cudnnConvolutionBwdDataAlgo_t>(),
                                                    workspace, plan.workspace(), factors.beta(), plan.x, dx);
        });
}

bool Convolutions::backward_filter(DeviceState& device, const Convolution& c, void* dw, const void* x,
                                   const void* g) {
    const Factors factors(c.windows.dtype);
    return implementation_->with_plan(
        device, "convolution_weight", c, Direction::filter,
        [&](const Cudnn& dnn, cudnnHandle_t handle, const ConvolutionPlan& plan, void* workspace) {
            return dnn.cudnnConvolutionBackwardFilter(
                handle, factors.alpha(), plan.x, x, plan.y, g, plan.convolution,
                plan.algorithm<cudnnConvolutionBwdFilterAlgo_t>(), workspace, plan.workspace(),
                factors.beta(), plan.w, dw);
        });
}

}  // namespace adjoint::cuda_backend
