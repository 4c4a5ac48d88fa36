// Runs one function of core/contract/math.h over all 2^32 floats and prints its largest error
// in units of the last place.
//
//   check_math exp     (about two minutes a function; add a stride to sample: check_math exp 1009)
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <adjoint/core/contract/math.h>

namespace math = adjoint::math;

namespace {

struct Function {
    const char* name;
    float (*ours)(float);
    double (*reference)(double);  // double has 29 bits more than float: its own error counts 2^-28 units
};

double reference_sigmoid(double x) {
    return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

const Function functions[] = {
    {"exp", [](float x) { return math::exp(x); }, [](double x) { return std::exp(x); }},
    {"exp2", [](float x) { return math::exp2(x); }, [](double x) { return std::exp2(x); }},
    {"expm1", [](float x) { return math::expm1(x); }, [](double x) { return std::expm1(x); }},
    {"log", [](float x) { return math::log(x); }, [](double x) { return std::log(x); }},
    {"log1p", [](float x) { return math::log1p(x); }, [](double x) { return std::log1p(x); }},
    {"log2", [](float x) { return math::log2(x); }, [](double x) { return std::log2(x); }},
    {"tanh", [](float x) { return math::tanh(x); }, [](double x) { return std::tanh(x); }},
    {"sigmoid", [](float x) { return math::sigmoid(x); }, reference_sigmoid},
    {"erf", [](float x) { return math::erf(x); }, [](double x) { return std::erf(x); }},
};

// The distance of `got` from `expected`, in units of the last place of a float of that size.
double error_in_ulp(float got, double expected) {
    const auto nearest = static_cast<float>(expected);
    if (std::isnan(got) || std::isnan(nearest)) {
        return std::isnan(got) == std::isnan(nearest) ? 0 : std::numeric_limits<double>::infinity();
    }
    if (std::isinf(got) && std::isinf(nearest) && got == nearest) return 0;
    // A value next to the largest float may round to infinity, whose place is then 2^128.
    const double value = std::isinf(got) ? std::copysign(0x1p128, got) : static_cast<double>(got);
    if (std::isinf(expected)) expected = std::copysign(0x1p128, expected);
    const int exponent = expected == 0 ? -126 : std::max(std::ilogb(expected), -126);
    return std::abs(value - expected) / std::ldexp(1.0, exponent - 23);
}

}  // namespace

int main(int argc, char** argv) {
    const auto stride = static_cast<std::uint64_t>(argc > 2 ? std::atoll(argv[2]) : 1);
    int found = 0;
    for (const auto& f : functions) {
        if (argc > 1 && std::strcmp(argv[1], f.name) != 0 && std::strcmp(argv[1], "all") != 0) continue;
        ++found;
        double worst = 0;
        float worst_x = 0;
        for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += stride) {
            const auto x = adjoint::bit_cast<float>(static_cast<std::uint32_t>(bits));
            const double error = error_in_ulp(f.ours(x), f.reference(static_cast<double>(x)));
            if (error > worst) {
                worst = error;
                worst_x = x;
            }
        }
        std::printf("%-8s %.4f ulp at %a\n", f.name, worst, static_cast<double>(worst_x));
    }
    return found > 0 ? 0 : 1;
}
