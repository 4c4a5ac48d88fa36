// Optimizer steps as kernels take them: the tensors, and a step that is chosen at run time.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>

#include <adjoint/core/contract/calls/update.h>
#include <adjoint/cuda/kernels/packs.h>

namespace adjoint::cuda_backend {

constexpr int most_slices = 48;              // whose table fits into a kernel's arguments
constexpr std::int64_t update_chunk = 2048;  // elements of one block

/// The tensors of one launch. Blocks first_block[s] .. first_block[s + 1] - 1 work on slice s.
struct UpdateTable {
    int slices = 0;
    unsigned first_block[most_slices + 1] = {};
    void* parameters[most_slices];
    const void* gradients[most_slices];
    void* states[3][most_slices];
    std::int64_t sizes[most_slices];

    /// One more, with `blocks` for it.
    void add(const UpdateSlice& slice, std::int64_t blocks) {
        const int s = slices++;
        parameters[s] = slice.parameter;
        gradients[s] = slice.gradient;
        for (int k = 0; k < 3; ++k) states[k][s] = slice.states[k];
        sizes[s] = slice.numel;
        first_block[s + 1] = first_block[s] + static_cast<unsigned>(blocks);
    }
    /// The slice of a block, by halving.
    ADJOINT_HD int slice_of(unsigned block) const {
        int low = 0, high = slices;
        while (high - low > 1) {
            const int middle = (low + high) / 2;
            (block >= first_block[middle] ? low : high) = middle;
        }
        return low;
    }
};

/// Element i of slice s takes the step f along g.
template <class T, class F>
ADJOINT_DEVICE void update_element(const F& f, const UpdateTable& table, int s, std::int64_t i, T g) {
    T* const p = static_cast<T*>(table.parameters[s]) + i;
    T states[3] = {};
    ADJOINT_UNROLL
    for (int k = 0; k < F::states; ++k) states[k] = static_cast<const T*>(table.states[k][s])[i];
    T value = *p;
    f.template step<T>(value, g, states[0], states[1], states[2]);
    *p = value;
    ADJOINT_UNROLL
    for (int k = 0; k < F::states; ++k) static_cast<T*>(table.states[k][s])[i] = states[k];
}

/// Whether the elements of slice s can be taken by packs.
template <class T, class F> ADJOINT_DEVICE bool updates_packs(const UpdateTable& table, int s) {
    auto places = reinterpret_cast<std::uintptr_t>(table.parameters[s]) |
                  reinterpret_cast<std::uintptr_t>(table.gradients[s]);
    ADJOINT_UNROLL
    for (int k = 0; k < F::states; ++k) places |= reinterpret_cast<std::uintptr_t>(table.states[k][s]);
    return places % sizeof(Pack<T>) == 0;
}

/// Pack i of slice s takes the step f along its gradient.
template <class T, class F>
ADJOINT_DEVICE void update_pack(const F& f, const UpdateTable& table, int s, std::int64_t i) {
    auto* const p = static_cast<Pack<T>*>(table.parameters[s]) + i;
    const Pack<T> g = static_cast<const Pack<T>*>(table.gradients[s])[i];
    Pack<T> value = *p, states[3] = {};
    ADJOINT_UNROLL
    for (int k = 0; k < F::states; ++k) states[k] = static_cast<const Pack<T>*>(table.states[k][s])[i];
    ADJOINT_UNROLL
    for (int j = 0; j < Pack<T>::size; ++j)
        f.template step<T>(value.values[j], g.values[j], states[0].values[j], states[1].values[j],
                           states[2].values[j]);
    *p = value;
    ADJOINT_UNROLL
    for (int k = 0; k < F::states; ++k) static_cast<Pack<T>*>(table.states[k][s])[i] = states[k];
}

template <class... Fs> constexpr std::size_t largest_of(FunctorList<Fs...>) {
    return std::max({sizeof(Fs)...});
}

/// A step of any kind: which one of UpdateList, and its functor, or in a graph where that is stored.
class AnyUpdate {
  public:
    AnyUpdate() = default;
    AnyUpdate(const UpdateOp& op, const void* stored) : kind_(static_cast<int>(op.index())), stored_(stored) {
        std::visit([&](const auto& f) { std::memcpy(given_, &f, sizeof f); }, op);
    }
    template <class T> ADJOINT_DEVICE void run(const UpdateTable& table, int s, std::int64_t i, T g) const {
        run_one(functor::UpdateList{}, table, s, i, g);
    }

  private:
    template <class T, class... Fs>
    ADJOINT_DEVICE void run_one(FunctorList<Fs...>, const UpdateTable& table, int s, std::int64_t i,
                                T g) const {
        int kind = 0;
        static_cast<void>((try_one<Fs>(kind++, table, s, i, g) || ...));
    }
    template <class F, class T>
    ADJOINT_DEVICE bool try_one(int kind, const UpdateTable& table, int s, std::int64_t i, T g) const {
        if (kind != kind_) return false;
        static_assert(std::is_trivially_copyable_v<F> && alignof(F) <= alignof(double));
        // By its type, so that it is not read byte by byte.
        const F f = *static_cast<const F*>(stored_ != nullptr ? stored_ : static_cast<const void*>(given_));
        update_element(f, table, s, i, g);
        return true;
    }

    int kind_ = 0;
    const void* stored_ = nullptr;
    alignas(8) unsigned char given_[largest_of(functor::UpdateList{})] = {};
};

}  // namespace adjoint::cuda_backend
