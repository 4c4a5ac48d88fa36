// Each is the other's derivative.
#include <adjoint/distributed/parallel/recorded.h>

#include <adjoint/autograd/record/function.h>

namespace adjoint::distributed {
namespace {

struct AllGather : Function {
    static constexpr auto name = "all_gather";
    Group group;
    explicit AllGather(const Group& g) : group(g) {}
    Tensor forward(const Tensor& x) const { return group.all_gather(x); }
    Grads backward(const Tensor& g) const { return {reduce_scatter(group, g)}; }
};

struct ReduceScatter : Function {
    static constexpr auto name = "reduce_scatter";
    Group group;
    explicit ReduceScatter(const Group& g) : group(g) {}
    Tensor forward(const Tensor& x) const { return group.reduce_scatter(x); }
    Grads backward(const Tensor& g) const { return {all_gather(group, g)}; }
};

}  // namespace

Tensor all_gather(const Group& group, const Tensor& x) { return record(AllGather(group), x); }
Tensor reduce_scatter(const Group& group, const Tensor& x) { return record(ReduceScatter(group), x); }

}  // namespace adjoint::distributed
