// What an operator of the format is here: a row of a table, which makes of a node the function that
// runs it. Private.
//
// The tables stand in the files of their topics; table.cpp puts them together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/tensor/tensor.h>
#include <adjoint/onnx/format/tensor_value.h>
#include <adjoint/onnx/import/attributes.h>

namespace adjoint::onnx {

class Program;

/// The elements of a small tensor that is known before the model runs.
struct HostCopy {
    std::vector<std::int64_t> integers;  ///< of an integer tensor
    std::vector<double> numbers;
};

/// What flows between nodes. The type of the file may be narrower than what it is stored as.
struct Value {
    Value() = default;
    Value(Tensor x) : tensor(std::move(x)) {}  // NOLINT(google-explicit-constructor)
    Value(Tensor x, ElementType t) : tensor(std::move(x)), type(t) {}

    Tensor tensor;  ///< undefined: left out
    ElementType type = ElementType::undefined;
    std::shared_ptr<const HostCopy> host = {};
};
using Values = std::vector<Value>;

/// A shape that was computed, or that padding makes, may ask for no more elements. A file can
/// ask for anything.
inline constexpr std::int64_t most_elements = std::int64_t{1} << 28;
/// errors: ValueError for a shape of negative sizes or of more elements than may be.
const Shape& bounded(const Shape& shape, std::int64_t most = most_elements);
/// Behind errors of memory in a run.
inline constexpr const char* run_bytes_hint = "; onnx::Limits::run_bytes is the limit";

/// The bytes behind a value, at most those of its storage.
std::int64_t bytes_of(const Value& value);

/// What a run may still make: a file can ask for anything.
class Allowance {
  public:
    Allowance(std::int64_t bytes, std::int64_t iterations) : bytes_(bytes), iterations_(iterations) {}

    /// A value that stays, until it is given back.
    /// errors: OutOfMemoryError if there are more of them than may be.
    void hold(const Value& value);
    void give_back(const Value& value) noexcept { held_ -= bytes_of(value); }
    /// One more step of a loop.
    /// errors: ValueError after the last.
    void iterate();

  private:
    std::int64_t bytes_, iterations_;
    std::int64_t held_ = 0, iterated_ = 0;
};

/// One run of a node.
struct Call {
    std::span<const Value> inputs;  ///< those of the node, then what its bodies take from outside
    std::size_t outputs = 1;        ///< how many are wanted
    bool training = false;
    /// How many elements a shape that was computed may ask for; folding of constants has a lower bound.
    std::int64_t most = most_elements;
    Allowance* allowance = nullptr;  ///< null while constants are folded

    bool has(std::size_t i) const noexcept { return i < inputs.size() && inputs[i].tensor.defined(); }
    /// errors: ValueError if it was left out.
    const Tensor& operator[](std::size_t i) const;
    ElementType type(std::size_t i) const { return (*this)[i], inputs[i].type; }
    /// The elements, on the host.
    std::vector<std::int64_t> integers(std::size_t i) const;
    std::vector<double> numbers(std::size_t i) const;
    /// The single element.
    /// errors: ShapeError if there are more or none.
    std::int64_t integer(std::size_t i) const;
    double number(std::size_t i) const;
    /// The same if there is one and it was known beforehand.
    std::optional<double> known(std::size_t i) const;
    const Shape& bounded(const Shape& shape) const { return onnx::bounded(shape, most); }
};

using Kernel = std::function<Values(const Call&)>;

/// A graph in an attribute, ready to run.
struct Body {
    std::shared_ptr<const Program> program;
    std::size_t first = 0, count = 0;  ///< what it takes from outside, among the inputs of the node

    /// `arguments` are those of the graph.
    Values operator()(const Call& call, Values arguments) const;
    std::size_t inputs() const;
    std::size_t outputs() const;
};

/// A node, as its row sees it when the model is loaded.
struct Build {
    const Attributes& attributes;
    std::int64_t opset;
    std::size_t inputs, outputs;
    /// The graph in an attribute.
    std::function<Body(const char* attribute)> body;
};

using Factory = Kernel (*)(const Build&);

/// What stands behind a product or a convolution and can be done with it.
struct Tail {
    bool normalises = false;  ///< BatchNormalization, whose four further inputs come behind those of the node
    double eps = 0, momentum = 0;
    Activation then = Activation::none;
};
/// The kernel of a node with a tail, null if it cannot have this one.
using FuseMaker = std::function<Kernel(const Tail&)>;

/// What of a node's results is known before it runs.
enum class Nature : std::uint8_t {
    plain,     ///< their shapes, from the shapes of the inputs and the elements of those read on the host
    of_shape,  ///< all, from the shapes of the inputs
    dynamic,   ///< nothing: shapes depend on elements
    random,    ///< their shapes; and no two runs are alike
};

/// A set of inputs: bit i stands for input i.
using InputSet = std::uint32_t;
inline constexpr InputSet all_inputs = ~InputSet{0};
constexpr InputSet set_of(std::initializer_list<int> inputs) {
    InputSet set = 0;
    for (const int i : inputs) set |= InputSet{1} << i;
    return set;
}

inline constexpr InputSet second_input = set_of({1});

struct Row {
    std::string_view name;
    int since;  ///< the version of the standard operators from which on this row counts
    Factory make;
    InputSet host = 0;  ///< read on the host: shapes, axes, ...
    Nature nature = Nature::plain;
    InputSet constant = 0;    ///< what does not train although it is an initializer
    InputSet statistics = 0;  ///< what training updates
    FuseMaker (*fuse)(const Build&) = nullptr;
    bool costly = false;  ///< takes more time than in proportion to its inputs and results: is not folded
};

/// The row for an operator of the standard domain, null if there is none.
const Row* find_row(const std::string& name, std::int64_t opset);
/// All rows, by name and version.
std::vector<const Row*> all_rows();

/// What this library has nothing for. Loading collects all of them.
class Unsupported : public Error {
  public:
    using Error::Error;
};

/// Kernels of one result, from what the row's `make` knows.
template <class F> Kernel one(F f) {
    return [f](const Call& call) -> Values { return {Value(f(call))}; };
}
/// The row's function for a function of one tensor.
template <Tensor (*f)(const Tensor&)> Kernel unary(const Build&) {
    return [](const Call& call) -> Values { return {Value(f(call[0]))}; };
}

}  // namespace adjoint::onnx
