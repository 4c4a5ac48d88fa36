// Row W8 as loops written for these three computations alone, on one thread.
//
//     bench/hand_stream
//
// relu of 16M floats into memory that is there already, their sum, softmax of 4096 x 1000; GB/s of reading
// and writing. The exponential is the library's, which the compiler turns into vectors.
#include <algorithm>
#include <vector>

#include <adjoint/core/contract/math.h>

#include "report.h"

namespace {

constexpr long n = 16L << 20, rows = 4096, columns = 1000;
constexpr int lanes = 64;

float sum(const std::vector<float>& x) {
    float partial[lanes] = {};
    for (long i = 0; i < n; i += lanes)
        for (int j = 0; j < lanes; ++j) partial[j] += x[i + j];
    float total = 0;
    for (const float p : partial) total += p;
    return total;
}

void softmax(float* y, const float* x) {
    float top = x[0], total = 0;
    for (long i = 1; i < columns; ++i) top = x[i] > top ? x[i] : top;
    for (long i = 0; i < columns; ++i) y[i] = adjoint::math::exp(x[i] - top);
    for (long i = 0; i < columns; ++i) total += y[i];
    for (long i = 0; i < columns; ++i) y[i] /= total;
}

}  // namespace

int main() {
    std::vector<float> x(n), y(n);
    for (long i = 0; i < n; ++i) x[i] = static_cast<float>(i % 1013) / 500 - 1;
    const auto report = [](const char* row, double bytes, double seconds) {
        bench::report(row, "plain-loop", 1, bytes / seconds / 1e9, "GB/s");
    };
    volatile float result = 0;
    report("W8-relu", 8.0 * n, bench::time(9, [&] {
               for (long i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : 0;
           }));
    report("W8-sum", 4.0 * n, bench::time(9, [&] { result = sum(x); }));
    report("W8-softmax", 8.0 * rows * columns, bench::time(9, [&] {
               for (long r = 0; r < rows; ++r) softmax(&y[r * columns], &x[r * columns]);
           }));
}
