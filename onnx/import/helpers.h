// What operators of several topics need: conversions by the types of the file, and integers on
// the host. Private.
#pragma once

#include <new>
#include <stdexcept>

#include <adjoint/onnx/import/operator.h>

namespace adjoint::onnx {

using Integers = std::vector<std::int64_t>;

/// f(), whose errors lead with the name of the node.
template <class F> decltype(auto) labelled(const std::string& label, F&& f) {
    try {
        return f();
    } catch (Error& error) {
        error.lead(label.c_str());
        throw;
    } catch (const std::bad_alloc&) {
        throw OutOfMemoryError(label + ": there is not enough memory");
    } catch (const std::length_error&) {
        throw OutOfMemoryError(label + ": there is not enough memory");
    } catch (const std::out_of_range&) {
        throw ValueError(label + ": a list is too short");
    }
}

bool is_integer(const Tensor& x) noexcept;
/// u8 and up; bool is none.
bool is_unsigned(ElementType type) noexcept;
/// The least and the largest number of an integer type of up to 32 bits.
struct Range {
    std::int64_t low, high;
};
Range range_of(ElementType type);

/// -x, that of the least number itself.
std::int64_t negated(std::int64_t x) noexcept;
/// x as `type`, wrapped around where its numbers are too large for it.
Value cast(const Tensor& x, ElementType type);
/// x, which holds numbers of `type` after integer arithmetic, wrapped around.
Value wrapped(const Tensor& x, ElementType type);
/// The type in an attribute.
/// errors: Unsupported if nothing stores it.
ElementType type_attribute(const Build& build, const char* name, ElementType otherwise);
ElementType storable(std::int64_t type);

/// A tensor of i64 on the CPU.
Tensor integers_of(const Integers& values);
Tensor integers_of(const Integers& values, const Shape& shape);
Shape shape_of(const Integers& sizes);
Integers sizes_of(const Tensor& x);
/// f of the elements, as a tensor of x's type on its device.
Tensor map_integers(const Tensor& x, const std::function<std::int64_t(std::int64_t)>& f);
/// The same of two, which broadcast; of a's type.
Tensor map_integers(const Tensor& a, const Tensor& b,
                    const std::function<std::int64_t(std::int64_t, std::int64_t)>& f);

/// Axes made non-negative and sorted.
/// errors: IndexError out of range; ValueError for one that is there twice.
Integers wrapped_axes(const Integers& axes, int rank);
int wrapped_axis(std::int64_t axis, int rank);

/// The axes that an attribute gave before version `since` and an input from then on; nothing if left out.
std::function<std::optional<Integers>(const Call&)> axes_of(const Build& build, std::int64_t since,
                                                            std::size_t input, const char* name = "axes");

/// x, of a type that the function does not take, in f32 (f64 for what needs it), and the
/// result converted back.
template <class F> Tensor in_floating(const Tensor& x, F&& f) {
    if (is_floating(x.dtype())) return f(x);
    return f(x.to(x.dtype() == DType::u8 || x.dtype() == DType::boolean ? DType::f32 : DType::f64))
        .to(x.dtype());
}

/// The activation of x, as a call of its own.
Tensor activated(const Tensor& x, Activation activation);

/// A full tensor of x's type and device.
Tensor filled(const Shape& shape, double value, const Tensor& like);

}  // namespace adjoint::onnx
