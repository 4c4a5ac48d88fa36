// Layers of transformers: the decoder layer against PyTorch, caches of keys and values, RMSNorm, SwiGLU,
// rotary embedding, and lists of layers.
//
// The numbers are those of PyTorch 2.15 in f64, with values as in attention_test.cpp.
#include <adjoint/nn/transformer.h>

#include <gtest/gtest.h>

#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/embedding.h>
#include <adjoint/nn/module_list.h>
#include <adjoint/nn/swiglu.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

TransformerDecoderLayer decoder(bool norm_first) {
    TransformerDecoderLayer layer(4, 2,
                                  {.dim_feedforward = 3,
                                   .dropout = 0,
                                   .activation = [](const Tensor& x) { return gelu(x); },
                                   .norm_first = norm_first,
                                   .dtype = f64});
    set_waves(layer.parameters());
    return layer;
}

TEST(TransformerDecoderLayer, MeetsPyTorch) {
    const std::vector<double> outputs[] = {
        {-0.1105653029508, 0.4762876426081,  0.1984473675317,  0.6564588424711, -0.2626692380316,
         0.4279377426115,  0.3248189694381,  0.6761882103623,  -0.337636809906, 0.3939845561088,
         0.3758808710088,  0.6767626152234,  -0.2715840071911, 0.3066012271352, 0.3999045453704,
         0.6837597500871,  -0.1812110977077, 0.3225349728775,  0.3544483870749, 0.6854599674604,
         -0.131606567428,  0.3360164074908,  0.3228437319956,  0.6838842657085},
        {0.6309721168091,  0.6841931784649,  1.239520458941,   0.1241565343224, -0.0238870334314,
         -0.1304152411799, 0.09167635549294, -0.900219691243,  -1.287371128455, -1.040307867476,
         -0.6519903081099, -1.47481700426,   -1.243150274099,  -1.047132391538, -0.03202478063163,
         -0.7299232040936, -0.3448397248114, 0.09269930018717, 1.109400406102,  0.2501868828664,
         0.7090397769305,  0.6268237269094,  1.434844185498,   0.288729782504},
    };
    const std::vector<double> memory_gradients[] = {
        {-0.02595752550252,
         -0.03081667079995,
         -0.02118225429641,
         -0.001585492615408,
         0.004142939074536,
         0.004243857304275,
         0.002348823131714,
         -0.0006508992610661,
         0.006126058437449,
         0.003748631587626,
         -0.0003918352718421,
         -0.004348015880368,
         0.02059355697583,
         0.007250026104327,
         -0.009503305328825,
         -0.02178708377259,
         0.02217033664234,
         0.0114287300889,
         -0.004687986804177,
         -0.01859987025144,
         -0.01424167228916,
         -0.01927151559258,
         -0.01523766398708,
         -0.004037300913387,
         -0.001643038841203,
         -3.224688480528e-05,
         0.001593711285388,
         0.002470122135638,
         0.006115084971364,
         0.003589128328019,
         -0.0006248514496711,
         -0.004544953827007,
         0.01284279948458,
         0.00606520931997,
         -0.003564943559331,
         -0.0115184477789,
         0,
         0,
         0,
         0},
        {-0.1634836852876,
         -0.02929407667318,
         0.1186729939332,
         0.2108263011762,
         -0.2102837349432,
         -0.1195489419285,
         0.02741158647889,
         0.1614800174474,
         -0.1459107782809,
         -0.283122739201,
         -0.28717765196,
         -0.1561684277277,
         -0.2185118978874,
         -0.1572896862377,
         -0.02209167743128,
         0.1234963924631,
         -0.1423900617556,
         -0.02492483737489,
         0.1042629274846,
         0.1844142083949,
         -0.196374982133,
         -0.06507909952653,
         0.0968245004762,
         0.2131900249804,
         -0.1650102453858,
         -0.07023166528548,
         0.05757796439862,
         0.1583077777455,
         -0.1787346900626,
         -0.2975350100504,
         -0.2763999656987,
         -0.1252696986103,
         -0.1544224076319,
         -0.1732438757659,
         -0.1105860421169,
         0.004082135094218,
         0,
         0,
         0,
         0},
    };
    for (const bool norm_first : {false, true}) {
        const TransformerDecoderLayer layer = decoder(norm_first);
        const Tensor x = wave({3, 2, 4}), memory = wave({5, 2, 4}) * 2;
        memory.set_requires_grad();
        const Tensor padding = zeros({2, 5}, {.dtype = boolean});
        padding(1, 4) = 1;
        const Tensor y = layer(x, memory, {.is_causal = true}, {.key_padding_mask = padding});
        expect_near(y, outputs[norm_first]);
        EXPECT_TRUE(equal(y, layer(x, memory, {.attn_mask = triu(ones({3, 3}), 1).to(boolean)},
                                   {.key_padding_mask = padding})));
        sum(square(y)).backward();
        expect_near(memory.grad(), memory_gradients[norm_first]);
    }
    EXPECT_EQ(names(decoder(false).state()),
              (std::vector<std::string>{
                  "self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                  "self_attn.out_proj.bias", "multihead_attn.in_proj_weight", "multihead_attn.in_proj_bias",
                  "multihead_attn.out_proj.weight", "multihead_attn.out_proj.bias", "linear1.weight",
                  "linear1.bias", "linear2.weight", "linear2.bias", "norm1.weight", "norm1.bias",
                  "norm2.weight", "norm2.bias", "norm3.weight", "norm3.bias"}));
}

