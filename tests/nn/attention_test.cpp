// MultiheadAttention, TransformerEncoderLayer, Bilinear: numbers of PyTorch, masks,
// gradients, state, printing.
//
// The numbers are those of libtorch 1.13.1 in f64; element k of the n-th parameter is sin(1 + n + 0.7 k) / 2
// and element k of every input cos(0.3 k).
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/attention.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/bilinear.h>
#include <adjoint/nn/transformer.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

Tensor mask(const Shape& shape, const std::vector<Shape>& blocked) {
    const Tensor x = zeros(shape, {.dtype = boolean});
    for (const Shape& place : blocked) x(place[0], place[1]) = 1;
    return x;
}

// The same mask as bool and as -inf and 0, on a query that may see nothing, one key, all.
TEST(MultiheadAttention, AFloatMaskOfMinusInfinityHidesAsABoolMaskDoes) {
    const MultiheadAttention layer(4, 2, {.dtype = f64});
    set_waves(layer.parameters());
    const Tensor hidden = mask({3, 3}, {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 2}});
    const Tensor numbers =
        masked_fill(zeros({3, 3}, {.dtype = f64}), hidden, -std::numeric_limits<double>::infinity());
    std::vector<Tensor> outputs, weights, gradients;
    for (const Tensor& m : {hidden, numbers}) {
        const Tensor x = wave({3, 2, 4});
        x.set_requires_grad();
        const AttentionOutput out = layer(x, x, x, {.attn_mask = m});
        sum(square(out.output)).backward();
        outputs.push_back(out.output);
        weights.push_back(out.weights);
        gradients.push_back(x.grad());
    }
    EXPECT_TRUE(equal(outputs[0], outputs[1]));
    EXPECT_TRUE(equal(weights[0], weights[1]));
    EXPECT_TRUE(equal(gradients[0], gradients[1]));
    EXPECT_TRUE(equal(weights[1](all, 0), zeros({2, 3}, {.dtype = f64}))) << "nothing to see";
    EXPECT_TRUE(all(isfinite(gradients[1])).item<bool>());
    EXPECT_THROW(layer(wave({3, 2, 4}), wave({3, 2, 4}), wave({3, 2, 4}), {.attn_mask = hidden.to(i64)}),
                 DTypeError);
    EXPECT_THROW(layer(wave({3, 2, 4}), wave({3, 2, 4}), wave({3, 2, 4}),
                       {.key_padding_mask = zeros({2, 3}, {.dtype = u8})}),
                 DTypeError);
}

