// Elements read and written by index.
#include <limits>
#include <map>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

Kernel gather_of(const Build& b) {
    return [axis = b.attributes.integer("axis", 0)](const Call& c) -> Values {
        const Tensor& x = c[0];
        const int dim = wrapped_axis(axis, x.dim());
        const Tensor index = c[1].to(DType::i64);
        Shape shape;
        for (int i = 0; i < dim; ++i) shape.push_back(x.size(i));
        for (const std::int64_t size : index.shape()) shape.push_back(size);
        for (int i = dim + 1; i < x.dim(); ++i) shape.push_back(x.size(i));
        const Tensor y = index_select(x, dim, reshape(index, {index.numel()}));
        return {Value(reshape(y, shape), c.type(0))};
    };
}

Kernel gather_elements(const Build& b) {
    return [axis = b.attributes.integer("axis", 0)](const Call& c) -> Values {
        Tensor x = c[0];
        const Tensor index = c[1].to(DType::i64);
        const int dim = wrapped_axis(axis, x.dim());
        check<ShapeError>(index.dim() == x.dim(), "indices of shape {} into {}", index.shape(), x.shape());
        for (int i = 0; i < x.dim(); ++i)
            if (i != dim && index.size(i) < x.size(i)) x = narrow(x, i, 0, index.size(i));
        return {Value(gather(x, dim, index), c.type(0))};
    };
}

/// The number of the row of x, seen as `leading` dimensions of rows, that each of the indices names.
Tensor row_numbers(const Shape& shape, int first, const Tensor& index) {
    const auto depth = static_cast<int>(index.size(-1));
    check<ShapeError>(first + depth <= shape.size(), "indices of {} places into {}", depth, shape);
    Shape leading = index.shape();
    leading.erase(leading.size() - 1);
    Tensor number = zeros(leading, {.dtype = DType::i64, .device = index.device()});
    for (int i = 0; i < depth; ++i) {
        const std::int64_t size = shape[first + i];
        const Tensor at = select(index, -1, i);
        check<IndexError>(at.numel() == 0 || (amin(at).item<std::int64_t>() >= -size &&
                                              amax(at).item<std::int64_t>() < size),
                          "an index is outside of size {} of {}", first + i, shape);
        number = number * size + where(lt(at, filled({}, 0, at)), at + size, at);
    }
    return number;
}

std::int64_t product(const Shape& shape, int first, int last) {
    std::int64_t result = 1;
    for (int i = first; i < last; ++i) result *= shape[i];
    return result;
}

Kernel gather_nd(const Build& b) {
    return [batch = b.attributes.integer("batch_dims", 0)](const Call& c) -> Values {
        const Tensor& x = c[0];
        const Tensor index = c[1].to(DType::i64);
        check<ShapeError>(index.dim() >= 1 && batch >= 0 && batch < index.dim() && batch < x.dim(),
                          "batch_dims is {} for {} and {}", batch, x.shape(), index.shape());
        const int first = static_cast<int>(batch), depth = static_cast<int>(index.size(-1));
        Tensor number = row_numbers(x.shape(), first, index);
        const std::int64_t batches = product(x.shape(), 0, first);
        const std::int64_t each = product(x.shape(), first, first + depth);
        check<ShapeError>(product(index.shape(), 0, first) == batches, "batches of {} and {} differ",
                          x.shape(), index.shape());
        Shape shape = number.shape();
        for (int i = first + depth; i < x.dim(); ++i) shape.push_back(x.size(i));
        const std::int64_t count = batches == 0 ? 0 : number.numel() / batches;
        number = reshape(number, {batches, count}) +
                 reshape(arange(batches, {.dtype = DType::i64, .device = x.device()}), {batches, 1}) * each;
        const Tensor rows = reshape(x, {batches * each, product(x.shape(), first + depth, x.dim())});
        return {Value(reshape(index_select(rows, 0, reshape(number, {number.numel()})), shape), c.type(0))};
    };
}

/// What becomes of a row and an update of it.
Tensor joined(const std::string& reduction, const Tensor& row, const Tensor& update) {
    if (reduction == "add") return row + update;
    if (reduction == "mul") return row * update;
    if (reduction == "max") return maximum(row, update);
    if (reduction == "min") return minimum(row, update);
    return update;
}

