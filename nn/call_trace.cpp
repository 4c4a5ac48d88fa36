// The traces of a thread form a stack.
#include <adjoint/nn/call_trace.h>

namespace adjoint::nn {
namespace {

constinit thread_local CallTrace* innermost_trace = nullptr;

}  // namespace

CallTrace::CallTrace(bool keeps_values) : keeps_values_(keeps_values), outer_(innermost_trace) {
    innermost_trace = this;
}
CallTrace::~CallTrace() { innermost_trace = outer_; }
CallTrace* CallTrace::current() noexcept { return innermost_trace; }

std::size_t CallTrace::begin(std::string path, std::string kind, std::optional<Module> layer,
                             const Tensor& input) {
    LayerCall& call = calls_.emplace_back();
    call.path = std::move(path);
    call.kind = std::move(kind);
    call.depth = depth_++;
    call.layer = std::move(layer);
    call.input_shape = input.shape();
    if (keeps_values_) call.input = input;
    return calls_.size() - 1;
}

void CallTrace::end(std::size_t call, const Tensor& output) {
    --depth_;
    calls_[call].output_shape = output.shape();
    if (keeps_values_) calls_[call].output = output;
}

}  // namespace adjoint::nn