TEST(MultiheadAttention, MeetsPyTorch) {
    const MultiheadAttention layer(4, 2, {.dtype = f64});
    EXPECT_EQ(names(layer.state()), (std::vector<std::string>{"in_proj_weight", "in_proj_bias",
                                                              "out_proj.weight", "out_proj.bias"}));
    set_waves(layer.parameters());
    const Tensor q = wave({3, 2, 4}), k = wave({5, 2, 4});
    q.set_requires_grad();
    k.set_requires_grad();
    const Tensor padding = mask({2, 5}, {{1, 4}, {1, 0}}), attention = mask({3, 5}, {{0, 2}, {2, 1}});
    const auto [y, weights] = layer(q, k, k * 2.0, {.key_padding_mask = padding, .attn_mask = attention});
    expect_near(y,
                {-0.9203414865577,  -0.3284223330598,  -0.1676983183383, -0.674718308047,  0.03851810409891,
                 -1.259337811054,   0.6277008122852,   -1.242688491297,  -0.1614371976571, -0.790959639545,
                 -0.05497664011292, -0.4245987685652,  -0.1375631335147, -0.8972523910512, 0.1214521059853,
                 -0.6507762292787,  -0.8313285423169,  -0.2789986340396, -0.3498474893299, -0.3808919705823,
                 -1.138585315392,   -0.03987218556452, -0.4932112802506, -0.3498572857604});
    expect_near(weights, {0.3768904776166,
                          0.1719212414891,
                          0,
                          0.1384483443173,
                          0.312739936577,
                          0.1866160753414,
                          0.2896172913032,
                          0.0839279330911,
                          0.2827281051965,
                          0.1571105950678,
                          0.2255939881147,
                          0,
                          0.3408731864999,
                          0.1456714132863,
                          0.2878614120992,
                          0,
                          0.5037791005165,
                          0,
                          0.4962208994835,
                          0,
                          0,
                          0.2675440638871,
                          0.2589721175818,
                          0.4734838185311,
                          0,
                          0,
                          0,
                          0.6488364743284,
                          0.3511635256716,
                          0});
    sum(square(y)).backward();
    expect_near(q.grad(),
                {0.1090998402991,   0.2254044605599,   0.2356978409776,   0.1351388439031,  0.06356745621473,
                 0.01128797539781,  -0.04630041662819, -0.08211299924998, -0.1244787632383, -0.1048940011744,
                 -0.03597595134423, 0.04986215054286,  -0.1780347642967,  -0.1098237941784, 0.01003902238606,
                 0.1251803298583,   0.08179923724005,  0.1458974351877,   0.1413777896563,  0.07036596056057,
                 0.1266679076217,   0.1639350868017,   0.1241010331025,   0.02590032440303});
    expect_near(k.grad(), {-0.1011032891939,
                           0.1789363429063,
                           0.3748194169801,
                           0.3944190625333,
                           0,
                           0,
                           0,
                           0,
                           -0.1734260907767,
                           -0.3688298640632,
                           -0.3907671891551,
                           -0.2289205992817,
                           -1.152762097472,
                           -1.55981990315,
                           -1.233270035518,
                           -0.3266939998058,
                           -0.01627349775041,
                           0.02291894779619,
                           0.0513322540758,
                           0.05560319917497,
                           0.06740287823572,
                           0.4046811827808,
                           0.5516316037462,
                           0.4391410619881,
                           -0.06809154354002,
                           -0.09554870954965,
                           -0.07806782446832,
                           -0.02387042169612,
                           -1.246191545667,
                           -1.828772187768,
                           -1.551252694607,
                           -0.5441548201813,
                           -0.350239389457,
                           -0.4980253817065,
                           -0.4115822550783,
                           -0.1315655627366,
                           0,
                           0,
                           0,
                           0});

    // The same masks in other forms.
    const auto as_numbers = [](const Tensor& m) {
        return masked_fill(zeros(m.shape(), {.dtype = f64}), m, -std::numeric_limits<double>::infinity());
    };
    const auto same = [&, &output = y](const AttentionMasks& masks) {
        EXPECT_TRUE(allclose(layer(q, k, k * 2.0, masks).output, output, 1e-10, 1e-12));
    };
    same({.key_padding_mask = as_numbers(padding), .attn_mask = attention});
    same({.key_padding_mask = padding, .attn_mask = as_numbers(attention)});
    same({.key_padding_mask = padding, .attn_mask = stack({attention, attention, attention, attention})});
}

TEST(MultiheadAttention, LayoutsAgree) {
    const MultiheadAttention layer(6, 3, {.dtype = f64}), first(6, 3, {.batch_first = true, .dtype = f64});
    copy_values(layer.parameters(), first.parameters());
    const Tensor x = randn({4, 2, 6}, {.dtype = f64}), other = x.clone();
    const AttentionOutput out = layer(x, x, x), separate = layer(x, other, other);
    EXPECT_TRUE(allclose(separate.output, out.output, 1e-10, 1e-12)) << "one projection or three";
    EXPECT_EQ(out.weights.shape(), (Shape{2, 4, 4}));
    const Tensor turned = transpose(x, 0, 1);
    EXPECT_TRUE(allclose(transpose(first(turned, turned, turned).output, 0, 1), out.output, 1e-10, 1e-12));
    const AttentionOutput single = layer(x(all, 1), x(all, 1), x(all, 1));
    EXPECT_EQ(single.weights.shape(), (Shape{4, 4}));
    EXPECT_TRUE(allclose(single.output, out.output(all, 1), 1e-10, 1e-12));
    EXPECT_FALSE(layer(x, x, x, {}, false).weights.defined());
}

