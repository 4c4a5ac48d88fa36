// Orders and batches. What a batch draws belongs to it, not to the thread that makes it.
#include <adjoint/data/epoch.h>

#include <algorithm>
#include <numeric>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/contract/random.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>
#include <adjoint/data/gather.h>

namespace adjoint::data {
namespace {

GeneratorState draws_of(std::uint64_t seed, std::uint64_t epoch, std::int64_t part) {
    const Philox4 words = philox(~seed, epoch, static_cast<std::uint64_t>(part));
    return {std::uint64_t{words.v[0]} << 32 | words.v[1], 0};
}

std::vector<std::int64_t> sampled(const Sampler& sampler, std::int64_t size, std::uint64_t seed,
                                  std::uint64_t epoch) {
    std::vector<std::int64_t> order = sampler.order(size, seed, epoch);
    const std::int64_t expected = sampler.count ? sampler.count : size;
    check<ValueError>(static_cast<std::int64_t>(order.size()) == expected,
                      "loader: the sampler gave {} samples, expected {}", order.size(), expected);
    for (const std::int64_t sample : order)
        check<IndexError>(sample >= 0 && sample < size, "loader: the sampler gave sample {} of {}", sample,
                          size);
    return order;
}

Tensor joined(const std::vector<Tensor>& parts) {
    if (!parts[0].defined()) return {};
    std::int64_t count = 0;
    for (const Tensor& part : parts) count += part.shape()[0];
    const auto shape_of = [&parts](std::int64_t samples, std::size_t i) {
        Shape shape = parts[i].shape();
        shape[0] = samples;
        return shape;
    };
    const Tensor all = empty(shape_of(count, 0), {.dtype = parts[0].dtype(), .device = parts[0].device()});
    std::int64_t first = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::int64_t samples = parts[i].shape()[0];
        check<ShapeError>(shape_of(count, i) == all.shape(),
                          "loader: samples of shapes {} and {} in the parts of one batch", parts[0].shape(),
                          parts[i].shape());
        const Tensor place = rows(all, first, samples);
        if (place.numel() > 0)
            backend(all.device())
                .run(call::Map{functor::Copy{}, make_loop<2>({&place, &parts[i]}, all.dtype())});
        first += samples;
    }
    return all;
}

// The parts one below the other.
Batch joined(const std::vector<Batch>& parts) {
    Batch batch = parts[0];
    if (parts.size() == 1) return batch;
    const auto join = [&](const auto& member) {
        std::vector<Tensor> pieces;
        for (const Batch& part : parts) pieces.push_back(member(part));
        return joined(pieces);
    };
    batch.x = join([](const Batch& part) { return part.x; });
    batch.y = join([](const Batch& part) { return part.y; });
    for (std::size_t i = 0; i < batch.more_x.size(); ++i)
        batch.more_x[i] = join([i](const Batch& part) { return part.more_x[i]; });
    for (std::size_t i = 0; i < batch.more_y.size(); ++i)
        batch.more_y[i] = join([i](const Batch& part) { return part.more_y[i]; });
    return batch;
}

// Rows first, first + stride, ..: a view of neighbours, else a copy.
Tensor strided_rows(const Tensor& x, std::int64_t first, std::int64_t count, std::int64_t stride) {
    Shape shape = x.shape(), strides = x.strides();
    shape[0] = count;
    strides[0] *= stride;
    return detached_view(x, shape, strides, first * x.strides()[0]).contiguous();
}

void check_rows(const Batch& batch, std::int64_t count) {
    check<ValueError>(batch.x.defined(), "loader: the source gave a batch without x");
    batch.each([&](const Tensor& x) {
        check<ShapeError>(x.dim() > 0 && x.shape()[0] == count,
                          "loader: the source gave a tensor of shape {} for {} samples", x.shape(), count);
        return x;
    });
}

}  // namespace

Epoch::Epoch(const Samples& samples, const LoaderOptions& options, std::uint64_t epoch)
    : samples_(samples), options_(options), epoch_(epoch) {
    if (samples.is_stream()) return;
    count_ = samples.size();
    const Dataset* const set = samples.dataset();
    if (options.sampler.order) {
        order_ = sampled(options.sampler, count_, options.seed, epoch);
        count_ = static_cast<std::int64_t>(order_.size());
        if (set) places_ = tensor(order_, {count_}).to(set->inputs.device());
    } else if (set && options.shuffle) {
        places_ = empty({count_}, {.dtype = DType::i64, .device = set->inputs.device()});
        backend(places_.device())
            .run(call::Random{operand(places_), Permutation{}, count_, {options.seed, epoch}});
    } else if (set && options.parts.count > 1) {
        places_ = arange(count_, {.dtype = DType::i64, .device = set->inputs.device()});
    } else if (!set) {
        order_.resize(static_cast<std::size_t>(count_));
        std::iota(order_.begin(), order_.end(), std::int64_t{0});
        if (!options.shuffle || count_ == 0) return;
        const IndexShuffle shuffle(static_cast<std::uint64_t>(count_), options.seed, epoch);
        for (std::int64_t& place : order_)
            place = static_cast<std::int64_t>(shuffle(static_cast<std::uint64_t>(place)));
    }
}

