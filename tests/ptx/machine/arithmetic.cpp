// What the opcodes compute that touch registers alone, by their full names.
//
// Functions that the hardware takes from a table of its own (ex2.approx and its like) are computed exactly,
// and then cut as PTX says; so errors are those of rounding.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_map>

#include <adjoint/core/base/half.h>

#include "machine.h"
#include "program.h"

namespace adjoint::ptx {
namespace {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using Table = std::unordered_map<std::string, Operation>;

template <class T> T get(const u64* r, const Instruction& at, int operand) {
    T value;
    std::memcpy(&value, &r[at.from[operand]], sizeof value);
    return value;
}
template <class T> void set(u64* r, const Instruction& at, T value) {
    u64 word = 0;
    std::memcpy(&word, &value, sizeof value);
    r[at.to[0]] = word;
}

// An operation of one type on one, two or three operands; F is the type of a lambda.
template <class T, class F> void unary(u64* r, const Instruction& at) {
    set(r, at, static_cast<T>(F{}(get<T>(r, at, 0))));
}
template <class T, class F> void binary(u64* r, const Instruction& at) {
    set(r, at, static_cast<T>(F{}(get<T>(r, at, 0), get<T>(r, at, 1))));
}
template <class T, class F> void ternary(u64* r, const Instruction& at) {
    set(r, at, static_cast<T>(F{}(get<T>(r, at, 0), get<T>(r, at, 1), get<T>(r, at, 2))));
}
template <class T, class F> void compare(u64* r, const Instruction& at) {
    r[at.to[0]] = F{}(get<T>(r, at, 0), get<T>(r, at, 1)) ? 1 : 0;
}
// The second operand is a count.
template <class T, class F> void shift(u64* r, const Instruction& at) {
    set(r, at, static_cast<T>(F{}(get<T>(r, at, 0), get<u32>(r, at, 1))));
}
template <class T, class F> void count(u64* r, const Instruction& at) {
    set(r, at, static_cast<u32>(F{}(get<T>(r, at, 0))));
}
template <class Wide, class T> void multiply_wide(u64* r, const Instruction& at) {
    set(r, at, static_cast<Wide>(Wide{get<T>(r, at, 0)} * Wide{get<T>(r, at, 1)}));
}
template <class Wide, class T> void multiply_add_wide(u64* r, const Instruction& at) {
    using Unsigned = std::make_unsigned_t<Wide>;
    const auto product = static_cast<Unsigned>(Wide{get<T>(r, at, 0)} * Wide{get<T>(r, at, 1)});
    set(r, at, static_cast<Wide>(product + get<Unsigned>(r, at, 2)));
}

// Every division, so that a divisor of 0 is found.
template <class T, bool remainder> void divide(u64* r, const Instruction& at) {
    const T a = get<T>(r, at, 0), b = get<T>(r, at, 1);
    if (b == 0) finding(at, "an integer divided by 0");
    if constexpr (std::is_signed_v<T>)
        if (b == -1) return set(r, at, static_cast<T>(remainder ? T(0) : T(u64{0} - static_cast<u64>(a))));
    set(r, at, static_cast<T>(remainder ? a % b : a / b));
}

// With the carry, which register 0 holds: a + b + carry, and where it is said that carry
// anew. Subtraction adds ~b.
template <bool takes, bool leaves, bool product, bool high> void add_carry(u64* r, const Instruction& at) {
    const u64 both = u64{get<u32>(r, at, 0)} * (product ? get<u32>(r, at, 1) : 1u);
    const u64 a = product ? (high ? both >> 32 : both & 0xffffffffu) : both;
    const u64 sum = a + get<u32>(r, at, product ? 2 : 1) + (takes ? r[0] : 0);
    if (leaves) r[0] = sum >> 32;
    set(r, at, static_cast<u32>(sum));
}
template <bool takes, bool leaves> void subtract_carry(u64* r, const Instruction& at) {
    const u64 difference = u64{get<u32>(r, at, 0)} - get<u32>(r, at, 1) - (takes ? r[0] : 0);
    if (leaves) r[0] = difference >> 63;
    set(r, at, static_cast<u32>(difference));
}

template <class T> void insert_bits(u64* r, const Instruction& at) {
    const u32 first = get<u32>(r, at, 2) & 0xff, bits = get<u32>(r, at, 3) & 0xff, all = sizeof(T) * 8;
    T out = get<T>(r, at, 1);
    for (u32 k = 0; k < bits && first + k < all; ++k) {
        const T bit = T(1) << (first + k);
        out = (out & ~bit) | (get<T>(r, at, 0) >> k & 1 ? bit : 0);
    }
    set(r, at, out);
}
template <class T> void extract_bits(u64* r, const Instruction& at) {
    using Unsigned = std::make_unsigned_t<T>;
    const u32 first = get<u32>(r, at, 1) & 0xff, bits = get<u32>(r, at, 2) & 0xff, all = sizeof(T) * 8;
    const auto a = get<Unsigned>(r, at, 0);
    const bool sign = std::is_signed_v<T> && bits > 0 && (a >> std::min(first + bits - 1, all - 1) & 1);
    Unsigned out = sign ? ~Unsigned(0) : Unsigned(0);
    for (u32 k = 0; k < bits && k < all; ++k) {
        const Unsigned bit = first + k < all ? a >> (first + k) & 1 : Unsigned(sign);
        out = (out & ~(Unsigned(1) << k)) | bit << k;
    }
    set(r, at, out);
}
void permute_bytes(u64* r, const Instruction& at) {
    const u64 bytes = u64{get<u32>(r, at, 1)} << 32 | get<u32>(r, at, 0);
    u32 out = 0;
    for (int k = 0; k < 4; ++k) {
        const u32 which = get<u32>(r, at, 2) >> (4 * k) & 15;
        u32 byte = static_cast<u32>(bytes >> (8 * (which & 7))) & 0xff;
        if (which & 8) byte = byte & 0x80 ? 0xff : 0;
        out |= byte << (8 * k);
    }
    set(r, at, out);
}
template <class T> void dot_bytes(u64* r, const Instruction& at) {
    i64 sum = get<u32>(r, at, 2);
    for (int k = 0; k < 4; ++k)
        sum += i64{static_cast<T>(get<u32>(r, at, 0) >> (8 * k))} *
               static_cast<T>(get<u32>(r, at, 1) >> (8 * k));
    set(r, at, static_cast<u32>(sum));
}
template <bool left, bool wraps> void funnel_shift(u64* r, const Instruction& at) {
    const u64 both = u64{get<u32>(r, at, 1)} << 32 | get<u32>(r, at, 0);
    const u32 n = wraps ? get<u32>(r, at, 2) & 31 : std::min(get<u32>(r, at, 2), 32u);
    set(r, at, static_cast<u32>(left ? both << n >> 32 : both >> n));
}
void logic_of_three(u64* r, const Instruction& at) {
    u32 out = 0;
    for (int k = 0; k < 32; ++k) {
        const u32 which = (get<u32>(r, at, 0) >> k & 1) << 2 | (get<u32>(r, at, 1) >> k & 1) << 1 |
                          (get<u32>(r, at, 2) >> k & 1);
        out |= (get<u32>(r, at, 3) >> which & 1) << k;
    }
    set(r, at, out);
}
template <class T> void select(u64* r, const Instruction& at) {
    set(r, at, get<T>(r, at, r[at.from[2]] & 1 ? 0 : 1));
}

// Some narrow registers as one, and back.
template <int n, int bits> void pack(u64* r, const Instruction& at) {
    u64 word = 0;
    for (int k = n - 1; k >= 0; --k) word = word << bits | (r[at.from[k]] & ((u64{1} << bits) - 1));
    r[at.to[0]] = word;
}
template <int n, int bits> void unpack(u64* r, const Instruction& at) {
    const u64 word = r[at.from[0]];
    for (int k = 0; k < n; ++k) r[at.to[k]] = word >> (bits * k) & ((u64{1} << bits) - 1);
}

// Floats
// -----------------------------------------------------------------------------

template <class T> T flushed(T x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(T(0), x) : x; }
template <class T, class F> void unary_flushed(u64* r, const Instruction& at) {
    set(r, at, flushed(static_cast<T>(F{}(flushed(get<T>(r, at, 0))))));
}
// Of a double the upper half alone counts, and is answered.
double upper_half(double x) { return std::bit_cast<double>(std::bit_cast<u64>(x) & 0xffffffff00000000u); }
template <class F> void of_upper_half(u64* r, const Instruction& at) {
    set(r, at, upper_half(flushed(F{}(flushed(upper_half(get<double>(r, at, 0)))))));
}

template <class T> T smaller(T a, T b) {
    if (a != a) return b != b ? std::numeric_limits<T>::quiet_NaN() : b;
    if (b != b) return a;
    return a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
}
template <class T> T larger(T a, T b) {
    if (a != a) return b != b ? std::numeric_limits<T>::quiet_NaN() : b;
    if (b != b) return a;
    return a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
}

// Conversions
// -----------------------------------------------------------------------------

// In the register a number is as wide as that.
template <class To> void set_widened(u64* r, const Instruction& at, To value) {
    const u64 word =
        std::is_signed_v<To> ? static_cast<u64>(static_cast<i64>(value)) : static_cast<u64>(value);
    r[at.to[0]] = at.width < 64 ? word & ((u64{1} << at.width) - 1) : word;
}
template <class To, class From> void convert(u64* r, const Instruction& at) {
    if constexpr (std::is_floating_point_v<To>)
        set(r, at, static_cast<To>(get<From>(r, at, 0)));
    else
        set_widened(r, at, static_cast<To>(get<From>(r, at, 0)));
}
void from_half(u64* r, const Instruction& at) {
    set(r, at, static_cast<float>(half::from_bits(get<u16>(r, at, 0))));
}
void to_half(u64* r, const Instruction& at) { set(r, at, half(get<float>(r, at, 0)).bits); }
template <char mode, class T> T rounded(T x) {
    return mode == 'n'   ? std::nearbyint(x)
           : mode == 'm' ? std::floor(x)
           : mode == 'p' ? std::ceil(x)
                         : std::trunc(x);
}
template <char mode, class T> void round_float(u64* r, const Instruction& at) {
    set(r, at, rounded<mode>(get<T>(r, at, 0)));
}
// Saturated; what is no number is 0, or with 64 bits the sign bit alone.
template <char mode, class To, class From> void round_to_integer(u64* r, const Instruction& at) {
    const From x = get<From>(r, at, 0), y = rounded<mode>(x);
    const From high = std::ldexp(From(1), std::numeric_limits<To>::digits),
               low = std::is_signed_v<To> ? -high : From(0);
    using Limits = std::numeric_limits<To>;
    const bool wide = sizeof(From) == 8 || sizeof(To) == 8;
    const To none = wide ? static_cast<To>(u64{1} << (sizeof(To) * 8 - 1)) : To(0);
    set_widened(r, at,
                x != x      ? none
                : y >= high ? Limits::max()
                : y < low   ? Limits::min()
                            : static_cast<To>(y));
}

// The table
// -----------------------------------------------------------------------------

template <class T> std::string type_name(char kind) { return kind + std::to_string(sizeof(T) * 8); }
template <class T> std::string type_name() {
    return type_name<T>(std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 's' : 'u');
}
template <class... Ts> struct Types {};
using Integers = Types<i16, u16, i32, u32, i64, u64>;
using Words = Types<u16, u32, u64>;
using Floats = Types<float, double>;
using Narrow = Types<i8, u8>;

template <class F, class... Ts> void for_each(Types<Ts...>, F f) { (f.template operator()<Ts>(), ...); }

void add_integers(Table& t) {
    const auto both = [&]<class F>(const std::string& name, F) {
        for_each(Integers{}, [&]<class T> { t[name + "." + type_name<T>()] = &binary<T, F>; });
    };
    both("add", [](auto a, auto b) { return u64(a) + u64(b); });
    both("sub", [](auto a, auto b) { return u64(a) - u64(b); });
    both("mul.lo", [](auto a, auto b) { return u64(a) * u64(b); });
    both("min", [](auto a, auto b) { return std::min(a, b); });
    both("max", [](auto a, auto b) { return std::max(a, b); });
    constexpr auto multiply_add = [](auto a, auto b, auto c) { return u64(a) * u64(b) + u64(c); };
    constexpr auto absolute = [](auto a) { return a < 0 ? u64{0} - u64(a) : u64(a); };
    constexpr auto negative = [](auto a) { return u64{0} - u64(a); };
    constexpr auto left = [](auto a, u32 n) { return n >= sizeof(a) * 8 ? u64{0} : u64(a) << n; };
    constexpr auto right = [](auto a, u32 n) {
        constexpr u32 bits = sizeof(a) * 8;
        return n < bits ? a >> n : std::is_signed_v<decltype(a)> ? a >> (bits - 1) : 0;
    };
    for_each(Integers{}, [&]<class T> {
        const std::string type = type_name<T>();
        t["mad.lo." + type] = &ternary<T, decltype(multiply_add)>;
        t["div." + type] = &divide<T, false>;
        t["rem." + type] = &divide<T, true>;
        t["abs." + type] = &unary<T, decltype(absolute)>;
        t["neg." + type] = &unary<T, decltype(negative)>;
        t["shr." + type] = &shift<T, decltype(right)>;
        t["mov." + type] = &unary<T, decltype([](auto a) { return a; })>;
        t["selp." + type] = &select<T>;
    });
    const auto bits = [&]<class F>(const std::string& name, F) {
        for_each(Words{}, [&]<class T> { t[name + "." + type_name<T>('b')] = &binary<T, F>; });
        t[name + ".pred"] = &binary<u64, F>;
    };
    bits("and", [](auto a, auto b) { return a & b; });
    bits("or", [](auto a, auto b) { return a | b; });
    bits("xor", [](auto a, auto b) { return a ^ b; });
    for_each(Words{}, [&]<class T> {
        const std::string type = type_name<T>('b');
        t["not." + type] = &unary<T, decltype([](auto a) { return ~a; })>;
        t["shl." + type] = &shift<T, decltype(left)>;
        t["shr." + type] = &shift<T, decltype(right)>;
        t["mov." + type] = &unary<T, decltype([](auto a) { return a; })>;
        t["selp." + type] = &select<T>;
    });
    t["not.pred"] = &unary<u64, decltype([](u64 a) { return (a & 1) ^ 1; })>;
    t["mov.pred"] = &unary<u64, decltype([](u64 a) { return a & 1; })>;
    for_each(Types<u32, u64>{}, [&]<class T> {
        const std::string type = type_name<T>('b');
        t["clz." + type] = &count<T, decltype([](T a) { return std::countl_zero(a); })>;
        t["popc." + type] = &count<T, decltype([](T a) { return std::popcount(a); })>;
        t["bfi." + type] = &insert_bits<T>;
    });
    for_each(Types<u32, i32, u64, i64>{}, [&]<class T> { t["bfe." + type_name<T>()] = &extract_bits<T>; });
    const auto wide = [&]<class Wide, class T>(Wide, T) {
        t["mul.wide." + type_name<T>()] = &multiply_wide<Wide, T>;
        t["mad.wide." + type_name<T>()] = &multiply_add_wide<Wide, T>;
    };
    wide(i32{}, i16{});
    wide(u32{}, u16{});
    wide(i64{}, i32{});
    wide(u64{}, u32{});
    t["mul.hi.u32"] = &binary<u32, decltype([](u32 a, u32 b) { return u64{a} * b >> 32; })>;
    t["mul.hi.s32"] = &binary<i32, decltype([](i32 a, i32 b) { return i64{a} * b >> 32; })>;
    __extension__ using u128 = unsigned __int128;
    __extension__ using i128 = __int128;
    t["mul.hi.u64"] = &binary<u64, decltype([](u64 a, u64 b) { return static_cast<u128>(a) * b >> 64; })>;
    t["mul.hi.s64"] = &binary<i64, decltype([](i64 a, i64 b) { return static_cast<i128>(a) * b >> 64; })>;
    t["prmt.b32"] = &permute_bytes;
    t["dp4a.s32.s32"] = &dot_bytes<i8>;
    t["dp4a.u32.u32"] = &dot_bytes<u8>;
    t["lop3.b32"] = &logic_of_three;
    t["shf.l.wrap.b32"] = &funnel_shift<true, true>;
    t["shf.r.wrap.b32"] = &funnel_shift<false, true>;
    t["shf.l.clamp.b32"] = &funnel_shift<true, false>;
    t["shf.r.clamp.b32"] = &funnel_shift<false, false>;
    t["add.cc.u32"] = &add_carry<false, true, false, false>;
    t["addc.cc.u32"] = &add_carry<true, true, false, false>;
    t["addc.u32"] = &add_carry<true, false, false, false>;
    t["mad.lo.cc.u32"] = &add_carry<false, true, true, false>;
    t["madc.lo.cc.u32"] = &add_carry<true, true, true, false>;
    t["madc.hi.cc.u32"] = &add_carry<true, true, true, true>;
    t["madc.hi.u32"] = &add_carry<true, false, true, true>;
    t["sub.cc.u32"] = &subtract_carry<false, true>;
    t["subc.cc.u32"] = &subtract_carry<true, true>;
    t["subc.u32"] = &subtract_carry<true, false>;
    for (const char* space : {"cvta.to.global.u64", "cvta.to.local.u64", "cvta.to.shared.u64",
                              "cvta.global.u64", "cvta.local.u64", "cvta.param.u64"})
        t[space] = &unary<u64, decltype([](u64 a) { return a; })>;
}

void add_floats(Table& t) {
    const auto arithmetic = [&]<class F>(const std::string& name, F) {
        for_each(Floats{}, [&]<class T> {
            t[name + ".rn." + type_name<T>()] = t[name + "." + type_name<T>()] = &binary<T, F>;
        });
    };
    arithmetic("add", [](auto a, auto b) { return a + b; });
    arithmetic("sub", [](auto a, auto b) { return a - b; });
    arithmetic("mul", [](auto a, auto b) { return a * b; });
    arithmetic("div", [](auto a, auto b) { return a / b; });
    for_each(Floats{}, [&]<class T> {
        using Bits = std::conditional_t<sizeof(T) == 4, u32, u64>;
        constexpr Bits sign = Bits{1} << (sizeof(T) * 8 - 1);
        const std::string type = type_name<T>();
        t["fma.rn." + type] = &ternary<T, decltype([](T a, T b, T c) { return std::fma(a, b, c); })>;
        t["rcp.rn." + type] = &unary<T, decltype([](T a) { return 1 / a; })>;
        t["sqrt.rn." + type] = &unary<T, decltype([](T a) { return std::sqrt(a); })>;
        t["min." + type] = &binary<T, decltype([](T a, T b) { return smaller(a, b); })>;
        t["max." + type] = &binary<T, decltype([](T a, T b) { return larger(a, b); })>;
        t["abs." + type] = &unary<Bits, decltype([](Bits a) { return a & ~sign; })>;
        t["neg." + type] = &unary<Bits, decltype([](Bits a) { return a ^ sign; })>;
        t["copysign." + type] =
            &binary<Bits, decltype([](Bits a, Bits b) { return (a & sign) | (b & ~sign); })>;
        t["mov." + type] = &unary<Bits, decltype([](Bits a) { return a; })>;
        t["selp." + type] = &select<Bits>;
    });
    t["ex2.approx.f32"] = &unary<float, decltype([](float a) { return std::exp2(a); })>;
    t["ex2.approx.ftz.f32"] = &unary_flushed<float, decltype([](float a) { return std::exp2(a); })>;
    t["lg2.approx.ftz.f32"] = &unary_flushed<float, decltype([](float a) { return std::log2(a); })>;
    t["rcp.approx.ftz.f32"] = &unary_flushed<float, decltype([](float a) { return 1 / a; })>;
    t["rcp.approx.ftz.f64"] = &of_upper_half<decltype([](double a) { return 1 / a; })>;
    t["rsqrt.approx.ftz.f64"] = &of_upper_half<decltype([](double a) {
        return a == 0 ? std::copysign(std::numeric_limits<double>::infinity(), a) : 1 / std::sqrt(a);
    })>;
}

void add_comparisons(Table& t) {
    const auto any = [&]<class F>(const std::string& name, F) {
        for_each(Integers{}, [&]<class T> { t["setp." + name + "." + type_name<T>()] = &compare<T, F>; });
        for_each(Words{}, [&]<class T> { t["setp." + name + "." + type_name<T>('b')] = &compare<T, F>; });
        for_each(Floats{}, [&]<class T> { t["setp." + name + "." + type_name<T>()] = &compare<T, F>; });
    };
    any("eq", [](auto a, auto b) { return a == b; });
    any("lt", [](auto a, auto b) { return a < b; });
    any("le", [](auto a, auto b) { return a <= b; });
    any("gt", [](auto a, auto b) { return a > b; });
    any("ge", [](auto a, auto b) { return a >= b; });
    any("ne", [](auto a, auto b) { return a < b || a > b; });
    const auto floats = [&]<class F>(const std::string& name, F) {
        for_each(Floats{}, [&]<class T> { t["setp." + name + "." + type_name<T>()] = &compare<T, F>; });
    };
    floats("equ", [](auto a, auto b) { return !(a < b || a > b); });
    floats("neu", [](auto a, auto b) { return a != b; });
    floats("ltu", [](auto a, auto b) { return !(a >= b); });
    floats("leu", [](auto a, auto b) { return !(a > b); });
    floats("gtu", [](auto a, auto b) { return !(a <= b); });
    floats("geu", [](auto a, auto b) { return !(a < b); });
    floats("num", [](auto a, auto b) { return a == a && b == b; });
    floats("nan", [](auto a, auto b) { return a != a || b != b; });
    for (const auto& [alias, name] : {std::pair("lo", "lt"), {"ls", "le"}, {"hi", "gt"}, {"hs", "ge"}})
        t[std::string("setp.") + alias + ".u32"] = t[std::string("setp.") + name + ".u32"];
}

template <char mode> void add_rounding(Table& t) {
    const std::string opcode = std::string("cvt.r") + mode + "i.";
    for_each(Floats{}, [&]<class From> {
        const std::string from = type_name<From>();
        t[opcode + from + "." + from] = &round_float<mode, From>;
        for_each(Integers{}, [&]<class To> {
            t[opcode + type_name<To>() + "." + from] = &round_to_integer<mode, To, From>;
        });
    });
}

void add_conversions(Table& t) {
    const auto from_integer = [&]<class From> {
        const auto to_integer = [&]<class To> {
            t["cvt." + type_name<To>() + "." + type_name<From>()] = &convert<To, From>;
        };
        for_each(Integers{}, to_integer);
        for_each(Narrow{}, to_integer);
        for_each(Floats{}, [&]<class To> {
            t["cvt.rn." + type_name<To>() + "." + type_name<From>()] = &convert<To, From>;
        });
    };
    for_each(Integers{}, from_integer);
    for_each(Narrow{}, from_integer);
    t["cvt.rn.f32.f64"] = &convert<float, double>;
    t["cvt.f32.f16"] = &from_half;
    t["cvt.rn.f16.f32"] = &to_half;
    t["cvt.f64.f32"] = &convert<double, float>;
    add_rounding<'n'>(t);
    add_rounding<'m'>(t);
    add_rounding<'p'>(t);
    add_rounding<'z'>(t);
    // With the number of registers, and whether they are made of one:
    t["pack.2.b64"] = &pack<2, 32>;
    t["pack.2.b32"] = &pack<2, 16>;
    t["pack.4.b64"] = &pack<4, 16>;
    t["pack.4.b32"] = &pack<4, 8>;
    t["unpack.2.b64"] = &unpack<2, 32>;
    t["unpack.2.b32"] = &unpack<2, 16>;
    t["unpack.4.b64"] = &unpack<4, 16>;
    t["unpack.4.b32"] = &unpack<4, 8>;
}

}  // namespace

Operation find_operation(const std::string& opcode) {
    static const auto* const all = [] {
        auto* table = new Table;
        add_integers(*table);
        add_floats(*table);
        add_comparisons(*table);
        add_conversions(*table);
        return table;
    }();
    const auto found = all->find(opcode);
    return found == all->end() ? nullptr : found->second;
}

}  // namespace adjoint::ptx
