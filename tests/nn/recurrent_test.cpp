// Recurrent layers and cells: numbers of PyTorch, gradients, shapes, state, modes, printing.
//
// The numbers are those of torch::nn::RNN, LSTM and GRU of libtorch 1.13.1 in f64, with element k of
// parameter n (in the order of named_parameters) set to sin(1 + n + 0.7 k) / 2 and element k of every input
// to cos(0.3 k).
#include <gtest/gtest.h>

#include <cmath>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/backward/gradcheck_gtest.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/recurrent.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

constexpr RecurrentOptions deep{.num_layers = 2, .bidirectional = true, .dtype = f64};

TEST(LSTM, GradientsOfWeightsDoNotDependOnWhoWantsThatOfTheInput) {
    const LSTM layer(3, 2, {.num_layers = 2, .dtype = f64});
    Tensor x = wave({4, 2, 3});
    std::vector<Tensor> inputs = layer.parameters();
    const auto gradients = [&] { return grad(std::vector<Tensor>{sum(square(layer(x).output))}, inputs); };
    const std::vector<Tensor> without = gradients();
    inputs.push_back(x.set_requires_grad());
    const std::vector<Tensor> with = gradients();
    for (std::size_t i = 0; i < without.size(); ++i) EXPECT_TRUE(equal(without[i], with[i])) << i;
    EXPECT_GT(max(abs(with.back())).item<double>(), 0);
}

TEST(RNN, MeetsPyTorch) {
    const RNN layer(3, 2, {.num_layers = 2, .bidirectional = true, .dtype = f64});
    set_waves(layer.parameters());
    const Tensor x = wave({4, 2, 3});
    x.set_requires_grad();
    const auto [y, h] = layer(x);
    expect_near(y, {-0.7864292018623, 0.001922816642768, 0.2144867411412,  -0.3851226612209, -0.8517591128257,
                    0.2216166797728,  0.2609426179544,   -0.4809394237366, -0.8744860280199, 0.6823247746213,
                    0.4682863046478,  -0.7044881258096,  -0.8930312507357, 0.6605880220354,  0.4777487792974,
                    -0.7247705458627, -0.927401919313,   0.6478305568308,  0.337997727691,   -0.6610168021178,
                    -0.9255730852205, 0.6801483502599,   0.260138972932,   -0.6329641672117, -0.8548397125072,
                    0.4430289465887,  0.2692174774773,   -0.5881217802432, -0.8271440067703, 0.3289146130193,
                    0.2477892857127,  -0.5446605080816});
    expect_near(h, {0.2296727178514, -0.8514478163731, 0.4295429950148, -0.7853838293387, 0.1609296762567,
                    0.9905414506674, 0.3622496491801, 0.9523899657371, -0.8548397125072, 0.4430289465887,
                    -0.8271440067703, 0.3289146130193, 0.2144867411412, -0.3851226612209, 0.2609426179544,
                    -0.4809394237366});
    sum(square(y)).backward();
    expect_near(x.grad(),
                {-0.4134171770602,  -0.2740384726643,  -0.005775192605147, -0.4481738311404, -0.33735522657,
                 -0.06787318762288, -0.01114124261133, 0.01313628070977,   0.03123560595303, 0.2960661837593,
                 0.3195660261785,   0.1927689731291,   0.2711062021407,    0.2953388767235,  0.180669062786,
                 -0.2045138597152,  -0.1356054156364,  -0.002919625690737, -0.6283882853515, -0.4052870871569,
                 0.008426960913098, -0.5023074469142,  -0.3588771607501,   -0.04666133827489});

    const RNN rectified(3, 2, {.nonlinearity = RecurrentNonlinearity::relu, .dtype = f64});
    set_waves(rectified.parameters());
    expect_near(rectified(x).output, {0.865322947718, 0, 0.157251037025, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      0.6973540616866, 0, 0.8594870189773, 0});
    expect_near(rectified(x).h_n, {0.6973540616866, 0, 0.8594870189773, 0});
}

