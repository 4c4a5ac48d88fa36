// The checks of options.
#include <adjoint/optim/option_checks.h>

#include <adjoint/core/base/format.h>

namespace adjoint::optim::detail {

void check_not_negative(const char* op, NamedNumbers options) {
    for (const auto& [name, value] : options)
        check<ValueError>(value >= 0, "{}: {} is {}, it may not be negative", op, name, value);
}

void check_shares(const char* op, NamedNumbers options) {
    for (const auto& [name, value] : options)
        check<ValueError>(value >= 0 && value < 1, "{}: {} is {}, it must lie in [0, 1)", op, name, value);
}

}  // namespace adjoint::optim::detail
