// Operations in words.
#include <adjoint/distributed/group/agreement.h>

#include <algorithm>
#include <span>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/distributed/group/purpose.h>

namespace adjoint::distributed {
namespace {

thread_local const std::string* present_purpose = nullptr;

}  // namespace

Purpose::Purpose(std::string text)
    : text_(std::move(text)), before_(std::exchange(present_purpose, &text_)) {}
Purpose::~Purpose() { present_purpose = before_; }

Agreement::Agreement(Operation what) : operation(what) {
    if (present_purpose)
        std::copy_n(present_purpose->data(), std::min(present_purpose->size(), sizeof purpose - 1), purpose);
}

Agreement::Agreement(Operation what, const Tensor& x) : Agreement(what) {
    dtype = x.dtype();
    dims = x.shape().size();
    for (int d = 0; d < dims; ++d) sizes[d] = x.shape()[d];
}

const char* name(Operation operation) noexcept {
    constexpr const char* names[] = {"join",   "leave",          "barrier",    "broadcast",  "all_reduce",
                                     "reduce", "reduce_scatter", "all_gather", "all_to_all", "message"};
    return names[static_cast<std::size_t>(operation)];
}

std::string to_string(const Agreement& agreement) {
    const std::string purpose = agreement.purpose[0] ? fmt::format(" ({})", agreement.purpose) : "";
    if (agreement.operation <= Operation::barrier) return name(agreement.operation) + purpose;
    constexpr const char* reductions[] = {"sum", "mean", "max", "min"};
    std::string text = name(agreement.operation);
    if (agreement.operation == Operation::broadcast) text += fmt::format(" (root {})", agreement.root);
    if (agreement.operation == Operation::reduce)
        text += fmt::format(" ({}{} on rank {})", reductions[static_cast<std::size_t>(agreement.reduce)],
                            agreement.rounded ? " rounded once" : "", agreement.root);
    if (agreement.operation == Operation::all_reduce || agreement.operation == Operation::reduce_scatter)
        text += fmt::format(" ({}{})", reductions[static_cast<std::size_t>(agreement.reduce)],
                            agreement.rounded     ? " rounded once"
                            : agreement.by_engine ? " by the engine"
                                                  : "");
    const std::span<const std::int64_t> sizes(agreement.sizes, static_cast<std::size_t>(agreement.dims));
    return text + fmt::format(" of {} {}{}{}", name(agreement.dtype), Shape(sizes),
                              agreement.on_host ? "" : " on the engine's device", purpose);
}

}  // namespace adjoint::distributed