TEST(LSTM, MeetsPyTorch) {
    const LSTM layer(3, 2, deep);
    set_waves(layer.parameters());
    const Tensor x = wave({4, 2, 3});
    x.set_requires_grad();
    const auto [y, h, c] = layer(x);
    expect_near(y, {0.1055386069938,  0.0992422653574,  -0.2340505534133, 0.06014261341212, 0.1228958837835,
                    0.0811653523163,  -0.2452935750863, 0.0993605385975,  0.1788638971118,  0.1305391076837,
                    -0.2405117784648, 0.0864317100217,  0.1970693984866,  0.1083933033356,  -0.2454245745562,
                    0.1053329541556,  0.2265383209697,  0.1348682312869,  -0.2287114400663, 0.09591551944828,
                    0.2364094723963,  0.122524835099,   -0.2299398146915, 0.1039878138596,  0.2262478706447,
                    0.1594139749901,  -0.1692830491966, 0.06018380287793, 0.227747210819,   0.1552102004803,
                    -0.1663663167758, 0.05478123152831});
    expect_near(h, {-0.2715361154368, 0.1295568311664, -0.3119012188693, 0.1073070259281, -0.03171555993411,
                    -0.5795491176832, -0.1143128575413, -0.4300114731218, 0.2262478706447, 0.1594139749901,
                    0.227747210819, 0.1552102004803, -0.2340505534133, 0.06014261341212, -0.2452935750863,
                    0.0993605385975});
    expect_near(c, {-0.3320438681083, 0.2665796756564, -0.3732282929269, 0.2133879635215, -0.1778321574376,
                    -1.02037015754, -0.5687779056462, -0.9243664937328, 0.5210240261125, 0.3902114570523,
                    0.5352068954303, 0.3743979709617, -0.3648871524148, 0.08617649179988, -0.402859000908,
                    0.1381631432153});
    sum(square(y)).backward();
    expect_near(x.grad(), {-0.004897628421001,  -0.0134907963707,   -0.01573903198775,   -0.002607778338722,
                           -0.01186055445391,   -0.01553512648315,  -0.0006791754674879, -0.0006362921963594,
                           -0.0002941507629432, -0.001498540023189, 0.0002304854490155,  0.001851110013114,
                           0.001032416651601,   0.002150961681921,  0.002257875823531,   -0.000569232565341,
                           -0.008202647423024,  -0.01197822902776,  -0.001556795710521,  -0.00880625181391,
                           -0.01191399008774,   -0.001237205691369, -0.008110662082977,  -0.01116954736437});

    const LSTM first(3, 2, {.batch_first = true, .dtype = f64});
    set_waves(first.parameters());
    const auto out = first(wave({2, 4, 3}), {wave({1, 2, 2}), -wave({1, 2, 2})});
    expect_near(out.output, {0.06933583054085, -0.2377296403433, -0.0667066471723, -0.1324368070842,
                             0.05129387141201, 0.1621382847649, 0.0653526338651, 0.3081391524463,
                             0.01838539940553, 0.09748650618152, -0.03450300425791, 0.1326959110616,
                             -0.3280050545405, 0.09082872890301, -0.4366766391525, 0.06648914863263});
    expect_near(out.h_n, {0.0653526338651, 0.3081391524463, -0.4366766391525, 0.06648914863263});
    expect_near(out.c_n, {0.1676258460079, 0.3944614698001, -0.5347708404005, 0.1237669756322});
}

