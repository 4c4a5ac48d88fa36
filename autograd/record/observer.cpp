// The observers of a thread form a stack.
#include <adjoint/autograd/record/observer.h>

#include <utility>

#include <adjoint/core/contract/span_session.h>

namespace adjoint {

void Attributes::add(std::string_view name, Value value) { list_.emplace_back(name, std::move(value)); }
namespace {

constinit thread_local Observer* listening = nullptr;
constinit thread_local const char* outermost = "";

}  // namespace

Observer::Observer() : outer_(listening), mode_before_(detail::mode) {
    listening = this;
    detail::mode |= detail::observed;
}

Observer::~Observer() {
    listening = outer_;
    detail::mode = mode_before_;
}

const char* detail::Within::enter(const char* name) noexcept {
    return std::exchange(outermost, *outermost == 0 ? name : outermost);
}
void detail::Within::leave(const char* before) noexcept { outermost = before; }

namespace {

// Where the trace of a whole process is written, the operations of each of its threads are spans.
[[maybe_unused]] const bool joins_traces = [] {
    detail::on_traced_thread([] { detail::mode = static_cast<std::uint8_t>(detail::mode | detail::timed); });
    return true;
}();

}  // namespace

void detail::tell(std::string_view name, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                  const Attributes& attributes) {
    const Unheard guard;
    listening->heard({name, outermost, inputs, outputs, attributes});
}

}  // namespace adjoint
