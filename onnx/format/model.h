// What an ONNX file holds, as plain structs: a model, its graph of nodes, their attributes, tensors, types.
// source: the comments of onnx.proto in github.com/onnx/onnx, IR versions 3 to 11.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace adjoint::onnx {

/// The element types of the format, by their numbers in the file.
enum class ElementType : std::int32_t {
    undefined = 0,
    f32 = 1,
    u8 = 2,
    i8 = 3,
    u16 = 4,
    i16 = 5,
    i32 = 6,
    i64 = 7,
    string = 8,
    boolean = 9,
    f16 = 10,
    f64 = 11,
    u32 = 12,
    u64 = 13,
    complex64 = 14,
    complex128 = 15,
    bf16 = 16,
    f8e4m3fn = 17,
    f8e4m3fnuz = 18,
    f8e5m2 = 19,
    f8e5m2fnuz = 20,
    u4 = 21,
    i4 = 22,
    f4e2m1 = 23,
};

/// Bytes that somebody keeps alive: part of a file that was read, or a tensor's memory. Copies share them.
struct Bytes {
    std::span<const std::byte> view{};
    std::shared_ptr<const void> owner{};
};

/// A tensor with its name and its numbers.
struct TensorValue {
    std::string name{};
    ElementType type = ElementType::undefined;
    std::vector<std::int64_t> dims{};
    Bytes bytes{};  ///< row-major, little-endian; two elements of 4 bits a byte, the first in the lower half
    std::vector<std::string> strings{};  ///< the elements of a tensor of strings
};

/// The elements that are not zero, and where they stand.
struct SparseTensorValue {
    TensorValue values{}, indices{};  ///< the name is that of the values
    std::vector<std::int64_t> dims{};
};

/// A size, a name for one that is not known, or neither.
struct Dimension {
    std::optional<std::int64_t> size{};
    std::string name{};
};

/// The kinds of types that the format has.
enum class TypeKind : std::uint8_t { unknown, tensor, sparse_tensor, sequence, optional, map, opaque };

/// The type of a value: a tensor's, or that of a sequence or an optional of such.
struct Type {
    TypeKind kind = TypeKind::unknown;
    ElementType element = ElementType::undefined;   ///< of a tensor; the keys of a map
    std::optional<std::vector<Dimension>> shape{};  ///< of a tensor, unless even the rank is unknown
    std::vector<Type> inner{};                      ///< what a sequence, an optional or a map holds: one
};

/// A value of a graph by name.
struct ValueInfo {
    std::string name{};
    Type type{};
    std::string doc{};
};

struct Graph;

/// The numbers of the alternatives are not those of the file; a graph is shared, so that copies are cheap.
using AttributeValue =
    std::variant<std::monostate, float, std::int64_t, std::string, TensorValue, std::shared_ptr<const Graph>,
                 std::vector<float>, std::vector<std::int64_t>, std::vector<std::string>,
                 std::vector<TensorValue>, std::vector<std::shared_ptr<const Graph>>, SparseTensorValue,
                 std::vector<SparseTensorValue>, Type, std::vector<Type>>;

/// A constant of a node.
struct Attribute {
    std::string name{};
    AttributeValue value{};
    std::string reference{};  ///< in the body of a function: the function's attribute that gives the value
    std::int32_t reference_type = 0;  ///< and of which type it is, by the number of the file: 1 is a float
};

/// One operator.
struct Node {
    std::string op_type{};
    std::vector<std::string> inputs{}, outputs{};  ///< "" for one that is left out
    std::vector<Attribute> attributes{};
    std::string name{};
    std::string domain{};  ///< "" for the standard operators
    std::string overload{};
    std::string doc{};
};

/// Nodes in the order of their work.
struct Graph {
    std::string name{};
    std::vector<Node> nodes{};
    std::vector<ValueInfo> inputs{}, outputs{};
    std::vector<TensorValue> initializers{};
    std::vector<SparseTensorValue> sparse_initializers{};
    std::vector<ValueInfo> values{};  ///< what is known of those in between
    std::string doc{};
};

/// A set of operators by domain and version.
struct OperatorSet {
    std::string domain{};
    std::int64_t version = 0;
};

/// A function of the model's own, called by nodes of its domain and name.
struct Function {
    std::string domain{}, name{}, overload{};
    std::vector<std::string> inputs{}, outputs{};
    std::vector<std::string> attributes{};  ///< those without a default
    std::vector<Attribute> default_attributes{};
    std::vector<Node> nodes{};
    std::vector<OperatorSet> operator_sets{};
    std::string doc{};
};

/// What a file holds.
struct Model {
    std::int64_t ir_version = 8;
    std::vector<OperatorSet> operator_sets{};
    std::string producer_name{}, producer_version{}, domain{};
    std::int64_t model_version = 0;
    std::string doc{};
    Graph graph{};
    std::vector<Function> functions{};
    std::map<std::string, std::string> metadata{};
};

}  // namespace adjoint::onnx
