// The batches of one epoch, each made from its number alone, so that any thread may make it. Private.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include <adjoint/data/loader.h>

namespace adjoint::data {

class Epoch {
  public:
    /// errors: what the sampler throws; IndexError for a sample that is not there.
    Epoch(const Samples& samples, const LoaderOptions& options, std::uint64_t epoch);

    /// Nothing behind the last one. Of a stream the numbers come in ascending order, or it starts anew.
    std::optional<Batch> batch(std::int64_t number) const;
    /// The places of the samples of a batch that step_of makes of a set in memory; nothing if the batch
    /// is more than that, or behind the last one.
    std::optional<Tensor> places(std::int64_t number) const;

  private:
    // The places of a part among the samples of its step: first, first + stride, ...
    struct Places {
        std::int64_t first, count, stride;
    };

    std::optional<std::int64_t> size_of_step(std::int64_t left) const;
    Places places_of(std::int64_t part, std::int64_t step_size) const;
    Batch part_of(std::int64_t number, const Places& places) const;
    Batch part_of(const Batch& given, const Places& places) const;
    Batch transformed(Batch batch) const;
    std::optional<Batch> next_of_stream(std::int64_t number) const;

    const Samples samples_;
    const LoaderOptions options_;
    const std::uint64_t epoch_;
    std::int64_t count_ = 0;               // samples of the epoch
    std::vector<std::int64_t> order_;      // of numbered samples, unless it is theirs
    Tensor places_;                        // the same where a set in memory lies
    mutable std::int64_t stands_at_ = -1;  // the step that the stream gives next
};

}  // namespace adjoint::data
