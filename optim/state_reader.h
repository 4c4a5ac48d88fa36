// Reads a saved state by name, strictly: every entry is asked for once, and none is left.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim::detail {

class StateReader {
  public:
    /// `op` leads the messages.
    /// errors: ValueError for a name that is there twice.
    StateReader(const char* op, const NamedTensors& state);

    bool has(const std::string& key) const { return places_.contains(key); }
    /// The tensor of this name.
    /// errors: ValueError if missing or undefined; ShapeError, DTypeError.
    Tensor take(const std::string& key, const Shape& shape, DType dtype);
    /// One f64.
    double number(const std::string& key);
    /// One i64 that is not negative.
    std::int64_t count(const std::string& key);
    /// Throws ValueError for an entry that was not asked for.
    void finish() const;

  private:
    const char* op_;
    const NamedTensors& state_;
    std::unordered_map<std::string, std::size_t> places_;  // by name
    std::vector<bool> used_;
};

}  // namespace adjoint::optim::detail
