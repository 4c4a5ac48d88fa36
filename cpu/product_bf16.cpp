// How a product of bf16 is cut into what the kernels for pairs multiply: all threads pack B, once; then each
// task packs some rows of A and multiplies.
#include <adjoint/cpu/product_bf16.h>

#include <algorithm>

#include <adjoint/core/memory/storage.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

class Product {
  public:
    Product(const PairKernels& kernel, const GemmCall& g)
        : kernel_(kernel), g_(g), pairs_(round_up(parts(g.k, 2), kernel.step)) {}

    void run() {
        for (std::int64_t j = 0; j < g_.n; j += most_columns) {
            first_column_ = j;
            columns_ = std::min(most_columns, g_.n - j);
            pack_b();
            multiply();
        }
    }

  private:
    static constexpr std::int64_t most_columns = 1024;
    static constexpr std::int64_t most_words = 1 << 17;  // of packed rows, which a cache holds

    static const std::uint16_t* bits(const void* x) { return static_cast<const std::uint16_t*>(x); }
    static constexpr std::int64_t parts(std::int64_t x, std::int64_t size) { return (x + size - 1) / size; }
    static constexpr std::int64_t round_up(std::int64_t x, std::int64_t step) {
        return parts(x, step) * step;
    }

    void pack_b() {
        const std::int64_t panels = parts(columns_, kernel_.columns);
        memory_ = nullptr;  // first, so that the same can be had again
        memory_ = Storage::allocate(
            static_cast<std::size_t>(panels * kernel_.columns * pairs_) * sizeof(std::uint32_t),
            Device::cpu());
        b_ = static_cast<std::uint32_t*>(memory_->data());
        constexpr std::int64_t task_words = 1 << 15;  // that pay for a wake-up
        const std::int64_t together = std::clamp<std::int64_t>(
            task_words / (kernel_.columns * std::max<std::int64_t>(1, pairs_)), 1, panels);
        parallel_for(parts(panels, together), [&](std::int64_t task) {
            const std::int64_t end = std::min(columns_, (task + 1) * together * kernel_.columns);
            for (std::int64_t j = task * together * kernel_.columns; j < end; j += kernel_.columns)
                kernel_.pack_columns(b_ + j * pairs_,
                                     {bits(g_.b) + (first_column_ + j) * g_.b_column, g_.b_column, g_.b_row,
                                      std::min(kernel_.columns, columns_ - j), g_.k},
                                     pairs_);
        });
    }

    // Rows first: each task then packs its own rows of A, and none twice.
    void multiply() {
        const std::int64_t work = 2 * g_.m * columns_ * g_.k / kernel_.task_work;
        const std::int64_t tasks = num_threads() == 1 ? 1 : std::clamp<std::int64_t>(work, 1, 64);
        const std::int64_t by_rows = std::min(tasks, parts(g_.m, 2 * kernel_.rows));
        const std::int64_t held = std::max<std::int64_t>(1, most_words / ((pairs_ + 1) * kernel_.rows));
        const std::int64_t height =
            std::min(held * kernel_.rows, round_up(parts(g_.m, by_rows), kernel_.rows));
        const std::int64_t rows = parts(g_.m, height);
        const std::int64_t by_columns =
            std::clamp<std::int64_t>(tasks / rows, 1, parts(columns_, 4 * kernel_.columns));
        const std::int64_t width = round_up(parts(columns_, by_columns), kernel_.columns);
        const std::int64_t columns = parts(columns_, width);
        parallel_for(rows * columns, [&](std::int64_t task) {
            const std::int64_t i = task / columns * height, j = task % columns * width;
            part(i, std::min(height, g_.m - i), j, std::min(width, columns_ - j));
        });
    }

    // m rows of C from row i on, and n columns from the given one of those that are packed.
    void part(std::int64_t i, std::int64_t m, std::int64_t j, std::int64_t n) const {
        const std::int64_t packed = round_up(m, kernel_.rows) * pairs_;
        auto* const a = static_cast<std::uint32_t*>(
            scratch(static_cast<std::size_t>(packed + n) * sizeof(std::uint32_t)));
        for (std::int64_t r = 0; r < m; r += kernel_.rows)
            kernel_.pack_rows(
                a + r * pairs_,
                {bits(g_.a) + (i + r) * g_.a_row, g_.a_row, g_.a_column, std::min(kernel_.rows, m - r), g_.k},
                pairs_);
        float* bias = nullptr;
        const std::int64_t column = first_column_ + j;
        if (g_.epilogue.bias) {
            constexpr auto type = static_cast<std::size_t>(DType::bf16);
            bias = reinterpret_cast<float*>(a + packed);
            kernels().load[type][compute_f32](bias, bits(g_.epilogue.bias) + column, n);
        }
        kernel_.multiply({static_cast<std::uint16_t*>(g_.c) + i * g_.c_row + column, a, b_ + j * pairs_, m, n,
                          pairs_, g_.c_row, bias});
    }

    const PairKernels& kernel_;
    const GemmCall& g_;
    const std::int64_t pairs_;  // along k
    std::int64_t first_column_ = 0, columns_ = 0;
    Ref<Storage> memory_;
    std::uint32_t* b_ = nullptr;
};

}  // namespace

void product_of_pairs(const PairKernels& kernel, const GemmCall& g) {
    if (g.m > 0 && g.n > 0) Product(kernel, g).run();
}

}  // namespace adjoint::cpu
