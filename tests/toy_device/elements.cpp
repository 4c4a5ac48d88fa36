// Calls element by element.
#include <functional>

#include <adjoint/core/contract/random.h>

#include "places.h"
#include "toy_device.h"

namespace adjoint {
namespace {

using toy::for_places;
using toy::load;
using toy::store;

// f.value(x...) as a function of T. Those that take no integers are not asked for them.
template <class T, class... Xs, class Variant> std::function<T(Xs...)> function_of(const Variant& op) {
    return std::visit(
        []<class F>(const F& f) -> std::function<T(Xs...)> {
            if constexpr (std::is_same_v<T, std::int64_t> && !functor::takes_integers<F>)
                return {};
            else
                return [f](Xs... x) { return f.template value<T>(x...); };
        },
        op);
}

}  // namespace

void on(ToyBackend&, const call::Fill& c) {
    visit_compute(c.loop.compute, [&](auto type) {
        const auto value = convert<decltype(type)>(c.value);
        for_places(c.loop, [&](const auto& at) { store(c.loop.operands[0], at[0], value); });
    });
}

void on(ToyBackend&, const call::Map& c) {
    const auto& [out, x] = c.loop.operands;
    visit_compute(c.loop.compute, [&, &out = out, &x = x](auto type) {
        using T = decltype(type);
        const auto f = function_of<T, T>(c.op);
        for_places(c.loop, [&](const auto& at) { store(out, at[0], f(load<T>(x, at[1]))); });
    });
}

void on(ToyBackend&, const call::Zip& c) {
    const Operand* x = c.loop.operands;
    visit_compute(c.loop.compute, [&](auto type) {
        using T = decltype(type);
        const auto f = function_of<T, T, T>(c.op);
        for_places(c.loop, [&](const auto& at) {
            store(x[0], at[0], f(load<T>(x[1], at[1]), load<T>(x[2], at[2])));
        });
    });
}

void on(ToyBackend&, const call::Select& c) {
    const Operand* x = c.loop.operands;
    visit_compute(c.loop.compute, [&](auto type) {
        using T = decltype(type);
        for_places(c.loop, [&](const auto& at) {
            store(x[0], at[0], load<bool>(x[1], at[1]) ? load<T>(x[2], at[2]) : load<T>(x[3], at[3]));
        });
    });
}

void on(ToyBackend&, const call::Random& c) {
    const auto words = [&](std::int64_t block) {
        return philox(c.state.seed, c.state.stream, static_cast<std::uint64_t>(block));
    };
    const bool wide = c.out.dtype == DType::f64;
    for (std::int64_t i = 0; i < c.numel; ++i) {
        // A double and an integer take two words of a block, a float one.
        const Philox4 two = words(i / 2), one = words(i / 4);
        const std::uint32_t high = two.v[i % 2 * 2], low = two.v[i % 2 * 2 + 1];
        if (const auto* range = std::get_if<Integers>(&c.op)) {
            store(c.out, i, uniform_integer(high, low, range->low, range->high));
        } else if (std::holds_alternative<Permutation>(c.op)) {
            store(c.out, i,
                  static_cast<std::int64_t>(shuffled_index(static_cast<std::uint64_t>(i),
                                                           static_cast<std::uint64_t>(c.numel), c.state.seed,
                                                           c.state.stream)));
        } else if (std::holds_alternative<Uniform>(c.op)) {
            if (wide)
                store(c.out, i, uniform_double(high, low));
            else
                store(c.out, i, uniform_float(one.v[i % 4]));
        } else if (wide) {
            const auto pair = normal_double(two);
            store(c.out, i, i % 2 == 0 ? pair.first : pair.second);
        } else {
            const auto pair = normal_float(one.v[i % 4 / 2 * 2], one.v[i % 4 / 2 * 2 + 1]);
            store(c.out, i, i % 2 == 0 ? pair.first : pair.second);
        }
    }
}

void on(ToyBackend&, const call::Update& c) {
    for (const UpdateSlice& slice : c.slices)
        visit_real(slice.dtype, [&](auto type) {
            using T = decltype(type);
            std::visit(
                [&](const auto& f) {
                    for (std::int64_t i = 0; i < slice.numel; ++i) {
                        T unused[3] = {}, *state[3];
                        for (int k = 0; k < 3; ++k)
                            state[k] = slice.states[k] ? static_cast<T*>(slice.states[k]) + i : &unused[k];
                        f.template step<T>(static_cast<T*>(slice.parameter)[i],
                                           static_cast<const T*>(slice.gradient)[i], *state[0], *state[1],
                                           *state[2]);
                    }
                },
                c.op);
        });
}

}  // namespace adjoint