TEST(TransformerDecoderLayer, GradientsClonesRefusals) {
    for (const bool norm_first : {false, true})
        expect_gradients(decoder(norm_first), wave({2, 1, 4}),
                         [](const TransformerDecoderLayer& m, const Tensor& in) {
                             return m(in, wave({3, 1, 4}));
                         });
    const TransformerDecoderLayer layer = decoder(false), copy = clone(layer);
    EXPECT_TRUE(equal(copy(wave({3, 4}), wave({2, 4})), layer(wave({3, 4}), wave({2, 4}))));
    EXPECT_THROW(TransformerDecoderLayer(4, 2, {.activation = nullptr}), ValueError);
    EXPECT_THROW(TransformerDecoderLayer(4, 3), ValueError);
    EXPECT_THROW(layer(wave({3, 2, 4}), wave({3, 1, 4})), ShapeError);
}

// A block as today's language models have it.
struct Block : Module {
    Block()
        : norm1(child("norm1", RMSNorm(8))),
          attention(
              child("attention", MultiheadAttention(8, 2, {.batch_first = true, .rotary = RotaryOptions{}}))),
          norm2(child("norm2", RMSNorm(8))),
          network(child("network", SwiGLU(8, 12))) {}
    Tensor operator()(const Tensor& x) const {
        const Tensor in = norm1(x), y = x + attention(in, in, in, {.is_causal = true}, false).output;
        return y + network(norm2(y));
    }
    Tensor operator()(const Tensor& x, KeyValueCache& cache) const {
        const Tensor y = x + attention(norm1(x), cache);
        return y + network(norm2(y));
    }
    const RMSNorm norm1;
    const MultiheadAttention attention;
    const RMSNorm norm2;
    const SwiGLU network;
};

struct Language : Module {
    const Embedding embedding = child("embedding", Embedding(11, 8));
    const ModuleList<Block> blocks = child("blocks", ModuleList<Block>(3, [] { return Block(); }));
    const Linear head = child("head", Linear(8, 11, {.bias = false}));
    Tensor operator()(const Tensor& words) const {
        Tensor x = embedding(words);
        for (const Block& block : blocks) x = block(x);
        return head(x);
    }
    Tensor operator()(const Tensor& words, std::vector<KeyValueCache>& caches) const {
        caches.resize(blocks.size());
        Tensor x = embedding(words);
        for (std::size_t i = 0; i < blocks.size(); ++i) x = blocks[i](x, caches[i]);
        return head(x);
    }
};

