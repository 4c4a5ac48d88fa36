// Draws by running sums, and by exponential times.
#include <adjoint/core/tensor/weighted_draw.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <adjoint/core/contract/random.h>

namespace adjoint {
namespace {

// Uniform in [0, 1).
double uniform_of_block(GeneratorState stream, std::uint64_t block) {
    const Philox4 words = philox(stream.seed, stream.stream, block);
    return uniform_double(words.v[0], words.v[1]);
}

}  // namespace

std::vector<std::int64_t> drawn_with_replacement(std::span<const double> weights, std::int64_t count,
                                                 GeneratorState stream, std::uint64_t first) {
    std::vector<double> sums(weights.size());
    std::partial_sum(weights.begin(), weights.end(), sums.begin());
    // Rounding must not lead behind the last position that can be drawn.
    const auto last = std::lower_bound(sums.begin(), sums.end(), sums.back());
    std::vector<std::int64_t> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = std::min(std::upper_bound(sums.begin(), sums.end(),
                                           uniform_of_block(stream, first + i) * sums.back()),
                          last) -
                 sums.begin();
    return out;
}

std::vector<std::int64_t> drawn_without_replacement(std::span<const double> weights, std::int64_t count,
                                                    GeneratorState stream, std::uint64_t first) {
    // The smallest of exponential times whose rates are the weights.
    std::vector<std::pair<double, std::int64_t>> times;
    for (std::size_t i = 0; i < weights.size(); ++i)
        if (weights[i] > 0)
            times.emplace_back(-std::log1p(-uniform_of_block(stream, first + i)) / weights[i],
                               static_cast<std::int64_t>(i));
    std::partial_sort(times.begin(), times.begin() + count, times.end());
    std::vector<std::int64_t> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = times[i].second;
    return out;
}

}  // namespace adjoint