TEST(GRU, MeetsPyTorch) {
    const GRU layer(3, 2, deep);
    set_waves(layer.parameters());
    const Tensor x = wave({4, 2, 3});
    x.set_requires_grad();
    const auto [y, h] = layer(x);
    expect_near(y,
                {0.1872538684649,  0.1874142926507,   -0.5574062543332, -0.04606275597283, 0.2039476124375,
                 0.1940553771511,  -0.6466903930979,  0.09784966299298, 0.3302878056304,   0.2625078966886,
                 -0.6362466632436, 0.1362075361599,   0.3687120914893,  0.1843901236485,   -0.6936118919405,
                 0.2337933524281,  0.4559589055479,   0.208525372413,   -0.601884029509,   0.1994677141395,
                 0.4738156941778,  0.2024603199321,   -0.5830046959501, 0.1402644342829,   0.5043571231222,
                 0.2352979275451,  -0.3451044871734,  0.03587074191269, 0.4938734117883,   0.2484685622442,
                 -0.3199538582958, -0.009851274200985});
    expect_near(h, {-0.3690762784354, 0.3146934518068, -0.4598745527852, 0.187089097037, 0.2202733865525,
                    -0.7308406754912, -0.1104439355451, -0.6497352617439, 0.5043571231222, 0.2352979275451,
                    0.4938734117883, 0.2484685622442, -0.5574062543332, -0.04606275597283, -0.6466903930979,
                    0.09784966299298});
    sum(square(y)).backward();
    expect_near(x.grad(), {-0.04661123303768, -0.1091954875922,  -0.1204233981056,  -0.05761487954709,
                           -0.1568881574757,  -0.1823744834984,  -0.04252662678811, -0.07324274513459,
                           -0.06951165599481, -0.06099724354717, -0.04592808363396, -0.009258228341593,
                           -0.0587637815955,  -0.01716037705689, 0.03251382094986,  -0.09735066461513,
                           -0.1213115682104,  -0.08821774573076, -0.01326106226497, -0.1003614783803,
                           -0.140260323022,   0.001658931396172, -0.06646716624653, -0.1033327170254});
}

// A layer against its cell, unrolled by hand.
TEST(Recurrent, LayersRepeatTheirCells) {
    const LSTM lstm(3, 4);
    const LSTMCell lstm_cell(3, 4);
    const GRU gru(3, 4, {.bias = false});
    const GRUCell gru_cell(3, 4, {.bias = false});
    const RNN rnn(3, 4, {.nonlinearity = RecurrentNonlinearity::relu});
    const RNNCell rnn_cell(3, 4, {.nonlinearity = RecurrentNonlinearity::relu});
    copy_values(lstm.parameters(), lstm_cell.parameters());
    copy_values(gru.parameters(), gru_cell.parameters());
    copy_values(rnn.parameters(), rnn_cell.parameters());
    const Tensor x = randn({5, 2, 3});
    RecurrentState s;
    Tensor g, r;
    for (int t = 0; t < 5; ++t) {
        s = lstm_cell(x(t), s);
        g = gru_cell(x(t), g);
        r = rnn_cell(x(t), r);
        EXPECT_TRUE(allclose(lstm(x).output(t), s.h, 1e-5, 1e-6));
        EXPECT_TRUE(allclose(gru(x).output(t), g, 1e-5, 1e-6));
        EXPECT_TRUE(allclose(rnn(x).output(t), r, 1e-5, 1e-6));
    }
    EXPECT_TRUE(allclose(lstm(x).c_n(0), s.c, 1e-5, 1e-6));
    // One sample alone.
    EXPECT_TRUE(allclose(lstm_cell(x(0, 1)).h, lstm_cell(x(0)).h(1), 1e-5, 1e-6));
    EXPECT_EQ(gru_cell(x(0, 1)).shape(), (Shape{4}));
}

