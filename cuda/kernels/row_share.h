// Rows cut among threads: a thread, a warp or a block for each row, by the row's length.
#pragma once

#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {

/// The row of a thread, and its share of the columns: first, first + lanes, ... below end.
struct RowShare {
    std::int64_t row, first, end;
    bool exists;
    /// Of the rows that this block has, or of group `group` of as many.
    ADJOINT_DEVICE RowShare(std::int64_t rows, std::int64_t columns, unsigned lanes)
        : RowShare(rows, columns, lanes, blockIdx.x) {}
    ADJOINT_DEVICE RowShare(std::int64_t rows, std::int64_t columns, unsigned lanes, std::int64_t group)
        : row(group * (blockDim.x / lanes) + threadIdx.x / lanes),
          first(threadIdx.x % lanes),
          exists(row < rows) {
        end = exists ? columns : 0;  // a thread without a row still takes part in exchanges
    }
};

/// The fold of f(i) over the columns, for every thread of the row.
template <class Op, class T, class F> ADJOINT_DEVICE T fold_row(const RowShare& share, unsigned lanes, F f) {
    const Op op{};
    T partial = Op::template start<T>();
    for (std::int64_t i = share.first; i < share.end; i += lanes)
        partial = op.template value<T>(partial, f(i));
    return fold_group<Op>(partial, lanes);
}

inline constexpr int row_threads = 256;

/// How many threads a row gets, and how many rows a block.
struct RowLaunch {
    unsigned lanes, threads, blocks;
    RowLaunch(const char* op, const Rows& rows) {
        constexpr std::int64_t shortest = 16, longest = 1024;
        if (rows.columns > longest) {
            lanes = threads = row_threads;
        } else {
            lanes = rows.columns > shortest ? warp_size : 1;
            threads = static_cast<unsigned>(power_of_two(rows.rows * lanes, warp_size, 128));
        }
        blocks = block_count(op, divide_up(rows.rows, threads / lanes));
    }
};

template <class... Parameters, class... Args>
void launch_rows(const DeviceState& device, const char* op, const RowLaunch& with,
                 void (*kernel)(Parameters...), const Args&... args) {
    if (with.lanes == 1)
        launch_independent(device, op, kernel, dim3(with.blocks), dim3(with.threads), args...);
    else
        launch(device, op, kernel, dim3(with.blocks), dim3(with.threads), 0, args...);
}

}  // namespace adjoint::cuda_backend
