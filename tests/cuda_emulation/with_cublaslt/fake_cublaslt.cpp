// What cuda/libraries/cublaslt.cpp asks of cuBLASLt, by plain loops over column-major matrices.
#include "fake_cublaslt.h"

#include <cstring>

#include <adjoint/core/base/convert.h>
#include <adjoint/cuda/libraries/cublaslt_table.h>

#include "../emulated_recurrence.h"
#include "../fake_library.h"

namespace adjoint::emulated {

FakeCublasLt& fake_cublaslt() {
    static FakeCublasLt state;
    return state;
}

namespace {

constexpr cublasStatus_t good = CUBLAS_STATUS_SUCCESS, bad = CUBLAS_STATUS_INVALID_VALUE;

struct Operation {
    cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void* bias = nullptr;
};
struct Layout {
    cudaDataType type;
    std::int64_t rows, columns, leading, stride = 0;
    std::int32_t batch = 1;
};
struct Preference {
    std::size_t workspace = 0;
};

template <class Real, class Handle> Real& behind(Handle handle) { return *reinterpret_cast<Real*>(handle); }

std::size_t version() { return 130100; }
const char* status_name(cublasStatus_t status) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED" : "an error of the fake";
}
cublasStatus_t create(cublasLtHandle_t* handle) {
    static int somewhere;
    ++fake_cublaslt().handles;
    if (fake_cublaslt().create == good) *handle = reinterpret_cast<cublasLtHandle_t>(&somewhere);
    return fake_cublaslt().create;
}
cublasStatus_t make_operation(cublasLtMatmulDesc_t* made, cublasComputeType_t, cudaDataType) {
    if (fake_cublaslt().describe != good) return fake_cublaslt().describe;
    *made = reinterpret_cast<cublasLtMatmulDesc_t>(new Operation);
    return good;
}
cublasStatus_t drop_operation(cublasLtMatmulDesc_t operation) {
    delete &behind<Operation>(operation);
    return good;
}
cublasStatus_t set_operation(cublasLtMatmulDesc_t handle, cublasLtMatmulDescAttributes_t attribute,
                             const void* value, std::size_t bytes) {
    auto& operation = behind<Operation>(handle);
    const auto take = [&](auto& field) {
        if (bytes != sizeof field) return bad;
        std::memcpy(&field, value, bytes);
        return good;
    };
    switch (attribute) {
        case CUBLASLT_MATMUL_DESC_TRANSA:
            return take(operation.a);
        case CUBLASLT_MATMUL_DESC_TRANSB:
            return take(operation.b);
        case CUBLASLT_MATMUL_DESC_EPILOGUE:
            return take(operation.epilogue);
        case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
            return take(operation.bias);
        default:
            return bad;
    }
}
cublasStatus_t make_layout(cublasLtMatrixLayout_t* made, cudaDataType type, std::uint64_t rows,
                           std::uint64_t columns, std::int64_t leading) {
    if (leading < static_cast<std::int64_t>(rows)) return bad;
    *made = reinterpret_cast<cublasLtMatrixLayout_t>(
        new Layout{type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), leading});
    return good;
}
cublasStatus_t drop_layout(cublasLtMatrixLayout_t layout) {
    delete &behind<Layout>(layout);
    return good;
}
cublasStatus_t set_layout(cublasLtMatrixLayout_t handle, cublasLtMatrixLayoutAttribute_t attribute,
                          const void* value, std::size_t) {
    auto& layout = behind<Layout>(handle);
    if (attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)
        std::memcpy(&layout.batch, value, sizeof layout.batch);
    else if (attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)
        std::memcpy(&layout.stride, value, sizeof layout.stride);
    else
        return bad;
    return good;
}
cublasStatus_t make_preference(cublasLtMatmulPreference_t* made) {
    *made = reinterpret_cast<cublasLtMatmulPreference_t>(new Preference);
    return good;
}
cublasStatus_t drop_preference(cublasLtMatmulPreference_t preference) {
    delete &behind<Preference>(preference);
    return good;
}
cublasStatus_t set_preference(cublasLtMatmulPreference_t handle,
                              cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                              std::size_t) {
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
        std::memcpy(&behind<Preference>(handle).workspace, value, sizeof(std::size_t));
    return good;
}

cublasStatus_t propose(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t,
                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                       cublasLtMatmulPreference_t preference, int most,
                       cublasLtMatmulHeuristicResult_t results[], int* count) {
    FakeCublasLt& fake = fake_cublaslt();
    ++fake.heuristics;
    if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (fake.heuristic != good) return fake.heuristic;
    if (behind<Operation>(operation).epilogue == CUBLASLT_EPILOGUE_BIAS && !fake.adds_bias)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    for (*count = 0; *count < most && *count < static_cast<int>(fake.algorithms.size()); ++*count) {
        cublasLtMatmulHeuristicResult_t& result = results[*count];
        result.algo.data[0] = static_cast<std::uint64_t>(*count);
        result.workspaceSize = fake.workspace;
        result.state = fake.workspace <= behind<Preference>(preference).workspace ? good : bad;
    }
    return good;
}

