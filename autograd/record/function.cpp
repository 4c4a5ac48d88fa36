// Saved tensors and the anomaly check.
#include <adjoint/autograd/record/function.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/record/trace.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {

Saved& Saved::operator=(const Tensor& input) {
    tensor_ = input;
    version_ = input.defined() ? input.version() : 0;
    is_output_ = false;
    return *this;
}

void Saved::keep_output(const Tensor& output, std::uint32_t index) {
    tensor_ = output.detach();
    version_ = output.version();
    index_ = index;
    is_output_ = true;
}

Tensor Saved::get() const {
    if (!tensor_.defined()) return tensor_;
    const Node* node = running_node();
    check<AutogradError>(
        tensor_.version() == version_,
        "backward: {} saved its {} of shape {}, which was modified in place afterwards (version {}, "
        "saved at {}); make a new tensor there",
        node ? node->name() : "a function", is_output_ ? "output" : "input", tensor_.shape(),
        tensor_.version(), version_);
    if (!is_output_ || !node || !grad_enabled()) return tensor_;
    Tensor connected = tensor_.detach();
    connected.impl().requires_grad = true;
    connected.impl().producer = Ref<Producer>::share(running_node());
    connected.impl().output_index = index_;
    return connected;
}

namespace detail {
namespace {

// The index in each dimension of the element that stands at `place` in row-major order.
Shape place_of(std::int64_t place, const Shape& shape) {
    Shape index = shape;
    for (int dim = shape.size() - 1; dim >= 0; --dim) {
        index[dim] = place % shape[dim];
        place /= shape[dim];
    }
    return index;
}

}  // namespace

void check_anomaly(const char* name, const Tensor& result, std::optional<std::size_t> input) {
    if (Trace* trace = Trace::current()) trace->keep(result);
    if (!is_floating(result.dtype()) || result.numel() == 0) return;
    const NoGrad guard;
    // x - x is 0 for finite x and NaN otherwise, and NaN survives the sum.
    const Tensor plain = result.detach();
    const Tensor difference = empty(plain.shape(), {.dtype = plain.dtype(), .device = plain.device()});
    Backend& device = backend(plain.device());
    device.run(
        call::Zip{functor::Sub{}, make_loop<3>({&difference, &plain, &plain}, compute_type(plain.dtype()))});
    const Tensor total = empty({}, {.dtype = plain.dtype(), .device = plain.device()});
    device.run(
        call::Reduce{functor::Sum{}, make_reduction(total, difference, ~0u, compute_type(plain.dtype()))});
    if (total.item<double>() == 0) return;
    const std::vector<double> values = plain.to_vector<double>();
    const auto is_wrong = [](double value) { return !std::isfinite(value); };
    const auto first = std::find_if(values.begin(), values.end(), is_wrong);
    const std::string what = std::isnan(*first) ? "NaN" : *first > 0 ? "Inf" : "-Inf";
    const std::string where =
        input ? fmt::format("the gradient of its input {}, of", *input) : std::string("a result of");
    fail<AutogradError>("anomaly: {}{} gave {} at {} of {} shape {}; not finite are {} of {} elements",
                        input ? "the backward pass of " : "", name, what,
                        place_of(first - values.begin(), plain.shape()), where, plain.shape(),
                        std::count_if(first, values.end(), is_wrong), values.size());
}

}  // namespace detail
}  // namespace adjoint
