// The matrix product.
#pragma once

#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint::call {

/// out = a b: matrices with arbitrary strides (in elements), over a batch. The bias, of the type of a, is
/// added to every row; with an activation out is one dense matrix.
struct MatMul {
    static constexpr auto name = "matmul";
    Operand out, a, b;
    Epilogue epilogue;
    std::int64_t m = 0, n = 0, k = 0;
    std::int64_t out_row = 0;  // columns of out are adjacent
    std::int64_t a_row = 0, a_column = 0, b_row = 0, b_column = 0;
    int batch_rank = 0;
    std::int64_t batch_sizes[max_dims], out_batch[max_dims], a_batch[max_dims], b_batch[max_dims];

    template <class Memory> void memory(Memory& all) const {
        all.writes(out, extent(m, out_row, n, 1, out_batch));
        all.reads(a, extent(m, a_row, k, a_column, a_batch));
        all.reads(b, extent(k, b_row, n, b_column, b_batch));
        all.reads(epilogue.bias, n, a.dtype);
        all.writes(epilogue.sums, m * n, out.dtype);
    }

  private:
    // Elements from the first to one past the last that is touched.
    std::int64_t extent(std::int64_t rows, std::int64_t row, std::int64_t columns, std::int64_t column,
                        const std::int64_t (&batch)[max_dims]) const {
        if (rows == 0 || columns == 0) return 0;
        std::int64_t last = (rows - 1) * row + (columns - 1) * column;
        for (int d = 0; d < batch_rank; ++d) last += (batch_sizes[d] - 1) * batch[d];
        return last + 1;
    }
};

}  // namespace adjoint::call
