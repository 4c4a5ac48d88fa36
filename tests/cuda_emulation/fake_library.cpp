// In the place of cuda/libraries/library.cpp.
#include "fake_library.h"

#include <adjoint/cuda/libraries/library.h>

namespace adjoint {

namespace emulated {

std::map<std::string, FakeLibrary>& fake_libraries() {
    static std::map<std::string, FakeLibrary> all;
    return all;
}

}  // namespace emulated

namespace cuda_backend {

OpenLibrary open_library(const std::string& file) {
    OpenLibrary library;
    library.handle = &emulated::fake_libraries().at(file);
    return library;
}

void* find_symbol(const OpenLibrary& library, const char* name) noexcept {
    const auto& fake = *static_cast<const emulated::FakeLibrary*>(library.handle);
    const auto found = fake.functions.find(name);
    return found == fake.functions.end() ? fake.other : found->second;
}

}  // namespace cuda_backend
}  // namespace adjoint
