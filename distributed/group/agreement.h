// What a rank is about to do, as it is told to the others before anything is done. Private.
#pragma once

#include <cstdint>
#include <string>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/distributed/group/engine.h>

namespace adjoint::distributed {

enum class Operation : std::uint8_t {
    join,
    leave,
    barrier,
    broadcast,
    all_reduce,
    reduce,
    reduce_scatter,
    all_gather,
    all_to_all,
    message
};

/// A plain value: it travels as bytes. In front of a message it is of the tensor that follows.
struct Agreement {
    Operation operation;
    ReduceOp reduce = ReduceOp::sum;
    DType dtype = DType::u8;
    bool by_engine = false;  // the sum is the engine's own
    bool rounded = false;    // the sum is made in f32 and rounded once
    bool on_host = true;     // the tensor travels from the host's memory
    std::int32_t root = 0;
    std::int32_t dims = 0;
    std::int64_t sizes[max_dims] = {};
    char purpose[96] = {};  // of who calls it, as far as there is room (Purpose)

    explicit Agreement(Operation what = Operation::join);
    Agreement(Operation what, const Tensor& x);
    bool operator==(const Agreement&) const = default;
};

const char* name(Operation operation) noexcept;
/// "all_reduce (max) of f32 (3, 4)"
std::string to_string(const Agreement& agreement);

}  // namespace adjoint::distributed
