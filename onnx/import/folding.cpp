// What a step reads and makes is counted as it may be read on the host.
#include <adjoint/onnx/import/folding.h>

#include <algorithm>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/memory/storage_limit.h>
#include <adjoint/onnx/import/helpers.h>

namespace adjoint::onnx {

namespace {

// An element may be read as an integer or a double.
constexpr std::int64_t folded_element = 8;

/// What the elements take where they are read on the host, views in full.
std::int64_t elements_bytes(const Values& values) {
    std::int64_t bytes = 0, own = 0;
    for (const Value& value : values)
        if (value.tensor.defined() && (__builtin_mul_overflow(value.tensor.numel(), folded_element, &own) ||
                                       __builtin_add_overflow(bytes, own, &bytes)))
            return INT64_MAX;
    return bytes;
}

}  // namespace

std::optional<Values> Folding::run(const Step& step, const Values& arguments, std::size_t outputs) {
    const std::int64_t reads = elements_bytes(arguments);
    if (reads > left_) return std::nullopt;
    left_ -= reads;
    Step alone = step;
    alone.outputs.resize(outputs);
    try {
        const NoGrad guard;
        const StorageLimit limit(static_cast<std::size_t>(left_), "");
        const std::int64_t most = std::min(most_elements, left_ / folded_element);
        Values results = run_step(alone, {.inputs = arguments, .outputs = outputs, .most = most});
        // A step without inputs has its elements from the file.
        if (arguments.empty())
            for (const Value& value : results) allow(value.tensor);
        left_ -= std::min(left_, elements_bytes(results));
        return results;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace adjoint::onnx
