// What data sets do by themselves: parts, selections, and their way into a batch.
#include <adjoint/data/dataset.h>

#include <string>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>
#include <adjoint/data/gather.h>

namespace adjoint::data {
namespace {

Tensor with_shape(const Tensor& x, const Shape& shape) {
    return detached_view(x, shape, dense_strides(shape));
}

Shape batch_shape(std::int64_t count, const Shape& sample) {
    Shape shape = sample;
    shape.insert(0, count);
    return shape;
}

Shape row_shape(const Tensor& x) {
    Shape shape = x.shape();
    shape.erase(0);
    return shape;
}

// Rows as a batch gets them: bytes as f32, scaled.
Tensor as_input(const Tensor& picked, const Shape& shape, double scale, double shift) {
    const Tensor x = with_shape(picked, shape);
    if (x.dtype() != DType::u8) return x;
    const Tensor scaled = empty(shape, {.dtype = DType::f32, .device = x.device()});
    backend(x.device())
        .run(call::Map{functor::ScaleShift{scale, shift}, make_loop<2>({&scaled, &x}, DType::f32)});
    return scaled;
}

// Integers as i64.
Tensor as_target(const Tensor& picked, const Shape& shape) {
    const Tensor y = with_shape(picked, shape);
    if (is_floating(y.dtype()) || y.dtype() == DType::i64) return y;
    const Tensor labels = empty(shape, {.dtype = DType::i64, .device = y.device()});
    backend(y.device()).run(call::Map{functor::Copy{}, make_loop<2>({&labels, &y}, DType::i64)});
    return labels;
}

// The batch of what `input` makes of each tensor of inputs, with the shape of its rows, scale and shift, and
// `target` of the others.
template <class Input, class Target>
Batch assembled(const Dataset& set, std::int64_t count, const Input& input, const Target& target) {
    Batch batch{input(set.inputs, batch_shape(count, set.sample_shape), set.scale, set.shift),
                target(set.targets, batch_shape(count, row_shape(set.targets)))};
    for (const Tensor& x : set.more_inputs)
        batch.more_x.push_back(input(x, batch_shape(count, row_shape(x)), 1.0, 0.0));
    for (const Tensor& y : set.more_targets)
        batch.more_y.push_back(target(y, batch_shape(count, row_shape(y))));
    return batch;
}

// Rows of several tensors, whose numbers stand in `places`, by as few calls as they need.
class Taking {
  public:
    explicit Taking(const Tensor& places)
        : call_{.tables = {},
                .count = 0,
                .places = operand(places).as<const std::int64_t>(),
                .rows = places.numel()},
          device_(places.device()) {}

    Tensor rows(const Tensor& x, const Shape& shape, DType type, double scale = 1, double shift = 0) {
        check<DeviceError>(x.device() == device_, "loader: a tensor of the set on {}, others on {}",
                           x.device(), device_);
        Tensor out = empty(shape, {.dtype = type, .device = device_});
        if (out.numel() == 0) return out;
        if (call_.count == call_.tables.size()) run();
        call_.tables[call_.count++] = {operand(out), operand(x), x.numel() / x.shape()[0],
                                       x.shape()[0], scale,      shift};
        return out;
    }
    void run() {
        if (call_.count > 0) backend(device_).run(call_);
        call_.count = 0;
    }

  private:
    call::TakeRows call_;
    const Device device_;
};

// The set of f(tensor) for each tensor.
template <class F> Dataset mapped(const Dataset& set, const F& f) {
    Dataset out = set;
    out.inputs = f(set.inputs);
    out.targets = f(set.targets);
    for (Tensor& x : out.more_inputs) x = f(Tensor(x));
    for (Tensor& y : out.more_targets) y = f(Tensor(y));
    return out;
}

Dataset dense(const Dataset& set) {
    return mapped(set, [](const Tensor& x) { return x.detach().contiguous(); });
}

void check_part(std::int64_t first, std::int64_t count, std::int64_t size) {
    check<IndexError>(first >= 0 && count >= 0 && first <= size && count <= size - first,
                      "dataset: samples {} .. {} of {}", first, first + count, size);
}

// Neighbours among the samples of another source.
class Part final : public Source {
  public:
    Part(std::shared_ptr<const Source> of, std::int64_t first, std::int64_t count)
        : of_(std::move(of)), first_(first), count_(count) {}
    std::int64_t size() const override { return count_; }
    Batch get(std::span<const std::int64_t> samples) const override {
        std::vector<std::int64_t> theirs(samples.begin(), samples.end());
        for (std::int64_t& sample : theirs) sample += first_;
        return of_->get(theirs);
    }

