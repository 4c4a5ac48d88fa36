// Descriptors, heuristics and the cache of both.
#include <adjoint/cuda/libraries/cublaslt.h>

#include <cstdio>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <adjoint/core/base/concern.h>
#include <adjoint/core/base/format.h>
#include <adjoint/cuda/libraries/cublaslt_table.h>

namespace adjoint::cuda_backend {
namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what NVIDIA advises for Hopper
constexpr std::size_t most_plans = 2048;
constexpr int most_algorithms = 8;

cudaDataType lt_type(DType type) {
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

// What cuBLASLt answered in the place of success.
struct Refusal {
    cublasStatus_t status;
};

void check_status(cublasStatus_t status) {
    if (status != CUBLAS_STATUS_SUCCESS) throw Refusal{status};
}

// Whether the same question would be answered in the same way.
bool will_stay(cublasStatus_t status) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
           status == CUBLAS_STATUS_ARCH_MISMATCH;
}

}  // namespace

// What cuBLASLt has to be told of one kind of product. Without an algorithm there is no kernel for it.
class LtPlan {
  public:
    /// errors: Refusal.
    LtPlan(const CublasLt& lt, cublasLtHandle_t handle, const ProductKey& key, const void* bias)
        : lt_(lt), key_(key) {
        try {
            describe(bias);
            find_algorithms(handle);
        } catch (const Refusal&) {
            destroy();
            throw;
        }
    }
    LtPlan(const LtPlan&) = delete;
    LtPlan& operator=(const LtPlan&) = delete;
    ~LtPlan() { destroy(); }

    bool usable() const noexcept { return !algorithms_.empty(); }

    /// errors: Refusal with the answer to the last algorithm.
    void run(DeviceState& device, cublasLtHandle_t handle, const ProductPointers& at, bool accumulate) {
        if (key_.bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, at.bias);
        const float one = 1, beta = accumulate ? 1 : 0;
        const double wide_one = 1, wide_beta = beta;
        const bool wide = key_.type == DType::f64;
        cublasStatus_t status = CUBLAS_STATUS_NOT_SUPPORTED;
        for (auto next = algorithms_.begin(); next != algorithms_.end();) {
            const Scratch workspace(device, next->workspace);
            status = lt_.cublasLtMatmul(
                handle, operation_, wide ? static_cast<const void*>(&wide_one) : &one, at.a, a_, at.b, b_,
                wide ? static_cast<const void*>(&wide_beta) : &beta, at.d, d_, at.d, d_, &next->algorithm,
                workspace.as<void>(), next->workspace, device.stream);
            if (status == CUBLAS_STATUS_SUCCESS) return;
            next = will_stay(status) ? algorithms_.erase(next) : next + 1;
        }
        throw Refusal{status};
    }

  private:
    struct Proposal {
        cublasLtMatmulAlgo_t algorithm;
        std::size_t workspace;
    };

    void describe(const void* bias) {
        const ProductKey& key = key_;
        const bool wide = key.type == DType::f64;
        const cudaDataType type = lt_type(key.type);
        check_status(
            lt_.cublasLtMatmulDescCreate(&operation_, compute_type_of(key), wide ? CUDA_R_64F : CUDA_R_32F));
        const cublasOperation_t a_operation = key.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
        const cublasOperation_t b_operation = key.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
        set(CUBLASLT_MATMUL_DESC_TRANSA, a_operation);
        set(CUBLASLT_MATMUL_DESC_TRANSB, b_operation);
        if (key.bias) {
            set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
            set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
        }
        matrix(a_, type, key.a_transposed ? key.inner : key.rows, key.a_transposed ? key.rows : key.inner,
               key.a_leading, key.a_stride);
        matrix(b_, type, key.b_transposed ? key.columns : key.inner,
               key.b_transposed ? key.inner : key.columns, key.b_leading, key.b_stride);
        matrix(d_, type, key.rows, key.columns, key.d_leading, key.d_stride);
    }

