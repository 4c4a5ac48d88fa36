// Points, layers, batches, losses, maps.
#include <adjoint/playground/session.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/playground/choices.h>

namespace adjoint::playground {
namespace {

constexpr double map_edge = 6;

Tensor features_of(const Tensor& x, const Settings& settings) {
    const Tensor x1 = x(all, slice(0, 1)), x2 = x(all, slice(1, 2));
    std::vector<Tensor> columns;
    for (const std::size_t feature : settings.features) columns.push_back(features()[feature].of(x1, x2));
    return cat(columns, 1);
}

// The middles of the pixels of a map.
Tensor map_places() {
    std::vector<float> places;
    places.reserve(2 * map_side * map_side);
    const auto along = [](std::int64_t pixel) {
        return static_cast<float>(map_edge * ((2 * static_cast<double>(pixel) + 1) / map_side - 1));
    };
    for (std::int64_t row = 0; row < map_side; ++row)
        for (std::int64_t column = 0; column < map_side; ++column) {
            places.push_back(along(column));
            places.push_back(-along(row));
        }
    return tensor(places, {map_side * map_side, 2});
}

double square_of_norm(const Tensor& gradient) {
    const float* const values = gradient.data<float>();
    double sum = 0;
    for (std::int64_t i = 0; i < gradient.numel(); ++i) sum += static_cast<double>(values[i]) * values[i];
    return sum;
}

std::uint8_t shade(float value) {
    if (std::isnan(value)) return 128;
    return static_cast<std::uint8_t>(std::lround(128 + 127 * std::clamp(value, -1.0F, 1.0F)));
}

// Each column of `values` becomes a map.
void append_maps(std::vector<std::uint8_t>& maps, const Tensor& values) {
    const Tensor dense = values.contiguous();
    const float* const from = dense.data<float>();
    const std::int64_t columns = dense.size(1);
    for (std::int64_t column = 0; column < columns; ++column)
        for (std::int64_t pixel = 0; pixel < dense.size(0); ++pixel)
            maps.push_back(shade(from[pixel * columns + column]));
}

}  // namespace

Session::Session(const Settings& settings) : settings_(settings) {
    manual_seed(settings.seed);
    const auto [places, targets] = data_sets()[settings.data].draw(point_count, settings.noise / 100.0);
    const Tensor order = randperm(point_count);
    const Tensor x = index_select(places, 0, order), y = index_select(targets, 0, order);
    const std::int64_t count = train_count(settings);
    points_ = cat({x, y}, 1);
    train_x_ = features_of(x(slice(0, count)), settings).contiguous();
    test_x_ = features_of(x(slice(count, point_count)), settings).contiguous();
    train_y_ = y(slice(0, count)).contiguous();
    test_y_ = y(slice(count, point_count)).contiguous();
    map_x_ = features_of(map_places(), settings);

    std::vector<Tensor> parameters;
    std::int64_t inputs = static_cast<std::int64_t>(settings.features.size());
    for (std::size_t i = 0; i <= settings.layers.size(); ++i) {
        const bool last = i == settings.layers.size();
        const std::int64_t units = last ? 1 : settings.layers[i];
        layers_.emplace_back(inputs, units);
        std::vector<nn::Layer> block = {layers_.back()};
        if (!last && settings.batch_norm) block.emplace_back(nn::BatchNorm1d(units));
        if (!last) block.push_back(activations()[settings.activation].make());
        if (last && is_classification(settings)) block.emplace_back(nn::Tanh());
        if (!last && settings.dropout > 0) block.emplace_back(nn::Dropout(settings.dropout / 100.0));
        blocks_.emplace_back(std::move(block));
        for (const Tensor& parameter : blocks_.back().parameters()) parameters.push_back(parameter);
        inputs = units;
    }
    for (const nn::Linear& layer : layers_) inits()[settings.init].fill(layer.weight);
    optimizer_ = optimizers()[settings.optimizer].make(parameters, settings.rate);
    gradient_norms_.assign(layers_.size(), 0);
    gradient_squares_ = gradient_norms_;
    measure();
}

Tensor Session::output(const Tensor& features) const {
    Tensor x = features;
    for (const nn::Sequential& block : blocks_) x = block(x);
    return x;
}

void Session::step(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        if (batch_ == 0) order_ = randperm(train_count(settings_));
        train_batch();
        if (++batch_ < batches()) continue;
        batch_ = 0;
        ++epoch_;
        for (std::size_t layer = 0; layer < layers_.size(); ++layer)
            gradient_norms_[layer] =
                std::sqrt(std::exchange(gradient_squares_[layer], 0) / static_cast<double>(batches()));
        measure();
    }
}

void Session::train_batch() {
    const Tensor chosen = order_(slice(batch_ * settings_.batch, (batch_ + 1) * settings_.batch));
    optimizer_->zero_grad();
    Tensor loss = mse_loss(output(index_select(train_x_, 0, chosen)), index_select(train_y_, 0, chosen));
    if (settings_.penalty != 0)
        for (const nn::Linear& layer : layers_)
            loss = loss + settings_.penalty_rate * penalties()[settings_.penalty].of(layer.weight);
    loss.backward();
    for (std::size_t layer = 0; layer < layers_.size(); ++layer)
        gradient_squares_[layer] += square_of_norm(layers_[layer].weight.grad());
    optimizer_->step();
}

void Session::measure() {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    train_loss_ = mse_loss(output(train_x_), train_y_).item();
    test_loss_ = mse_loss(output(test_x_), test_y_).item();
}

void Session::set_weight(std::int64_t layer, std::int64_t to, std::int64_t from, double value) {
    if (layer < 0 || layer >= static_cast<std::int64_t>(layers_.size()))
        throw IndexError("playground: there is no layer " + std::to_string(layer));
    const nn::Linear& changed = layers_[static_cast<std::size_t>(layer)];
    const NoGrad guard;
    if (from == -1)
        changed.bias(to) = value;
    else
        changed.weight(to, from) = value;
    measure();
}

std::size_t Session::map_count() const {
    std::size_t count = settings_.features.size() + 1;
    for (const int units : settings_.layers) count += static_cast<std::size_t>(units);
    return count;
}

void Session::draw_maps(std::vector<std::uint8_t>& maps) const {
    const NoGrad guard;
    const nn::EvaluationMode mode;
    maps.clear();
    append_maps(maps, map_x_);
    Tensor x = map_x_;
    for (const nn::Sequential& block : blocks_) {
        x = block(x);
        append_maps(maps, x);
    }
}

}  // namespace adjoint::playground