TEST(KeyValueCache, GenerationByCacheIsGenerationWithout) {
    for (int seed = 0; seed < 20; ++seed) {
        manual_seed(seed);
        const Language model;
        model.to(f64);
        model.eval();
        const NoGrad guard;
        // Two texts of five words, then ten more of the highest score, by either way.
        Tensor text = randint(0, 11, {2, 5}), cached = text.clone(), scores;
        std::vector<KeyValueCache> caches;
        Tensor next = text;
        for (int step = 0; step < 10; ++step) {
            const Tensor whole = model(text)(all, -1), last = model(next, caches)(all, -1);
            EXPECT_TRUE(allclose(whole, last, 1e-10, 1e-12)) << "seed " << seed << ", step " << step;
            text = cat({text, argmax(whole, -1, true)}, 1);
            next = argmax(last, -1, true);
            cached = cat({cached, next}, 1);
        }
        EXPECT_TRUE(equal(text, cached));
        EXPECT_EQ(caches[2].size(), 14);
    }
}

TEST(KeyValueCache, APieceAtATimeOfAnySize) {
    const MultiheadAttention layer(8, 2, {.rotary = RotaryOptions{.offset = 3}, .dtype = f64});
    set_waves(layer.parameters());
    const Tensor x = wave({6, 3, 8}), whole = layer(x, x, x, {.is_causal = true}).output;
    KeyValueCache cache;
    std::vector<Tensor> parts;
    for (const auto& [from, to] : {std::pair{0, 3}, {3, 4}, {4, 6}})
        parts.push_back(layer(x(slice(from, to)), cache));
    EXPECT_TRUE(allclose(cat(parts, 0), whole, 1e-12, 1e-12));
    KeyValueCache other = cache;
    layer(x(slice(0, 1)), other);
    EXPECT_EQ(cache.size(), 6) << "a copy goes on by itself";
    EXPECT_EQ(other.size(), 7);
    EXPECT_THROW(layer(wave({1, 2, 8}), cache), ShapeError) << "another number of texts";
    EXPECT_EQ(cache.size(), 6) << "what is refused leaves the cache alone";
    const MultiheadAttention wide(8, 4, {.dtype = f64});
    EXPECT_THROW(wide(x, cache), ShapeError) << "another width";
    EXPECT_THROW(MultiheadAttention(6, 2, {.rotary = RotaryOptions{}}), ValueError);
    KeyValueCache single;
    EXPECT_EQ(layer(wave({2, 8}), single).shape(), (Shape{2, 8}));
}

TEST(KeyValueCache, OfTheEncoderAndDecoderLayers) {
    const TransformerEncoderLayer encoder(4, 2, {.dim_feedforward = 3, .dropout = 0, .dtype = f64});
    set_waves(encoder.parameters());
    const TransformerDecoderLayer behind = decoder(true);
    const Tensor x = wave({4, 2, 4}), memory = wave({3, 2, 4});
    KeyValueCache first, second;
    std::vector<Tensor> encoded, decoded;
    for (int i = 0; i < 4; ++i) {
        encoded.push_back(encoder(x(slice(i, i + 1)), first));
        decoded.push_back(behind(x(slice(i, i + 1)), memory, second));
    }
    EXPECT_TRUE(allclose(cat(encoded, 0), encoder(x, {.is_causal = true}), 1e-12, 1e-12));
    EXPECT_TRUE(allclose(cat(decoded, 0), behind(x, memory, {.is_causal = true}), 1e-12, 1e-12));
}

TEST(RotaryEmbedding, ScoresDependOnTheDistanceAlone) {
    const Tensor q = wave({1, 6}), k = wave({1, 6}) + 0.3;
    const auto score = [&](std::int64_t at, std::int64_t distance) {
        return sum(rotary_embedding(q, {.offset = at + distance}) * rotary_embedding(k, {.offset = at}))
            .item();
    };
    for (const std::int64_t distance : {0, 1, 7}) {
        EXPECT_NEAR(score(0, distance), score(5000, distance), 1e-9);
        EXPECT_GT(std::abs(score(0, distance) - score(0, distance + 1)), 1e-3);
    }
    // In f32, far from the start, the digits of the angle are those of f64.
    const Tensor x = randn({3, 8}), far = rotary_embedding(x, {.offset = 100000});
    EXPECT_TRUE(allclose(far.to(f64), rotary_embedding(x.to(f64), {.offset = 100000}), 1e-5, 1e-6));
}

