// Numbers far beyond what fits: an error of the library, never one of the standard
// library, and nothing is kept.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

struct AbsurdCall {
    const char* what;
    std::function<void()> call;
};

const std::vector<AbsurdCall>& absurd_calls() {
    constexpr std::int64_t huge = std::int64_t{1} << 50, most = std::numeric_limits<std::int64_t>::max();
    static const Tensor row = ones({1, 8}), index = zeros({2}, {.dtype = i64});
    static const std::vector<AbsurdCall> calls = {
        {"arange(0, inf)", [] { arange(0, INFINITY); }},
        {"arange(-inf, 0)", [] { arange(-INFINITY, 0); }},
        {"arange(0, 1, nan)", [] { arange(0, 1, NAN); }},
        {"arange(nan, 1)", [] { arange(NAN, 1); }},
        {"arange(0, 1, 1e-300)", [] { arange(0, 1, 1e-300); }},
        {"arange(0, 1e15)", [] { arange(0, 1e15); }},
        {"arange(2^50)", [=] { arange(huge); }},
        {"arange(2^63 - 1)", [=] { arange(most); }},
        {"linspace(0, inf)", [] { linspace(0, INFINITY, 3); }},
        {"linspace of 2^50", [=] { linspace(0, 1, huge); }},
        {"linspace of 2^63 - 1", [=] { linspace(0, 1, most); }},
        {"eye(2^31)", [] { eye(std::int64_t{1} << 31); }},
        {"eye(2^50)", [=] { eye(huge); }},
        {"eye(-1)", [] { eye(-1); }},
        {"zeros of 2^50", [=] { zeros({huge}); }},
        {"randperm of 2^50", [=] { randperm(huge); }},
        {"full of 2^63 - 1", [=] { full({most}, 1); }},
        {"repeat",
         [=] {
             repeat(row, {huge, huge});
         }},
        {"pad",
         [=] {
             pad(row, {huge, 0});
         }},
        {"pad by 2^63 - 1",
         [=] {
             pad(row, {most, most}, PadMode::replicate);
         }},
        {"pad replicate",
         [=] {
             pad(row, {huge, 0}, PadMode::replicate);
         }},
        {"one_hot", [=] { one_hot(index, huge); }},
        {"split", [=] { split(row, 0, 1); }},
        {"chunk", [=] { chunk(row, -1, 1); }},
        {"k_fold", [=] { data::k_fold(10, most); }},
        {"k_fold of none", [=] { data::k_fold(10, 0); }},
        {"to_vector", [=] { (void)expand(ones({1}), {most}).to_vector<bool>(); }},
        {"to_string", [=] { (void)to_string(expand(ones({1}), {most}), {.threshold = most}); }},
        {"nonzero", [=] { (void)nonzero(expand(ones({1}), {most})); }},
        {"contiguous", [=] { (void)expand(ones({1}), {huge}).contiguous(); }},
        {"Loader",
         [] {
             data::Loader({.inputs = ones({2, 2}), .targets = ones({2})}, {.batch_size = 0});
         }},
        {"blend", [] { picture::blend("red", "#ffffff", 0.5); }},
        {"blend of little", [] { picture::blend("#ff", "#ffffff", 0.5); }},
        {"set_num_threads", [] { set_num_threads(0); }},
        {"Device::parse", [] { Device::parse("cuda:99999999999999999999"); }},
    };
    return calls;
}

TEST(AbsurdSizes, AreErrorsOfTheLibrary) {
    const std::int64_t before = host_memory_stats().in_use;
    for (const auto& [what, call] : absurd_calls()) {
        try {
            call();
            ADD_FAILURE() << what << " was not refused";
        } catch (const Error& error) {
            EXPECT_LT(std::string(error.what()).size(), 300u) << what;
        } catch (const std::exception& error) {
            ADD_FAILURE() << what << ": an error of another kind: " << error.what();
        }
    }
    EXPECT_LT(host_memory_stats().in_use - before, 1 << 20);
}

}  // namespace
}  // namespace adjoint
