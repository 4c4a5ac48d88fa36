// The checks of a saved state.
#include <adjoint/optim/state_reader.h>

#include <algorithm>

#include <adjoint/core/base/format.h>

namespace adjoint::optim::detail {

bool StateReader::has(const std::string& key) const {
    return std::any_of(state_.begin(), state_.end(), [&](const auto& entry) { return entry.first == key; });
}

Tensor StateReader::take(const std::string& key, const Shape& shape, DType dtype) {
    Tensor found;
    for (std::size_t i = 0; i < state_.size(); ++i) {
        if (state_[i].first != key) continue;
        check<ValueError>(!found.defined() && state_[i].second.defined(),
                          "{}: load_state: {} is undefined or given twice", op_, key);
        found = state_[i].second;
        used_[i] = true;
    }
    check<ValueError>(found.defined(), "{}: load_state: {} is missing", op_, key);
    check<ShapeError>(found.shape() == shape, "{}: load_state: {} has shape {}, expected {}", op_, key,
                      found.shape(), shape);
    check<DTypeError>(found.dtype() == dtype, "{}: load_state: {} is {}, expected {}", op_, key,
                      name(found.dtype()), name(dtype));
    return found;
}

double StateReader::number(const std::string& key) { return take(key, {}, f64).item<double>(); }

std::int64_t StateReader::count(const std::string& key) {
    const auto value = take(key, {}, i64).item<std::int64_t>();
    check<ValueError>(value >= 0, "{}: load_state: {} is {}", op_, key, value);
    return value;
}

void StateReader::finish() const {
    for (std::size_t i = 0; i < state_.size(); ++i)
        check<ValueError>(used_[i], "{}: load_state: {} does not belong there", op_, state_[i].first);
}

}  // namespace adjoint::optim::detail
