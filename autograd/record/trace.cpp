// The traces of a thread form a stack.
#include <adjoint/autograd/record/trace.h>

namespace adjoint {
namespace {

constinit thread_local Trace* innermost = nullptr;

}  // namespace

Trace::Trace() : outer_(innermost) { innermost = this; }
Trace::~Trace() { innermost = outer_; }
Trace* Trace::current() noexcept { return innermost; }

void Trace::keep(const Tensor& output) {
    const TensorImpl& impl = output.impl();
    if (!impl.producer) return;  // a gradient
    const NoGrad guard;
    values_.try_emplace({impl.producer.get(), impl.output_index}, Kept{impl.producer, output.detach()});
}

Tensor Trace::value(const Producer& producer, std::uint32_t index) const {
    const auto found = values_.find({&producer, index});
    return found == values_.end() ? Tensor() : found->second.value;
}

}  // namespace adjoint