TEST(RMSNorm, StartsComputesPrints) {
    const RMSNorm layer(4);
    EXPECT_TRUE(equal(layer.weight, ones({4})));
    const Tensor x = wave({3, 4}).to(f32);
    EXPECT_TRUE(allclose(mean(square(layer(x)), -1), ones({3}), 1e-5, 1e-5));
    EXPECT_TRUE(equal(layer(zeros({2, 4})), zeros({2, 4}))) << "the smallest eps keeps zeros from NaN";
    EXPECT_EQ(to_string(RMSNorm({2, 4}, {.eps = 1e-6})),
              "RMSNorm((2, 4), eps=1e-06, elementwise_affine=true)");
    EXPECT_EQ(to_string(layer), "RMSNorm((4,), elementwise_affine=true)");
    EXPECT_FALSE(RMSNorm(4, {.elementwise_affine = false}).weight.defined());
    EXPECT_THROW(RMSNorm(Shape{}), ValueError);
    EXPECT_THROW(layer(ones({3, 5})), ShapeError);
    const RMSNorm wide(4);
    wide.to(f64);
    expect_gradients(wide, wave({2, 4}), [](const RMSNorm& m, const Tensor& in) { return m(in); });
}

TEST(SwiGLU, ComputesItsFormula) {
    const SwiGLU layer(3, 5, {.bias = true, .out_features = 2, .dtype = f64});
    EXPECT_EQ(names(layer.state()),
              (std::vector<std::string>{"gate_proj.weight", "gate_proj.bias", "up_proj.weight",
                                        "up_proj.bias", "down_proj.weight", "down_proj.bias"}));
    const Tensor x = wave({4, 3}), gate = layer.gate_proj(x);
    EXPECT_TRUE(
        allclose(layer(x), layer.down_proj(gate / (1 + exp(-gate)) * layer.up_proj(x)), 1e-12, 1e-12));
    expect_gradients(layer, wave({2, 3}), [](const SwiGLU& m, const Tensor& in) { return m(in); });
    EXPECT_EQ(SwiGLU(3, 5)(ones({2, 3})).shape(), (Shape{2, 3}));
    EXPECT_EQ(SwiGLU(3, 5).parameter_count(), 3 * 5 * 3) << "no bias unless asked for";
    EXPECT_THROW(SwiGLU(3, -1), ValueError);
    EXPECT_THROW(layer(ones({2, 4})), ShapeError);
}

TEST(ModuleList, HoldsNamesClones) {
    const Language model;
    EXPECT_EQ(model.blocks.size(), 3u);
    EXPECT_EQ(model.named_parameters().at(1).first, "blocks.0.norm1.weight");
    EXPECT_EQ(model.blocks[2].path(), "blocks.2");
    EXPECT_THROW(model.blocks[3], IndexError);
    model.eval();
    EXPECT_FALSE(model.blocks[1].attention.is_training());
    const Language copy = clone(model);
    const Tensor words = randint(0, 11, {1, 4});
    EXPECT_TRUE(equal(copy(words), model(words)));
    copy.blocks[1].norm1.weight.detach().fill_(2);
    EXPECT_FALSE(equal(copy(words), model(words))) << "the copy has blocks of its own";
    Language other;
    other.load(model.state());
    other.eval();
    EXPECT_TRUE(equal(other(words), model(words)));
    const ModuleList<Linear> rising(
        3, [](std::size_t i) { return Linear(1, static_cast<std::int64_t>(i) + 1); });
    std::int64_t outputs = 0;
    for (const Linear& layer : rising) outputs += layer.weight.size(0);
    EXPECT_EQ(outputs, 6);
    EXPECT_EQ(ModuleList<Linear>(std::vector<Linear>{}).size(), 0u);
    EXPECT_EQ(to_string(ModuleList<Linear>(std::vector<Linear>{Linear(1, 2)})),
              "ModuleList(\n  (0): Linear(in_features=1, out_features=2, bias=true)\n)");
}

}  // namespace
}  // namespace adjoint::nn
