// Convolutions, pooling and windows.
#include <algorithm>

#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>

namespace adjoint::onnx::exporting {
namespace {

// The attributes of windows, as their function lists them.
struct Geometry {
    Sizes size, output;
    std::vector<std::int64_t> kernel, stride, padding, dilation;

    explicit Geometry(Call& call)
        : size(call.sizes("size")),
          output(call.sizes("output")),
          kernel(call.list("kernel")),
          stride(call.list("stride")),
          padding(call.list("padding")),
          dilation(call.list("dilation")) {}

    std::int64_t taps() const { return kernel[0] * kernel[1]; }
    // Padding behind the plane: the same as before it, or more where the last window reaches further.
    std::int64_t behind(Call& call, std::size_t axis) const {
        const auto reach = [&](std::int64_t of, std::int64_t windows) {
            const std::int64_t last = (windows - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
            return std::max(padding[axis], last - of - padding[axis]);
        };
        const Size both = each_run(reach, size[axis], output[axis]);
        if (!both.fixed()) call.refuse("ceil_mode along a dynamic axis");
        return both.first();
    }
    NodeAttributes attributes(const std::vector<std::int64_t>& pads) const {
        return {attribute("kernel_shape", kernel), attribute("strides", stride), attribute("pads", pads),
                attribute("dilations", dilation)};
    }
    std::vector<std::int64_t> pads() const { return {padding[0], padding[1], padding[0], padding[1]}; }
};

void convolution(Call& call) {
    const Geometry g(call);
    const DType type = call.result().dtype();
    NodeAttributes attributes = g.attributes(g.pads());
    attributes.push_back(attribute("group", call.integer("groups")));
    Names in{call.in(0, type), call.in(1, type)};
    if (call.has(2)) in.push_back(call.in(2, type));
    call.set(call.activated(call.node("Conv", in, attributes), call.word("activation"), type));
}

// The transpose of a convolution: its windows are those of the convolution, whose input is the result here.
std::string transposed_convolution(Call& call, const Geometry& g, const std::string& x, const std::string& w,
                                   std::int64_t groups) {
    std::vector<std::int64_t> more;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const auto extra = [&](std::int64_t size, std::int64_t output) {
            return size - ((output - 1) * g.stride[axis] - 2 * g.padding[axis] +
                           g.dilation[axis] * (g.kernel[axis] - 1) + 1);
        };
        const Size both = each_run(extra, g.size[axis], g.output[axis]);
        if (!both.fixed()) call.refuse("its output padding depends on a dynamic axis");
        more.push_back(both.first());
    }
    NodeAttributes attributes = g.attributes(g.pads());
    attributes.push_back(attribute("group", groups));
    attributes.push_back(attribute("output_padding", more));
    return call.node("ConvTranspose", {x, w}, attributes);
}

void convolution_input(Call& call) {
    const DType type = call.result().dtype();
    call.set(transposed_convolution(call, Geometry(call), call.in(0, type), call.in(1, type),
                                    call.integer("groups")));
}

// One filter for each channel and tap, which passes that tap on.
std::string tap_filters(Call& call, const Geometry& g, std::int64_t channels, DType type) {
    const std::int64_t taps = g.taps();
    std::vector<float> values(static_cast<std::size_t>(channels * taps * taps));
    for (std::int64_t i = 0; i < channels * taps; ++i)
        values[static_cast<std::size_t>(i * taps + i % taps)] = 1;
    return call.builder.constant(
        tensor(values, {channels * taps, 1, g.kernel[0], g.kernel[1]}, type, Device::cpu()));
}

void unfold(Call& call) {
    const Geometry g(call);
    const DType type = call.result().dtype();
    const Size channels = call.shape()[1];
    if (!channels.fixed()) call.refuse("over a dynamic number of channels");
    NodeAttributes attributes = g.attributes(g.pads());
    attributes.push_back(attribute("group", channels.first()));
    const std::string planes =
        call.node("Conv", {call.in(0, type), tap_filters(call, g, channels.first(), type)}, attributes);
    const Sizes rows = call.result_shape();
    call.set(call.reshape(planes, {rows[0], rows[1], g.output[0], g.output[1]}, rows));
}

void fold(Call& call) {
    const Geometry g(call);
    const DType type = call.result().dtype();
    const Size channels = call.result_shape()[1], batch = call.shape()[0], rows = call.shape()[1];
    if (!channels.fixed()) call.refuse("over a dynamic number of channels");
    const std::string planes =
        call.reshape(call.in(0, type), call.shape(), {batch, rows, g.output[0], g.output[1]});
    call.set(transposed_convolution(call, g, planes, tap_filters(call, g, channels.first(), type),
                                    channels.first()));
}

// One window over the whole plane, of whatever size.
bool is_global(Call& call) {
    const auto all = [&](std::string_view name, std::int64_t value) {
        const Sizes sizes = call.sizes(name);
        return std::ranges::all_of(sizes,
                                   [&](const Size& size) { return size.fixed() && size.first() == value; });
    };
    return call.sizes("kernel") == call.sizes("size") && all("output", 1) && all("padding", 0) &&
           all("dilation", 1);
}

void max_pool(Call& call) {
    const DType type = call.result().dtype(), used = compute_type(type);
    if (is_global(call) && !call.has_output(1))
        return call.set(call.cast(call.node("GlobalMaxPool", {call.in(0, used)}), used, type));
    const Geometry g(call);
    const NodeAttributes attributes =
        g.attributes({g.padding[0], g.padding[1], g.behind(call, 0), g.behind(call, 1)});
    const Names out = call.builder.node_of_many("MaxPool", {call.in(0, used)}, attributes, 2);
    call.set(0, call.cast(out[0], used, type));
    if (!call.has_output(1)) return;
    // Places in the whole tensor become places in their plane.
    if (!g.size[0].fixed() || !g.size[1].fixed()) call.refuse("places along a dynamic axis");
    call.set(1, call.node("Mod", {out[1], call.builder.integers({g.size[0].first() * g.size[1].first()})}));
}

void avg_pool(Call& call) {
    const DType type = call.result().dtype();
    const std::int64_t divisor = call.integer("divisor_override");
    if (is_global(call) && divisor == 0) return call.set(call.node("GlobalAveragePool", {call.in(0)}));
    const Geometry g(call);
    const bool padded = g.padding[0] != 0 || g.padding[1] != 0;
    std::vector<std::int64_t> pads{g.padding[0], g.padding[1], g.behind(call, 0), g.behind(call, 1)};
    const bool further = pads[2] > pads[0] || pads[3] > pads[1];
    std::string x = call.in(0);
    bool count = call.flag("count_include_pad") || divisor != 0;
    if (count && divisor == 0 && further) {
        // The padding counts, what the last window covers beyond does not.
        if (padded)
            x = call.node("Pad",
                          {x, call.builder.integers({0, 0, pads[0], pads[1], 0, 0, pads[0], pads[1]})});
        pads = {0, 0, pads[2] - pads[0], pads[3] - pads[1]};
        count = false;
    }
    const std::string mean =
        call.node("AveragePool", {x},
                  {attribute("kernel_shape", g.kernel), attribute("strides", g.stride),
                   attribute("pads", pads), attribute("count_include_pad", std::int64_t{count})});
    const double scale = divisor != 0 ? static_cast<double>(g.taps()) / static_cast<double>(divisor) : 1;
    call.set(divisor != 0 ? call.node("Mul", {mean, call.constant(scale, type)}) : mean);
}

}  // namespace

void add_windows(Mappings& table) {
    const Mappings own = {
        {"convolution", convolution}, {"convolution_input", convolution_input},
        {"unfold", unfold},           {"fold", fold},
        {"max_pool", max_pool},       {"avg_pool", avg_pool},
    };
    table.insert(table.end(), own.begin(), own.end());
}

}  // namespace adjoint::onnx::exporting
