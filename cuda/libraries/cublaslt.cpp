// Descriptors, heuristics and the cache of both.
#include <adjoint/cuda/libraries/cublaslt.h>

#include <cstdio>
#include <mutex>
#include <unordered_map>

#include <adjoint/core/base/format.h>
#include <adjoint/cuda/libraries/cublaslt_table.h>

namespace adjoint::cuda_backend {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what NVIDIA advises for Hopper
constexpr std::size_t most_plans = 4096;

cudaDataType data_type(DType type) {
    switch (type) {
        case DType::f16:
            return CUDA_R_16F;
        case DType::bf16:
            return CUDA_R_16BF;
        case DType::f64:
            return CUDA_R_64F;
        default:
            return CUDA_R_32F;
    }
}

cublasComputeType_t compute_type_of(const ProductKey& key) {
    if (key.type == DType::f64) return CUBLAS_COMPUTE_64F;
    switch (static_cast<MatmulPrecision>(key.precision)) {
        case MatmulPrecision::high:
            return CUBLAS_COMPUTE_32F_FAST_TF32;
        case MatmulPrecision::medium:
            return CUBLAS_COMPUTE_32F_FAST_16BF;
        case MatmulPrecision::highest:
            break;
    }
    return CUBLAS_COMPUTE_32F;
}

void check_status(const CublasLt& lt, cublasStatus_t status, const ProductKey& key) {
    check<CudaError>(
        status == CUBLAS_STATUS_SUCCESS, "matmul: cuBLASLt reported {} for ({}, {}) x ({}, {}) of {}",
        lt.cublasLtGetStatusName(status), key.columns, key.inner, key.inner, key.rows, name(key.type));
}

}  // namespace

// What cuBLASLt has to be told of one kind of product. Without an algorithm there is no kernel for it.
class LtPlan {
  public:
    LtPlan(const CublasLt& lt, cublasLtHandle_t handle, const ProductKey& key, const void* bias) : lt_(lt) {
        const bool wide = key.type == DType::f64;
        const cudaDataType type = data_type(key.type);
        check_status(
            lt_,
            lt_.cublasLtMatmulDescCreate(&operation_, compute_type_of(key), wide ? CUDA_R_64F : CUDA_R_32F),
            key);
        const cublasOperation_t a_operation = key.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
        const cublasOperation_t b_operation = key.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
        set(CUBLASLT_MATMUL_DESC_TRANSA, a_operation, key);
        set(CUBLASLT_MATMUL_DESC_TRANSB, b_operation, key);
        if (key.bias) {
            set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS, key);
            set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias, key);
        }
        a_ = matrix(type, key.a_transposed ? key.inner : key.rows, key.a_transposed ? key.rows : key.inner,
                    key.a_leading, key.a_stride, key);
        b_ = matrix(type, key.b_transposed ? key.columns : key.inner,
                    key.b_transposed ? key.inner : key.columns, key.b_leading, key.b_stride, key);
        d_ = matrix(type, key.rows, key.columns, key.d_leading, key.d_stride, key);
        find_algorithm(handle, key);
    }
    LtPlan(const LtPlan&) = delete;
    LtPlan& operator=(const LtPlan&) = delete;
    ~LtPlan() {
        if (operation_) lt_.cublasLtMatmulDescDestroy(operation_);
        for (cublasLtMatrixLayout_t layout : {a_, b_, d_})
            if (layout) lt_.cublasLtMatrixLayoutDestroy(layout);
    }

    bool found() const noexcept { return found_; }

    void run(cublasLtHandle_t handle, const ProductKey& key, const ProductPointers& at, bool accumulate,
             void* workspace, Stream stream) {
        if (key.bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, at.bias, key);
        const float one = 1, beta = accumulate ? 1 : 0;
        const double wide_one = 1, wide_beta = beta;
        const bool wide = key.type == DType::f64;
        check_status(
            lt_,
            lt_.cublasLtMatmul(handle, operation_, wide ? static_cast<const void*>(&wide_one) : &one, at.a,
                               a_, at.b, b_, wide ? static_cast<const void*>(&wide_beta) : &beta, at.d, d_,
                               at.d, d_, &algorithm_, workspace, workspace_bytes, stream),
            key);
    }

  private:
    template <class T>
    void set(cublasLtMatmulDescAttributes_t attribute, const T& value, const ProductKey& key) {
        check_status(lt_, lt_.cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value),
                     key);
    }

    cublasLtMatrixLayout_t matrix(cudaDataType type, std::int64_t rows, std::int64_t columns,
                                  std::int64_t leading, std::int64_t stride, const ProductKey& key) {
        cublasLtMatrixLayout_t layout = nullptr;
        check_status(lt_,
                     lt_.cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows),
                                                    static_cast<std::uint64_t>(columns), leading),
                     key);
        if (key.batch > 1) {
            lt_.cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &key.batch,
                                                 sizeof key.batch);
            lt_.cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                                                 sizeof stride);
        }
        return layout;
    }

    void find_algorithm(cublasLtHandle_t handle, const ProductKey& key) {
        cublasLtMatmulPreference_t preference = nullptr;
        check_status(lt_, lt_.cublasLtMatmulPreferenceCreate(&preference), key);
        const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
            lt_.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
        };
        prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{key.a_alignment});
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, std::uint32_t{key.b_alignment});
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t{key.d_alignment});
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t{key.d_alignment});
        cublasLtMatmulHeuristicResult_t results[8];
        int count = 0;
        const cublasStatus_t status = lt_.cublasLtMatmulAlgoGetHeuristic(handle, operation_, a_, b_, d_, d_,
                                                                         preference, 8, results, &count);
        lt_.cublasLtMatmulPreferenceDestroy(preference);
        if (status != CUBLAS_STATUS_SUCCESS) return;
        for (int i = 0; i < count && !found_; ++i)
            if (results[i].state == CUBLAS_STATUS_SUCCESS && results[i].workspaceSize <= workspace_bytes) {
                algorithm_ = results[i].algo;
                found_ = true;
            }
    }

    const CublasLt& lt_;
    cublasLtMatmulDesc_t operation_ = nullptr;
    cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, d_ = nullptr;
    cublasLtMatmulAlgo_t algorithm_{};
    bool found_ = false;
};