TEST(Recurrent, ShapesAndLayouts) {
    const LSTM layer(3, 4, {.num_layers = 2, .bidirectional = true});
    const LSTM first(3, 4, {.num_layers = 2, .batch_first = true, .bidirectional = true});
    copy_values(layer.parameters(), first.parameters());
    const Tensor x = randn({5, 2, 3});
    const LSTMOutput out = layer(x), turned = first(transpose(x, 0, 1));
    EXPECT_EQ(out.output.shape(), (Shape{5, 2, 8}));
    EXPECT_EQ(out.h_n.shape(), (Shape{4, 2, 4}));
    EXPECT_EQ(out.c_n.shape(), (Shape{4, 2, 4}));
    EXPECT_TRUE(equal(transpose(turned.output, 0, 1), out.output));
    EXPECT_TRUE(equal(turned.h_n, out.h_n));
    const LSTMOutput single = layer(x(all, 1));
    EXPECT_EQ(single.output.shape(), (Shape{5, 8}));
    EXPECT_EQ(single.h_n.shape(), (Shape{4, 4}));
    EXPECT_TRUE(allclose(single.output, out.output(all, 1), 1e-5, 1e-6));
    EXPECT_TRUE(equal(first(x(all, 1)).output, single.output)) << "no batch, nothing to turn";
    // The sequence in two parts, forwards only.
    const GRU gru(3, 4);
    const RNNOutput begin = gru(x(slice(0, 2))), end = gru(x(slice(2, 5)), begin.h_n);
    EXPECT_TRUE(allclose(cat({begin.output, end.output}), gru(x).output, 1e-5, 1e-6));
}

TEST(Recurrent, NamesAreTorchs) {
    const LSTM layer(3, 4, {.num_layers = 2, .bidirectional = true});
    EXPECT_EQ(names(layer.state()),
              (std::vector<std::string>{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0",
                                        "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse",
                                        "bias_hh_l0_reverse", "weight_ih_l1", "weight_hh_l1", "bias_ih_l1",
                                        "bias_hh_l1", "weight_ih_l1_reverse", "weight_hh_l1_reverse",
                                        "bias_ih_l1_reverse", "bias_hh_l1_reverse"}));
    EXPECT_EQ(layer.weights[2].weight_ih.shape(), (Shape{16, 8}));
    EXPECT_EQ(names(GRU(3, 4, {.bias = false}).state()),
              (std::vector<std::string>{"weight_ih_l0", "weight_hh_l0"}));
    EXPECT_EQ(names(LSTMCell(3, 4).state()),
              (std::vector<std::string>{"weight_ih", "weight_hh", "bias_ih", "bias_hh"}));
    manual_seed(1);
    const GRU large(30, 25);
    for (const Tensor& p : large.parameters()) {
        EXPECT_LE(amax(abs(p)).item(), 0.2);
        EXPECT_GT(amax(abs(p)).item(), 0.18);
    }
}

TEST(Recurrent, GradientsOfAllParameters) {
    for (const bool bias : {true, false}) {
        const RecurrentOptions options{.num_layers = 2, .bias = bias, .bidirectional = true, .dtype = f64};
        expect_gradients(LSTM(2, 2, options), wave({3, 2, 2}),
                         [](const LSTM& m, const Tensor& x) { return m(x).output + sum(m(x).c_n); });
        expect_gradients(GRU(2, 2, options), wave({3, 2, 2}),
                         [](const GRU& m, const Tensor& x) { return m(x).output; });
        expect_gradients(RNN(2, 2, {.bias = bias, .dtype = f64}), wave({3, 2, 2}),
                         [](const RNN& m, const Tensor& x) { return m(x).output + m(x).h_n; });
    }
    expect_gradients(LSTMCell(2, 3, {.dtype = f64}), wave({2, 2}),
                     [](const LSTMCell& m, const Tensor& x) { return m(x).h + m(x).c; });
    // The initial state takes part, and there is a second derivative.
    const GRU gru(2, 2, {.dtype = f64});
    const Tensor x = wave({3, 1, 2}), h = wave({1, 1, 2});
    x.set_requires_grad();
    h.set_requires_grad();
    EXPECT_GRAD_OK([&](const Tensor& a, const Tensor& b) { return gru(a, b).output; }, x, h);
    EXPECT_GRADGRAD_OK([&](const Tensor& a, const Tensor& b) { return gru(a, b).output; }, x, h);
}

