// Convolutions of bf16 by oneDNN, in the layouts that it prefers.
//
// A task is a run of samples, its length a matter of sizes alone, on one thread of oneDNN's: so the number of
// threads does not change bits.
#include <algorithm>
#include <unordered_map>

#include <adjoint/core/contract/windows.h>
#include <adjoint/cpu/blas/blas.h>
#include <adjoint/cpu/blas/onednn.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

using dnnl::memory;
using Type = memory::data_type;

// It may be less than the padding before, even negative: the windows end where `output` says.
std::int64_t padding_after(const Windows& w, int axis) {
    return place(w, axis, w.output[axis] - 1, w.kernel[axis] - 1) + 1 - w.size[axis];
}

// A convolution of `samples` samples in oneDNN's terms.
struct Geometry {
    memory::dims x, w, y, bias, stride, dilation, before, after;

    Geometry(const Convolution& c, std::int64_t samples) {
        const Windows& windows = c.windows;
        x = {samples, windows.channels, windows.size[0], windows.size[1]};
        w = {c.group_filters(), c.group_channels(), windows.kernel[0], windows.kernel[1]};
        if (c.groups > 1) w.insert(w.begin(), c.groups);
        y = {samples, c.filters, windows.output[0], windows.output[1]};
        bias = {c.filters};
        for (int axis = 0; axis < 2; ++axis) {
            stride.push_back(windows.stride[axis]);
            dilation.push_back(windows.dilation[axis] - 1);
            before.push_back(windows.padding[axis]);
            after.push_back(padding_after(windows, axis));
        }
    }
};

memory::desc plain_image(const memory::dims& sizes) { return {sizes, Type::bf16, memory::format_tag::nchw}; }
memory::desc plain_weights(const memory::dims& sizes, Type type) {
    return {sizes, type, sizes.size() == 5 ? memory::format_tag::goihw : memory::format_tag::oihw};
}
memory::desc preferred(const memory::dims& sizes, Type type = Type::bf16) {
    return {sizes, type, memory::format_tag::any};
}

dnnl::convolution_forward::primitive_desc forward_of(const Geometry& g, bool bias) {
    const auto kind = dnnl::prop_kind::forward_training;
    const auto algorithm = dnnl::algorithm::convolution_direct;
    const memory::desc x = preferred(g.x), w = preferred(g.w), y = preferred(g.y);
    using Description = dnnl::convolution_forward::desc;
    return {bias ? Description(kind, algorithm, x, w, preferred(g.bias, Type::f32), y, g.stride, g.dilation,
                               g.before, g.after)
                 : Description(kind, algorithm, x, w, y, g.stride, g.dilation, g.before, g.after),
            onednn::engine()};
}

// The operands of one call: brought into the layout that the primitive wants, and the result back from it.
class Operands {
  public:
    void read(int name, const memory::desc& plain, const void* data, const memory::desc& wanted) {
        memory given(plain, onednn::engine(), const_cast<void*>(data));
        if (plain == wanted) {
            list_.emplace(name, given);
            return;
        }
        memory moved(wanted, onednn::engine());
        dnnl::reorder(given, moved).execute(stream_, given, moved);
        list_.emplace(name, moved);
    }
    // Runs the primitive, whose result is `name`.
    void write(const dnnl::primitive& run, int name, const memory::desc& plain, void* data,
               const memory::desc& wanted) {
        memory to(plain, onednn::engine(), data);
        memory result = plain == wanted ? to : memory(wanted, onednn::engine());
        list_.emplace(name, result);
        run.execute(stream_, list_);
        if (plain != wanted) dnnl::reorder(result, to).execute(stream_, result, to);
    }

  private:
    dnnl::stream stream_{onednn::engine()};
    std::unordered_map<int, memory> list_;
};

// Samples of one run.
std::int64_t run_length(const Convolution& c, std::int64_t most_runs) {
    constexpr std::int64_t run_work = std::int64_t{1} << 25;  // multiply-adds
    const std::int64_t batch = c.windows.batch, sample = c.filters * c.depth() * c.windows.outputs();
    return ceil_div(batch, std::clamp<std::int64_t>(batch * sample / run_work, 1, most_runs));
}

// Calls f(run, first sample, samples) for runs of `step` samples.
template <class F> void for_runs(const Convolution& c, std::int64_t step, F f) {
    const std::int64_t batch = c.windows.batch;
    parallel_for(ceil_div(batch, step), [&](std::int64_t run) {
        onednn::use_one_thread();
        f(run, run * step, std::min(step, batch - run * step));
    });
}

