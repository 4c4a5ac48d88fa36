// Batches: one gather of rows and one conversion each.
#include <adjoint/data/loader.h>

#include <algorithm>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint::data {
namespace {

// Rows first .. first + count - 1 of x as a dense tensor sharing its memory.
Tensor rows(const Tensor& x, std::int64_t first, std::int64_t count) {
    Shape shape = x.shape();
    shape[0] = count;
    return detached_view(x, shape, x.strides(), first * x.strides()[0]);
}

Tensor with_shape(const Tensor& x, const Shape& shape) {
    return detached_view(x, shape, dense_strides(shape));
}

// The rows of x that `index` names, as a matrix (count, elements per row).
Tensor pick(const Tensor& x, const Tensor& index) {
    const std::int64_t count = index.numel(), width = x.numel() / x.shape()[0];
    Tensor out = empty({count, width}, {.dtype = x.dtype(), .device = x.device()});
    const Tensor source = detached_view(x, {count, width}, {0, 1});
    const Tensor places = with_shape(index, {count, 1});
    if (out.numel() > 0)
        backend(x.device())
            .run(call::Gather{{.op = "loader", .stride = width, .size = x.shape()[0]},
                              make_loop<3>({&out, &source, &places}, x.dtype())});
    return out;
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

}  // namespace

Dataset Dataset::part(std::int64_t first, std::int64_t count) const {
    check<IndexError>(first >= 0 && count >= 0 && first <= size() && count <= size() - first,
                      "dataset: samples {} .. {} of {}", first, first + count, size());
    Dataset out = *this;
    out.inputs = rows(inputs, first, count);
    out.targets = rows(targets, first, count);
    return out;
}

Dataset Dataset::select(std::span<const std::int64_t> samples) const {
    check<ValueError>(inputs.is_contiguous() && targets.is_contiguous(),
                      "dataset: select needs dense tensors; call contiguous() first");
    for (const std::int64_t sample : samples)
        check<IndexError>(sample >= 0 && sample < size(), "dataset: sample {} of {}", sample, size());
    if (samples.empty()) return part(0, 0);
    const auto count = static_cast<std::int64_t>(samples.size());
    const Tensor index = tensor(std::vector<std::int64_t>(samples.begin(), samples.end()), {count});
    const auto picked = [&](const Tensor& x) {
        return with_shape(pick(x, index.to(x.device())), batch_shape(count, row_shape(x)));
    };
    Dataset out = *this;
    out.inputs = picked(inputs);
    out.targets = picked(targets);
    return out;
}

Dataset images(const ImageSet& set, const ImageOptions& options) {
    check<ValueError>(options.std > 0, "images: std = {}, expected a positive number", options.std);
    return {.inputs = set.images,
            .targets = set.labels,
            .scale = 1 / (255 * options.std),
            .shift = -options.mean / options.std,
            .sample_shape = options.sample_shape};
}

Loader::Loader(Dataset set, const LoaderOptions& options) : set_(std::move(set)), options_(options) {
    check<ValueError>(options.batch_size >= 1, "loader: batch size {}, expected at least 1",
                      options.batch_size);
    for (const auto& [what, x] : {std::pair("inputs", set_.inputs), std::pair("targets", set_.targets)}) {
        check<ValueError>(x.defined(), "loader: the set has no {}", what);
        check<ShapeError>(x.dim() >= 1 && x.shape()[0] > 0,
                          "loader: {} of shape {}, expected samples along the first dimension", what,
                          x.shape());
    }
    check<ShapeError>(set_.targets.shape()[0] == set_.size(),
                      "loader: {} samples of inputs, {} of targets (shapes {} and {})", set_.size(),
                      set_.targets.shape()[0], set_.inputs.shape(), set_.targets.shape());
    check<ValueError>(set_.inputs.is_contiguous() && set_.targets.is_contiguous(),
                      "loader: needs dense tensors; call contiguous() first");
    check<ValueError>(
        set_.inputs.dtype() == DType::u8 || (set_.scale == 1 && set_.shift == 0),
        "loader: scale {} and shift {} are for bytes (u8), the inputs are {}; convert them first", set_.scale,
        set_.shift, name(set_.inputs.dtype()));
    if (set_.sample_shape.empty()) set_.sample_shape = row_shape(set_.inputs);
    check<ShapeError>(set_.sample_shape.numel() * set_.size() == set_.inputs.numel(),
                      "loader: samples of shape {} do not make up {}", set_.sample_shape,
                      set_.inputs.shape());
}

std::int64_t Loader::size() const noexcept {
    const std::int64_t n = set_.size(), b = options_.batch_size;
    return options_.drop_last ? n / b : (n + b - 1) / b;
}

void Loader::set_state(LoaderState state) {
    check<ValueError>(state.next_batch >= 0 && state.next_batch <= size(), "loader: batch {} of {}",
                      state.next_batch, size());
    state_ = state;
    in_loop_ = false;
}

Loader::Iterator Loader::begin() {
    if (in_loop_) state_ = {state_.epoch + 1, 0};
    in_loop_ = true;
    return Iterator(*this);
}

bool Loader::next(Batch& batch) {
    if (state_.next_batch >= size()) {
        state_ = {state_.epoch + 1, 0};
        in_loop_ = false;
        return false;
    }
    const std::int64_t first = state_.next_batch * options_.batch_size;
    const std::int64_t count = std::min(options_.batch_size, set_.size() - first);
    Tensor x, y;
    if (options_.shuffle) {
        if (order_epoch_ != state_.epoch) {
            order_ = empty({set_.size()}, {.dtype = DType::i64, .device = set_.inputs.device()});
            backend(order_.device())
                .run(
                    call::Random{operand(order_), Permutation{}, set_.size(), {options_.seed, state_.epoch}});
            order_epoch_ = state_.epoch;
        }
        const Tensor index = rows(order_, first, count);
        x = pick(set_.inputs, index);
        y = pick(set_.targets, index);
    } else {
        x = rows(set_.inputs, first, count);
        y = rows(set_.targets, first, count);
    }
    batch.x = with_shape(x, batch_shape(count, set_.sample_shape));
    if (x.dtype() == DType::u8) {
        const Tensor scaled = empty(batch.x.shape(), {.dtype = DType::f32, .device = x.device()});
        backend(x.device())
            .run(call::Map{functor::ScaleShift{set_.scale, set_.shift},
                           make_loop<2>({&scaled, &batch.x}, DType::f32)});
        batch.x = scaled;
    }
    batch.y = with_shape(y, batch_shape(count, row_shape(set_.targets)));
    if (!is_floating(y.dtype()) && y.dtype() != DType::i64) {
        const Tensor labels = empty(batch.y.shape(), {.dtype = DType::i64, .device = y.device()});
        backend(y.device()).run(call::Map{functor::Copy{}, make_loop<2>({&labels, &batch.y}, DType::i64)});
        batch.y = labels;
    }
    ++state_.next_batch;
    return true;
}

}  // namespace adjoint::data