TEST(MultiheadAttention, AQueryThatSeesNothingGetsZeros) {
    const MultiheadAttention layer(4, 2, {.dtype = f64});
    layer.out_proj.bias.detach().fill_(0.5);
    const Tensor x = wave({3, 1, 4});
    x.set_requires_grad();
    const Tensor y = layer(x, x, x, {.key_padding_mask = ones({1, 3}, {.dtype = boolean})}).output;
    EXPECT_TRUE(equal(y.detach(), full({3, 1, 4}, 0.5, {.dtype = f64})));
    sum(y).backward();
    EXPECT_TRUE(all(isfinite(x.grad())).item<bool>());
    for (const Tensor& p : layer.parameters()) EXPECT_TRUE(all(isfinite(p.grad())).item<bool>());
}

// Keys and values of other sizes are what zeros make of longer ones.
TEST(MultiheadAttention, KeysAndValuesOfTheirOwnSizes) {
    const MultiheadAttention layer(4, 2, {.kdim = 3, .vdim = 2, .dtype = f64}), whole(4, 2, {.dtype = f64});
    EXPECT_EQ(names(layer.state()),
              (std::vector<std::string>{"q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias",
                                        "out_proj.weight", "out_proj.bias"}));
    set_waves(layer.parameters());
    const auto widened = [](const Tensor& x, std::int64_t columns) {
        Shape rest = x.shape();
        rest[rest.size() - 1] = 4 - columns;
        return cat({x.detach(), zeros(rest, {.dtype = f64})}, -1);
    };
    whole.in_proj_weight.detach().copy_(cat(
        {layer.q_proj_weight.detach(), widened(layer.k_proj_weight, 3), widened(layer.v_proj_weight, 2)}, 0));
    whole.in_proj_bias.detach().copy_(layer.in_proj_bias.detach());
    copy_values(layer.out_proj.parameters(), whole.out_proj.parameters());
    const Tensor q = wave({3, 2, 4}), k = wave({5, 2, 3}), v = wave({5, 2, 2}) * 2.0;
    EXPECT_TRUE(allclose(layer(q, k, v).output, whole(q, widened(k, 3), widened(v, 2)).output, 1e-12, 1e-12));
    expect_gradients(layer, q,
                     [&](const MultiheadAttention& m, const Tensor& x) { return m(x, k, v).output; });
    EXPECT_EQ(MultiheadAttention(4, 2, {.kdim = 4}).parameters().size(), 4U) << "no other size";
    EXPECT_THROW(layer(q, v, k), ShapeError);
    EXPECT_THROW(MultiheadAttention(4, 2, {.kdim = -1}), ValueError);
}

TEST(MultiheadAttention, GradientsOfAllParameters) {
    const MultiheadAttention layer(4, 2, {.dtype = f64}), plain(4, 2, {.bias = false, .dtype = f64});
    const auto attend = [](const MultiheadAttention& m, const Tensor& x) {
        const AttentionOutput out = m(x, x, x, {.attn_mask = triu(ones({3, 3}), 1).to(boolean)});
        return sum(out.output, 0) + sum(square(out.weights));
    };
    expect_gradients(layer, wave({3, 2, 4}), attend);
    expect_gradients(plain, wave({3, 2, 4}), attend);
    EXPECT_EQ(plain.parameters().size(), 2U);
}

