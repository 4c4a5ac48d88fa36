// Batches of a data set held in memory, in a new order each epoch.
//
//     data::Loader loader(set, {.batch_size = 64, .seed = 1});
//     for (const data::Batch& batch : loader) { ... batch.x, batch.y ... }
//
// One such loop is an epoch; the next loop is the next epoch, also where one was left before its end. A
// loader is used by one thread at a time; several may share a data set.
#pragma once

#include <cstdint>
#include <span>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/data/mnist.h>

namespace adjoint::data {

/// Samples along dimension 0, and what is done to them on the way into a batch: bytes (u8) become f32, x =
/// scale * input + shift; inputs of other types pass as they are, so that numbers of words stay integers.
/// Targets that are integers become i64. A batch has shape (n, sample_shape).
struct Dataset {
    Tensor inputs, targets;
    double scale = 1, shift = 0;
    Shape sample_shape = {};  ///< left empty: that of the inputs

    std::int64_t size() const { return inputs.shape()[0]; }
    /// Samples first .. first + count - 1, sharing memory.
    /// errors: IndexError.
    ADJOINT_API Dataset part(std::int64_t first, std::int64_t count) const;
    /// The samples of these numbers, in this order, copied.
    /// errors: IndexError; ValueError unless both tensors are dense.
    ADJOINT_API Dataset select(std::span<const std::int64_t> samples) const;
};

struct ImageOptions {
    double mean = 0.0;  ///< of the pixels in [0, 1]; MNIST's own are 0.1307 and 0.3081
    double std = 1.0;
    Shape sample_shape = {784};
};
/// An image set with pixels scaled to (p / 255 - mean) / std.
ADJOINT_API Dataset images(const ImageSet& set, const ImageOptions& options = {});

struct Batch {
    Tensor x, y;
};

struct LoaderOptions {
    std::int64_t batch_size = 64;
    bool shuffle = true;
    bool drop_last = false;  ///< leave out a last batch that is not full
    std::uint64_t seed = 0;
};

/// Where a loader stands: saved and restored, training goes on with the same batches.
struct LoaderState {
    std::uint64_t epoch = 0;
    std::int64_t next_batch = 0;
    bool operator==(const LoaderState&) const = default;
};

class ADJOINT_API Loader {
  public:
    /// errors: ShapeError if inputs and targets differ in number or are empty;
    /// ValueError for a batch size below 1, or for a scale or shift of inputs that are no bytes.
    explicit Loader(Dataset set, const LoaderOptions& options = {});

    const Dataset& dataset() const noexcept { return set_; }
    std::int64_t batch_size() const noexcept { return options_.batch_size; }
    /// Batches per epoch.
    std::int64_t size() const noexcept;

    LoaderState state() const noexcept { return state_; }
    void set_state(LoaderState state);

    struct End {};
    class Iterator {
      public:
        explicit Iterator(Loader& loader) : loader_(loader) { ++*this; }
        const Batch& operator*() const noexcept { return batch_; }
        Iterator& operator++() {
            more_ = loader_.next(batch_);
            return *this;
        }
        bool operator==(End) const noexcept { return !more_; }

      private:
        Loader& loader_;
        Batch batch_;
        bool more_ = true;
    };
    Iterator begin();
    End end() const noexcept { return {}; }

    /// The next batch of the epoch; false at its end, and the next call begins the next epoch.
    bool next(Batch& batch);

  private:
    Dataset set_;
    LoaderOptions options_;
    LoaderState state_;
    bool in_loop_ = false;  // since a loop has begun, until the epoch ends
    Tensor order_;          // of the current epoch, if shuffled
    std::uint64_t order_epoch_ = ~std::uint64_t{0};
};

}  // namespace adjoint::data
