// What every table of functions is held to.
#pragma once

#include <gtest/gtest.h>

#include <adjoint/cuda/libraries/library.h>

#include <string>

namespace adjoint::cuda_backend {

/// Each entry is that function of the library, whose version begins with `major`.
template <class Table>
void expect_resolved(const Library<Table>& library, const cuda::Component& component, int major) {
    EXPECT_TRUE(library.usable()) << library.problem;
    Table table = library.table;
    table.each([&](const char* name, auto* entry) {
        EXPECT_NE(entry, nullptr) << name << " in " << library.location;
        EXPECT_EQ(reinterpret_cast<void*>(entry), find_symbol(library, name)) << name;
    });
    EXPECT_EQ(component.version.find(std::to_string(major) + "."), 0u) << component.version;
    EXPECT_EQ(component.location, library.location);
}

}  // namespace adjoint::cuda_backend