  private:
    std::shared_ptr<const Source> of_;
    std::int64_t first_, count_;
};

}  // namespace

Tensor rows(const Tensor& x, std::int64_t first, std::int64_t count) {
    Shape shape = x.shape();
    shape[0] = count;
    return detached_view(x, shape, x.strides(), first * x.strides()[0]);
}

Dataset checked(Dataset set) {
    for (const auto& [what, x] : {std::pair("inputs", set.inputs), std::pair("targets", set.targets)}) {
        check<ValueError>(x.defined(), "loader: the set has no {}", what);
        check<ShapeError>(x.dim() >= 1 && x.shape()[0] > 0,
                          "loader: {} of shape {}, expected samples along the first dimension", what,
                          x.shape());
    }
    check<ShapeError>(set.targets.shape()[0] == set.size(),
                      "loader: {} samples of inputs, {} of targets (shapes {} and {})", set.size(),
                      set.targets.shape()[0], set.inputs.shape(), set.targets.shape());
    for (const auto* more : {&set.more_inputs, &set.more_targets})
        for (const Tensor& x : *more)
            check<ShapeError>(x.defined() && x.dim() >= 1 && x.shape()[0] == set.size(),
                              "loader: a further tensor of shape {}, expected {} samples",
                              x.defined() ? x.shape() : Shape{}, set.size());
    set = dense(set);
    check<ValueError>(
        set.inputs.dtype() == DType::u8 || (set.scale == 1 && set.shift == 0),
        "loader: scale {} and shift {} are for bytes (u8), the inputs are {}; convert them first", set.scale,
        set.shift, name(set.inputs.dtype()));
    if (set.sample_shape.empty()) set.sample_shape = row_shape(set.inputs);
    check<ShapeError>(set.sample_shape.numel() * set.size() == set.inputs.numel(),
                      "loader: samples of shape {} do not make up {}", set.sample_shape, set.inputs.shape());
    return set;
}

Batch batch_of(const Dataset& set, std::int64_t first, std::int64_t count) {
    return assembled(
        set, count,
        [&](const Tensor& x, const Shape& shape, double scale, double shift) {
            return as_input(rows(x, first, count), shape, scale, shift);
        },
        [&](const Tensor& y, const Shape& shape) { return as_target(rows(y, first, count), shape); });
}

Batch batch_of(const Dataset& set, const Tensor& places) {
    Taking taking(places);
    const Batch batch = assembled(
        set, places.numel(),
        [&](const Tensor& x, const Shape& shape, double scale, double shift) {
            return taking.rows(x, shape, x.dtype() == DType::u8 ? DType::f32 : x.dtype(), scale, shift);
        },
        [&](const Tensor& y, const Shape& shape) {
            return taking.rows(y, shape, is_floating(y.dtype()) ? y.dtype() : DType::i64);
        });
    taking.run();
    return batch;
}

Batch step_of(const Dataset& set, const Tensor& places) {
    Batch batch = batch_of(set, places);
    batch.parts = {places.numel()};
    batch.step_size = places.numel();
    return batch;
}

Dataset Dataset::part(std::int64_t first, std::int64_t count) const {
    check_part(first, count, size());
    return mapped(*this, [&](const Tensor& x) { return rows(x, first, count); });
}

Dataset Dataset::select(std::span<const std::int64_t> samples) const {
    for (const std::int64_t sample : samples)
        check<IndexError>(sample >= 0 && sample < size(), "dataset: sample {} of {}", sample, size());
    if (samples.empty()) return part(0, 0);
    const auto count = static_cast<std::int64_t>(samples.size());
    const Tensor index =
        tensor(std::vector<std::int64_t>(samples.begin(), samples.end()), {count}, Device::cpu());
    return mapped(dense(*this), [&](const Tensor& x) {
        const Tensor places = index.to(x.device());
        Taking taking(places);
        const Tensor picked = taking.rows(x, batch_shape(count, row_shape(x)), x.dtype());
        taking.run();
        return picked;
    });
}

Dataset Dataset::to(Device device) const {
    return mapped(*this, [&](const Tensor& x) { return x.to(device); });
}

Samples::Samples(std::shared_ptr<const Source> source, int) : kind_(std::move(source)) {
    check<ValueError>(std::get<1>(kind_) != nullptr, "samples: a null pointer in the place of a source");
}

Samples::Samples(std::shared_ptr<Stream> stream, int) : kind_(std::move(stream)) {
    check<ValueError>(std::get<2>(kind_) != nullptr, "samples: a null pointer in the place of a stream");
}

std::int64_t Samples::size() const {
    check<ValueError>(!is_stream(), "samples: a stream has no number of samples");
    return dataset() ? dataset()->size() : source()->size();
}

Samples Samples::part(std::int64_t first, std::int64_t count) const {
    if (dataset()) return dataset()->part(first, count);
    check_part(first, count, size());
    return std::make_shared<const Part>(std::get<1>(kind_), first, count);
}

}  // namespace adjoint::data
