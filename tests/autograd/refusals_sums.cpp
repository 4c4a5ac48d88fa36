// Bad calls of reductions, scans and sorting, and of matrix products.
#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/attention.h>
#include <adjoint/autograd/ops/einsum.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/core/tensor/creation.h>

#include "refusals.h"

namespace adjoint::table {

void add_bad_sums(BadCalls& calls) {
    const Tensor x = ones({2, 3}), none, nothing = ones({0, 3}), whole = ones({2, 3}).to(i64);
    calls.insert(calls.end(), {
                                  {"sum", "dimension 2", [=] { sum(x, 2); }},
                                  {"sum", "twice",
                                   [=] {
                                       sum(x, {0, -2});
                                   }},
                                  {"sum", "undefined", [=] { sum(none); }},
                                  {"mean", "dimension -3", [=] { mean(x, -3); }},
                                  {"mean", "floating", [=] { mean(whole); }},
                                  {"amax", "no elements", [=] { amax(nothing, 0); }},
                                  {"amax", "dimension 2", [=] { amax(x, 2); }},
                                  {"amin", "no elements", [=] { amin(nothing); }},
                                  {"amin", "dimension 2", [=] { amin(x, 2); }},
                                  {"argmax", "no elements", [=] { argmax(nothing); }},
                                  {"argmax", "dimension 2", [=] { argmax(x, 2); }},
                                  {"argmin", "no elements", [=] { argmin(nothing, 0); }},
                                  {"argmin", "dimension -3", [=] { argmin(x, -3); }},
                                  {"max", "dimension 2", [=] { max(x, 2); }},
                                  {"max", "no elements", [=] { max(nothing, 0); }},
                                  {"min", "dimension -3", [=] { min(x, -3); }},
                                  {"prod", "dimension 2", [=] { prod(x, 2); }},
                                  {"prod", "undefined", [=] { prod(none); }},
                                  {"any", "undefined", [=] { any(none); }},
                                  {"var", "dimension 2", [=] { var(x, 2); }},
                                  {"var", "floating", [=] { var(whole); }},
                                  {"std", "dimension 2", [=] { adjoint::std(x, 2); }},
                                  {"std", "floating", [=] { adjoint::std(whole); }},
                                  {"norm", "p = -1", [=] { norm(x, -1); }},
                                  {"norm", "dimension 2", [=] { norm(x, 2, 2); }},
                                  {"logsumexp", "dimension 2", [=] { logsumexp(x, 2); }},
                                  {"softmax", "dimension 2", [=] { softmax(x, 2); }},
                                  {"log_softmax", "dimension -3", [=] { log_softmax(x, -3); }},
                                  {"sum_to_shape", "(4,)", [=] { sum_to_shape("mul", x, {4}); }, "backward"},
                                  {"sort", "dimension 2", [=] { sort(x, 2); }},
                                  {"argsort", "dimension -3", [=] { argsort(x, -3); }},
                                  {"topk", "k = 4", [=] { topk(x, 4); }},
                                  {"topk", "k = -1", [=] { topk(x, -1); }},
                                  {"topk", "dimension 5", [=] { topk(x, 1, 5); }},
                                  {"cumsum", "dimension 2", [=] { cumsum(x, 2); }},
                                  {"cumprod", "dimension -3", [=] { cumprod(x, -3); }},
                                  {"unique", "undefined", [=] { unique(none); }},
                              });
}

void add_bad_products(BadCalls& calls) {
    const Tensor a = ones({2, 3}), v = ones({3}), none;
    const Tensor leaf = ones({2}, {.requires_grad = true});
    calls.insert(calls.end(),
                 {
                     {"matmul", "(2, 3)", [=] { matmul(a, a); }},
                     {"matmul", "(4, 1)", [=] { matmul(a, ones({4})); }},
                     {"matmul", "0-d", [=] { matmul(a, Tensor(1.0)); }},
                     {"matmul", "(5,)",
                      [=] {
                          matmul(ones({4, 2, 3}), ones({5, 3, 2}));
                      }},
                     {"matmul", "undefined", [=] { matmul(a, none); }},
                     {"bmm", "(2, 3)", [=] { bmm(a, a); }},
                     {"bmm", "(5, 3, 2)",
                      [=] {
                          bmm(ones({4, 2, 3}), ones({5, 3, 2}));
                      }},
                     {"dot", "(4,)", [=] { dot(v, ones({4})); }},
                     {"dot", "(2, 3)", [=] { dot(a, v); }},
                     {"outer", "(2, 3)", [=] { outer(a, v); }},
                     {"addmm", "(4,)",
                      [=] {
                          addmm(ones({4}), a, ones({3, 2}));
                      }},
                     {"addmm", "(2, 3)", [=] { addmm(ones({2}), a, a); }},
                     {"affine", "(4, 2)",
                      [=] {
                          affine(a, ones({4, 2}));
                      }},
                     {"affine", "bias",
                      [=] {
                          affine(a, ones({3, 2}), ones({3}));
                      }},
                     {"linear", "(2, 4)",
                      [=] {
                          linear(a, ones({2, 4}));
                      }},
                     {"linear", "bias",
                      [=] {
                          linear(a, ones({2, 3}), ones({3}));
                      }},
                     {"linear_relu", "(2, 4)",
                      [=] {
                          linear(a, ones({2, 4}), {}, {.then = Activation::relu});
                      }},
                     {"linear", "undefined",
                      [=] {
                          linear(none, ones({2, 3}));
                      }},
                     {"bilinear", "weight",
                      [=] {
                          bilinear(a, a, ones({2, 3, 4}));
                      }},
                     {"bilinear", "sizes 2 and 3",
                      [=] {
                          bilinear(a, ones({3, 3}), ones({2, 3, 3}));
                      }},
                     {"einsum", "->",
                      [=] {
                          einsum("ij,jk->iz", {a, ones({3, 2})});
                      }},
                     {"einsum", "operands", [=] { einsum("ij,jk->ik", {a}); }},
                     {"einsum", "2", [=] { einsum("ijk->i", {a}); }},
                     {"einsum", "j",
                      [=] {
                          einsum("ij,jk->ik", {a, a});
                      }},
                     {"einsum", "'1'", [=] { einsum("i1->i", {a}); }},
                     {"attention_weights", "(2, 4)",
                      [=] {
                          attention_weights(a, ones({2, 4}));
                      }},
                     {"attention_weights", "i64", [=] { attention_weights(a, a, {.attn_mask = a.to(i64)}); }},
                     {"attention_weights", "past -1", [=] { attention_weights(a, a, {.past = -1}); }},
                     {"rotary_embedding", "in pairs",
                      [=] {
                          rotary_embedding(ones({2, 3}));
                      }},
                     {"rotary_embedding", "i64",
                      [=] {
                          rotary_embedding(ones({2, 4}).to(i64));
                      }},
                     {"rotary_embedding", "offset -1",
                      [=] {
                          rotary_embedding(ones({2, 4}), {.offset = -1});
                      }},
                     {"scaled_dot_product_attention", "(5, 3)",
                      [=] {
                          scaled_dot_product_attention(a, a, ones({5, 3}));
                      }},
                     {"grad", "one element only", [=] { grad(leaf * 2, leaf); }, "backward"},
                     {"grad", "requires a gradient", [=] { grad(sum(a), leaf); }, "backward"},
                 });
}

}  // namespace adjoint::table
