// What stands behind the handles of the fake cuDNN, and how it lays weights out.
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "../emulated_recurrence.h"
#include "../fake_library.h"
#include "fake_cudnn.h"

namespace adjoint::emulated::fake {

using Bytes = std::vector<char>;

// The weights of a layer, or their gradients, each dense.
struct DenseWeights {
    Bytes w_ih, w_hh, b_ih, b_hh;
};

// The functions of convolutions.
void add_convolutions(FakeLibrary& library);

}  // namespace adjoint::emulated::fake

struct cudnnContext {
    adjoint::cuda_backend::Stream stream = nullptr;
    // What the gradients of the weights need of the backward pass before them; reserve as it was.
    adjoint::RecurrentGradients given;
    const void *c_0 = nullptr, *spoiled = nullptr;
    adjoint::emulated::fake::Bytes reserve;
    adjoint::emulated::fake::DenseWeights weights;
};
struct cudnnTensorStruct {
    int sizes[4] = {};
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
};
struct cudnnDropoutStruct {
    bool none = false;
};
struct cudnnRNNDataStruct {
    int steps = 0, batch = 0, width = 0;
};
struct cudnnRNNStruct {
    using Recurrence = adjoint::Recurrence;
    using Bytes = adjoint::emulated::fake::Bytes;
    using DenseWeights = adjoint::emulated::fake::DenseWeights;

    Recurrence r;  // all but steps and batch

    std::size_t element() const { return size_of(r.dtype); }
    std::size_t columns(int id) const {
        return static_cast<std::size_t>(id < r.gates() ? r.inputs : r.hidden);
    }
    std::size_t matrix_bytes(int id) const {
        return static_cast<std::size_t>(r.hidden) * columns(id) * element();
    }
    std::size_t bias_bytes() const { return r.bias ? static_cast<std::size_t>(r.hidden) * element() : 0; }
    // All biases stand before all matrices, with gaps.
    std::size_t bias_at(int id) const {
        return 64 + static_cast<std::size_t>(id) * (bias_bytes() + adjoint::emulated::fake_cudnn().gap);
    }
    std::size_t matrix_at(int id) const {
        std::size_t place = bias_at(static_cast<int>(2 * r.gates()));
        for (int before = 0; before < id; ++before)
            place += matrix_bytes(before) + adjoint::emulated::fake_cudnn().gap;
        return place;
    }
    std::size_t weights() const { return matrix_at(static_cast<int>(2 * r.gates())); }
    Recurrence over(const cudnnRNNDataStruct& x) const {
        Recurrence whole = r;
        whole.steps = x.steps;
        whole.batch = x.batch;
        return whole;
    }

    // Calls move(dense weight, its place there, place in the memory, bytes) for each matrix and bias.
    template <class Dense, class Move> void each(Dense& dense, Move move) const {
        const int gates = static_cast<int>(r.gates());
        for (int id = 0; id < 2 * gates; ++id) {
            const auto gate = static_cast<std::size_t>(id % gates);
            move(id < gates ? dense.w_ih : dense.w_hh, gate * matrix_bytes(id), matrix_at(id),
                 matrix_bytes(id));
            if (r.bias)
                move(id < gates ? dense.b_ih : dense.b_hh, gate * bias_bytes(), bias_at(id), bias_bytes());
        }
    }
    DenseWeights empty() const {
        const auto gates = static_cast<std::size_t>(r.gates());
        return {Bytes(gates * matrix_bytes(0)), Bytes(gates * matrix_bytes(static_cast<int>(gates))),
                Bytes(gates * bias_bytes()), Bytes(gates * bias_bytes())};
    }
    DenseWeights read(const void* memory) const {
        DenseWeights dense = empty();
        each(dense, [&](Bytes& weight, std::size_t to, std::size_t from, std::size_t bytes) {
            std::memcpy(weight.data() + to, static_cast<const char*>(memory) + from, bytes);
        });
        return dense;
    }
    template <class T> void add(void* memory, const DenseWeights& dense) const {
        each(dense, [&](const Bytes& weight, std::size_t from, std::size_t to, std::size_t bytes) {
            for (std::size_t i = 0; i < bytes; i += sizeof(T)) {
                T sum, term;
                std::memcpy(&sum, static_cast<char*>(memory) + to + i, sizeof(T));
                std::memcpy(&term, weight.data() + from + i, sizeof(T));
                sum += term;
                std::memcpy(static_cast<char*>(memory) + to + i, &sum, sizeof(T));
            }
        });
    }
};