struct Products::Implementation {
    explicit Implementation(DeviceState& state) : device(state) {}

    DeviceState& device;
    std::mutex mutex;
    cublasLtHandle_t handle = nullptr;
    void* workspace = nullptr;  // one is enough: all products run in the order of one stream
    std::unordered_map<ProductKey, std::unique_ptr<LtPlan>, ProductKeyHash> plans;

    LtPlan& plan(const ProductKey& key, const void* bias) {
        const auto found = plans.find(key);
        if (found != plans.end()) [[likely]]
            return *found->second;
        const CublasLt& lt = cublaslt().table;
        select(device);
        if (!handle) check_status(lt, lt.cublasLtCreate(&handle), key);
        if (!workspace) workspace = allocate(device, workspace_bytes);
        if (plans.size() >= most_plans) plans.clear();
        return *plans.emplace(key, std::make_unique<LtPlan>(lt, handle, key, bias)).first->second;
    }
};

Products::Products(DeviceState& device) : implementation_(std::make_unique<Implementation>(device)) {}
Products::~Products() = default;

bool Products::available() {
    static const bool usable = [] {
        const Library<CublasLt>& library = cublaslt();
        if (!library.usable())
            fmt::print(stderr, "adjoint: matrix products on CUDA use the library's own, slower kernel: {}\n",
                       library.problem);
        return library.usable();
    }();
    return usable;
}

bool Products::supports(const ProductKey& key, const ProductPointers& pointers) {
    const std::scoped_lock lock(implementation_->mutex);
    return implementation_->plan(key, pointers.bias).found();
}

void Products::run(const DeviceState& device, const ProductKey& key, const ProductPointers& pointers,
                   bool accumulate) {
    Implementation& self = *implementation_;
    const std::scoped_lock lock(self.mutex);
    select(device);
    self.plan(key, pointers.bias).run(self.handle, key, pointers, accumulate, self.workspace, device.stream);
}

}  // namespace adjoint::cuda_backend
