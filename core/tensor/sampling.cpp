// Rows of weights as doubles, drawn from one after the other.
#include <adjoint/core/tensor/sampling.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/weighted_draw.h>

namespace adjoint {
namespace {

void check_weights(std::span<const double> row, std::int64_t number, std::int64_t count, bool replacement) {
    std::int64_t positive = 0;
    double total = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        check<ValueError>(std::isfinite(row[i]) && row[i] >= 0,
                          "multinomial: element {} of row {} is {}, expected probabilities of 0 or more", i,
                          number, shown(row[i]));
        positive += row[i] > 0;
        total += row[i];
    }
    check<ValueError>(positive > 0 && std::isfinite(total),
                      "multinomial: row {} sums to {}, nothing can be drawn of it", number, total);
    check<ValueError>(replacement || count <= positive,
                      "multinomial: {} of the {} positive elements of row {} without replacement; with "
                      "replacement there can be more",
                      count, positive, number);
}

void check_logits(std::span<const double> row, std::size_t number) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < row.size(); ++i) {
        check<ValueError>(row[i] < std::numeric_limits<double>::infinity(),
                          "sample_categorical: logit {} of row {} is {}", i, number, shown(row[i]));
        largest = std::max(largest, row[i]);
    }
    check<ValueError>(std::isfinite(largest), "sample_categorical: all logits of row {} are -inf", number);
}

void check_options(const SampleOptions& options) {
    check<ValueError>(std::isfinite(options.temperature) && options.temperature >= 0,
                      "sample_categorical: temperature {}, expected 0 or more", options.temperature);
    check<ValueError>(options.top_k >= 0, "sample_categorical: top_k {}, expected 0 (all) or more",
                      options.top_k);
    check<ValueError>(options.top_p > 0 && options.top_p <= 1,
                      "sample_categorical: top_p {} is outside (0, 1]", options.top_p);
}

// Positions by falling logit, the first of equal ones first.
std::vector<std::size_t> ranked(std::span<const double> logits) {
    std::vector<std::size_t> order(logits.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    return order;
}

// exp(logit / temperature) against the largest; 0 for what the options leave out.
std::vector<double> weights_of(std::span<const double> logits, const SampleOptions& options) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    std::vector<double> weights(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
        weights[i] = std::exp((logits[i] - largest) / options.temperature);
    if (options.top_k == 0 && options.top_p == 1) return weights;
    const std::vector<std::size_t> order = ranked(logits);
    std::size_t kept = order.size();
    if (options.top_k > 0) kept = std::min(kept, static_cast<std::size_t>(options.top_k));
    double total = 0, sum = 0;
    for (std::size_t i = 0; i < kept; ++i) total += weights[order[i]];
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i >= kept || (options.top_p < 1 && sum >= options.top_p * total)) weights[order[i]] = 0;
        sum += weights[order[i]];
    }
    return weights;
}

GeneratorState stream_of(GeneratorState* generator) {
    if (generator == nullptr) return next_stream();
    const GeneratorState stream = *generator;
    ++generator->stream;
    return stream;
}

Tensor drawn_of_rows(const Tensor& p, std::int64_t count, bool replacement) {
    const std::vector<double> values = p.to_vector<double>();
    const auto width = static_cast<std::size_t>(p.shape().back());
    const std::size_t rows = values.size() / width;
    const auto row = [&](std::size_t i) { return std::span(values).subspan(i * width, width); };
    for (std::size_t i = 0; i < rows; ++i)
        check_weights(row(i), static_cast<std::int64_t>(i), count, replacement);
    const GeneratorState stream = next_stream();
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < rows; ++i) {
        const std::vector<std::int64_t> drawn =
            replacement ? drawn_with_replacement(row(i), count, stream, i * static_cast<std::size_t>(count))
                        : drawn_without_replacement(row(i), count, stream, i * width);
        out.insert(out.end(), drawn.begin(), drawn.end());
    }
    Shape shape = p.shape();
    shape[shape.size() - 1] = count;
    return tensor(out, shape, {.dtype = DType::i64, .device = p.device()});
}

}  // namespace

Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement) {
    const Tensor& p = probabilities;
    check<DTypeError>(is_floating(p.dtype()), "multinomial: probabilities of type {}, expected floating ones",
                      name(p.dtype()));
    check<ShapeError>((p.dim() == 1 || p.dim() == 2) && p.shape().back() > 0,
                      "multinomial: probabilities of shape {}, expected (C) or (N, C) with C of at least 1",
                      p.shape());
    check<ValueError>(count > 0, "multinomial: {} draws, expected at least 1", count);
    return named("multinomial", [&] { return drawn_of_rows(p, count, replacement); });
}

Tensor sample_categorical(const Tensor& logits, const SampleOptions& options) {
    check<DTypeError>(is_floating(logits.dtype()),
                      "sample_categorical: logits of type {}, expected floating ones", name(logits.dtype()));
    check<ShapeError>(logits.dim() >= 1 && logits.shape().back() > 0,
                      "sample_categorical: logits of shape {}, expected (.., C) with C of at least 1",
                      logits.shape());
    check_options(options);
    const std::vector<double> values = logits.to_vector<double>();
    const auto width = static_cast<std::size_t>(logits.shape().back());
    const auto row = [&](std::size_t i) { return std::span(values).subspan(i * width, width); };
    std::vector<std::int64_t> out(values.size() / width);
    for (std::size_t i = 0; i < out.size(); ++i) check_logits(row(i), i);
    const GeneratorState stream = stream_of(options.generator);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = options.temperature == 0
                     ? std::max_element(row(i).begin(), row(i).end()) - row(i).begin()
                     : drawn_with_replacement(weights_of(row(i), options), 1, stream, i)[0];
    Shape shape = logits.shape();
    shape.erase(shape.size() - 1);
    return tensor(out, shape, {.dtype = DType::i64, .device = logits.device()});
}

}  // namespace adjoint
