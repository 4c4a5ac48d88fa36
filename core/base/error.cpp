#include <adjoint/core/base/error.h>

#include <new>
#include <utility>

namespace adjoint {

void Error::lead(const char* operation) {
    const std::string start = std::string(operation) + ": ";
    if (std::string(what()).rfind(start, 0) != 0)
        std::runtime_error::operator=(std::runtime_error(start + what()));
}

void Error::place(const std::string& where) {
    if (std::exchange(placed_, true)) return;
    std::runtime_error::operator=(std::runtime_error(where + ": " + what()));
}

void throw_no_memory(const char* operation) {
    throw OutOfMemoryError(std::string(operation) + ": the memory for it is not to be had");
}

void rethrow_named(const char* operation) {
    try {
        throw;
    } catch (Error& error) {
        error.lead(operation);
        throw;
    } catch (const std::bad_alloc&) {
        throw_no_memory(operation);
    } catch (const std::length_error&) {
        throw_no_memory(operation);
    }
}

}  // namespace adjoint
