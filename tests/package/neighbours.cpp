// Part of a program that has libraries of its own which adjoint has inside as well, perhaps of other
// versions: both are used, and neither takes the other's place.
#include <adjoint/adjoint.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#ifdef CONSUMER_FMT
#include <fmt/format.h>
#endif
#ifdef CONSUMER_JSON
#include <nlohmann/json.hpp>
#endif
#ifdef CONSUMER_GTEST
#include <gtest/gtest.h>
#endif

namespace {

void expect(const std::string& got, const std::string& wanted) {
    if (got == wanted) return;
    std::printf("neighbours: \"%s\" instead of \"%s\"\n", got.c_str(), wanted.c_str());
    std::exit(1);
}

// Before main, so that main.cpp is the same for all.
[[maybe_unused]] const bool used = [] {
    std::string ours;
    try {
        (void)adjoint::matmul(adjoint::zeros({2, 3}), adjoint::zeros({4, 5}));
    } catch (const adjoint::ShapeError& error) {
        ours = error.what();
    }
    expect(ours.substr(0, ours.find(':')), "matmul");
#ifdef CONSUMER_FMT
    expect(fmt::format("{:.2f} {:>4} {}", 1.5, "x", 1e100), "1.50    x 1e+100");
    std::printf("fmt %d beside adjoint's\n", FMT_VERSION);
#endif
#ifdef CONSUMER_JSON
    expect(nlohmann::json::parse("{\"a\": [1, 2]}")["a"].dump(), "[1,2]");
    std::printf("JSON %d.%d beside adjoint's\n", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR);
#endif
#ifdef CONSUMER_GTEST
    expect(testing::PrintToString(7), "7");
#endif
    return true;
}();

}  // namespace