// d = a b + beta d + bias; S is the type of the sums.
template <class T, class S>
void multiply(const Operation& operation, const Layout& a_layout, const Layout& b_layout,
              const Layout& d_layout, const void* a, const void* b, void* d, S beta) {
    const auto at = [](const Layout& layout, cublasOperation_t turned, std::int64_t row,
                       std::int64_t column) {
        if (turned == CUBLAS_OP_T) std::swap(row, column);
        return row + column * layout.leading;
    };
    const std::int64_t inner = operation.a == CUBLAS_OP_T ? a_layout.rows : a_layout.columns;
    for (std::int64_t item = 0; item < d_layout.batch; ++item)
        for (std::int64_t column = 0; column < d_layout.columns; ++column)
            for (std::int64_t row = 0; row < d_layout.rows; ++row) {
                S sum = 0;
                for (std::int64_t k = 0; k < inner; ++k)
                    sum += convert<S>(static_cast<const T*>(
                               a)[item * a_layout.stride + at(a_layout, operation.a, row, k)]) *
                           convert<S>(static_cast<const T*>(
                               b)[item * b_layout.stride + at(b_layout, operation.b, k, column)]);
                T& to = static_cast<T*>(d)[item * d_layout.stride + at(d_layout, CUBLAS_OP_N, row, column)];
                if (beta != 0) sum += beta * convert<S>(to);
                if (operation.epilogue == CUBLASLT_EPILOGUE_BIAS)
                    sum += convert<S>(static_cast<const T*>(operation.bias)[row]);
                to = convert<T>(sum);
            }
}

cublasStatus_t run_product(cublasLtHandle_t, cublasLtMatmulDesc_t operation_handle, const void* alpha,
                           const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                           cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                           cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t d_layout,
                           const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t bytes,
                           cudaStream_t stream) {
    FakeCublasLt& fake = fake_cublaslt();
    const Operation operation = behind<Operation>(operation_handle);
    const auto number = static_cast<std::size_t>(algorithm->data[0]);
    fake.tried.push_back(static_cast<int>(number));
    if (c != d || bytes < fake.workspace) return bad;
    if (operation.epilogue == CUBLASLT_EPILOGUE_BIAS &&
        reinterpret_cast<std::uintptr_t>(operation.bias) % 16 != 0)
        fake.misaligned_bias = true;
    if (fake.algorithms.at(number) != good) return fake.algorithms[number];
    ++fake.products;
    // The workspace is written in stream order, so that one which is somebody else's shows.
    queue(stream, [=] { std::memset(workspace, 0x77, bytes); });
    const auto start = [&](auto type, auto sums) {
        using T = decltype(type);
        using S = decltype(sums);
        S scale, before;
        std::memcpy(&scale, alpha, sizeof scale);
        std::memcpy(&before, beta, sizeof before);
        if (scale != 1) return bad;
        queue(stream,
              [=, x = behind<Layout>(a_layout), y = behind<Layout>(b_layout), z = behind<Layout>(d_layout)] {
                  multiply<T, S>(operation, x, y, z, a, b, d, before);
              });
        return good;
    };
    switch (behind<Layout>(d_layout).type) {
        case CUDA_R_64F:
            return start(double{}, double{});
        case CUDA_R_16F:
            return start(half{}, float{});
        case CUDA_R_16BF:
            return start(bfloat16{}, float{});
        default:
            return start(float{}, float{});
    }
}

FakeLibrary library() {
    return {{{"cublasLtGetVersion", address(version)},
             {"cublasLtGetStatusName", address(status_name)},
             {"cublasLtCreate", address(create)},
             {"cublasLtMatmul", address(run_product)},
             {"cublasLtMatmulDescCreate", address(make_operation)},
             {"cublasLtMatmulDescDestroy", address(drop_operation)},
             {"cublasLtMatmulDescSetAttribute", address(set_operation)},
             {"cublasLtMatrixLayoutCreate", address(make_layout)},
             {"cublasLtMatrixLayoutDestroy", address(drop_layout)},
             {"cublasLtMatrixLayoutSetAttribute", address(set_layout)},
             {"cublasLtMatmulPreferenceCreate", address(make_preference)},
             {"cublasLtMatmulPreferenceDestroy", address(drop_preference)},
             {"cublasLtMatmulPreferenceSetAttribute", address(set_preference)},
             {"cublasLtMatmulAlgoGetHeuristic", address(propose)}}};
}

}  // namespace
}  // namespace adjoint::emulated

// In the place of cuda/libraries/cublaslt_table.cpp.
namespace adjoint::cuda_backend {

const Library<CublasLt>& cublaslt() {
    static const Library<CublasLt> opened = [] {
        emulated::fake_libraries().emplace("cuBLASLt", emulated::library());
        return Library<CublasLt>("cuBLASLt");
    }();
    return opened;
}

}  // namespace adjoint::cuda_backend
