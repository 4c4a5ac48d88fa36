// Where a loader stands, and who makes its batches.
#include <adjoint/data/loader.h>

#include <algorithm>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/data/epoch.h>
#include <adjoint/data/gather.h>
#include <adjoint/data/sent_batch.h>
#include <adjoint/data/workers.h>

namespace adjoint::data {

Dataset images(const ImageSet& set, const ImageOptions& options) {
    check<ValueError>(options.std > 0, "images: std = {}, expected a positive number", options.std);
    return {.inputs = set.images,
            .targets = set.labels,
            .scale = 1 / (255 * options.std),
            .shift = -options.mean / options.std,
            .sample_shape = options.sample_shape};
}

Loader::Loader(Dataset set, const LoaderOptions& options) : Loader(Samples(std::move(set)), options) {}

Loader::Loader(Samples samples, const LoaderOptions& options)
    : samples_(std::move(samples)), options_(options) {
    check<ValueError>(options.batch_size >= 1, "loader: batch size {}, expected at least 1",
                      options.batch_size);
    check<ValueError>(options.workers >= 0 && options.prefetch >= 0,
                      "loader: {} workers that prepare {} batches", options.workers, options.prefetch);
    const LoaderParts& parts = options.parts;
    check<ValueError>(parts.first >= 0 && parts.own >= 1 && parts.first <= parts.count - parts.own,
                      "loader: the parts {} .. {} of {}", parts.first, parts.first + parts.own - 1,
                      parts.count);
    check<ValueError>(!samples_.is_stream() || !options.sampler.order,
                      "loader: a stream has no numbers for a sampler to choose from");
    if (const Dataset* const set = samples_.dataset()) samples_ = checked(*set);
    if (const Source* const source = samples_.source())
        check<ShapeError>(source->size() > 0, "loader: a source of {} samples", source->size());
}

Loader::Loader(const Loader& other)
    : samples_(other.samples_), options_(other.options_), state_(other.state_), in_loop_(other.in_loop_) {}
Loader::Loader(Loader&& other) noexcept = default;
Loader& Loader::operator=(const Loader& other) { return *this = Loader(other); }
Loader& Loader::operator=(Loader&& other) noexcept = default;
Loader::~Loader() = default;

const Dataset& Loader::dataset() const {
    check<ValueError>(samples_.dataset() != nullptr, "loader: its samples are not in memory");
    return *samples_.dataset();
}

std::int64_t Loader::sample_count() const {
    return options_.sampler.order && options_.sampler.count ? options_.sampler.count : samples_.size();
}

std::int64_t Loader::size() const {
    if (samples_.is_stream()) return -1;
    const LoaderParts& parts = options_.parts;
    const std::int64_t n = sample_count(), step = checked_mul(options_.batch_size, parts.count);
    const bool rest = !options_.drop_last && n % step >= parts.count;
    return n / step + rest;
}

void Loader::set_state(LoaderState state) {
    check<ValueError>(state.next_batch >= 0 && (samples_.is_stream() || state.next_batch <= size()),
                      "loader: batch {} of {}", state.next_batch, size());
    rest();
    state_ = state;
    in_loop_ = false;
}

void Loader::rest() noexcept { workers_.reset(); }

Loader::Iterator Loader::begin() {
    if (in_loop_) {
        rest();
        state_ = {state_.epoch + 1, 0};
    }
    in_loop_ = true;
    return Iterator(*this);
}

const std::shared_ptr<const Epoch>& Loader::epoch() {
    if (!epoch_ || epoch_number_ != state_.epoch) {
        epoch_ = std::make_shared<const Epoch>(samples_, options_, state_.epoch);
        epoch_number_ = state_.epoch;
    }
    return epoch_;
}

std::optional<SentBatch> Loader::made() {
    const auto sent = [epoch = epoch(), to = options_.device](std::int64_t number) {
        std::optional<Batch> batch = epoch->batch(number);
        return batch ? std::optional(SentBatch(std::move(*batch), to)) : std::nullopt;
    };
    if (options_.workers == 0) return sent(state_.next_batch);
    if (!workers_) {
        // A stream gives its samples to one at a time.
        const int threads = samples_.is_stream() ? 1 : options_.workers;
        const std::int64_t ahead = options_.prefetch > 0 ? options_.prefetch : 2 * std::int64_t{threads};
        workers_ = std::make_unique<Workers>(threads, ahead, state_.next_batch, sent);
    }
    return workers_->take();
}

std::optional<Tensor> Loader::next_places() {
    if (options_.workers > 0 || !samples_.dataset()) return {};
    std::optional<Tensor> places = epoch()->places(state_.next_batch);
    if (places) ++state_.next_batch;
    return places;
}

bool Loader::next(Batch& batch) try {
    std::optional<SentBatch> next = made();
    if (!next) {
        rest();
        state_ = {state_.epoch + 1, 0};
        in_loop_ = false;
        return false;
    }
    batch = std::move(*next).arrived();
    ++state_.next_batch;
    return true;
} catch (...) {
    rest();
    throw;
}

}  // namespace adjoint::data
