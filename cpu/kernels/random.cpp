// Random numbers and dropout: element i is a function of (seed, stream, i).
#include <adjoint/core/contract/random.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

constexpr std::int64_t blocks_at_once = 16;

// Calls use(words, first element, count) for runs of up to 64 elements; words[w][b] is word w of block b.
template <class Use>
__attribute__((always_inline)) inline void for_words(std::int64_t first, std::int64_t n, std::uint64_t seed,
                                                     std::uint64_t stream, Use use) {
    for (std::int64_t done = 0; done < n; done += 4 * blocks_at_once) {
        std::uint32_t words[4 * blocks_at_once];
        const std::uint64_t block = static_cast<std::uint64_t>((first + done) / 4);
        for (std::int64_t b = 0; b < blocks_at_once; ++b) {
            const Philox4 random = philox(seed, stream, block + static_cast<std::uint64_t>(b));
            for (int w = 0; w < 4; ++w) words[4 * b + w] = random.v[w];
        }
        const std::int64_t left = n - done;
        use(words, done, left < 4 * blocks_at_once ? left : 4 * blocks_at_once);
    }
}

void uniform_f32(void* out, std::int64_t first, std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
    float* to = static_cast<float*>(out);
    for_words(first, n, seed, stream, [to](const std::uint32_t* words, std::int64_t at, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) to[at + i] = uniform_float(words[i]);
    });
}

// A double takes the words of the float elements 2i and 2i + 1.
void uniform_f64(void* out, std::int64_t first, std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
    double* to = static_cast<double*>(out);
    for_words(2 * first, 2 * n, seed, stream,
              [to](const std::uint32_t* words, std::int64_t at, std::int64_t count) {
                  for (std::int64_t i = 0; i < count / 2; ++i)
                      to[at / 2 + i] = uniform_double(words[2 * i], words[2 * i + 1]);
              });
}

void normal_f32(void* out, std::int64_t first, std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
    float* to = static_cast<float*>(out);
    for_words(first, n, seed, stream, [to](const std::uint32_t* words, std::int64_t at, std::int64_t count) {
        float pairs[4 * blocks_at_once];
        for (std::int64_t i = 0; i < 2 * blocks_at_once; ++i) {
            const NormalPair<float> pair = normal_float(words[2 * i], words[2 * i + 1]);
            pairs[2 * i] = pair.first;
            pairs[2 * i + 1] = pair.second;
        }
        for (std::int64_t i = 0; i < count; ++i) to[at + i] = pairs[i];
    });
}

// A pair of doubles takes a block; first is even.
void normal_f64(void* out, std::int64_t first, std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
    double* to = static_cast<double*>(out);
    for (std::int64_t i = 0; i < n; i += 2) {
        const NormalPair<double> pair =
            normal_double(philox(seed, stream, static_cast<std::uint64_t>((first + i) / 2)));
        to[i] = pair.first;
        if (i + 1 < n) to[i + 1] = pair.second;
    }
}

template <class T>
void dropout(void* out, const void* x, std::int64_t first, std::int64_t n, double p, std::uint64_t seed,
             std::uint64_t stream) {
    T* to = static_cast<T*>(out);
    const T* from = static_cast<const T*>(x);
    const DropoutRule rule(p);
    for_words(first, n, seed, stream, [=](const std::uint32_t* words, std::int64_t at, std::int64_t count) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < count; ++i) to[at + i] = rule.value(from[at + i], words[i]);
    });
}

}  // namespace

void add_random(Kernels& table) {
    table.uniform[0] = uniform_f32;
    table.uniform[1] = uniform_f64;
    table.normal[0] = normal_f32;
    table.normal[1] = normal_f64;
    table.dropout[0] = dropout<float>;
    table.dropout[1] = dropout<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
