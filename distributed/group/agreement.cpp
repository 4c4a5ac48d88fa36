// Operations in words.
#include <adjoint/distributed/group/agreement.h>

#include <span>

#include <adjoint/core/base/format.h>

namespace adjoint::distributed {

Agreement::Agreement(Operation what, const Tensor& x)
    : operation(what), dtype(x.dtype()), dims(x.shape().size()) {
    for (int d = 0; d < dims; ++d) sizes[d] = x.shape()[d];
}

const char* name(Operation operation) noexcept {
    constexpr const char* names[] = {"join",           "barrier",    "broadcast",  "all_reduce", "reduce",
                                     "reduce_scatter", "all_gather", "all_to_all", "message"};
    return names[static_cast<std::size_t>(operation)];
}

std::string to_string(const Agreement& agreement) {
    if (agreement.operation == Operation::join || agreement.operation == Operation::barrier)
        return name(agreement.operation);
    constexpr const char* reductions[] = {"sum", "mean", "max", "min"};
    std::string text = name(agreement.operation);
    if (agreement.operation == Operation::broadcast) text += fmt::format(" (root {})", agreement.root);
    if (agreement.operation == Operation::reduce)
        text += fmt::format(" ({} on rank {})", reductions[static_cast<std::size_t>(agreement.reduce)],
                            agreement.root);
    if (agreement.operation == Operation::all_reduce || agreement.operation == Operation::reduce_scatter)
        text += fmt::format(" ({}{})", reductions[static_cast<std::size_t>(agreement.reduce)],
                            agreement.by_engine ? " by the engine" : "");
    const std::span<const std::int64_t> sizes(agreement.sizes, static_cast<std::size_t>(agreement.dims));
    return text + fmt::format(" of {} {}{}", name(agreement.dtype), Shape(sizes),
                              agreement.on_host ? "" : " on the engine's device");
}

}  // namespace adjoint::distributed