TEST(MultiheadAttention, StartsDropsClonesPrints) {
    manual_seed(3);
    const MultiheadAttention layer(40, 4, {.dropout = 0.5});
    const double bound = std::sqrt(6.0 / (40 + 120));
    EXPECT_LE(amax(abs(layer.in_proj_weight)).item(), bound);
    EXPECT_GT(amax(abs(layer.in_proj_weight)).item(), 0.95 * bound);
    EXPECT_EQ(amax(abs(layer.in_proj_bias)).item(), 0);
    EXPECT_EQ(amax(abs(layer.out_proj.bias)).item(), 0);
    const Tensor x = randn({3, 2, 40});
    EXPECT_FALSE(equal(layer(x, x, x).output, layer(x, x, x).output));
    layer.eval();
    EXPECT_TRUE(equal(layer(x, x, x).output, layer(x, x, x).output));
    const MultiheadAttention copy = clone(layer);
    EXPECT_TRUE(equal(copy(x, x, x).output, layer(x, x, x).output));
    EXPECT_EQ(to_string(MultiheadAttention(4, 2, {.dropout = 0.1, .batch_first = true})),
              "MultiheadAttention(embed_dim=4, num_heads=2, dropout=0.1, batch_first=true\n"
              "  (out_proj): Linear(in_features=4, out_features=4, bias=true)\n)");
    EXPECT_THROW(MultiheadAttention(4, 3), ValueError);
    EXPECT_THROW(MultiheadAttention(4, 2, {.dropout = 2}), ValueError);
    EXPECT_THROW(layer(ones({3, 2, 4}), x, x), ShapeError);
    EXPECT_THROW(layer(x, ones({3, 1, 40}), ones({3, 1, 40})), ShapeError);
    EXPECT_THROW(layer(x, x, x, {.key_padding_mask = mask({3, 3}, {})}), ShapeError);
    EXPECT_THROW(layer(x, x, x, {.attn_mask = mask({3, 2}, {})}), ShapeError);
    EXPECT_EQ(layer(x, x, x).output.shape(), x.shape());
}

TransformerEncoderLayer small(bool norm_first) {
    return TransformerEncoderLayer(4, 2,
                                   {.dim_feedforward = 3,
                                    .dropout = 0,
                                    .activation = [](const Tensor& x) { return gelu(x); },
                                    .norm_first = norm_first,
                                    .dtype = f64});
}

TEST(TransformerEncoderLayer, MeetsPyTorch) {
    const TransformerEncoderLayer layer = small(false);
    EXPECT_EQ(names(layer.state()),
              (std::vector<std::string>{"self_attn.in_proj_weight", "self_attn.in_proj_bias",
                                        "self_attn.out_proj.weight", "self_attn.out_proj.bias",
                                        "linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias",
                                        "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"}));
    set_waves(layer.parameters());
    expect_near(layer(wave({3, 2, 4})),
                {-0.777864367111,  0.4183345320698, 0.4590972850959, 0.7483283524226,  -0.8559974509019,
                 0.4455822426119,  0.4520204532876, 0.7050370183383, -1.033313412881,  0.1898644944718,
                 0.4733599831482,  0.5096836102909, -1.086614792676, 0.07375574793865, 0.4307877400549,
                 0.2742999334839,  -1.121929419192, 0.183123121782,  0.4338398583998,  0.3387193945039,
                 -0.8607484334459, 0.3775403207201, 0.4653477368679, 0.6981344430372});
}

TEST(TransformerEncoderLayer, NormsFirstOnRequest) {
    const TransformerEncoderLayer layer = small(true);
    set_waves(layer.parameters());
    const Tensor x = wave({3, 2, 4}), inner = layer.norm1(x);
    const Tensor y = x + layer.self_attn(inner, inner, inner).output;
    const Tensor expected = y + layer.linear2(gelu(layer.linear1(layer.norm2(y))));
    EXPECT_TRUE(allclose(layer(x), expected, 1e-12, 1e-12));
    expect_gradients(layer, wave({2, 1, 4}),
                     [](const TransformerEncoderLayer& m, const Tensor& in) { return m(in); });
    expect_gradients(small(false), wave({2, 1, 4}),
                     [](const TransformerEncoderLayer& m, const Tensor& in) { return m(in); });
}