void forward(const Convolution& c, bfloat16* y, const bfloat16* x, const bfloat16* w, const float* bias) {
    for_runs(c, run_length(c, c.windows.batch), [&](std::int64_t, std::int64_t first, std::int64_t samples) {
        const Geometry g(c, samples);
        const auto how = forward_of(g, bias != nullptr);
        Operands operands;
        operands.read(DNNL_ARG_SRC, plain_image(g.x), x + first * c.windows.channels * c.windows.plane(),
                      how.src_desc());
        operands.read(DNNL_ARG_WEIGHTS, plain_weights(g.w, Type::bf16), w, how.weights_desc());
        if (bias) operands.read(DNNL_ARG_BIAS, how.bias_desc(), bias, how.bias_desc());
        operands.write(dnnl::convolution_forward(how), DNNL_ARG_DST, plain_image(g.y),
                       y + first * c.filters * c.windows.outputs(), how.dst_desc());
    });
}

void input_gradient(const Convolution& c, bfloat16* dx, const bfloat16* g_y, const bfloat16* w) {
    for_runs(c, run_length(c, c.windows.batch), [&](std::int64_t, std::int64_t first, std::int64_t samples) {
        const Geometry g(c, samples);
        const dnnl::convolution_backward_data::desc wanted(dnnl::algorithm::convolution_direct,
                                                           preferred(g.x), preferred(g.w), preferred(g.y),
                                                           g.stride, g.dilation, g.before, g.after);
        const dnnl::convolution_backward_data::primitive_desc how(wanted, onednn::engine(),
                                                                  forward_of(g, false));
        Operands operands;
        operands.read(DNNL_ARG_DIFF_DST, plain_image(g.y), g_y + first * c.filters * c.windows.outputs(),
                      how.diff_dst_desc());
        operands.read(DNNL_ARG_WEIGHTS, plain_weights(g.w, Type::bf16), w, how.weights_desc());
        operands.write(dnnl::convolution_backward_data(how), DNNL_ARG_DIFF_SRC, plain_image(g.x),
                       dx + first * c.windows.channels * c.windows.plane(), how.diff_src_desc());
    });
}

// Each run of samples has sums of its own, in f32; they are put together in order and rounded once.
void weight_gradient(const Convolution& c, bfloat16* dw, const bfloat16* x, const bfloat16* g_y) {
    const std::int64_t weights = c.filters * c.depth(),
                       step = run_length(c, std::min<std::int64_t>(c.windows.batch, 16)),
                       runs = ceil_div(c.windows.batch, step);
    const Buffer<float> sums(runs * weights);
    for_runs(c, step, [&](std::int64_t run, std::int64_t first, std::int64_t samples) {
        const Geometry g(c, samples);
        const dnnl::convolution_backward_weights::desc wanted(
            dnnl::algorithm::convolution_direct, preferred(g.x), preferred(g.w, Type::f32), preferred(g.y),
            g.stride, g.dilation, g.before, g.after);
        const dnnl::convolution_backward_weights::primitive_desc how(wanted, onednn::engine(),
                                                                     forward_of(g, false));
        Operands operands;
        operands.read(DNNL_ARG_SRC, plain_image(g.x), x + first * c.windows.channels * c.windows.plane(),
                      how.src_desc());
        operands.read(DNNL_ARG_DIFF_DST, plain_image(g.y), g_y + first * c.filters * c.windows.outputs(),
                      how.diff_dst_desc());
        operands.write(dnnl::convolution_backward_weights(how), DNNL_ARG_DIFF_WEIGHTS,
                       plain_weights(g.w, Type::f32), sums.data() + run * weights, how.diff_weights_desc());
    });
    for_pieces(weights, runs, [&](std::int64_t i) {
        float total = 0;
        for (std::int64_t run = 0; run < runs; ++run) total += sums.data()[run * weights + i];
        dw[i] = bfloat16(total);
    });
}

// oneDNN takes no less padding behind the image than a stride below none.
bool can(const Convolution& c) {
    const Windows& w = c.windows;
    return padding_after(w, 0) + w.stride[0] >= 0 && padding_after(w, 1) + w.stride[1] >= 0;
}

}  // namespace

const NarrowConvolutions* convolutions_bf16() noexcept {
    static constexpr NarrowConvolutions ours{can, forward, input_gradient, weight_gradient};
    return onednn::has_bf16_instructions() ? &ours : nullptr;
}

}  // namespace adjoint::cpu
