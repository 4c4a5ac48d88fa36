// Data sets: what samples are asked of, by their numbers or one after the other.
//
// There are three kinds, and whatever takes `Samples` takes each of them: tensors in memory (Dataset),
// samples that are made when they are asked for (Source), and samples that come until there are no more
// (Stream), which have no numbers.
//
//     struct Photographs : data::Source {
//         std::int64_t size() const override { return 1000; }
//         data::Batch get(std::span<const std::int64_t> samples) const override { ... }
//     };
//     train::fit(model, nn::CrossEntropyLoss(), optimizer, Photographs(), {.epochs = 5, .workers = 2});
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// Some samples, along dimension 0 of each tensor. A model of several inputs gets x and `more_x`, a loss of
/// several targets y and `more_y`. `const auto& [x, y] = batch;` names the first of each.
struct Batch {
    Tensor x, y;
    std::vector<Tensor> more_x = {}, more_y = {};
    /// Of a loader's batch: the samples of each of its parts, one below the other, and those of the
    /// whole step (LoaderOptions::parts).
    std::vector<std::int64_t> parts = {};
    std::int64_t step_size = 0;

    std::int64_t size() const { return x.shape()[0]; }
    /// x and more_x, y and more_y.
    std::vector<Tensor> inputs() const { return joined(x, more_x); }
    std::vector<Tensor> targets() const { return joined(y, more_y); }
    /// The batch of f(tensor), for each tensor that is defined.
    template <class F> Batch each(F&& f) const {
        Batch out = *this;
        const auto change = [&f](Tensor& tensor) {
            if (tensor.defined()) tensor = f(std::as_const(tensor));
        };
        change(out.x);
        change(out.y);
        for (Tensor& tensor : out.more_x) change(tensor);
        for (Tensor& tensor : out.more_y) change(tensor);
        return out;
    }
    /// errors: DeviceError.
    Batch to(Device device) const {
        return each([device](const Tensor& tensor) { return tensor.to(device); });
    }

    /// For structured bindings: const auto [x, y] = batch.
    template <std::size_t I> const Tensor& get() const noexcept { return I == 0 ? x : y; }
    template <std::size_t I> Tensor& get() noexcept { return I == 0 ? x : y; }

  private:
    static std::vector<Tensor> joined(const Tensor& first, const std::vector<Tensor>& rest) {
        std::vector<Tensor> all{first};
        all.insert(all.end(), rest.begin(), rest.end());
        return all;
    }
};

/// Samples along dimension 0 (columns of a table: table(all, slice(0, 4)); views that are not dense are
/// copied once), and what is done to them on the way into a batch: bytes (u8) become f32, x =
/// scale * input + shift; inputs of other types pass as they are, so that numbers of words stay integers.
/// Targets that are integers become i64. A batch has shape (n, sample_shape).
struct Dataset {
    Tensor inputs, targets;
    double scale = 1, shift = 0;
    Shape sample_shape = {};  ///< left empty: that of the inputs
    /// Further inputs and targets of the same samples; bytes among these inputs become f32 of the same value.
    std::vector<Tensor> more_inputs = {}, more_targets = {};

    std::int64_t size() const { return inputs.shape()[0]; }
    /// Samples first .. first + count - 1, sharing memory.
    /// errors: IndexError.
    ADJOINT_API Dataset part(std::int64_t first, std::int64_t count) const;
    /// The samples of these numbers, in this order, copied.
    /// errors: IndexError.
    ADJOINT_API Dataset select(std::span<const std::int64_t> samples) const;
    /// The same samples there, so that no batch travels.
    /// errors: DeviceError; OutOfMemoryError.
    ADJOINT_API Dataset to(Device device) const;
};

/// Samples by number, made when they are asked for: derive from it and write the two.
class ADJOINT_API Source {
  public:
    virtual ~Source() = default;
    virtual std::int64_t size() const = 0;
    /// The samples of these numbers, 0 .. size() - 1, in this order: a row of each tensor for each. What it
    /// draws is the same in each run, whoever asks: a loader gives every batch streams of its own. A loader
    /// with workers asks from several threads at once.
    virtual Batch get(std::span<const std::int64_t> samples) const = 0;
};

/// Samples that nobody can number or count: lines of a file, what comes over a wire.
class ADJOINT_API Stream {
  public:
    virtual ~Stream() = default;
    /// Goes to the first sample of an epoch, counted from 0.
    virtual void begin(std::uint64_t epoch) = 0;
    /// The next samples, `count` of them or, at the end, fewer; nothing when there are no more.
    virtual std::optional<Batch> next(std::int64_t count) = 0;
};

/// Samples of any kind. A copy shares them.
class ADJOINT_API Samples {
  public:
    Samples(Dataset set) : kind_(std::move(set)) {}
    /// errors: ValueError for a null pointer, here and below.
    template <std::derived_from<Source> S>
    Samples(std::shared_ptr<S> source) : Samples(std::shared_ptr<const Source>(std::move(source)), 0) {}
    template <std::derived_from<Source> S>
    Samples(S source) : Samples(std::make_shared<const S>(std::move(source))) {}
    template <std::derived_from<Stream> S>
    Samples(std::shared_ptr<S> stream) : Samples(std::shared_ptr<Stream>(std::move(stream)), 0) {}
    template <std::derived_from<Stream> S>
    Samples(S stream) : Samples(std::make_shared<S>(std::move(stream))) {}

    /// errors: ValueError of a stream, whose samples nobody can count.
    std::int64_t size() const;
    bool is_stream() const noexcept { return kind_.index() == 2; }
    /// What they are; null if they are something else.
    const Dataset* dataset() const noexcept { return std::get_if<0>(&kind_); }
    const Source* source() const noexcept { return kind_.index() == 1 ? std::get<1>(kind_).get() : nullptr; }
    Stream* stream() const noexcept { return is_stream() ? std::get<2>(kind_).get() : nullptr; }
    /// Samples first .. first + count - 1.
    /// errors: IndexError; ValueError of a stream.
    Samples part(std::int64_t first, std::int64_t count) const;

  private:
    Samples(std::shared_ptr<const Source> source, int);
    Samples(std::shared_ptr<Stream> stream, int);

    std::variant<Dataset, std::shared_ptr<const Source>, std::shared_ptr<Stream>> kind_;
};

}  // namespace adjoint::data

template <> struct std::tuple_size<adjoint::data::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I> struct std::tuple_element<I, adjoint::data::Batch> { using type = adjoint::Tensor; };
