// Errors of memory that name the file.
#include <adjoint/data/memory.h>

#include <new>
#include <stdexcept>

#include <adjoint/core/base/format.h>

namespace adjoint::data {

void throw_no_room(const std::string& path, std::string_view what, std::uint64_t count, std::size_t element) {
    fail<OutOfMemoryError>("{}: no memory for {}: {} elements of {} bytes are not to be had", path, what,
                           count, element);
}

void rethrow_of_file(const std::string& path) {
    constexpr auto no_memory = "{}: no memory is left for what it holds";
    try {
        throw;
    } catch (OutOfMemoryError& error) {
        error.lead(path.c_str());
        throw;
    } catch (const std::bad_alloc&) {
        fail<OutOfMemoryError>(no_memory, path);
    } catch (const std::length_error&) {
        fail<OutOfMemoryError>(no_memory, path);
    }
}

}  // namespace adjoint::data
