// Batch, layer, root mean square, group and instance normalisation.
#include <numeric>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// An optional weight or bias of one number per channel or place; what stands for it if there is none.
std::string vector_or(Call& call, std::size_t i, double value, const Shape& shape, DType type) {
    return call.has(i) ? call.in(i, type) : call.builder.constant(full(shape, value, type, Device::cpu()));
}

std::int64_t channels_of(Call& call) {
    const Size channels = call.shape()[1];
    if (!channels.fixed()) call.refuse("over a dynamic number of channels");
    return channels.first();
}

// (C) beside (N, C, ..).
std::string aligned(Call& call, const std::string& v, std::int64_t channels) {
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(call.tensor().dim()), 1);
    sizes[1] = channels;
    return call.node("Reshape", {v, call.builder.integers(sizes)});
}

// The weight and bias behind a normalisation, each of a shape that broadcasts.
std::string scaled(Call& call, std::string y, const std::string& weight, const std::string& bias) {
    if (!weight.empty()) y = call.node("Mul", {y, weight});
    return bias.empty() ? y : call.node("Add", {y, bias});
}

// (x - mean) / sqrt(variance + eps) over dimensions.
std::string normal(Call& call, const std::string& x, const std::vector<std::int64_t>& dims, DType type) {
    const std::string centred = call.node("Sub", {x, call.reduce("ReduceMean", x, dims, true)});
    const std::string variance = call.reduce("ReduceMean", call.node("Mul", {centred, centred}), dims, true);
    const std::string eps = call.constant(call.number("eps"), type);
    return call.node("Div", {centred, call.node("Sqrt", {call.node("Add", {variance, eps})})});
}

std::string normalised_batch(Call& call, DType type) {
    const std::int64_t channels = channels_of(call);
    const std::string x = call.in(0, type);
    if (!call.flag("training"))
        return call.node("BatchNormalization",
                         {x, vector_or(call, 3, 1, {channels}, type), vector_or(call, 4, 0, {channels}, type),
                          call.in(1, type), call.in(2, type)},
                         {attribute("epsilon", call.number("eps"))});
    std::vector<std::int64_t> dims{0};
    for (std::int64_t d = 2; d < call.tensor().dim(); ++d) dims.push_back(d);
    const auto vector = [&](std::size_t i) {
        return call.has(i) ? aligned(call, call.in(i, type), channels) : "";
    };
    return scaled(call, normal(call, x, dims, type), vector(3), vector(4));
}
void batch_norm(Call& call) {
    const DType type = call.result().dtype();
    call.set(call.activated(normalised_batch(call, type), call.word("activation"), type));
}

// The trailing `rank` dimensions, and their sizes.
std::vector<std::int64_t> trailing_dims(Call& call, std::int64_t rank) {
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
    std::iota(dims.begin(), dims.end(), call.tensor().dim() - rank);
    return dims;
}
Shape trailing_shape(Call& call, std::int64_t rank) {
    Shape shape;
    for (const std::int64_t d : trailing_dims(call, rank))
        shape.push_back(call.tensor().shape()[static_cast<int>(d)]);
    return shape;
}

void layer_norm(Call& call) {
    const DType type = call.result().dtype(), used = compute_type(type);
    const std::int64_t rank = call.integer("dims");
    const std::string x = call.in(0, used);
    constexpr std::int64_t has_layer_norm = 17;
    std::string y;
    if (call.builder.opset() >= has_layer_norm) {
        Names in{x, vector_or(call, 1, 1, trailing_shape(call, rank), used)};
        if (call.has(2)) in.push_back(call.in(2, used));
        y = call.node("LayerNormalization", in,
                      {attribute("axis", -rank), attribute("epsilon", call.number("eps"))});
    } else {
        y = scaled(call, normal(call, x, trailing_dims(call, rank), used),
                   call.has(1) ? call.in(1, used) : "", call.has(2) ? call.in(2, used) : "");
    }
    call.set(call.cast(y, used, type));
}

void rms_norm(Call& call) {
    const DType type = call.result().dtype(), used = compute_type(type);
    const std::int64_t rank = call.integer("dims");
    const std::string x = call.in(0, used);
    constexpr std::int64_t has_rms_norm = 23;
    std::string y;
    if (call.builder.opset() >= has_rms_norm) {
        y = call.node("RMSNormalization", {x, vector_or(call, 1, 1, trailing_shape(call, rank), used)},
                      {attribute("axis", -rank), attribute("epsilon", call.number("eps"))});
    } else {
        const std::string squares =
            call.reduce("ReduceMean", call.node("Mul", {x, x}), trailing_dims(call, rank), true);
        const std::string eps = call.constant(call.number("eps"), used);
        y = call.node("Div", {x, call.node("Sqrt", {call.node("Add", {squares, eps})})});
        y = scaled(call, y, call.has(1) ? call.in(1, used) : "", "");
    }
    call.set(call.cast(y, used, type));
}

std::string instances(Call& call, const std::string& x, const std::string& weight, const std::string& bias) {
    return call.node("InstanceNormalization", {x, weight, bias}, {attribute("epsilon", call.number("eps"))});
}

void group_norm(Call& call) {
    const DType type = call.result().dtype(), used = compute_type(type);
    const std::int64_t channels = channels_of(call), groups = call.integer("num_groups");
    const auto every = [&](double value) {
        return call.builder.constant(full({groups}, value, used, Device::cpu()));
    };
    // Each group as one channel.
    const std::string rows = call.node("Reshape", {call.in(0, used), call.builder.integers({0, groups, -1})});
    const std::string y =
        call.node("Reshape", {instances(call, rows, every(1), every(0)), call.node("Shape", {call.in(0)})});
    const auto vector = [&](std::size_t i) {
        return call.has(i) ? aligned(call, call.in(i, used), channels) : "";
    };
    call.set(call.cast(scaled(call, y, vector(1), vector(2)), used, type));
}

void instance_norm(Call& call) {
    const DType type = call.result().dtype(), used = compute_type(type);
    const std::int64_t channels = channels_of(call);
    const std::string y = instances(call, call.in(0, used), vector_or(call, 1, 1, {channels}, used),
                                    vector_or(call, 2, 0, {channels}, used));
    call.set(call.cast(y, used, type));
}

}  // namespace

void add_normalisation(Mappings& table) {
    const Mappings own = {{"batch_norm", batch_norm},
                          {"layer_norm", layer_norm},
                          {"rms_norm", rms_norm},
                          {"group_norm", group_norm},
                          {"instance_norm", instance_norm}};
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