TEST(TransformerEncoderLayer, DropsMasksClonesPrints) {
    manual_seed(4);
    const TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16, .batch_first = true});
    const Tensor x = randn({2, 5, 8});
    EXPECT_FALSE(equal(layer(x), layer(x)));
    layer.eval();
    const Tensor causal = triu(ones({5, 5}), 1).to(boolean), y = layer(x, {.attn_mask = causal});
    const Tensor start = layer(x(all, slice(0, 3)), {.attn_mask = causal(slice(0, 3), slice(0, 3))});
    EXPECT_TRUE(allclose(y(all, slice(0, 3)), start, 1e-5, 1e-5)) << "what comes later is not seen";
    const TransformerEncoderLayer copy = clone(layer),
                                  other(8, 2, {.dim_feedforward = 16, .batch_first = true});
    EXPECT_TRUE(equal(copy(x), layer(x)));
    other.eval();
    other.load(layer.state());
    EXPECT_TRUE(equal(other(x), layer(x)));
    EXPECT_EQ(to_string(TransformerEncoderLayer(4, 2, {.dim_feedforward = 3, .norm_first = true})),
              "TransformerEncoderLayer(norm_first=true\n"
              "  (self_attn): MultiheadAttention(embed_dim=4, num_heads=2, dropout=0.1\n"
              "    (out_proj): Linear(in_features=4, out_features=4, bias=true)\n"
              "  )\n"
              "  (linear1): Linear(in_features=4, out_features=3, bias=true)\n"
              "  (dropout): Dropout(p=0.1)\n"
              "  (linear2): Linear(in_features=3, out_features=4, bias=true)\n"
              "  (norm1): LayerNorm((4,), eps=1e-05, elementwise_affine=true)\n"
              "  (norm2): LayerNorm((4,), eps=1e-05, elementwise_affine=true)\n"
              "  (dropout1): Dropout(p=0.1)\n"
              "  (dropout2): Dropout(p=0.1)\n"
              ")");
    EXPECT_THROW(TransformerEncoderLayer(4, 2, {.activation = nullptr}), ValueError);
}

TEST(Attention, DropoutScalesWhatIsLeft) {
    manual_seed(5);
    const Tensor q = zeros({1, 400, 2}), k = zeros({1, 5, 2});
    const Tensor w = attention_weights(q, k, {.dropout_p = 0.5});
    for (const float value : w.to_vector<float>()) EXPECT_TRUE(value == 0 || std::abs(value - 0.4F) < 1e-6F);
    EXPECT_NEAR(sum(w).item() / 400, 1, 0.1);
}

TEST(Bilinear, StartsComputesPrints) {
    manual_seed(6);
    const Bilinear layer(4, 3, 50, {.dtype = f64});
    EXPECT_EQ(names(layer.state()), (std::vector<std::string>{"weight", "bias"}));
    EXPECT_EQ(layer.weight.shape(), (Shape{50, 4, 3}));
    EXPECT_LE(amax(abs(layer.weight)).item(), 0.5);
    EXPECT_GT(amax(abs(layer.weight)).item(), 0.48);
    const Tensor a = wave({2, 4}), b = wave({2, 3});
    const Tensor expected = sum(unsqueeze(unsqueeze(a, -1) * unsqueeze(b, 1), 1) * layer.weight, {2, 3});
    EXPECT_TRUE(allclose(layer(a, b), expected + layer.bias, 1e-10, 1e-12));
    expect_gradients(Bilinear(2, 3, 2, {.dtype = f64}), wave({4, 2}), [](const Bilinear& m, const Tensor& x) {
        return m(x, wave({4, 3}));
    });
    EXPECT_EQ(to_string(Bilinear(4, 3, 2, {.bias = false})),
              "Bilinear(in1_features=4, in2_features=3, out_features=2, bias=false)");
    EXPECT_TRUE(equal(clone(layer)(a, b), layer(a, b)));
    EXPECT_THROW(Bilinear(0, 3, 2), ValueError);
    EXPECT_THROW(layer(b, a), ShapeError);
}

}  // namespace
}  // namespace adjoint::nn