TEST(Recurrent, DropsBetweenLayersInTraining) {
    manual_seed(2);
    const GRU layer(3, 50, {.num_layers = 2, .dropout = 0.5});
    const Tensor x = randn({4, 2, 3});
    EXPECT_FALSE(equal(layer(x).output, layer(x).output));
    EXPECT_TRUE(equal(layer(x).h_n(0), layer(x).h_n(0))) << "the first layer sees no dropout";
    layer.eval();
    const Tensor y = layer(x).output;
    EXPECT_TRUE(equal(layer(x).output, y));
    const GRU same(3, 50, {.num_layers = 2});
    copy_values(layer.parameters(), same.parameters());
    EXPECT_TRUE(equal(same(x).output, y));
}

TEST(Recurrent, SavesLoadsAndClones) {
    const LSTM layer(3, 4, {.num_layers = 2}), other(3, 4, {.num_layers = 2});
    const Tensor x = randn({4, 2, 3});
    EXPECT_FALSE(equal(other(x).output, layer(x).output));
    other.load(layer.state());
    EXPECT_TRUE(equal(other(x).output, layer(x).output));
    const LSTM copy = clone(layer);
    EXPECT_TRUE(equal(copy(x).output, layer(x).output));
    copy.weights[1].weight_hh.detach().fill_(0);
    EXPECT_TRUE(equal(other(x).output, layer(x).output)) << "a clone shares nothing";
    EXPECT_FALSE(equal(copy(x).output, layer(x).output));
    layer.to(f64);
    EXPECT_EQ(layer(x.to(f64)).output.dtype(), f64);
    EXPECT_TRUE(clone(GRUCell(2, 2)).weight_ih.defined());
}

TEST(Recurrent, Prints) {
    EXPECT_EQ(
        to_string(LSTM(3, 4, {.num_layers = 2, .batch_first = true, .dropout = 0.5, .bidirectional = true})),
        "LSTM(3, 4, num_layers=2, batch_first=true, dropout=0.5, bidirectional=true)");
    EXPECT_EQ(to_string(RNN(3, 4, {.nonlinearity = RecurrentNonlinearity::relu, .bias = false})),
              "RNN(3, 4, nonlinearity=relu, bias=false)");
    EXPECT_EQ(to_string(GRU(3, 4)), "GRU(3, 4)");
    EXPECT_EQ(to_string(GRUCell(3, 4, {.bias = false})), "GRUCell(3, 4, bias=false)");
}

TEST(Recurrent, RefusesWhatDoesNotFit) {
    const LSTM layer(3, 4);
    EXPECT_THROW(layer(ones({5, 2, 4})), ShapeError);
    EXPECT_THROW(layer(ones({3})), ShapeError);
    EXPECT_THROW(layer(ones({0, 2, 3})), ShapeError);
    EXPECT_THROW(layer(ones({5, 2, 3}), {ones({1, 3, 4})}), ShapeError);
    EXPECT_THROW(layer(ones({5, 2, 3}), {ones({1, 2, 4}), ones({2, 2, 4})}), ShapeError);
    EXPECT_THROW(LSTM(0, 4), ValueError);
    EXPECT_THROW(LSTM(3, 4, {.num_layers = 0}), ValueError);
    EXPECT_THROW(GRU(3, 4, {.dropout = 1.5}), ValueError);
    EXPECT_THROW(GRUCell(3, -1), ValueError);
    EXPECT_THROW(GRUCell(3, 4)(ones({2, 4})), ShapeError);
    EXPECT_THROW(GRUCell(3, 4)(ones({2, 3}), ones({3, 4})), ShapeError);
    EXPECT_EQ(layer(ones({5, 2, 3})).output.shape(), (Shape{5, 2, 4}));
    EXPECT_EQ(layer(ones({5, 0, 3})).output.shape(), (Shape{5, 0, 4}));
}

}  // namespace
}  // namespace adjoint::nn
