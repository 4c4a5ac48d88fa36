// Training epochs on MNIST, the data in memory.
//
//     bench/mnist [threads] [rounds] [rows...]     rows: W1 W2 W3 W4, all by default
//
// The rows stand in mnist_rows.h.
#include <adjoint/adjoint.h>

#include <cstdlib>
#include <cstring>

#include "mnist_rows.h"
#include "report.h"

using namespace adjoint;

namespace {

void run(const bench::Row& row, int rounds) {
    const data::Mnist set = data::load_mnist();
    manual_seed(1);
    const nn::Sequential model = row.model();
    const auto optimizer = row.optimizer(model);
    data::Loader loader(bench::samples_of(row, set.train), {.batch_size = row.batch_size, .seed = 1});
    std::int64_t system_calls = 0;
    const double time = bench::time(rounds, [&] {
        system_calls = host_memory_stats().system_calls;
        std::int64_t step = 0;
        for (const data::Batch& batch : loader) {
            optimizer->zero_grad();
            cross_entropy(model(batch.x), batch.y).backward();
            optimizer->step();
            if (++step == row.steps) break;
        }
        system_calls = host_memory_stats().system_calls - system_calls;
    });
    bench::report(row.name, "adjoint", num_threads(), time, "s");
    std::printf("# %s: %lld allocations from the system in the last round\n", row.name,
                static_cast<long long>(system_calls));
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    for (const bench::Row& row : bench::rows) {
        bool wanted = argc <= 3;
        for (int i = 3; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], row.name) == 0;
        if (wanted) run(row, rounds);
    }
}
