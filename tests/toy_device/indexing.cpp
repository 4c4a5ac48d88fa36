// Gather and scatter.
#include <cstring>

#include <adjoint/core/base/index_error.h>

#include "places.h"
#include "toy_device.h"

namespace adjoint {
namespace {

// How far along its dimension the indexed operand is at the index that stands at `position`.
std::int64_t distance(const Indexing& along, const Operand& index, std::int64_t position) {
    const std::int64_t value = index.as<const std::int64_t>()[position], size = along.size;
    if (along.labels && (value < 0 || value >= size)) throw_index_error(along.op, value, position, 0, size);
    if (value < -size || value >= size) throw_index_error(along.op, value, -1, -size, size);
    return (value < 0 ? value + size : value) * along.stride;
}

}  // namespace

void on(ToyBackend&, const call::Gather& c) {
    const auto& [out, source, index] = c.loop.operands;
    const auto bytes = static_cast<std::int64_t>(size_of(out.dtype));
    toy::for_places(c.loop, [&, &out = out, &source = source, &index = index](const auto& at) {
        const std::int64_t from = at[1] + distance(c.along, index, at[2]);
        std::memcpy(out.template as<char>() + at[0] * bytes, source.template as<char>() + from * bytes,
                    static_cast<std::size_t>(bytes));
    });
}

void on(ToyBackend&, const call::Scatter& c) {
    const auto& [destination, source, index] = c.loop.operands;
    toy::for_places(c.loop,
                    [&, &destination = destination, &source = source, &index = index](const auto& at) {
                        visit_dtype(source.dtype, [&](auto type) {
                            // 16 bits are added in f32.
                            using T = decltype(type);
                            using Sum = std::conditional_t<sizeof(T) == 2, float, T>;
                            T& to = destination.template as<T>()[at[0] + distance(c.along, index, at[2])];
                            const T from = source.template as<T>()[at[1]];
                            to = c.add ? convert<T>(static_cast<Sum>(to) + static_cast<Sum>(from)) : from;
                        });
                    });
}

}  // namespace adjoint
