// The yardstick of row W4 of bench/mnist: the same training steps written by hand for this network alone, on
// oneDNN's primitives in the layouts that they prefer. Nothing is checked, nothing is general.
//
//     bench/hand_conv [threads] [rounds]
#include <dnnl.hpp>

#include <adjoint/data/mnist.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <unordered_map>

#include "report.h"

extern "C" void omp_set_num_threads(int);

namespace {

using namespace dnnl;
using Dims = memory::dims;
using Description = memory::desc;

constexpr long batch = 128, steps = 50;

Description any(const Dims& dims) { return {dims, memory::data_type::f32, memory::format_tag::any}; }
Description plain(const Dims& dims) {
    constexpr memory::format_tag tags[] = {memory::format_tag::a, memory::format_tag::ab,
                                           memory::format_tag::abc, memory::format_tag::abcd};
    return {dims, memory::data_type::f32, tags[dims.size() - 1]};
}
float* values(const memory& m) { return static_cast<float*>(m.get_data_handle()); }

struct Parameter {
    memory value, gradient;
    std::vector<float> m, v;
};

struct Net {
    engine cpu{engine::kind::cpu, 0};
    stream queue{cpu};
    std::vector<std::pair<primitive, std::unordered_map<int, memory>>> forward, backward;
    std::vector<Parameter> parameters;
    std::mt19937 random{1};
    memory x, logits, slope;
    long step_count = 0;

    memory of(const Description& d) { return {d, cpu}; }
    // The same numbers in another layout.
    memory in(std::vector<std::pair<primitive, std::unordered_map<int, memory>>>& list, const memory& m,
              const Description& layout) {
        if (m.get_desc() == layout) return m;
        memory to = of(layout);
        list.push_back({reorder(m, to), {{DNNL_ARG_FROM, m}, {DNNL_ARG_TO, to}}});
        return to;
    }
    memory parameter(const Description& layout, double fan_in) {
        memory start = of(plain(layout.dims())), value = of(layout);
        std::uniform_real_distribution<float> u(-1, 1);
        for (std::size_t i = 0; i < start.get_desc().get_size() / 4; ++i)
            values(start)[i] = u(random) / float(std::sqrt(fan_in));
        reorder(start, value).execute(queue, start, value);
        queue.wait();
        const std::size_t size = layout.get_size() / 4;
        parameters.push_back({value, of(layout), std::vector<float>(size), std::vector<float>(size)});
        return value;
    }

    static primitive_attr with_relu(bool relu) {
        primitive_attr out;
        post_ops after;
        if (relu) after.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
        out.set_post_ops(after);
        return out;
    }
    // What a convolution and a product do alike. `later` runs the backward passes, last layer first.
    std::vector<std::function<void(memory& g)>> later;
    template <class Forward, class Weights, class Data>
    memory layer(const typename Forward::primitive_desc& f, const typename Weights::primitive_desc& fw,
                 const typename Data::primitive_desc* fd, const memory& input, double fan_in, bool relu) {
        const memory source = in(forward, input, f.src_desc());
        memory y = of(f.dst_desc());
        const memory w = parameter(f.weights_desc(), fan_in), b = parameter(f.bias_desc(), fan_in);
        const std::size_t place = parameters.size() - 2;
        forward.push_back(
            {Forward(f),
             {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_BIAS, b}, {DNNL_ARG_DST, y}}});
        std::shared_ptr<typename Data::primitive_desc> data;
        if (fd) data = std::make_shared<typename Data::primitive_desc>(*fd);
        later.emplace_back([=, this](memory& g) {
            if (relu) {
                const auto kind = algorithm::eltwise_relu_use_dst_for_bwd;
                const Description d = y.get_desc();
                g = in(backward, g, d);
                const eltwise_forward::primitive_desc hint({prop_kind::forward_training, kind, d, 0.f}, cpu);
                backward.push_back({eltwise_backward({{kind, d, d, 0.f}, cpu, hint}),
                                    {{DNNL_ARG_DST, y}, {DNNL_ARG_DIFF_DST, g}, {DNNL_ARG_DIFF_SRC, g}}});
            }
            const memory dw = of(fw.diff_weights_desc());
            backward.push_back({Weights(fw),
                                {{DNNL_ARG_SRC, in(backward, source, fw.src_desc())},
                                 {DNNL_ARG_DIFF_DST, in(backward, g, fw.diff_dst_desc())},
                                 {DNNL_ARG_DIFF_WEIGHTS, dw},
                                 {DNNL_ARG_DIFF_BIAS, parameters[place + 1].gradient}}});
            parameters[place].gradient = in(backward, dw, w.get_desc());
            if (!data) return;
            const memory dx = of(data->diff_src_desc());
            backward.push_back({Data(*data),
                                {{DNNL_ARG_DIFF_DST, in(backward, g, data->diff_dst_desc())},
                                 {DNNL_ARG_WEIGHTS, in(backward, w, data->weights_desc())},
                                 {DNNL_ARG_DIFF_SRC, dx}}});
            g = dx;
        });
        return y;
    }
    memory convolve(const memory& input, long out, bool first) {
        const Dims size = input.get_desc().dims(), one{1, 1}, none{0, 0};
        const Description s = any(size), w = any({out, size[1], 3, 3}), b = any({out}),
                          y = any({batch, out, size[2] - 2, size[3] - 2});
        const auto kind = algorithm::convolution_direct;
        const convolution_forward::primitive_desc f(
            {prop_kind::forward_training, kind, s, w, b, y, one, none, none}, with_relu(true), cpu);
        const convolution_backward_weights::primitive_desc fw({kind, s, w, b, y, one, none, none}, cpu, f);
        const convolution_backward_data::primitive_desc fd({kind, s, w, y, one, none, none}, cpu, f);
        return layer<convolution_forward, convolution_backward_weights, convolution_backward_data>(
            f, fw, first ? nullptr : &fd, input, 9.0 * double(size[1]), true);
    }
    memory product(const memory& input, long out, bool relu) {
        Dims size = input.get_desc().dims(), weights = size;
        weights[0] = out;
        const Description s = any(size), w = any(weights), b = any({out}), y = any({batch, out});
        const inner_product_forward::primitive_desc f({prop_kind::forward_training, s, w, b, y},
                                                      with_relu(relu), cpu);
        const inner_product_backward_weights::primitive_desc fw({s, w, b, y}, cpu, f);
        const inner_product_backward_data::primitive_desc fd({s, w, y}, cpu, f);
        double fan_in = 1;
        for (std::size_t i = 1; i < size.size(); ++i) fan_in *= double(size[i]);
        return layer<inner_product_forward, inner_product_backward_weights, inner_product_backward_data>(
            f, fw, &fd, input, fan_in, relu);
    }
    memory pool(const memory& input) {
        const Dims size = input.get_desc().dims(), two{2, 2}, none{0, 0};
        const Description s = input.get_desc(), y = any({size[0], size[1], size[2] / 2, size[3] / 2});
        const auto kind = algorithm::pooling_max;
        const pooling_forward::primitive_desc f(
            {prop_kind::forward_training, kind, s, y, two, two, none, none}, cpu);
        memory out = of(f.dst_desc());
        const memory work = of(f.workspace_desc());
        forward.emplace_back(pooling_forward(f),
                             std::unordered_map<int, memory>{
                                 {DNNL_ARG_SRC, input}, {DNNL_ARG_DST, out}, {DNNL_ARG_WORKSPACE, work}});
        later.emplace_back([=, this](memory& g) {
            const pooling_backward::primitive_desc b({kind, s, f.dst_desc(), two, two, none, none}, cpu, f);
            const memory dx = of(b.diff_src_desc());
            backward.push_back({pooling_backward(b),
                                {{DNNL_ARG_DIFF_DST, in(backward, g, b.diff_dst_desc())},
                                 {DNNL_ARG_WORKSPACE, work},
                                 {DNNL_ARG_DIFF_SRC, dx}}});
            g = dx;
        });
        return out;
    }