    template <class T> void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
        check_status(lt_.cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value));
    }

    void matrix(cublasLtMatrixLayout_t& layout, cudaDataType type, std::int64_t rows, std::int64_t columns,
                std::int64_t leading, std::int64_t stride) {
        check_status(lt_.cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(rows),
                                                    static_cast<std::uint64_t>(columns), leading));
        if (key_.batch == 1) return;
        check_status(lt_.cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                                          &key_.batch, sizeof key_.batch));
        check_status(lt_.cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                                          &stride, sizeof stride));
    }

    // None where cuBLASLt says that it has none.
    void find_algorithms(cublasLtHandle_t handle) {
        cublasLtMatmulPreference_t preference = nullptr;
        check_status(lt_.cublasLtMatmulPreferenceCreate(&preference));
        const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
            return lt_.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
        };
        const cublasStatus_t wishes[] = {
            prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes),
            prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, std::uint32_t{key_.a_alignment}),
            prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, std::uint32_t{key_.b_alignment}),
            prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, std::uint32_t{key_.d_alignment}),
            prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, std::uint32_t{key_.d_alignment})};
        cublasLtMatmulHeuristicResult_t results[most_algorithms];
        int count = 0;
        const cublasStatus_t status = lt_.cublasLtMatmulAlgoGetHeuristic(
            handle, operation_, a_, b_, d_, d_, preference, most_algorithms, results, &count);
        lt_.cublasLtMatmulPreferenceDestroy(preference);
        for (const cublasStatus_t wish : wishes) check_status(wish);
        if (status == CUBLAS_STATUS_NOT_SUPPORTED) return;
        check_status(status);
        for (int i = 0; i < count; ++i)
            if (results[i].state == CUBLAS_STATUS_SUCCESS && results[i].workspaceSize <= workspace_bytes)
                algorithms_.push_back({results[i].algo, results[i].workspaceSize});
    }

    void destroy() noexcept {
        if (operation_) lt_.cublasLtMatmulDescDestroy(operation_);
        for (cublasLtMatrixLayout_t layout : {a_, b_, d_})
            if (layout) lt_.cublasLtMatrixLayoutDestroy(layout);
    }

    const CublasLt& lt_;
    const ProductKey key_;
    cublasLtMatmulDesc_t operation_ = nullptr;
    cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, d_ = nullptr;
    std::vector<Proposal> algorithms_;  // the best first
};

struct Products::Implementation {
    using Plans = std::unordered_map<ProductKey, std::unique_ptr<LtPlan>, ProductKeyHash>;

    std::mutex mutex;
    cublasLtHandle_t handle = nullptr;
    bool refused = false;  // there will never be a handle
    Plans plans, older;    // what is used of the older ones moves over; the rest goes when `plans` is full

    // Null if there is none and none may be made.
    LtPlan* plan(DeviceState& device, const ProductKey& key, const void* bias) {
        if (const auto found = plans.find(key); found != plans.end()) [[likely]]
            return found->second.get();
        if (plans.size() >= most_plans) {
            older = std::move(plans);
            plans.clear();
        }
        if (auto kept = older.extract(key)) return plans.insert(std::move(kept)).position->second.get();
        if (device.graph != nullptr || refused) return nullptr;
        const CublasLt& lt = cublaslt().table;
        select(device);
        if (!handle) start(lt);
        return plans.emplace(key, std::make_unique<LtPlan>(lt, handle, key, bias)).first->second.get();
    }

    void start(const CublasLt& lt) {
        cublasLtHandle_t made = nullptr;
        const cublasStatus_t status = lt.cublasLtCreate(&made);
        refused = status != CUBLAS_STATUS_SUCCESS && status != CUBLAS_STATUS_ALLOC_FAILED;
        check_status(status);
        handle = made;
    }

    cublasStatus_t last = CUBLAS_STATUS_SUCCESS;  // what was refused

    // f(plan), unless there is none or cuBLASLt refuses.
    template <class F>
    bool with_plan(DeviceState& device, const ProductKey& key, const ProductPointers& at, const F& f) {
        const std::scoped_lock lock(mutex);
        try {
            LtPlan* const found = plan(device, key, at.bias);
            if (!found || !found->usable()) throw Refusal{CUBLAS_STATUS_NOT_SUPPORTED};
            f(*found);
            return true;
        } catch (const Refusal& refusal) {
            last = refusal.status;
            return false;
        }
    }
};

Products::Products() : implementation_(std::make_unique<Implementation>()) {}
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

bool Products::ready(DeviceState& device, const ProductKey& key, const ProductPointers& pointers) {
    return implementation_->with_plan(device, key, pointers, [](const LtPlan&) {});
}

bool Products::run(DeviceState& device, const ProductKey& key, const ProductPointers& pointers,
                   bool accumulate) {
    return implementation_->with_plan(device, key, pointers, [&](LtPlan& plan) {
        select(device);
        plan.run(device, implementation_->handle, pointers, accumulate);
    });
}

void Products::tell(const DeviceState& device, const ProductKey& key) {
    const std::scoped_lock lock(implementation_->mutex);
    warn_once(
        "products without cuBLASLt",
        fmt::format("matmul: cuBLASLt reported {} for ({}, {}) x ({}, {}) of {} on cuda:{}; what it does "
                    "not do is done by the library's own, slower kernel",
                    cublaslt().table.cublasLtGetStatusName(implementation_->last), key.columns, key.inner,
                    key.inner, key.rows, name(key.type), device.index),
        Concern::process);
}

}  // namespace adjoint::cuda_backend
