// Indexing with parentheses: basic indices are views, index tensors and masks gather.
#include <adjoint/autograd/ops/indexed.h>

#include <algorithm>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// A tensor after its basic indices, with the index tensors that are left for some of its dimensions.
struct Partial {
    Tensor view;
    std::vector<std::pair<int, Tensor>> places;  // by rising dimension
};

int dims_taken(const Index& index) {
    switch (index.kind()) {
        case Index::Kind::rest:
        case Index::Kind::axis:
            return 0;
        case Index::Kind::tensor:
            return index.places().dtype() == DType::boolean ? index.places().dim() : 1;
        default:
            return 1;
    }
}

Partial apply_basic(const Tensor& base, const std::vector<Index>& indices) {
    int taken = 0, ellipses = 0;
    for (const Index& index : indices) {
        taken += dims_taken(index);
        ellipses += index.kind() == Index::Kind::rest;
    }
    check<IndexError>(ellipses <= 1, "index: more than one ellipsis");
    check<IndexError>(taken <= base.dim(), "index: {} indices for a tensor of shape {}", taken, base.shape());
    Partial out{base, {}};
    int d = 0;
    for (const Index& index : indices) {
        switch (index.kind()) {
            case Index::Kind::at:
                out.view = select(out.view, d, index.integer());
                break;
            case Index::Kind::range: {
                const Slice range = index.range();
                out.view = slice(out.view, d++, range.start, range.stop, range.step);
                break;
            }
            case Index::Kind::whole:
                ++d;
                break;
            case Index::Kind::rest:
                d += base.dim() - taken;
                break;
            case Index::Kind::axis:
                out.view = unsqueeze(out.view, d++);
                break;
            case Index::Kind::tensor: {
                const Tensor& places = index.places();
                if (places.dtype() != DType::boolean) {
                    check<DTypeError>(!is_floating(places.dtype()), "index: an index tensor of type {}",
                                      name(places.dtype()));
                    out.places.emplace_back(d++, places.to(DType::i64));
                    break;
                }
                const Shape& mask = places.shape();
                for (int i = 0; i < mask.size(); ++i)
                    check<IndexError>(mask[i] == out.view.shape()[d + i],
                                      "index: mask of shape {} for dimensions {} of {}", mask, d,
                                      out.view.shape());
                const Tensor where_true = nonzero(places);
                for (int i = 0; i < mask.size(); ++i) out.places.emplace_back(d++, select(where_true, 1, i));
                break;
            }
        }
    }
    return out;
}

// Negative places made positive, all checked; out of range is found here because
// the dimensions are about to merge.
Tensor wrapped(const Tensor& places, std::int64_t size) {
    if (places.numel() == 0) return places;
    std::int64_t low = 0;
    {
        const detail::Unheard check_alone;
        low = amin(places).item<std::int64_t>();
        const auto high = amax(places).item<std::int64_t>();
        check<IndexError>(low >= -size && high < size, "index: place {} is outside [{}, {})",
                          low < -size ? low : high, -size, size);
    }
    // Who observes wants to know what is done with any places, not with these.
    return low < 0 || detail::is_observed() ? where(lt(places, std::int64_t{0}), places + size, places)
                                            : places;
}

Tensor gather_places(const Partial& partial) {
    const Tensor& x = partial.view;
    const int count = static_cast<int>(partial.places.size());
    Shape shape;
    for (const auto& [dim, places] : partial.places) shape = broadcast_shapes("index", shape, places.shape());
    // The indexed dimensions to the front, merged into one.
    Shape order, rest;
    bool adjacent = true;
    for (int i = 0; i < count; ++i) {
        order.push_back(partial.places[static_cast<std::size_t>(i)].first);
        adjacent = adjacent && order[i] == order[0] + i;
    }
    Tensor flat = zeros({}, {.dtype = DType::i64, .device = x.device()});
    for (const auto& [dim, places] : partial.places)
        flat = flat * x.shape()[dim] + wrapped(places, x.shape()[dim]);
    std::int64_t merged = 1;
    for (const auto& [dim, places] : partial.places) merged *= x.shape()[dim];
    for (int d = 0; d < x.dim(); ++d) {
        if (std::find(order.begin(), order.begin() + count, d) != order.begin() + count) continue;
        order.push_back(d);
        rest.push_back(x.shape()[d]);
    }
    Shape table = rest;
    table.insert(0, merged);
    Tensor out = index_select(reshape(permute(x, order), table), 0, reshape(flat, {flat.numel()}));
    Shape result = shape;
    for (const std::int64_t size : rest) result.push_back(size);
    out = reshape(out, result);
    const int front = adjacent ? static_cast<int>(partial.places[0].first) : 0;
    if (front == 0) return out;
    // The new dimensions move to where the indexed ones stood.
    Shape back;
    for (int i = 0; i < front; ++i) back.push_back(shape.size() + i);
    for (int i = 0; i < shape.size(); ++i) back.push_back(i);
    for (int i = front; i < rest.size(); ++i) back.push_back(shape.size() + i);
    return permute(out, back);
}

Tensor read(const Tensor& base, const std::vector<Index>& indices) {
    const Partial partial = apply_basic(base, indices);
    return partial.places.empty() ? partial.view : gather_places(partial);
}

}  // namespace

Indexed::Indexed(const Tensor& base, std::vector<Index> indices)
    : Tensor(read(base, indices)), base_(base), indices_(std::move(indices)) {
    for (const Index& index : indices_) is_view_ = is_view_ && index.kind() != Index::Kind::tensor;
}

const Indexed& Indexed::operator=(const Tensor& source) const {
    if (is_view_) {
        copy_(source);
        return *this;
    }
    check<AutogradError>(
        !grad_enabled() || (!base_.requires_grad() && !source.requires_grad()),
        "index: assignment through an index tensor is not recorded; use where or scatter_add, or a NoGrad "
        "guard");
    const NoGrad guard;
    // The same indexing applied to the element numbers says where to write.
    const Tensor numbers = reshape(arange(base_.numel()).to(base_.device()), base_.shape());
    const Tensor targets = reshape(read(numbers, indices_), {numel()});
    if (targets.numel() == 0) return *this;
    const Tensor values = reshape(expand(source, shape()).to(base_.dtype()), {numel()});
    Tensor flat = base_.is_contiguous() ? base_.detach() : base_.clone();
    flat = reshape(flat, {flat.numel()});
    const Tensor target = expand(narrow(flat, 0, 0, 1), {numel()});
    backend(base_.device())
        .run(call::Scatter{{.op = "index", .stride = 1, .size = flat.numel()},
                           false,
                           make_loop<3>({&target, &values, &targets}, base_.dtype())});
    if (base_.is_contiguous())
        base_.impl().storage->bump();
    else
        base_.copy_(reshape(flat, base_.shape()));
    return *this;
}

const Indexed& Indexed::assign(const Scalar& value) const {
    return *this = full({}, value, {.dtype = dtype(), .device = device()});
}

const Indexed& Indexed::operator+=(const Tensor& other) const { return *this = *this + other; }
const Indexed& Indexed::operator-=(const Tensor& other) const { return *this = *this - other; }
const Indexed& Indexed::operator*=(const Tensor& other) const { return *this = *this * other; }
const Indexed& Indexed::operator/=(const Tensor& other) const { return *this = *this / other; }

}  // namespace adjoint
