// Recurrent layers on a device, by its own calls where it has them, against the CPU, which has its own too.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>

#include "device/cases.h"
#include "device/compare.h"

namespace adjoint::device {
namespace {

Tensors outputs(const nn::LSTM& m, const Tensors& in) {
    const nn::LSTMOutput out = m(in[0], {in[1], in[2]});
    return {out.output, out.h_n, out.c_n};
}
template <class M> Tensors outputs(const M& m, const Tensors& in) {
    const nn::RNNOutput out = m(in[0], in[1]);
    return {out.output, out.h_n};
}

// A number in which every element counts differently.
Tensor weighted(const Tensors& all) {
    Tensor total = zeros({}, {.dtype = all[0].dtype(), .device = all[0].device()});
    for (const Tensor& x : all) {
        const Tensor places = arange(x.numel()).to(x.dtype()).to(x.device());
        total = total + sum(x * reshape(cos(places), x.shape()));
    }
    return total;
}

struct Results {
    Tensors once;   // outputs, and the gradients of inputs and parameters
    Tensors twice;  // those of the squares of these gradients
};

template <class M> Results results(const M& original, const Tensors& inputs, Device device) {
    const M m = nn::clone(original);
    m.to(device);
    const Tensors in = moved(inputs, device);
    Tensors leaves = m.parameters();
    for (std::size_t i = 0; i < (std::is_same_v<M, nn::LSTM> ? 3 : 2); ++i) {
        in[i].set_requires_grad();
        leaves.push_back(in[i]);
    }
    Results found;
    found.once = outputs(m, in);
    const Tensor loss = weighted(found.once);
    for (const Tensor& gradient : grad(Tensors{loss}, leaves, {.retain_graph = true}))
        found.once.push_back(gradient);
    Tensors squares;
    for (const Tensor& gradient : grad(Tensors{loss}, leaves, {.create_graph = true}))
        squares.push_back(square(gradient));
    found.twice = grad(Tensors{weighted(squares)}, leaves, {.allow_unused = true});
    return found;
}

template <class M> void compare(const M& m, std::int64_t states, Device device, const std::string& what) {
    const DType type = m.parameters()[0].dtype();
    const bool batch_first = nn::to_string(m).find("batch_first") != std::string::npos;
    const Tensors inputs{numbers(batch_first ? Shape{5, 7, 6} : Shape{7, 5, 6}, type),
                         numbers({states, 5, 9}, type), numbers({states, 5, 9}, type)};
    const Results here = results(m, inputs, Device::cpu()), there = results(m, inputs, device);
    const double bound = type == DType::f32 ? 1e-4 : 1e-10;
    for (std::size_t i = 0; i < here.once.size(); ++i)
        expect_near(here.once[i].detach(), there.once[i].detach(), bound,
                    what + ", result " + std::to_string(i));
    for (std::size_t i = 0; i < here.twice.size(); ++i) {
        ASSERT_EQ(here.twice[i].defined(), there.twice[i].defined()) << what;
        if (here.twice[i].defined())
            expect_near(here.twice[i].detach(), there.twice[i].detach(), 10 * bound,
                        what + ", second derivative " + std::to_string(i));
    }
}

void follow_the_cpu(Device device) {
    for (const DType type : {DType::f32, DType::f64}) {
        const nn::RecurrentOptions plain{.dtype = type},
            turned{.bias = false, .batch_first = true, .dtype = type},
            deep{.num_layers = 2, .bidirectional = true, .dtype = type};
        for (const auto& [options, states] :
             {std::pair(plain, 1), std::pair(turned, 1), std::pair(deep, 4)}) {
            compare(nn::LSTM(6, 9, options), states, device, std::string("LSTM ") + name(type));
            compare(nn::GRU(6, 9, options), states, device, std::string("GRU ") + name(type));
        }
        for (const auto nonlinearity : {nn::RecurrentNonlinearity::tanh, nn::RecurrentNonlinearity::relu})
            compare(nn::RNN(6, 9, {.nonlinearity = nonlinearity, .dtype = type}), 1, device,
                    std::string("RNN ") + name(type));
    }
}

void same_bits_in_every_pass(Device device) {
    const nn::LSTM m(20, 30, {.num_layers = 2});
    m.to(device);
    const Tensor x = numbers({15, 16, 20}).to(device);
    const auto gradients = [&](const Tensor& loss) {
        return grad(Tensors{loss}, m.parameters(), {.retain_graph = true});
    };
    const nn::LSTMOutput first = m(x), second = m(x);
    expect_same_bits(first.output.detach().to(Device::cpu()), second.output.detach(), "output");
    const Tensor loss = weighted({first.output, first.c_n});
    // Twice over one graph: the first pass has to leave what the forward pass kept.
    const Tensors once = gradients(loss), again = gradients(loss),
                  other = gradients(weighted({second.output, second.c_n}));
    for (std::size_t i = 0; i < once.size(); ++i) {
        expect_same_bits(once[i].to(Device::cpu()), again[i], "the second backward pass");
        expect_same_bits(once[i].to(Device::cpu()), other[i], "another forward pass");
    }
    NoGrad guard;
    expect_near(first.output.detach().to(Device::cpu()), m(x).output, 1e-6, "without a graph");
}

// Values after steps of training, the last `replays` of them as replays of a captured one.
Tensors trained(Device device, int steps, int replays) {
    manual_seed(4);
    const nn::GRU layer(3, 8, {.num_layers = 2, .dropout = 0.3, .bidirectional = true});
    const nn::Linear last(16, 2);
    layer.to(device);
    last.to(device);
    Tensors parameters = layer.parameters();
    for (const Tensor& p : last.parameters()) parameters.push_back(p);
    optim::Adam optimizer(parameters, {.lr = 0.01});
    const Tensor x = sin(reshape(arange(6 * 4 * 3).to(DType::f32), {6, 4, 3})).to(device);
    const auto step = [&] {
        optimizer.zero_grad();
        mean(square(last(layer(x).output) - 0.5)).backward();
        optimizer.step();
    };
    for (int i = 0; i + replays + 1 < steps; ++i) step();
    if (replays > 0)
        capture(step, {.device = device, .warmup = 0}).replay(replays);
    else
        step();
    return moved(parameters, Device::cpu());
}

void replays_equal_eager_steps(Device device) {
    const Tensors eager = trained(device, 8, 0), replayed = trained(device, 8, 5);
    for (std::size_t i = 0; i < eager.size(); ++i)
        expect_same_bits(eager[i], replayed[i], "parameter " + std::to_string(i));
}

}  // namespace

void add_recurrent(std::vector<DeviceCase>& cases) {
    cases.insert(cases.end(), {{"RecurrentLayers", follow_the_cpu},
                               {"RecurrentPassesRepeat", same_bits_in_every_pass},
                               {"RecurrentReplays", replays_equal_eager_steps}});
}

}  // namespace adjoint::device