// All parts of a step. What a stream draws at its begin and for each step is the same whoever asks, and from
// where on: the numbers below those of the parts are its own.
std::optional<Batch> Epoch::next_of_stream(std::int64_t number) const {
    Stream& stream = *samples_.stream();
    const std::int64_t size = options_.batch_size * options_.parts.count;
    const auto next = [&](std::int64_t step) {
        const GeneratorScope draws(draws_of(options_.seed, epoch_, -2 - step));
        return stream.next(size);
    };
    if (stands_at_ != number) {
        {
            const GeneratorScope draws(draws_of(options_.seed, epoch_, -1));
            stream.begin(epoch_);
        }
        for (stands_at_ = 0; stands_at_ < number; ++stands_at_)
            if (!next(stands_at_)) return {};
    }
    std::optional<Batch> batch = next(number);
    ++stands_at_;
    if (!batch) return {};
    check<ValueError>(batch->x.defined() && batch->x.dim() > 0, "loader: the stream gave a batch without x");
    check_rows(*batch, batch->size());
    check<ValueError>(batch->size() > 0 && batch->size() <= size,
                      "loader: the stream gave {} samples where it was asked for {}", batch->size(), size);
    return batch;
}

// Of a step where `left` samples are left; nothing if they are too few for one.
std::optional<std::int64_t> Epoch::size_of_step(std::int64_t left) const {
    const std::int64_t parts = options_.parts.count, full = options_.batch_size * parts;
    if (left < (options_.drop_last ? full : parts)) return {};
    return std::min(left, full);
}

Epoch::Places Epoch::places_of(std::int64_t part, std::int64_t step_size) const {
    const std::int64_t parts = options_.parts.count;
    return {part, (step_size - part + parts - 1) / parts, parts};
}

Batch Epoch::part_of(std::int64_t number, const Places& places) const {
    const std::int64_t first = number * options_.batch_size * options_.parts.count + places.first;
    if (const Dataset* const set = samples_.dataset())
        return places_.defined() ? batch_of(*set, strided_rows(places_, first, places.count, places.stride))
                                 : batch_of(*set, first, places.count);
    std::vector<std::int64_t> samples;
    for (std::int64_t i = 0; i < places.count; ++i)
        samples.push_back(order_[static_cast<std::size_t>(first + i * places.stride)]);
    Batch batch = samples_.source()->get(samples);
    check_rows(batch, places.count);
    return batch;
}

Batch Epoch::part_of(const Batch& given, const Places& places) const {
    if (places.stride == 1) return given;
    return given.each(
        [&](const Tensor& x) { return strided_rows(x, places.first, places.count, places.stride); });
}

std::optional<Tensor> Epoch::places(std::int64_t number) const {
    if (!places_.defined() || options_.transform || options_.parts.count > 1) return {};
    if (options_.device && *options_.device != places_.device()) return {};
    const std::int64_t first = number * options_.batch_size;
    const std::optional<std::int64_t> size = size_of_step(count_ - first);
    if (!size) return {};
    return rows(places_, first, *size);
}

Batch Epoch::transformed(Batch batch) const {
    if (options_.transform) batch = options_.transform(batch);
    check<DeviceError>(options_.workers == 0 || batch.x.device().is_cpu(),
                       "loader: workers prepare batches in the host's memory, this one lies on {}; leave "
                       "workers at 0, or keep the samples on the CPU and set the loader's device",
                       batch.x.device());
    return batch;
}

std::optional<Batch> Epoch::batch(std::int64_t number) const {
    const LoaderParts& parts = options_.parts;
    std::vector<Batch> own;
    std::optional<Batch> given;
    std::optional<std::int64_t> size;
    for (std::int64_t part = parts.first; part < parts.first + parts.own; ++part) {
        const GeneratorScope draws(draws_of(options_.seed, epoch_, number * parts.count + part));
        if (samples_.is_stream() && !given && !(given = next_of_stream(number))) return {};
        size = size_of_step(given ? given->size() : count_ - number * options_.batch_size * parts.count);
        if (!size) return {};
        const Places places = places_of(part, *size);
        own.push_back(transformed(given ? part_of(*given, places) : part_of(number, places)));
        // Only who has all parts knows how many samples a transform has made of those of the step.
        check<ShapeError>(parts.own == parts.count || own.back().size() == places.count,
                          "loader: the transform made {} samples of {}; where other loaders have parts of a "
                          "step it keeps their number",
                          own.back().size(), places.count);
    }
    Batch batch = joined(own);
    batch.parts.clear();
    for (const Batch& part : own) batch.parts.push_back(part.size());
    batch.step_size = parts.own == parts.count ? batch.size() : *size;
    return batch;
}

}  // namespace adjoint::data
