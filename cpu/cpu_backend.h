// The CPU behind the Backend contract; each group of methods stands in the file of its topic.
#pragma once

#include <adjoint/core/contract/backend.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu {

class CpuBackend final : public Backend {
  public:
    // memory.cpp
    void* allocate(std::size_t bytes) override;
    void release(void* memory, std::size_t bytes) noexcept override;
    void copy_from_host(void* destination, const void* source, std::size_t bytes) override;
    void copy_to_host(void* destination, const void* source, std::size_t bytes) override;
    void synchronize() override {}
    // recorder.cpp
    std::shared_ptr<Recording> record(const std::function<void()>& step) override;
    // elementwise.cpp
    void fill(const Loop<2>& out, double value) override;
    void map(const UnaryOp& op, const Loop<2>& loop) override;
    void zip(const BinaryOp& op, const Loop<3>& loop) override;
    void select(const Loop<4>& loop) override;
    void update(const UpdateOp& op, std::span<const UpdateSlice> slices) override;
    // reduce.cpp
    void reduce(const ReduceOp& op, const ReductionLoop& reduction) override;
    void arg_reduce(bool largest, const ReductionLoop& reduction) override;
    // matmul.cpp
    void matmul(const MatMul& product) override;
    // indexing.cpp
    void gather(const Indexing& along, const Loop<3>& out_source_index) override;
    void scatter(const Indexing& along, bool add, const Loop<3>& destination_source_index) override;
    // random.cpp
    void random(const RandomOp& op, const Operand& out, std::int64_t numel, GeneratorState state) override;
    void dropout(const Operand& out, const Operand& x, std::int64_t numel, double p,
                 GeneratorState state) override;
    // rows.cpp
    void softmax(const Rows& rows, bool log, void* out, const void* x) override;
    void softmax_backward(const Rows& rows, bool log, void* dx, const void* g, const void* y) override;
    void cross_entropy(const Rows& rows, const CrossEntropy& loss) override;
    // batch_norm.cpp
    void batch_norm(const BatchNorm& norm, bool training, void* y) override;
    void batch_norm_backward(const BatchNorm& norm, const void* g, void* dx, void* dweight,
                             void* dbias) override;
    // normalize.cpp
    void normalize_rows(const Rows& rows, double eps, void* y, void* inverse_std, const void* x) override;
    void normalize_rows_backward(const Rows& rows, void* dx, const void* g, const void* y,
                                 const void* inverse_std) override;
    // lines.cpp
    void scan(const ReduceOp& op, const Lines& lines, bool reverse, void* out, const void* x) override;
    void sort(const Rows& rows, bool descending, void* values, std::int64_t* indices, const void* x) override;
    // convolution.cpp
    bool convolves_narrow(const Convolution& c) override;
    void convolution(const Convolution& c, void* y, const void* x, const void* w,
                     const Epilogue& epilogue) override;
    void convolution_input(const Convolution& c, void* dx, const void* g, const void* w) override;
    void convolution_weight(const Convolution& c, void* dw, const void* x, const void* g) override;
    // windows.cpp
    void unfold(const Windows& windows, void* columns, const void* x) override;
    void fold(const Windows& windows, void* x, const void* columns) override;
    // pool.cpp
    void max_pool(const Windows& windows, void* y, std::int64_t* indices, const void* x) override;
    void max_pool_backward(const Windows& windows, void* dx, const void* g,
                           const std::int64_t* indices) override;
    void avg_pool(const Windows& windows, const Average& average, void* y, const void* x) override;
    void avg_pool_backward(const Windows& windows, const Average& average, void* dx, const void* g) override;

  private:
    const Kernels& kernels_ = kernels();
};

}  // namespace adjoint::cpu
