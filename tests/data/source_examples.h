// A source and a stream as a program would write them, for the tests of loaders.
#pragma once

#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/loader.h>

namespace adjoint::data {

// Sample i is (i, 10 i) with the number i.
class Multiples : public Source {
  public:
    explicit Multiples(std::int64_t n) : n_(n) {}
    std::int64_t size() const override { return n_; }
    Batch get(std::span<const std::int64_t> samples) const override {
        std::vector<float> x;
        for (const std::int64_t i : samples)
            x.insert(x.end(), {static_cast<float>(i), static_cast<float>(10 * i)});
        const auto count = static_cast<std::int64_t>(samples.size());
        return {tensor(x, {count, 2}),
                tensor(std::vector<std::int64_t>(samples.begin(), samples.end()), {count})};
    }
    static std::vector<float> all(std::int64_t n) {
        std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
        std::iota(numbers.begin(), numbers.end(), 0);
        return Multiples(n).get(numbers).x.to_vector<float>();
    }

  private:
    std::int64_t n_;
};

// 1000 epoch + n, n - 1, .. 1, as inputs and targets.
class Countdown : public Stream {
  public:
    explicit Countdown(int n) : n_(n) {}
    void begin(std::uint64_t epoch) override {
        left_ = n_;
        epoch_ = epoch;
    }
    std::optional<Batch> next(std::int64_t count) override {
        std::vector<float> values;
        for (; left_ > 0 && count > 0; --count)
            values.push_back(static_cast<float>(epoch_) * 1000 + static_cast<float>(left_--));
        if (values.empty()) return {};
        const Tensor x = tensor(values, {static_cast<std::int64_t>(values.size()), 1});
        return Batch{x, x};
    }

  private:
    int n_, left_ = 0;
    std::uint64_t epoch_ = 0;
};

// All inputs of what is left of an epoch, then all targets.
inline std::vector<double> contents(Loader& loader) {
    std::vector<double> numbers, targets;
    for (const Batch& batch : loader) {
        for (const double value : batch.x.to_vector<double>()) numbers.push_back(value);
        for (const double value : batch.y.to_vector<double>()) targets.push_back(value);
    }
    numbers.insert(numbers.end(), targets.begin(), targets.end());
    return numbers;
}

}  // namespace adjoint::data
