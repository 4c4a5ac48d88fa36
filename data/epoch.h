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

  private:
    // A batch's places among the samples of its step: first, first + stride, ...
    struct Picked {
        std::int64_t first, count, stride;
        double share;
    };

    std::optional<Picked> part_of(std::int64_t number, std::int64_t left) const;
    std::optional<Batch> raw(std::int64_t number) const;
    std::optional<Batch> streamed(std::int64_t number) const;
    std::optional<Batch> next_of_stream(std::int64_t step) const;

    const Samples samples_;
    const LoaderOptions options_;
    const std::uint64_t epoch_;
    std::int64_t count_ = 0;           // samples of the epoch
    std::vector<std::int64_t> order_;  // of numbered samples, unless it is theirs
    Tensor places_;                    // the same where a set in memory lies
    // Of a stream: the step that it gives next, and the one whose parts are being taken.
    mutable std::int64_t stands_at_ = -1;
    mutable std::optional<Batch> given_;
};

}  // namespace adjoint::data
