// Sums in the order of the ranks: the same bits as one process gets that adds what the ranks give one by one.
#include <adjoint/distributed/group/collectives.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint::distributed::collectives {
namespace {

using Pieces = std::vector<Wire::Piece>;

// What is shorter than this goes to everybody as a whole.
constexpr std::size_t short_bytes = 4096;

Tensor flat(const Tensor& x, std::int64_t first, std::int64_t count) {
    return detached_view(x, {count}, {1}, first);
}

Wire::Piece piece_of(const Tensor& x) {
    return {x.impl().data, static_cast<std::size_t>(x.numel()) * size_of(x.dtype()),
            x.device().is_cpu() ? Lane::host : Lane::device};
}

// Slice r of n: as even as can be.
struct Slices {
    std::int64_t numel;
    int count;
    std::int64_t first(int r) const { return numel / count * r + std::min<std::int64_t>(r, numel % count); }
    std::int64_t length(int r) const { return first(r + 1) - first(r); }
    Tensor of(const Tensor& x, int r) const { return flat(x, first(r), length(r)); }
};

Pieces pieces(const Tensor& x, const Slices& slices) {
    Pieces result;
    for (int r = 0; r < slices.count; ++r) result.push_back(piece_of(slices.of(x, r)));
    return result;
}

void copy(const Tensor& to, const Tensor& from) {
    if (to.numel() > 0)
        backend(to.device())
            .run(call::Map{functor::Copy{}, make_dense_loop<2>({&to, &from}, compute_type(to.dtype()))});
}

BinaryOp functor_of(ReduceOp op, DType type) {
    if (op == ReduceOp::max || (op == ReduceOp::sum && type == DType::boolean)) return functor::Maximum{};
    if (op == ReduceOp::min) return functor::Minimum{};
    return functor::Add{};
}

// parts[0] op parts[1] op ..., into `out`.
void fold(const Tensor& out, const std::vector<Tensor>& parts, ReduceOp op) {
    if (out.numel() == 0) return;
    const DType compute = compute_type(out.dtype());
    const Tensor* sum = parts.data();
    for (std::size_t i = 1; i < parts.size(); ++i) {
        backend(out.device())
            .run(call::Zip{functor_of(op, out.dtype()), make_dense_loop<3>({&out, sum, &parts[i]}, compute)});
        sum = &out;
    }
}

// The slice of this rank as all ranks have it.
std::vector<Tensor> parts_of_slice(Wire& wire, const Tensor& x, const Slices& slices) {
    const int own = wire.rank();
    std::vector<Tensor> parts;
    Pieces in;
    for (int r = 0; r < wire.size(); ++r) {
        parts.push_back(r == own ? slices.of(x, own)
                                 : empty({slices.length(own)}, {.dtype = x.dtype(), .device = x.device()}));
        in.push_back(piece_of(parts.back()));
    }
    wire.exchange(pieces(x, slices), in);
    return parts;
}

void divide(const Tensor& x, int size) {
    if (x.numel() == 0) return;
    backend(x.device())
        .run(call::Map{functor::DivScalar{static_cast<double>(size)},
                       make_dense_loop<2>({&x, &x}, compute_type(x.dtype()))});
}

// The same for the mean of 16 bits in f32: their sum may be more than they can hold.
Tensor folded(std::vector<Tensor> parts, ReduceOp op) {
    const DType type = parts[0].dtype();
    const bool is_wide = op == ReduceOp::mean && size_of(type) < size_of(f32);
    if (is_wide)
        for (Tensor& part : parts) part = part.to(f32);
    const Tensor out = empty_like(parts[0]);
    fold(out, parts, op);
    if (op == ReduceOp::mean) divide(out, static_cast<int>(parts.size()));
    return is_wide ? out.to(type) : out;
}

Tensor reduced_slice(Wire& wire, const Tensor& x, const Slices& slices, ReduceOp op) {
    return folded(parts_of_slice(wire, x, slices), op);
}

// The slices, of whoever has summed them, to all ranks or to one.
void spread(Wire& wire, const Tensor& x, const Tensor& own, const Slices& slices, std::optional<int> root) {
    const auto count = static_cast<std::size_t>(wire.size());
    const bool wanted = !root || *root == wire.rank();
    if (wanted) copy(slices.of(x, wire.rank()), own);
    Pieces out(count, piece_of(own));
    if (root) {
        std::fill(out.begin(), out.end(), Wire::Piece{});
        if (!wanted) out[static_cast<std::size_t>(*root)] = piece_of(own);
    }
    wire.exchange(out, wanted ? pieces(x, slices) : Pieces(count));
}

}  // namespace

