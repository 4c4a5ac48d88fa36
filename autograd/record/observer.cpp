// The observers of a thread form a stack.
#include <adjoint/autograd/record/observer.h>

namespace adjoint {

void Attributes::add(std::string_view name, Value value) { list_.emplace_back(name, std::move(value)); }
namespace {

constinit thread_local Observer* listening = nullptr;

}  // namespace

Observer::Observer() : outer_(listening), mode_before_(detail::mode) {
    listening = this;
    detail::mode |= detail::observed;
}

Observer::~Observer() {
    listening = outer_;
    detail::mode = mode_before_;
}

void detail::tell(std::string_view name, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                  const Attributes& attributes) {
    const Unheard guard;
    listening->heard({name, inputs, outputs, attributes});
}

}  // namespace adjoint
