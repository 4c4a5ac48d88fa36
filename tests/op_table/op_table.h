// The table of operators: one row (and variants of it) for each, with inputs, an independent reference in
// plain loops over doubles, and what may be asked of it. The runners for autograd and for other devices read
// the same rows.
//
// Quick start: a row for silu. Its values, gradients and second gradients are then tested in every type and
// memory layout, on every device.
//
//     Row row;
//     row.op = "silu";
//     row.call = [](const Tensors& in) { return Tensors{silu(in[0])}; };
//     row.inputs = {{.shape = {2, 3}}};  // uniform in [-2, 2]
//     row.reference = [](const Arrays& in) {
//         return Arrays{build(in[0].shape, [&](const Shape& place) {
//             const double x = in[0].at(place);
//             return x / (1 + std::exp(-x));
//         })};
//     };
//     rows.push_back(row);
//
// It goes to the add_ function of its topic. Most topics have a shorter way for functions of their kind; with
// that of unary.cpp it is
//
//     add(rows, "silu", silu, [](double x) { return x / (1 + std::exp(-x)); });
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::table {

/// A dense array of doubles: what references compute with.
struct Array {
    Shape shape;
    std::vector<double> values;

    Array() = default;
    /// Filled with `value`.
    explicit Array(const Shape& s, double value = 0)
        : shape(s), values(static_cast<std::size_t>(s.numel()), value) {}
    double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
    double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
    std::int64_t numel() const { return static_cast<std::int64_t>(values.size()); }
    /// The element at a place, one number per dimension.
    double& at(const Shape& place) { return (*this)[offset(place)]; }
    double at(const Shape& place) const { return (*this)[offset(place)]; }
    std::int64_t offset(const Shape& place) const;
};

using Arrays = std::vector<Array>;
using Tensors = std::vector<Tensor>;

/// How an input is filled. Numbers are multiples of 2^-12, so that f32 holds them exactly.
struct Input {
    enum class Kind {
        real,      ///< uniform in [low, high], floating
        distinct,  ///< evenly spaced over [low, high] in a shuffled order: no ties
        integer,   ///< i64 in low .. high
        boolean,
        fixed,  ///< `values`, floating
        fixed_integer
    };
    Shape shape = {};
    double low = -2, high = 2;
    Kind kind = Kind::real;
    std::vector<double> avoid = {};  ///< reals stay at least 0.05 away from these: kinks and poles
    std::vector<double> values = {};
    bool wants_gradient = true;  ///< floating inputs only

    bool floating() const { return kind == Kind::real || kind == Kind::distinct || kind == Kind::fixed; }
};

struct Row {
    std::string op;       ///< the public function's name
    std::string variant;  ///< shapes or attributes, letters and digits
    std::function<Tensors(const Tensors&)> call;
    std::vector<Input> inputs;
    std::function<Arrays(const Arrays&)> reference;
    bool differentiable = true;
    bool second = true;             ///< has a second derivative that gradgradcheck can see
    bool on_distinct_only = false;  ///< equal elements change the answer's derivative: no expanded inputs
    double tolerance_f64 = 1e-9, tolerance_f32 = 2e-4;

    std::string name() const { return op + (variant.empty() ? "" : "_" + variant); }
};

using Rows = std::vector<Row>;

/// Every row.
const Rows& rows();

// The parts of the table, by topic.
void add_unary(Rows& rows);
void add_binary(Rows& rows);
void add_reduce(Rows& rows);
void add_shape(Rows& rows);
void add_linalg(Rows& rows);
void add_index(Rows& rows);
void add_loss(Rows& rows);
void add_batch_norm(Rows& rows);
void add_layer_norm(Rows& rows);
void add_convolution(Rows& rows);
void add_pooling(Rows& rows);
void add_resample(Rows& rows);
void add_sort(Rows& rows);
void add_einsum(Rows& rows);

/// The values of an input, the same for each (row, position).
Array generate(const Input& input, const std::string& row_name, std::size_t position);
/// The values as a tensor of `type` if the input is floating, else of its own type.
Tensor to_tensor(const Array& values, const Input& input, DType type);

// For writing references
// -----------------------------------------------------------------------------

/// Calls f(place) for each place of `shape` in row-major order.
void for_each_place(const Shape& shape, const std::function<void(const Shape&)>& f);
/// The array whose element at each place is f(place).
Array build(const Shape& shape, const std::function<double(const Shape&)>& f);
/// The element of `x` that a place of a shape it broadcasts to reads.
double broadcast_at(const Array& x, const Shape& place);
/// The shape that two shapes broadcast to.
Shape broadcast(const Shape& a, const Shape& b);
/// f over the groups of elements that a reduction over `dims` (none: all) puts together.
Array fold(const Array& x, const std::vector<int>& dims, bool keepdim,
           const std::function<double(const std::vector<double>&)>& f);
/// f over each line along `dim`, giving lines of any one length.
Array along(const Array& x, int dim, const std::function<std::vector<double>(const std::vector<double>&)>& f);

// The names
// -----------------------------------------------------------------------------

/// The public functions that the headers of autograd/ declare and that give tensors.
std::vector<std::string> declared_operators();
/// Those that need no row, and why.
const std::map<std::string, std::string>& exempt_operators();

}  // namespace adjoint::table
