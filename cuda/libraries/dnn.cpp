// Convolutions through cuDNN's descriptors, kept by geometry.
#include <adjoint/cuda/libraries/dnn.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

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

struct DnnAlgorithm {
    int number;
    std::size_t workspace;
};

// The descriptors of one geometry, and the algorithms that cuDNN has for one direction of it, the best first.
class ConvolutionPlan {
  public:
    ConvolutionPlan(const Cudnn& dnn, cudnnHandle_t handle, const Convolution& c, Direction direction)
        : dnn_(dnn) {
        describe(c);
        if (refusal_ != CUDNN_STATUS_SUCCESS) return;
        switch (direction) {
            case Direction::forward:
                find(forward_algorithms, [&](cudnnConvolutionFwdAlgo_t algorithm, std::size_t* bytes) {
                    return dnn.cudnnGetConvolutionForwardWorkspaceSize(handle, x, w, convolution, y,
                                                                       algorithm, bytes);
                });
                break;
            case Direction::data:
                find(data_algorithms, [&](cudnnConvolutionBwdDataAlgo_t algorithm, std::size_t* bytes) {
                    return dnn.cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w, y, convolution, x,
                                                                            algorithm, bytes);
                });
                break;
            case Direction::filter:
                find(filter_algorithms, [&](cudnnConvolutionBwdFilterAlgo_t algorithm, std::size_t* bytes) {
                    return dnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x, y, convolution, w,
                                                                              algorithm, bytes);
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

    bool usable() const noexcept { return !algorithms_.empty(); }
    /// What cuDNN answered last that was not success.
    cudnnStatus_t refusal() const noexcept { return refusal_; }

    // Calls run(number, workspace, bytes) for one algorithm after the other until one does it.
    template <class Run> bool try_each(DeviceState& device, const Run& run) {
        for (auto next = algorithms_.begin(); next != algorithms_.end();) {
            const Scratch workspace(device, next->workspace);
            const cudnnStatus_t status = run(next->number, workspace.as<void>(), next->workspace);
            if (status == CUDNN_STATUS_SUCCESS) return true;
            refusal_ = status;
            next = is_final(status) ? algorithms_.erase(next) : next + 1;
        }
        return false;
    }

    cudnnTensorDescriptor_t x = nullptr, y = nullptr;
    cudnnFilterDescriptor_t w = nullptr;
    cudnnConvolutionDescriptor_t convolution = nullptr;

  private:
    void describe(const Convolution& c) {
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
        for (const cudnnStatus_t status : steps)
            if (status != CUDNN_STATUS_SUCCESS && refusal_ == CUDNN_STATUS_SUCCESS) refusal_ = status;
    }

    template <class Algorithms, class Size> void find(const Algorithms& algorithms, const Size& size) {
        for (const auto algorithm : algorithms) {
            std::size_t bytes = 0;
            const cudnnStatus_t status = size(algorithm, &bytes);
            if (status == CUDNN_STATUS_SUCCESS)
                algorithms_.push_back({static_cast<int>(algorithm), bytes});
            else
                refusal_ = status;
        }
    }

    const Cudnn& dnn_;
    std::vector<DnnAlgorithm> algorithms_;
    cudnnStatus_t refusal_ = CUDNN_STATUS_SUCCESS;
};

}  // namespace

struct Convolutions::Implementation {
    std::mutex mutex;
    DnnHandle handles;
    std::map<ConvolutionKey, std::unique_ptr<ConvolutionPlan>> plans;

    cudnnStatus_t refusal = CUDNN_STATUS_SUCCESS;  // the last