/// x (rows, n) with updates (m, n) written to the m rows that `targets` names, one after the other.
Tensor scatter_rows(const Tensor& x, const Integers& targets, const Tensor& updates,
                    const std::string& reduction) {
    // Round k writes the k-th update of each row; where the last counts alone, one round is enough.
    std::vector<std::map<std::int64_t, std::int64_t>> rounds;
    if (reduction == "none") {
        rounds.resize(targets.empty() ? 0 : 1);
        for (std::size_t i = 0; i < targets.size(); ++i) rounds[0][targets[i]] = static_cast<std::int64_t>(i);
    } else {
        std::map<std::int64_t, std::size_t> met;
        for (std::size_t i = 0; i < targets.size(); ++i) {
            const std::size_t round = met[targets[i]]++;
            if (round == rounds.size()) rounds.emplace_back();
            rounds[round][targets[i]] = static_cast<std::int64_t>(i);
        }
    }
    Tensor y = x;
    for (const auto& writers : rounds) {
        Integers writer(static_cast<std::size_t>(x.size(0)), 0), written(writer.size(), 0);
        for (const auto& [target, update] : writers) {
            writer[static_cast<std::size_t>(target)] = update;
            written[static_cast<std::size_t>(target)] = 1;
        }
        const Tensor update = index_select(updates, 0, integers_of(writer).to(x.device()));
        const Tensor mask = integers_of(written, {x.size(0), 1}).to(DType::boolean).to(x.device());
        y = where(mask, joined(reduction, y, update), y);
    }
    return y;
}

std::string reduction_of(const Build& b) {
    const std::string reduction = b.attributes.text("reduction", "none");
    const bool known = reduction == "none" || reduction == "add" || reduction == "mul" ||
                       reduction == "max" || reduction == "min";
    check<ValueError>(known, "reduction is \"{}\"", reduction);
    return reduction;
}

Kernel scatter_elements(const Build& b) {
    return [axis = b.attributes.integer("axis", 0), reduction = reduction_of(b)](const Call& c) -> Values {
        const Tensor &x = c[0], &updates = c[2];
        const int dim = wrapped_axis(axis, x.dim());
        const Integers index = c.integers(1);
        const Shape& shape = c[1].shape();
        check<ShapeError>(shape == updates.shape() && shape.size() == x.dim(),
                          "indices of shape {} and updates of {} into {}", shape, updates.shape(), x.shape());
        const Shape strides = dense_strides(x.shape());
        Integers targets(index.size()), place(static_cast<std::size_t>(x.dim()), 0);
        for (std::size_t i = 0; i < index.size(); ++i) {
            const std::int64_t size = x.size(dim), at = index[i] < 0 ? index[i] + size : index[i];
            check<IndexError>(at >= 0 && at < size, "index {} into size {} of {}", index[i], dim, x.shape());
            for (int d = 0; d < x.dim(); ++d) {
                const std::int64_t there = d == dim ? at : place[static_cast<std::size_t>(d)];
                check<IndexError>(there < x.size(d), "indices of shape {} into {}", shape, x.shape());
                targets[i] += there * strides[d];
            }
            for (int d = x.dim() - 1; d >= 0; --d) {
                auto& digit = place[static_cast<std::size_t>(d)];
                if (++digit < shape[d]) break;
                digit = 0;
            }
        }
        const Tensor y = scatter_rows(reshape(x, {x.numel(), 1}), targets,
                                      reshape(updates, {updates.numel(), 1}), reduction);
        return {Value(reshape(y, x.shape()), c.type(0))};
    };
}

Kernel scatter_nd(const Build& b) {
    return [reduction = reduction_of(b)](const Call& c) -> Values {
        const Tensor& x = c[0];
        const Tensor index = c[1].to(DType::i64);
        check<ShapeError>(index.dim() >= 1, "the indices have no dimension");
        const Integers targets = row_numbers(x.shape(), 0, index).to_vector<std::int64_t>();
        const auto depth = static_cast<int>(index.size(-1));
        const std::int64_t rows = product(x.shape(), 0, depth), width = product(x.shape(), depth, x.dim());
        const auto count = static_cast<std::int64_t>(targets.size());
        check<ShapeError>(c[2].numel() == count * width, "updates of shape {} for {} rows of {}",
                          c[2].shape(), count, x.shape());
        const Tensor y =
            scatter_rows(reshape(x, {rows, width}), targets, reshape(c[2], {count, width}), reduction);
        return {Value(reshape(y, x.shape()), c.type(0))};
    };
}

}  // namespace

std::span<const Row> index_rows() {
    static constexpr Row rows[] = {
        {"Gather", 1, gather_of},
        {"GatherElements", 11, gather_elements},
        {"GatherND", 11, gather_nd},
        {"Scatter", 9, scatter_elements, second_input},
        {"ScatterElements", 11, scatter_elements, second_input},
        {"ScatterND", 11, scatter_nd},
    };
    return rows;
}

}  // namespace adjoint::onnx
