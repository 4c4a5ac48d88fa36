// The operations of a group, made of exchanges of pieces. The operands are dense and lie where the engine's
// memory is; all ranks have agreed. Unrecorded. Private.
#pragma once

#include <optional>

#include <adjoint/distributed/group/wire.h>

namespace adjoint::distributed::collectives {

/// In place.
void broadcast(Wire& wire, const Tensor& x, int root);
/// In place: sums of slices in the order of the ranks, then the slices to all.
void all_reduce(Wire& wire, const Tensor& x, ReduceOp op);
/// The same by the engine's own means, in an order of its own.
/// errors: DTypeError for a type that it does not sum.
void all_reduce_by_engine(Wire& wire, const Tensor& x, ReduceOp op);
/// In place on rank `root`, the same bits as all_reduce gives; elsewhere `x` stays as it is.
void reduce(Wire& wire, const Tensor& x, ReduceOp op, int root);
/// In place: sums that are made in the type of `rest` and rounded once to that of `x`, on all ranks or on
/// `root`. What rounding takes from the sums that this rank makes is added to their places in `rest`.
void sum_rounded(Wire& wire, const Tensor& x, const Tensor& rest, std::optional<int> root);
/// Part r of `x`, which is as long as `out`, is summed on rank r.
void reduce_scatter(Wire& wire, const Tensor& out, const Tensor& x, ReduceOp op);
/// Part r of `out` is the `x` of rank r.
void all_gather(Wire& wire, const Tensor& out, const Tensor& x);
/// Part r of `out` is the part of rank r's `x` that is this rank's.
void all_to_all(Wire& wire, const Tensor& out, const Tensor& x);

}  // namespace adjoint::distributed::collectives