    // Null where cuDNN has no way to do it. While a graph is made cuDNN is not asked: there are the plans of
    // the run that was recorded. Under the lock.
    ConvolutionPlan* plan_for(DeviceState& device, const Convolution& c, Direction direction) {
        if (!fits(c)) {
            refusal = CUDNN_STATUS_NOT_SUPPORTED;
            return nullptr;
        }
        const cudnnHandle_t handle = handles.on(device);
        if (!handle) {
            refusal = handles.refusal();
            return nullptr;
        }
        auto found = plans.find(key_of(c, direction));
        if (found == plans.end()) {
            if (device.graph != nullptr) return nullptr;
            auto plan = std::make_unique<ConvolutionPlan>(cudnn().table, handle, c, direction);
            refusal = plan->refusal();
            if (!plan->usable() && !is_final(refusal)) return nullptr;
            found = plans.emplace(key_of(c, direction), std::move(plan)).first;
        }
        ConvolutionPlan& plan = *found->second;
        if (plan.usable()) return &plan;
        refusal = plan.refusal();
        return nullptr;
    }

    // Calls run(table, handle, plan, algorithm, workspace, bytes) with what cuDNN accepts; false if it does
    // nothing of it.
    template <class Run>
    bool with_plan(DeviceState& device, const char* op, const Convolution& c, Direction direction,
                   const Run& run) {
        const Library<Cudnn>& library = cudnn();
        if (!library.usable()) return false;
        const std::scoped_lock lock(mutex);
        if (ConvolutionPlan* const plan = plan_for(device, c, direction)) {
            const cudnnHandle_t handle = handles.on(device);
            if (handle && plan->try_each(device, [&](int algorithm, void* workspace, std::size_t bytes) {
                    return run(library.table, handle, *plan, algorithm, workspace, bytes);
                })) {
                check_launch(device, op);
                return true;
            }
            refusal = handle ? plan->refusal() : handles.refusal();
        }
        tell_refusal("convolution", refusal, "what it does not do is made of unfolding and matrix products");
        return false;
    }

    bool can(DeviceState& device, const Convolution& c) {
        if (!cudnn().usable()) return false;
        const std::scoped_lock lock(mutex);
        return plan_for(device, c, Direction::forward) && plan_for(device, c, Direction::data) &&
               plan_for(device, c, Direction::filter);
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
    return implementation_->with_plan(device, "convolution", c, Direction::forward,
                                      [&](const Cudnn& dnn, cudnnHandle_t handle, const ConvolutionPlan& plan,
                                          int algorithm, void* workspace, std::size_t bytes) {
                                          return dnn.cudnnConvolutionForward(
                                              handle, factors.alpha(), plan.x, x, plan.w, w, plan.convolution,
                                              static_cast<cudnnConvolutionFwdAlgo_t>(algorithm), workspace,
                                              bytes, factors.beta(), plan.y, y);
                                      });
}

bool Convolutions::backward_data(DeviceState& device, const Convolution& c, void* dx, const void* g,
                                 const void* w) {
    const Factors factors(c.windows.dtype);
    return implementation_->with_plan(device, "convolution_input", c, Direction::data,
                                      [&](const Cudnn& dnn, cudnnHandle_t handle, const ConvolutionPlan& plan,
                                          int algorithm, void* workspace, std::size_t bytes) {
                                          return dnn.cudnnConvolutionBackwardData(
                                              handle, factors.alpha(), plan.w, w, plan.y, g, plan.convolution,
                                              static_cast<cudnnConvolutionBwdDataAlgo_t>(algorithm),
                                              workspace, bytes, factors.beta(), plan.x, dx);
                                      });
}

bool Convolutions::backward_filter(DeviceState& device, const Convolution& c, void* dw, const void* x,
                                   const void* g) {
    const Factors factors(c.windows.dtype);
    return implementation_->with_plan(device, "convolution_weight", c, Direction::filter,
                                      [&](const Cudnn& dnn, cudnnHandle_t handle, const ConvolutionPlan& plan,
                                          int algorithm, void* workspace, std::size_t bytes) {
                                          return dnn.cudnnConvolutionBackwardFilter(
                                              handle, factors.alpha(), plan.x, x, plan.y, g, plan.convolution,
                                              static_cast<cudnnConvolutionBwdFilterAlgo_t>(algorithm),
                                              workspace, bytes, factors.beta(), plan.w, dw);
                                      });
}

}  // namespace adjoint::cuda_backend
