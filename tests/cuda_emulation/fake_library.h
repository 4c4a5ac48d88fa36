// Libraries that are functions of the test program, for cuda/libraries/library.h.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace adjoint::emulated {

struct FakeLibrary {
    std::map<std::string_view, void*> functions;
    void* other = nullptr;  // stands for all that are not named
};
/// By the name of the file that is opened.
std::map<std::string, FakeLibrary>& fake_libraries();

template <class F> void* address(F* function) { return reinterpret_cast<void*>(function); }

}  // namespace adjoint::emulated
