// The work of bench/stream with libtorch.
//
//     bench/torch_stream [threads]
#include <torch/torch.h>

#include <cstdlib>

#include "report.h"

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
    torch::set_num_threads(threads);
    const torch::NoGradGuard guard;
    const std::int64_t n = std::int64_t{16} << 20;
    const torch::Tensor x = torch::randn({n}), rows = torch::randn({4096, 1000});
    const auto rate = [](double bytes, double seconds) { return bytes / seconds / 1e9; };
    const double size = static_cast<double>(n) * 4, table = 4096.0 * 1000 * 4;
    bench::report("W8-relu", "libtorch", threads, rate(2 * size, bench::time(9, [&] { torch::relu(x); })),
                  "GB/s");
    bench::report("W8-sum", "libtorch", threads, rate(size, bench::time(9, [&] { x.sum(); })), "GB/s");
    bench::report("W8-softmax", "libtorch", threads,
                  rate(2 * table, bench::time(9, [&] { torch::softmax(rows, 1); })), "GB/s");
}
