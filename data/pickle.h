// The part of Python's pickle format that files of tensors are written in. Private.
//
// A pickle is a program that builds objects. Nothing of it is executed here: an instruction outside of a
// short list is an error, and a name in a module is a value like any other. What is made of it is up to the
// caller, who knows a few of them.
// source: the comments of CPython's Lib/pickletools.py, protocols 2 to 5.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace adjoint::data {

struct PickleValue;
using PickleValues = std::vector<const PickleValue*>;

/// A name in a module: collections.OrderedDict.
struct PickleGlobal {
    std::string module, name;
    std::string full() const { return module + "." + name; }
};
/// What a name gave when it was called with arguments.
struct PickleCall {
    PickleGlobal global;
    PickleValues arguments;
};
/// An object that is kept outside of the pickle, by its key.
struct PickleOutside {
    PickleValues key;
};
struct PickleTuple {
    PickleValues items;
};
struct PickleList {
    PickleValues items;
};
struct PickleDict {
    std::vector<std::pair<const PickleValue*, const PickleValue*>> items;
};

struct PickleValue {
    std::variant<std::monostate, bool, std::int64_t, double, std::string, PickleGlobal, PickleCall,
                 PickleOutside, PickleTuple, PickleList, PickleDict>
        is;

    template <class T> const T* as() const noexcept { return std::get_if<T>(&is); }
};

/// A pickle that was read. Values may be met more than once, and in a bad file contain themselves.
class Pickle {
  public:
    /// errors: IoError naming `path`, the place and the instruction or module that is not allowed.
    Pickle(std::span<const std::byte> bytes, const std::string& path);
    const PickleValue& value() const noexcept { return *value_; }

  private:
    friend class PickleReader;

    std::deque<PickleValue> values_;
    const PickleValue* value_ = nullptr;
};

}  // namespace adjoint::data
