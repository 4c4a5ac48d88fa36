// The checks of a saved state.
#include <adjoint/optim/state_reader.h>

#include <adjoint/core/base/format.h>

namespace adjoint::optim::detail {

StateReader::StateReader(const char* op, const NamedTensors& state)
    : op_(op), state_(state), used_(state.size()) {
    for (std::size_t i = 0; i < state.size(); ++i)
        check<ValueError>(places_.emplace(state[i].first, i).second, "{}: load_state: {} is given twice", op,
                          state[i].first);
}

Tensor StateReader::take(const std::string& key, const Shape& shape, DType dtype) {
    const auto place = places_.find(key);
    check<ValueError>(place != places_.end(), "{}: load_state: {} is missing", op_, key);
    const Tensor found = state_[place->second].second;
    check<ValueError>(found.defined(), "{}: load_state: {} is undefined", op_, key);
    used_[place->second] = true;
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
