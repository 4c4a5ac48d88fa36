// Operations that move memory: row W8.
//
//     bench/stream [threads]
//
// relu of 16M floats into a new tensor, their sum, softmax of 4096 x 1000; GB/s of reading and writing.
#include <adjoint/adjoint.h>

#include <cstdlib>

#include "report.h"

using namespace adjoint;

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const NoGrad guard;
    const std::int64_t n = std::int64_t{16} << 20;
    manual_seed(1);
    const Tensor x = randn({n}), rows = randn({4096, 1000});
    const auto rate = [](double bytes, double seconds) { return bytes / seconds / 1e9; };
    const double size = static_cast<double>(n) * 4, table = 4096.0 * 1000 * 4;
    bench::report("W8-relu", "adjoint", num_threads(), rate(2 * size, bench::time(9, [&] { relu(x); })),
                  "GB/s");
    bench::report("W8-sum", "adjoint", num_threads(), rate(size, bench::time(9, [&] { sum(x); })), "GB/s");
    bench::report("W8-softmax", "adjoint", num_threads(),
                  rate(2 * table, bench::time(9, [&] { softmax(rows, 1); })), "GB/s");
}
