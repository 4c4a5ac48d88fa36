#include <adjoint/core/base/error.h>

namespace adjoint {

void Error::lead(const char* operation) {
    const std::string start = std::string(operation) + ": ";
    if (std::string(what()).rfind(start, 0) != 0)
        std::runtime_error::operator=(std::runtime_error(start + what()));
}

}  // namespace adjoint
