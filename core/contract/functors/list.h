// A closed list of functors, and any of them as a value.
#pragma once

#include <cstddef>
#include <variant>

namespace adjoint {

template <class... Fs> struct FunctorList {
    static constexpr std::size_t size = sizeof...(Fs);
    using Variant = std::variant<Fs...>;
};

}  // namespace adjoint
