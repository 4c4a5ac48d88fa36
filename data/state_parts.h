// What states are made of besides numbers: lists of strings, tensors found by name. Private.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/data/safetensors.h>

namespace adjoint::data {

/// "name" as bytes, one string behind the other, and "name.ends", where each of them ends.
void append_strings(NamedTensors& state, const std::string& name, const std::vector<std::string>& strings);

/// Reads a state; the messages lead with `what` the state should be of.
class StateReader {
  public:
    StateReader(const NamedTensors& state, const char* what) : state_(state), what_(what) {}
    /// errors (of all): ValueError for one that is missing or of another kind.
    Tensor tensor(std::string_view name, int dims) const;
    std::vector<std::int64_t> integers(std::string_view name) const;
    std::vector<std::string> strings(const std::string& name) const;
    [[noreturn]] void refuse(std::string_view why) const;

  private:
    const NamedTensors& state_;
    const char* what_;
};

}  // namespace adjoint::data
