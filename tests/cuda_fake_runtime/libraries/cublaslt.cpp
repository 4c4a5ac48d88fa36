// A cuBLASLt that multiplies nothing and looks at what it is asked to.
#include <cublasLt.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "../runtime/fake.h"

using namespace adjoint::fake_cuda;

struct cublasLtContext {
    int device;
};

namespace {

struct Operation {
    cublasComputeType_t sums;
    cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void* bias = nullptr;
};
struct Layout {
    cudaDataType type;
    std::int64_t rows, columns, leading;
    std::int32_t batch = 1;
    std::int64_t stride = 0;

    std::size_t element() const { return type == CUDA_R_64F ? 8 : type == CUDA_R_32F ? 4 : 2; }
    std::size_t bytes() const {
        return static_cast<std::size_t>((batch - 1) * stride + (columns - 1) * leading + rows) * element();
    }
};
struct Preference {
    std::size_t workspace = 0;
    std::uint32_t alignment[4] = {256, 256, 256, 256};  // of a, b, c, d
};

constexpr cublasStatus_t good = CUBLAS_STATUS_SUCCESS;
constexpr std::size_t workspace_bytes = 1000, workspace_alignment = 256;

template <class T, class Handle> T& behind(Handle handle) { return *reinterpret_cast<T*>(handle); }

template <class F> cublasStatus_t answer(const char* name, const F& body) {
    if (!begin_call(name)) return CUBLAS_STATUS_INTERNAL_ERROR;
    body();
    return good;
}

template <class T> void take(T& field, const void* value, std::size_t bytes) {
    if (bytes != sizeof field) violation("an attribute of " + std::to_string(bytes) + " bytes");
    std::memcpy(&field, value, bytes);
}

void check_shapes(const Operation& o, const Layout& a, const Layout& b, const Layout& d) {
    const bool a_turned = o.a != CUBLAS_OP_N, b_turned = o.b != CUBLAS_OP_N;
    if ((a_turned ? a.columns : a.rows) != d.rows || (b_turned ? b.rows : b.columns) != d.columns ||
        (a_turned ? a.rows : a.columns) != (b_turned ? b.columns : b.rows))
        violation("the shapes of a product do not fit");
    if (a.batch != d.batch || b.batch != d.batch) violation("batches of different sizes");
    if (a.type != d.type || b.type != d.type) violation("operands of different types");
}

}  // namespace

extern "C" {

std::size_t cublasLtGetVersion() { return CUBLAS_VERSION; }
const char* cublasLtGetStatusName(cublasStatus_t status) {
    return status == CUBLAS_STATUS_INTERNAL_ERROR ? "CUBLAS_STATUS_INTERNAL_ERROR" : "another status";
}
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    return answer(__func__, [&] { *handle = new cublasLtContext{current_device()}; });
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t sums,
                                        cudaDataType_t) {
    return answer(__func__, [&] { *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation{sums}); });
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
    return answer(__func__, [&] { delete &behind<Operation>(operation); });
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              std::size_t bytes) {
    return answer(__func__, [&] {
        auto& operation = behind<Operation>(handle);
        switch (attribute) {
            case CUBLASLT_MATMUL_DESC_TRANSA:
                return take(operation.a, value, bytes);
            case CUBLASLT_MATMUL_DESC_TRANSB:
                return take(operation.b, value, bytes);
            case CUBLASLT_MATMUL_DESC_EPILOGUE:
                return take(operation.epilogue, value, bytes);
            case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
                return take(operation.bias, value, bytes);
            default:
                violation("an attribute of a product that the fake has not");
        }
    });
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading) {
    return answer(__func__, [&] {
        if (rows == 0 || columns == 0) violation("a matrix without elements");
        if (leading < static_cast<std::int64_t>(rows)) violation("columns that overlap");
        *made = reinterpret_cast<cublasLtMatrixLayout_t>(
            new Layout{type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), leading});
    });
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    return answer(__func__, [&] { delete &behind<Layout>(layout); });
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t handle,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                std::size_t bytes) {
    return answer(__func__, [&] {
        auto& layout = behind<Layout>(handle);
        if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
            take(layout.batch, value, bytes);
        else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
            take(layout.stride, value, bytes);
        else
            violation("an attribute of a matrix that the fake has not");
    });
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
    return answer(__func__, [&] { *made = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference); });
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    return answer(__func__, [&] { delete &behind<Preference>(preference); });
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
    return answer(__func__, [&] {
        auto& preference = behind<Preference>(handle);
        if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
            return take(preference.workspace, value, bytes);
        const int operand = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
        if (operand < 0 || operand > 3) violation("a preference that the fake has not");
        take(preference.alignment[operand], value, bytes);
    });
}

// The algorithm holds what it was asked for: the alignment of the operands, and the workspace.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t handle, int most,
                                              cublasLtMatmulHeuristicResult_t results[], int* count) {
    return answer(__func__, [&] {
        const auto& preference = behind<Preference>(handle);
        check_shapes(behind<Operation>(operation), behind<Layout>(a), behind<Layout>(b), behind<Layout>(d));
        *count = most < 2 ? most : 2;
        for (int i = 0; i < *count; ++i) {
            results[i] = {};
            std::memcpy(&results[i].algo, preference.alignment, sizeof preference.alignment);
            results[i].workspaceSize = workspace_bytes < preference.workspace ? workspace_bytes : 0;
        }
    });
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation_handle, const void*,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t bytes,
                              cudaStream_t stream) {
    return answer(__func__, [&] {
        const auto& operation = behind<Operation>(operation_handle);
        const Layout &left = behind<Layout>(a_layout), &right = behind<Layout>(b_layout),
                     &result = behind<Layout>(d_layout);
        check_shapes(operation, left, right, result);
        if (c != d || c_layout != d_layout) violation("a sum with another matrix than the result");
        if (current_device() != handle->device) violation("a handle of another device");
        std::uint32_t alignment[4];
        std::memcpy(alignment, algorithm, sizeof alignment);
        int operand = 0;
        for (const void* data : {a, b, c, static_cast<const void*>(d)})
            if (reinterpret_cast<std::uintptr_t>(data) % alignment[operand++] != 0)
                violation("an operand that is aligned to less than the algorithm was asked for");
        if (bytes < workspace_bytes || reinterpret_cast<std::uintptr_t>(workspace) % workspace_alignment != 0)
            violation("the workspace of a product");
        Work work{"cublasLtMatmul",
                  {{a, left.bytes(), Access::reads},
                   {b, right.bytes(), Access::reads},
                   {d, result.bytes(), Access::writes},
                   {workspace, bytes, Access::writes}}};
        if (operation.epilogue == CUBLASLT_EPILOGUE_BIAS) {
            if (reinterpret_cast<std::uintptr_t>(operation.bias) % 16 != 0)
                violation("a bias off its alignment");
            work.accesses.push_back(
                {operation.bias, static_cast<std::size_t>(result.rows) * result.element(), Access::reads});
        } else if (operation.epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
            violation("an epilogue that the fake has not");
        }
        static_cast<void>(beta);
        enqueue(stream, std::move(work));
    });
}

}  // extern "C"