    Net() {
        x = of(plain({batch, 1, 28, 28}));
        memory h = pool(convolve(convolve(x, 32, true), 64, false));
        h = product(product(h, 128, true), 10, false);
        logits = in(forward, h, plain({batch, 10}));
        slope = of(logits.get_desc());
        memory g = slope;
        for (std::size_t i = later.size(); i-- > 0;) later[i](g);
    }

    // The mean cross entropy of the step.
    float step(const std::vector<int>& labels) {
        for (auto& [run, arguments] : forward) run.execute(queue, arguments);
        queue.wait();
        float loss = 0;
        for (long i = 0; i < batch; ++i) {
            const float* row = values(logits) + i * 10;
            float* to = values(slope) + i * 10;
            const float most = *std::max_element(row, row + 10);
            float sum = 0;
            for (long j = 0; j < 10; ++j) sum += to[j] = std::exp(row[j] - most);
            loss -= std::log(to[labels[i]] / sum) / batch;
            for (long j = 0; j < 10; ++j) to[j] /= sum * batch;
            to[labels[i]] -= 1.0f / batch;
        }
        for (auto& [run, arguments] : backward) run.execute(queue, arguments);
        queue.wait();
        ++step_count;
        const float first = 1 - std::pow(0.9f, float(step_count)),
                    root = std::sqrt(1 - std::pow(0.999f, float(step_count)));
        for (Parameter& p : parameters) {
            float *w = values(p.value), *m = p.m.data(), *v = p.v.data();
            const float* d = values(p.gradient);
#pragma GCC ivdep
            for (std::size_t i = 0; i < p.m.size(); ++i) {
                m[i] = 0.9f * m[i] + 0.1f * d[i];
                v[i] = 0.999f * v[i] + 0.001f * d[i] * d[i];
                w[i] -= 0.001f / first * m[i] / (std::sqrt(v[i]) / root + 1e-8f);
            }
        }
        return loss;
    }
};

}  // namespace

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 3;
    omp_set_num_threads(threads);
    const adjoint::data::Mnist set = adjoint::data::load_mnist();
    const std::uint8_t* images = set.train.images.data<std::uint8_t>();
    const std::uint8_t* labels = set.train.labels.data<std::uint8_t>();
    Net net;
    std::vector<int> order(60000), chosen(batch);
    for (int i = 0; i < 60000; ++i) order[i] = i;
    float loss = 0;
    const double time = bench::time(rounds, [&] {
        std::shuffle(order.begin(), order.end(), net.random);
        for (long s = 0; s < steps; ++s) {
            for (long i = 0; i < batch; ++i) {
                const int at = order[s * batch + i];
                chosen[i] = labels[at];
                for (long j = 0; j < 784; ++j)
                    values(net.x)[i * 784 + j] =
                        static_cast<float>(images[at * 784 + j]) * (1 / 255.0f / 0.3081f) - 0.4242f;
            }
            loss = net.step(chosen);
        }
    });
    bench::report("W4", "by-hand", threads, time, "s");
    std::printf("# W4 by hand: the last loss was %.3f\n", loss);
}
