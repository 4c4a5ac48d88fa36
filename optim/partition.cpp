// Which parameters have partitioned gradients is known to the process, as their holders are many.
#include <adjoint/optim/partition.h>

#include <atomic>
#include <mutex>
#include <unordered_set>
#include <utility>

#include <adjoint/core/base/format.h>

namespace adjoint::optim {
namespace {

// Never destroyed: models may outlive all else.
struct Partitioned {
    std::mutex mutex;
    std::unordered_set<const TensorImpl*> parameters;
    std::atomic<std::size_t> count = 0;
    static Partitioned& all() {
        static Partitioned& one = *new Partitioned;
        return one;
    }
};

thread_local WholeUse allowed = WholeUse::none;

// How it is done where gradients are partitioned.
const char* instead_of(WholeUse use) noexcept {
    constexpr const char* names[] = {"", "parallel.step(optimizer)", "parallel.unscale(scaler, optimizer)",
                                     "parallel.clip_grad_norm_(parameters, max_norm)"};
    return names[static_cast<std::size_t>(use)];
}

}  // namespace

Partition::Partition(std::span<const Tensor> parameters) {
    Partitioned& partitioned = Partitioned::all();
    const std::scoped_lock lock(partitioned.mutex);
    for (const Tensor& parameter : parameters)
        check<ValueError>(!partitioned.parameters.contains(&parameter.impl()),
                          "data parallel: a parameter of shape {} is of another DataParallel, which has "
                          "shared out its gradients; models that have layers in common are one module with "
                          "one DataParallel, or go without Shard::gradients",
                          parameter.shape());
    for (const Tensor& parameter : parameters) {
        held_.push_back(&parameter.impl());
        partitioned.parameters.insert(&parameter.impl());
    }
    partitioned.count = partitioned.parameters.size();
}

Partition::~Partition() {
    Partitioned& partitioned = Partitioned::all();
    const std::scoped_lock lock(partitioned.mutex);
    for (const TensorImpl* const parameter : held_) partitioned.parameters.erase(parameter);
    partitioned.count = partitioned.parameters.size();
}

PartialUse::PartialUse(WholeUse use) noexcept : before_(std::exchange(allowed, use)) {}
PartialUse::~PartialUse() { allowed = before_; }

bool any_partition() noexcept { return Partitioned::all().count.load(std::memory_order_relaxed) > 0; }

void check_whole(WholeUse use, const char* op, std::span<const Tensor> parameters) {
    if (!any_partition() || allowed == use) return;
    Partitioned& partitioned = Partitioned::all();
    const std::scoped_lock lock(partitioned.mutex);
    for (const Tensor& parameter : parameters)
        check<ValueError>(
            !partitioned.parameters.contains(&parameter.impl()),
            "{}: the gradients are shared out over the ranks, and of a parameter of shape {} one rank alone "
            "has it; {} takes its place{}",
            op, parameter.shape(), instead_of(use), use == WholeUse::unscale ? ", before the step" : "");
}

}  // namespace adjoint::optim
