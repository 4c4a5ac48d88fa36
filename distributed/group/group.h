// A group: the ranks that compute together, and what they can do together.
//
//     const distributed::Group group;                  // of one: the default, over the engine "self"
//     distributed::run_threads(4, [](const distributed::Group& group) {
//         const Tensor x = full({3}, group.rank());
//         group.all_reduce(x);                         // 6 everywhere
//         const distributed::Work work = group.all_reduce_async(x);
//         ...                                          // computes meanwhile
//         work.wait();
//     });
//
// Every rank calls the same operations in the same order, each with tensors of the same shape and type;
// that is looked at before anything is sent. A copy is the same group. What a rank finds wrong ends the
// operation on all ranks, and the group is of no use then: each later operation throws the same again. When
// the last copy on a rank ends, it has left the group, and who waits for it then hears that.
//
// errors (of all operations): DistributedError that names ranks, hosts and operation, if the ranks do not do
// the same, one has failed, or nothing has come from one within the time-out.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/distributed/group/engine.h>

namespace adjoint::distributed {

/// Who adds in all_reduce.
enum class Summation {
    by_rank,   ///< in the order of the ranks: the same bits on every engine, those of one process that adds
    by_engine  ///< by the engine's own way, in an order of its own; an error where it has none for a type
};

struct GroupOptions {
    std::chrono::milliseconds timeout = std::chrono::minutes(5);  ///< of one operation
    Summation summation = Summation::by_rank;
};

/// An operation that has begun. The tensor is not touched until wait() has returned.
class ADJOINT_API Work {
  public:
    /// Returns when the result is in its place.
    /// errors: those of the operation.
    void wait() const;
    /// Whether wait() would return at once.
    bool done() const;

    struct State;
    explicit Work(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

  private:
    std::shared_ptr<State> state_;
};

/// The ranks that compute together; see the head of this file.
class ADJOINT_API Group {
  public:
    /// Of this rank alone: every operation returns what it is given.
    Group();
    /// errors: ValueError for a time-out that is not positive; DistributedError if not all ranks come.
    explicit Group(std::shared_ptr<Engine> engine, const GroupOptions& options = {});

    /// The number of this rank, from 0, and how many there are.
    int rank() const noexcept;
    int size() const noexcept;
    /// "self", "threads", "mpi" ...
    const char* engine() const noexcept;
    const GroupOptions& options() const noexcept;
    bool is_same(const Group& other) const noexcept { return state_ == other.state_; }

    /// Returns when all ranks have called it.
    void barrier() const;

    /// x becomes that of rank `root`, in place.
    /// errors: IndexError for a rank that is none.
    void broadcast(const Tensor& x, int root = 0) const { broadcast_async(x, root).wait(); }
    /// x becomes the sum, mean, largest or smallest of all ranks' x, element by element, in place.
    /// errors: DTypeError for the mean of integers, and for a type that the engine does not sum by itself.
    void all_reduce(const Tensor& x, ReduceOp op = ReduceOp::sum) const { all_reduce_async(x, op).wait(); }
    /// The same on rank `root` alone; elsewhere x stays as it is.
    /// errors: as all_reduce and broadcast.
    void reduce(const Tensor& x, int root, ReduceOp op = ReduceOp::sum) const {
        reduce_async(x, root, op).wait();
    }
    /// The part of that which is this rank's: rows rank k .. (rank + 1) k - 1 of n k.
    /// shapes: (n k, ...) -> (k, ...) for n ranks.
    /// errors: ShapeError if they cannot be shared out; as all_reduce.
    Tensor reduce_scatter(const Tensor& x, ReduceOp op = ReduceOp::sum) const;
    /// The x of all ranks, one below the other.
    /// shapes: (k, ...) -> (n k, ...)
    /// errors: ShapeError for a tensor without dimensions.
    Tensor all_gather(const Tensor& x) const;
    /// Rows r k .. (r + 1) k - 1 go to rank r; what comes stands in the order of the ranks.
    /// shapes: (n k, ...) -> (n k, ...)
    /// errors: ShapeError if they cannot be shared out.
    Tensor all_to_all(const Tensor& x) const;
    /// To one rank, which calls recv with a tensor of this shape and type. Returns without waiting for that,
    /// or for any operation that has begun.
    /// errors: IndexError for a rank that is none; ValueError for this one.
    void send(const Tensor& x, int to) const;
    /// x becomes what rank `from` sends, in place.
    /// errors: as send.
    void recv(const Tensor& x, int from) const { recv_async(x, from).wait(); }

    /// The same without waiting, in the order in which they are called, recv_async among the others: what
    /// is called behind it begins when its message has come. Results are written into `out`.
    /// errors: ShapeError, DTypeError, DeviceError if `out` is not as it would be returned.
    [[nodiscard]] Work broadcast_async(const Tensor& x, int root = 0) const;
    [[nodiscard]] Work all_reduce_async(const Tensor& x, ReduceOp op = ReduceOp::sum) const;
    [[nodiscard]] Work reduce_async(const Tensor& x, int root, ReduceOp op = ReduceOp::sum) const;
    /// The sum of x, of f16 or bf16, made in f32 and rounded once; on all ranks, or on `root` alone. What
    /// rounding takes from the sums that this rank makes is added to their places in `rest`, f32 like x, so
    /// that it can go into the next x of this rank (error feedback). Nobody else touches it meanwhile.
    /// errors: DTypeError, ShapeError, DeviceError for another x or rest; ValueError unless rest is dense.
    [[nodiscard]] Work sum_rounded_async(const Tensor& x, const Tensor& rest,
                                         std::optional<int> root = {}) const;
    [[nodiscard]] Work reduce_scatter_async(const Tensor& out, const Tensor& x,
                                            ReduceOp op = ReduceOp::sum) const;
    [[nodiscard]] Work all_gather_async(const Tensor& out, const Tensor& x) const;
    [[nodiscard]] Work all_to_all_async(const Tensor& out, const Tensor& x) const;
    [[nodiscard]] Work recv_async(const Tensor& x, int from) const;

    struct State;

  private:
    std::shared_ptr<State> state_;
};

/// The ends of a group over the engine "threads", one for each rank: for who starts the threads himself and
/// makes a Group on each.
/// errors: ValueError for less than one rank.
ADJOINT_API std::vector<std::shared_ptr<Engine>> thread_engines(int ranks);

/// Runs f(group) on `ranks` threads that are a group over the engine "threads". The error of the rank that
/// failed first is thrown when all have ended.
/// errors: ValueError for less than one rank; those of f.
ADJOINT_API void run_threads(int ranks, const std::function<void(const Group& group)>& f,
                             const GroupOptions& options = {});

}  // namespace adjoint::distributed
