// Views of a grid as the loops of calls, and the little arrays that compositions need.
#include <adjoint/core/contract/compose.h>

#include <algorithm>

namespace adjoint::composition {

WorkingMemory::WorkingMemory(Backend& backend, std::int64_t elements, DType type)
    : backend_(backend),
      bytes_(static_cast<std::size_t>(elements) * size_of(type)),
      data_(backend.allocate(bytes_)) {}

template <int N> Loop<N> Grid::loop(const View (&views)[N]) const {
    Loop<N> loop;
    loop.numel = places();
    loop.compute = compute_;
    for (int i = 0; i < N; ++i) loop.operands[i] = views[i].operand();
    for (std::size_t d = 0; d < sizes_.size(); ++d) {
        std::int64_t steps[N];
        for (int i = 0; i < N; ++i) steps[i] = views[i].strides[d];
        append_dimension(loop.rank, loop.sizes, loop.strides, sizes_[d], steps);
    }
    settle_dense(loop);
    return loop;
}

void Grid::fill(const View& out, double value) const { backend_.run(call::Fill{loop<1>({out}), value}); }

void Grid::map(const UnaryOp& op, const View& out, const View& x) const {
    backend_.run(call::Map{op, loop<2>({out, x})});
}

void Grid::zip(const BinaryOp& op, const View& out, const View& a, const View& b) const {
    backend_.run(call::Zip{op, loop<3>({out, a, b})});
}

void Grid::select(const View& out, const View& condition, const View& a, const View& b) const {
    backend_.run(call::Select{loop<4>({out, condition, a, b})});
}

void Grid::reduce(const ReduceOp& op, const View& out, const View& x, std::array<bool, 3> reduced) const {
    ReductionLoop r;
    r.out = out.operand();
    r.in = x.operand();
    r.compute = compute_;
    for (std::size_t d = 0; d < sizes_.size(); ++d) {
        const std::int64_t step[1] = {x.strides[d]};
        if (reduced[d]) {
            r.length *= sizes_[d];
            append_dimension(r.reduced_rank, r.reduced_sizes, &r.reduced_strides, sizes_[d], step);
        } else {
            r.outputs *= sizes_[d];
            append_dimension(r.kept_rank, r.kept_sizes, &r.kept_strides, sizes_[d], step);
        }
    }
    backend_.run(call::Reduce{op, r});
}

void Grid::gather(const Indexing& along, const View& out, const View& source, const View& index) const {
    backend_.run(call::Gather{along, loop<3>({out, source, index})});
}

void Grid::scatter(const Indexing& along, bool add, const View& destination, const View& source,
                   const View& index) const {
    backend_.run(call::Scatter{along, add, loop<3>({destination, source, index})});
}

Constant::Constant(Backend& backend, DType type, double value)
    : memory_(backend, 1, type), view_(memory_.data(), type, {}) {
    Grid(backend, {1, 1, 1}, compute_type(type)).fill(view_, value);
}

Counting::Counting(Backend& backend, std::int64_t n) : memory_(backend, n, DType::i64) {
    if (n == 0) return;
    const View numbers(memory_.data(), DType::i64, {0, 0, 1});
    Grid(backend, {1, 1, 1}, DType::i64).fill(numbers, 0);
    // By doubling: what is there, moved on by its length, stands behind it.
    for (std::int64_t there = 1; there < n; there *= 2)
        Grid(backend, {1, 1, std::min(there, n - there)}, DType::i64)
            .map(functor::AddScalar{static_cast<double>(there)}, numbers.from(there), numbers);
}

}  // namespace adjoint::composition
