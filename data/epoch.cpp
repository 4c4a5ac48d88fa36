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

// While it lives the thread draws the numbers of one batch.
class DrawsOfABatch {
  public:
    DrawsOfABatch(std::uint64_t seed, std::uint64_t epoch, std::int64_t number) {
        const Philox4 words = philox(~seed, epoch, static_cast<std::uint64_t>(number));
        set_generator_state({std::uint64_t{words.v[0]} << 32 | words.v[1], 0});
    }
    DrawsOfABatch(const DrawsOfABatch&) = delete;
    DrawsOfABatch& operator=(const DrawsOfABatch&) = delete;
    ~DrawsOfABatch() { set_generator_state(before_); }

  private:
    const GeneratorState before_ = generator_state();
};

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

// All parts of a step.
std::optional<Batch> Epoch::next_of_stream(std::int64_t step) const {
    Stream& stream = *samples_.stream();
    const std::int64_t size = options_.batch_size * options_.parts.count;
    if (stands_at_ != step) {
        stream.begin(epoch_);
        for (stands_at_ = 0; stands_at_ < step; ++stands_at_)
            if (!stream.next(size)) return {};
    }
    std::optional<Batch> batch = stream.next(size);
    ++stands_at_;
    if (!batch) return {};
    check<ValueError>(batch->x.defined() && batch->x.dim() > 0, "loader: the stream gave a batch without x");
    check_rows(*batch, batch->size());
    check<ValueError>(batch->size() > 0 && batch->size() <= size,
                      "loader: the stream gave {} samples where it was asked for {}", batch->size(), size);
    return batch;
}

std::optional<Batch> Epoch::streamed(std::int64_t number) const {
    const std::int64_t step = number / options_.parts.own;
    if (!given_ || stands_at_ != step + 1) given_ = next_of_stream(step);
    if (!given_) return {};
    const std::optional<Picked> at = part_of(number, given_->size());
    if (!at) return {};
    Batch batch = *given_;
    if (at->stride > 1)
        batch =
            batch.each([&at](const Tensor& x) { return strided_rows(x, at->first, at->count, at->stride); });
    batch.share = at->share;
    if ((number + 1) % options_.parts.own == 0) given_.reset();
    return batch;
}

// `left` samples are those of the step and all behind it.
std::optional<Epoch::Picked> Epoch::part_of(std::int64_t number, std::int64_t left) const {
    const LoaderParts& parts = options_.parts;
    const std::int64_t full = options_.batch_size * parts.count, step = std::min(full, left);
    if (step < (options_.drop_last ? full : parts.count)) return {};
    const std::int64_t part = parts.first + number % parts.own;
    const std::int64_t count = (step - part + parts.count - 1) / parts.count;
    return Picked{part, count, parts.count, static_cast<double>(count) / static_cast<double>(step)};
}

std::optional<Batch> Epoch::raw(std::int64_t number) const {
    if (samples_.is_stream()) return streamed(number);
    const std::int64_t begin = number / options_.parts.own * options_.batch_size * options_.parts.count;
    const std::optional<Picked> at = part_of(number, count_ - begin);
    if (!at) return {};
    const std::int64_t first = begin + at->first;
    Batch batch;
    if (const Dataset* const set = samples_.dataset()) {
        batch = places_.defined() ? batch_of(*set, strided_rows(places_, first, at->count, at->stride))
                                  : batch_of(*set, first, at->count);
    } else {
        std::vector<std::int64_t> samples;
        for (std::int64_t i = 0; i < at->count; ++i)
            samples.push_back(order_[static_cast<std::size_t>(first + i * at->stride)]);
        batch = samples_.source()->get(samples);
        check_rows(batch, at->count);
    }
    batch.share = at->share;
    return batch;
}

std::optional<Batch> Epoch::batch(std::int64_t number) const {
    const LoaderParts& parts = options_.parts;
    const DrawsOfABatch draws(options_.seed, epoch_,
                              number / parts.own * parts.count + parts.first + number % parts.own);
    std::optional<Batch> batch = raw(number);
    if (!batch) return batch;
    if (options_.transform) {
        const double share = batch->share;
        batch = options_.transform(*batch);
        batch->share = share;
    }
    check<DeviceError>(options_.workers == 0 || batch->x.device().is_cpu(),
                       "loader: workers prepare batches in the host's memory, this one lies on {}; leave "
                       "workers at 0, or keep the samples on the CPU and set the loader's device",
                       batch->x.device());
    return batch;
}

}  // namespace adjoint::data