void broadcast(Wire& wire, const Tensor& x, int root) {
    const bool is_root = wire.rank() == root;
    const auto count = static_cast<std::size_t>(wire.size());
    const Pieces nothing(count);
    if (piece_of(x).bytes <= short_bytes) {
        Pieces in(count);
        if (!is_root) in[static_cast<std::size_t>(root)] = piece_of(x);
        wire.exchange(is_root ? Pieces(count, piece_of(x)) : nothing, in);
        return;
    }
    // A slice to each rank, which passes it on: no rank sends more than twice what it has.
    const Slices slices{x.numel(), wire.size()};
    const Wire::Piece own = piece_of(slices.of(x, wire.rank()));
    Pieces in(count);
    if (!is_root) in[static_cast<std::size_t>(root)] = own;
    wire.exchange(is_root ? pieces(x, slices) : nothing, in);
    Pieces out(count, own), rest = pieces(x, slices);
    out[static_cast<std::size_t>(root)] = {};
    if (is_root) rest = nothing;
    wire.exchange(is_root ? Pieces(count, own) : out, rest);
}

void all_reduce(Wire& wire, const Tensor& x, ReduceOp op) {
    if (piece_of(x).bytes <= short_bytes) {
        const Tensor all = empty({wire.size() * x.numel()}, {.dtype = x.dtype(), .device = x.device()});
        all_gather(wire, all, x);
        const Slices slices{all.numel(), wire.size()};
        std::vector<Tensor> parts;
        for (int r = 0; r < wire.size(); ++r) parts.push_back(slices.of(all, r));
        copy(flat(x, 0, x.numel()), folded(std::move(parts), op));
        return;
    }
    const Slices slices{x.numel(), wire.size()};
    spread(wire, x, reduced_slice(wire, x, slices, op), slices, {});
}

// Of what is summed in 16 bits each rank gives its part of the mean.
void all_reduce_by_engine(Wire& wire, const Tensor& x, ReduceOp op) {
    const bool is_short = size_of(x.dtype()) < size_of(f32);
    if (op == ReduceOp::mean && is_short) divide(x, wire.size());
    wire.all_reduce(x, op == ReduceOp::mean ? ReduceOp::sum : op);
    if (op == ReduceOp::mean && !is_short) divide(x, wire.size());
}

void reduce(Wire& wire, const Tensor& x, ReduceOp op, int root) {
    const Slices slices{x.numel(), wire.size()};
    spread(wire, x, reduced_slice(wire, x, slices, op), slices, root);
}

void sum_rounded(Wire& wire, const Tensor& x, const Tensor& rest, std::optional<int> root) {
    const Slices slices{x.numel(), wire.size()};
    std::vector<Tensor> parts;
    for (const Tensor& part : parts_of_slice(wire, x, slices)) parts.push_back(part.to(rest.dtype()));
    const Tensor sum = empty_like(parts[0]);
    fold(sum, parts, ReduceOp::sum);
    const Tensor rounded = sum.to(x.dtype()), lost = sum - rounded.to(rest.dtype());
    slices.of(rest, wire.rank()) += where(isfinite(lost), lost, zeros_like(lost));
    spread(wire, x, rounded, slices, root);
}

void reduce_scatter(Wire& wire, const Tensor& out, const Tensor& x, ReduceOp op) {
    copy(flat(out, 0, out.numel()), reduced_slice(wire, x, {x.numel(), wire.size()}, op));
}

void all_gather(Wire& wire, const Tensor& out, const Tensor& x) {
    const Slices slices{out.numel(), wire.size()};
    copy(slices.of(out, wire.rank()), flat(x, 0, x.numel()));
    wire.exchange(Pieces(static_cast<std::size_t>(wire.size()), piece_of(x)), pieces(out, slices));
}

void all_to_all(Wire& wire, const Tensor& out, const Tensor& x) {
    const Slices slices{out.numel(), wire.size()};
    copy(slices.of(out, wire.rank()), slices.of(x, wire.rank()));
    wire.exchange(pieces(x, slices), pieces(out, slices));
}

}  // namespace adjoint::distributed::collectives
