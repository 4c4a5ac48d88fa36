// Batches of a data set, in a new order each epoch.
//
//     data::Loader loader(set, {.batch_size = 64, .seed = 1});
//     for (const data::Batch& batch : loader) { ... batch.x, batch.y ... }
//
// One such loop is an epoch; the next loop is the next epoch, also where one was left before its end. A
// loader is used by one thread at a time; several may share a data set.
//
// With workers, threads make the next batches while the program computes. Neither the order nor a bit depends
// on their number: what a source or the transform draws comes from streams of the batch, a function of seed,
// epoch and its number. What a worker throws is thrown where its batch would have come. Leaving the loop
// stops them as soon as the calls that are under way return.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <adjoint/data/dataset.h>
#include <adjoint/data/mnist.h>
#include <adjoint/data/sampler.h>

namespace adjoint::data {

struct ImageOptions {
    double mean = 0.0;  ///< of the pixels in [0, 1]; MNIST's own are 0.1307 and 0.3081
    double std = 1.0;
    Shape sample_shape = {784};
};
/// An image set with pixels scaled to (p / 255 - mean) / std.
ADJOINT_API Dataset images(const ImageSet& set, const ImageOptions& options = {});

/// The samples of a step in parts of batch_size: of ranks that train together each has its own ones, and a
/// process that adds up gradients has them all. Sample i of a step is in part i % count, so that the same
/// parts are made of the same samples whoever makes them; what is drawn for a part is the same, too.
struct LoaderParts {
    std::int64_t count = 1;  ///< of a step, all loaders together
    std::int64_t first = 0;  ///< this loader has the parts first .. first + own - 1 in each batch
    std::int64_t own = 1;
};

struct LoaderOptions {
    std::int64_t batch_size = 64;  ///< of a part
    bool shuffle = true;
    bool drop_last = false;  ///< leave out a last batch that is not full
    std::uint64_t seed = 0;
    Sampler sampler = {};  ///< of the samples of an epoch, in the place of shuffle
    /// What becomes of each batch; with workers called by several threads at once.
    std::function<Batch(const Batch&)> transform = {};
    int workers = 0;            ///< threads that make batches; 0: the one that asks for them
    std::int64_t prefetch = 0;  ///< batches that may wait to be taken; 0: two for each worker
    /// Where batches go, if elsewhere. Those that wait to be taken are there already, or on their way beside
    /// what the device computes.
    std::optional<Device> device = {};
    /// At the end of an epoch they may be of unequal sizes (Batch::parts); samples that are fewer than the
    /// parts are left out.
    LoaderParts parts = {};
};

/// Where a loader stands: saved and restored, training goes on with the same batches.
struct LoaderState {
    std::uint64_t epoch = 0;
    std::int64_t next_batch = 0;
    bool operator==(const LoaderState&) const = default;
};

class Epoch;
class SentBatch;
class Workers;

/// Batches of samples, in a new order in each epoch.
class ADJOINT_API Loader {
  public:
    /// errors: ShapeError if inputs and targets differ in number or are empty; ValueError for a batch size
    /// below 1, for parts that are none, for a scale or shift of inputs that are no bytes, and for a sampler
    /// of a stream.
    explicit Loader(Dataset set, const LoaderOptions& options = {});
    explicit Loader(Samples samples, const LoaderOptions& options = {});
    /// A copy stands where this one does and has workers of its own.
    Loader(const Loader& other);
    Loader(Loader&& other) noexcept;
    Loader& operator=(const Loader& other);
    Loader& operator=(Loader&& other) noexcept;
    ~Loader();

    /// errors: ValueError if the samples are not in memory.
    const Dataset& dataset() const;
    const Samples& samples() const noexcept { return samples_; }
    std::int64_t batch_size() const noexcept { return options_.batch_size; }
    /// Samples per epoch, of all parts.
    /// errors: ValueError of a stream.
    std::int64_t sample_count() const;
    /// Batches per epoch; -1 of a stream, which nobody can count.
    std::int64_t size() const;

    /// Epoch and next batch, to go on from.
    LoaderState state() const noexcept { return state_; }
    void set_state(LoaderState state);

    struct End {};
    class Iterator {
      public:
        explicit Iterator(Loader& loader) : loader_(loader) { ++*this; }
        Iterator(const Iterator&) = delete;
        Iterator& operator=(const Iterator&) = delete;
        ~Iterator() { loader_.rest(); }
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
    /// errors: what a source, a stream or the transform throws; the loader stands where it stood.
    bool next(Batch& batch);
    /// The next batch as the places of its samples in dataset(), on whose device they lie, for whoever
    /// gathers them. Nothing, and next() is to be asked, if the batch takes more than that (a transform,
    /// workers, parts, another device), if its samples are neighbours, and at the end of the epoch.
    std::optional<Tensor> next_places();
    /// Stops the workers; the next call of next() starts others where the loader stands.
    void rest() noexcept;

  private:
    const std::shared_ptr<const Epoch>& epoch();
    std::optional<SentBatch> made();

    Samples samples_;
    LoaderOptions options_;
    LoaderState state_;
    bool in_loop_ = false;  // since a loop has begun, until the epoch ends
    std::uint64_t epoch_number_ = 0;
    std::shared_ptr<const Epoch> epoch_;  // of that number, once it has begun
    std::unique_ptr<Workers> workers_;
};

}  // namespace adjoint::data
