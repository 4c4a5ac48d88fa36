// Stable sorting of rows: short ones by comparison, others by the digits of their elements, the lowest first.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include <adjoint/core/base/bit_cast.h>
#include <adjoint/core/contract/functors/order.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t by_digits_from = 256;  // elements; below it comparisons are faster

// An element as a number without a sign, in the order of sorting: equal elements give equal numbers.
template <class T> auto key_of(T x) {
    using Key = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    constexpr Key sign = Key{1} << (8 * sizeof(T) - 1);
    if constexpr (std::is_floating_point_v<T>) {
        if (math::isnan(x)) return ~Key{0};
        const Key bits = bit_cast<Key>(x == 0 ? T(0) : x);  // -0 equals 0
        return bits & sign ? static_cast<Key>(~bits) : static_cast<Key>(bits | sign);
    } else {
        return static_cast<Key>(x) ^ sign;
    }
}

template <class T>
void sort_by_comparison(std::int64_t n, bool descending, T* values, std::int64_t* indices, const T* x) {
    std::pair<T, std::int64_t> elements[by_digits_from];
    for (std::int64_t i = 0; i < n; ++i) elements[i] = {x[i], i};
    // The place decides among equals: stable without the memory of a stable sort.
    std::sort(elements, elements + n, [descending](const auto& a, const auto& b) {
        return sorts_before(a.first, a.second, b.first, b.second, descending);
    });
    for (std::int64_t i = 0; i < n; ++i) std::tie(values[i], indices[i]) = elements[i];
}

// Place is wide enough for n.
template <class Place, class T>
void sort_by_digits(std::int64_t n, bool descending, T* values, std::int64_t* indices, const T* x) {
    using Key = decltype(key_of(x[0]));
    struct Element {
        Key key;
        Place place;
    };
    constexpr int digits = sizeof(Key), range = 256;
    const Buffer<Element> first(n), second(n);
    Element *from = first.data(), *to = second.data();
    std::array<std::array<Place, range>, digits> counts{};
    for (std::int64_t i = 0; i < n; ++i) {
        const Key key = descending ? static_cast<Key>(~key_of(x[i])) : key_of(x[i]);
        from[i] = {key, static_cast<Place>(i)};
        for (int d = 0; d < digits; ++d) ++counts[static_cast<std::size_t>(d)][key >> 8 * d & (range - 1)];
    }
    for (int d = 0; d < digits; ++d) {
        auto& places = counts[static_cast<std::size_t>(d)];
        // A digit that all have in common changes nothing.
        if (places[from[0].key >> 8 * d & (range - 1)] == static_cast<Place>(n)) continue;
        Place next = 0;
        for (Place& place : places) next = static_cast<Place>(next + std::exchange(place, next));
        for (std::int64_t i = 0; i < n; ++i) to[places[from[i].key >> 8 * d & (range - 1)]++] = from[i];
        std::swap(from, to);
    }
    for (std::int64_t i = 0; i < n; ++i) {
        indices[i] = static_cast<std::int64_t>(from[i].place);
        values[i] = x[from[i].place];
    }
}

template <class T>
void sort_rows(const Rows& rows, bool descending, T* values, std::int64_t* indices, const T* x) {
    const std::int64_t n = rows.columns;
    for_pieces(rows.rows, 16 * n, [&](std::int64_t r) {
        T* const v = values + r * n;
        std::int64_t* const i = indices + r * n;
        if (n <= by_digits_from)
            sort_by_comparison(n, descending, v, i, x + r * n);
        else if (n <= std::int64_t{std::numeric_limits<std::uint32_t>::max()})
            sort_by_digits<std::uint32_t>(n, descending, v, i, x + r * n);
        else
            sort_by_digits<std::uint64_t>(n, descending, v, i, x + r * n);
    });
}

}  // namespace

void on(CpuBackend&, const call::Sort& c) {
    visit_compute(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        sort_rows(c.rows, c.descending, static_cast<T*>(c.values), c.indices, static_cast<const T*>(c.x));
    });
}

}  // namespace adjoint::cpu
