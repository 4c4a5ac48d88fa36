// Compares the library's matrix product, on one thread, with oneDNN's and OpenBLAS's, on the shapes of
// training 784-128-64-10 at batch 64 and 784-512-512-10 at batch 512.
// Medians of interleaved runs, in GFLOP/s.
#include <cblas.h>
#include <dnnl.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#define ADJOINT_ISA bench
#include <adjoint/cpu/gemm.h>

namespace {

using Clock = std::chrono::steady_clock;
using adjoint::cpu::bench::Gemm;

struct Shape {
    std::int64_t m, n, k;
    bool transpose_a, transpose_b;
};

double seconds(const auto& f, int repeat) {
    const auto start = Clock::now();
    for (int i = 0; i < repeat; ++i) f();
    return std::chrono::duration<double>(Clock::now() - start).count() / repeat;
}

double median(std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
}

void compare(const Shape& s) {
    const auto count = [](std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); };
    std::vector<float> a(count(s.m, s.k)), b(count(s.k, s.n));
    std::vector<float> ours(count(s.m, s.n)), onednn(ours.size()), openblas(ours.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 7 % 23) / 23 - 0.5f;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 5 % 19) / 19 - 0.5f;
    const std::int64_t lda = s.transpose_a ? s.m : s.k;
    const std::int64_t ldb = s.transpose_b ? s.k : s.n;
    const auto run_ours = [&] {
        adjoint::cpu::bench::gemm(Gemm<float>{.m = s.m,
                                              .n = s.n,
                                              .k = s.k,
                                              .a = a.data(),
                                              .a_row = s.transpose_a ? 1 : lda,
                                              .a_column = s.transpose_a ? lda : 1,
                                              .b = b.data(),
                                              .b_row = s.transpose_b ? 1 : ldb,
                                              .b_column = s.transpose_b ? ldb : 1,
                                              .c = ours.data(),
                                              .c_row = s.n});
    };
    const auto run_onednn = [&] {
        dnnl_sgemm(s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', s.m, s.n, s.k, 1, a.data(), lda,
                   b.data(), ldb, 0, onednn.data(), s.n);
    };
    const auto run_openblas = [&] {
        cblas_sgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans,
                    s.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(s.m), static_cast<int>(s.n),
                    static_cast<int>(s.k), 1, a.data(), static_cast<int>(lda), b.data(),
                    static_cast<int>(ldb), 0, openblas.data(), static_cast<int>(s.n));
    };
    const double flops = 2.0 * static_cast<double>(s.m * s.n * s.k);
    const int repeat = std::max(1, static_cast<int>(2e7 / flops));
    std::vector<double> times[3];
    for (int round = 0; round < 25; ++round) {
        times[0].push_back(seconds(run_ours, repeat));
        times[1].push_back(seconds(run_onednn, repeat));
        times[2].push_back(seconds(run_openblas, repeat));
    }
    float difference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        difference = std::max(difference, std::abs(ours[i] - openblas[i]));
    }
    double rate[3];
    for (int i = 0; i < 3; ++i) rate[i] = flops / median(times[i]) * 1e-9;
    std::printf("%5ld %5ld %5ld %c%c %9.1f %9.1f %9.1f   %5.2f   %.1e\n", s.m, s.n, s.k,
                s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', rate[0], rate[1], rate[2],
                rate[0] / std::max(rate[1], rate[2]), static_cast<double>(difference));
}

}  // namespace

int main() {
    omp_set_num_threads(1);
    openblas_set_num_threads(1);
    adjoint::cpu::set_num_threads(1);
    std::printf("    m     n     k          ours    oneDNN  OpenBLAS  ours/best  difference\n");
    // Forward: Y = X W^T; gradient of the input: dX = dY W; of the weight: dW = dY^T X.
    for (const auto& layers : {std::vector<std::int64_t>{64, 784, 128, 64, 10}, {512, 784, 512, 512, 10}}) {
        const std::int64_t batch = layers[0];
        for (std::size_t i = 1; i + 1 < layers.size(); ++i) {
            const std::int64_t in = layers[i];
            const std::int64_t out = layers[i + 1];
            compare({batch, out, in, false, true});
            if (i > 1) compare({batch, in, out, false, false});
            compare({out, in, batch, true, false});
        }
    }
    for (const std::int64_t n : {256, 1024}) {
        compare({n, n, n, false, false});
        compare({n, n, n, false, true});
    }
}
