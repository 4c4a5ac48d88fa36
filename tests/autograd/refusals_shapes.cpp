// Bad calls of views and rearrangements, and of picking by index.
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>

#include "refusals.h"

namespace adjoint::table {

void add_bad_shapes(BadCalls& calls) {
    const Tensor x = ones({2, 3, 4}), none;
    calls.insert(calls.end(), {
                                  {"reshape", "(5, 5)",
                                   [=] {
                                       reshape(x, {5, 5});
                                   }},
                                  {"reshape", "-1",
                                   [=] {
                                       reshape(x, {-1, -1});
                                   }},
                                  {"reshape", "(-1, 5)",
                                   [=] {
                                       reshape(x, {-1, 5});
                                   }},
                                  {"reshape", "-2",
                                   [=] {
                                       reshape(x, {-2, 12});
                                   }},
                                  {"reshape", "-1",
                                   [=] {
                                       reshape(ones({0, 3}), {-1, 0});
                                   }},
                                  {"reshape", "undefined", [=] { reshape(none, {1}); }},
                                  {"flatten", "dim", [=] { flatten(x, 3); }},
                                  {"flatten", "start", [=] { flatten(x, 2, 1); }},
                                  {"expand", "(2, 3)",
                                   [=] {
                                       expand(x, {2, 3});
                                   }},
                                  {"expand", "(2, 3, 5)",
                                   [=] {
                                       expand(x, {2, 3, 5});
                                   }},
                                  {"expand", "-1",
                                   [=] {
                                       expand(x, {-1, 2, 3, 4});
                                   }},
                                  {"broadcast_to", "(2, 3, 5)",
                                   [=] {
                                       broadcast_to(x, {2, 3, 5});
                                   }},
                                  {"permute", "2 dimensions",
                                   [=] {
                                       permute(x, {0, 1});
                                   }},
                                  {"permute", "twice",
                                   [=] {
                                       permute(x, {0, 1, 1});
                                   }},
                                  {"permute", "dimension 3",
                                   [=] {
                                       permute(x, {0, 1, 3});
                                   }},
                                  {"transpose", "dimension 3", [=] { transpose(x, 0, 3); }},
                                  {"transpose", "dimension -4", [=] { transpose(x, -4, 0); }},
                                  {"t", "(2, 3, 4)", [=] { t(x); }},
                                  {"squeeze", "dimension 3", [=] { squeeze(x, 3); }},
                                  {"squeeze", "undefined", [=] { squeeze(none); }},
                                  {"unsqueeze", "dimension 4", [=] { unsqueeze(x, 4); }},
                                  {"unsqueeze", "8 dim",
                                   [=] {
                                       unsqueeze(ones({1, 1, 1, 1, 1, 1, 1, 1}), 0);
                                   }},
                                  {"narrow", "dimension 3", [=] { narrow(x, 3, 0, 1); }},
                                  {"narrow", "2 elements from 2", [=] { narrow(x, 1, 2, 2); }},
                                  {"narrow", "-1", [=] { narrow(x, 1, 0, -1); }},
                                  {"slice", "step 0", [=] { slice(x, 1, 0, 2, 0); }},
                                  {"slice", "step -1", [=] { slice(x, 1, 2, 0, -1); }},
                                  {"slice", "dimension -4", [=] { slice(x, -4, 0, 1); }},
                                  {"select", "index 3", [=] { select(x, 1, 3); }},
                                  {"select", "index -4", [=] { select(x, 1, -4); }},
                                  {"select", "dimension 3", [=] { select(x, 3, 0); }},
                                  {"split", "size 0", [=] { split(x, 0, 1); }},
                                  {"split", "sum",
                                   [=] {
                                       split(x, std::vector<std::int64_t>{1, 1}, 1);
                                   }},
                                  {"split", "dimension 5", [=] { split(x, 1, 5); }},
                                  {"chunk", "0 pieces", [=] { chunk(x, 0); }},
                                  {"chunk", "dimension -5", [=] { chunk(x, 2, -5); }},
                                  {"unbind", "dimension 3", [=] { unbind(x, 3); }},
                                  {"cat", "no tensors", [=] { cat(std::vector<Tensor>{}); }},
                                  {"cat", "(2, 3, 5)",
                                   [=] {
                                       cat({x, ones({2, 3, 5})}, 0);
                                   }},
                                  {"cat", "(2, 3)",
                                   [=] {
                                       cat({x, ones({2, 3})});
                                   }},
                                  {"cat", "dimension 3",
                                   [=] {
                                       cat({x, x}, 3);
                                   }},
                                  {"cat", "undefined",
                                   [=] {
                                       cat({x, none});
                                   }},
                                  {"stack", "no tensors", [=] { stack(std::vector<Tensor>{}); }},
                                  {"stack", "(2, 3)",
                                   [=] {
                                       stack({x, ones({2, 3})});
                                   }},
                                  {"stack", "dimension 4",
                                   [=] {
                                       stack({x, x}, 4);
                                   }},
                                  {"repeat", "-1",
                                   [=] {
                                       repeat(x, {1, 1, -1});
                                   }},
                                  {"repeat", "(2, 2)",
                                   [=] {
                                       repeat(x, {2, 2});
                                   }},
                                  {"flip", "dimension 3", [=] { flip(x, {3}); }},
                                  {"flip", "twice",
                                   [=] {
                                       flip(x, {1, 1});
                                   }},
                                  {"roll", "2 shifts",
                                   [=] {
                                       roll(x, {1, 1}, {0});
                                   }},
                                  {"roll", "dimension 3", [=] { roll(x, {1}, {3}); }},
                                  {"pad", "1 amounts", [=] { pad(x, {1}); }},
                                  {"pad", "8 amounts",
                                   [=] {
                                       pad(x, {1, 1, 1, 1, 1, 1, 1, 1});
                                   }},
                                  {"pad", "4 and 0",
                                   [=] {
                                       pad(x, {4, 0}, PadMode::reflect);
                                   }},
                                  {"pad", "-5",
                                   [=] {
                                       pad(x, {-5, 0});
                                   }},
                                  {"pad", "5 and 0",
                                   [=] {
                                       pad(x, {5, 0}, PadMode::circular);
                                   }},
                                  {"pad", "size 0",
                                   [=] {
                                       pad(ones({2, 0}), {1, 0}, PadMode::replicate);
                                   }},
                                  {"tril", "(3,)", [=] { tril(ones({3})); }},
                                  {"triu", "(3,)", [=] { triu(ones({3})); }},
                                  {"diag", "(2, 3, 4)", [=] { diag(x); }},
                              });
}

void add_bad_indices(BadCalls& calls) {
    const Tensor x = ones({2, 3}), places = tensor({0, 3}).to(i64), good = tensor({0, 1}).to(i64);
    const Tensor grid = zeros({2, 2}, {.dtype = i64});
    calls.insert(calls.end(), {
                                  {"gather", "3",
                                   [=] {
                                       gather(x, 1, full({2, 2}, 3, {.dtype = i64}));
                                   }},
                                  {"gather", "-4",
                                   [=] {
                                       gather(x, 1, full({2, 2}, -4, {.dtype = i64}));
                                   }},
                                  {"gather", "dimension 2", [=] { gather(x, 2, grid); }},
                                  {"gather", "integer",
                                   [=] {
                                       gather(x, 1, ones({2, 2}));
                                   }},
                                  {"gather", "(2,)", [=] { gather(x, 1, good); }},
                                  {"gather", "(3, 2)",
                                   [=] {
                                       gather(x, 1, zeros({3, 2}, {.dtype = i64}));
                                   }},
                                  {"scatter_add", "3",
                                   [=] {
                                       scatter_add(x, 1, full({2, 2}, 3, {.dtype = i64}), ones({2, 2}));
                                   }},
                                  {"scatter_add", "dimension -3",
                                   [=] {
                                       scatter_add(x, -3, grid, ones({2, 2}));
                                   }},
                                  {"scatter_add", "(1, 2)",
                                   [=] {
                                       scatter_add(x, 1, grid, ones({1, 2}));
                                   }},
                                  {"scatter", "3",
                                   [=] {
                                       scatter(x, 1, full({2, 2}, 3, {.dtype = i64}), 1);
                                   }},
                                  {"scatter", "(1, 2)",
                                   [=] {
                                       scatter(x, 1, grid, ones({1, 2}));
                                   }},
                                  {"scatter", "f64",
                                   [=] {
                                       scatter(x, 1, grid, ones({2, 2}, {.dtype = f64}));
                                   }},
                                  {"index_select", "3", [=] { index_select(x, 1, places); }},
                                  {"index_select", "dimension 2", [=] { index_select(x, 2, good); }},
                                  {"index_select", "one dimension", [=] { index_select(x, 1, grid); }},
                                  {"index_select", "integer", [=] { index_select(x, 1, ones({2})); }},
                                  {"index_add", "3",
                                   [=] {
                                       index_add(x, 1, places, ones({2, 2}));
                                   }},
                                  {"index_add", "(2, 3)",
                                   [=] {
                                       index_add(x, 1, good, ones({2, 3}));
                                   }},
                                  {"index_add", "dimension 2", [=] { index_add(x, 2, good, x); }},
                                  {"embedding", "3", [=] { embedding(x, places); }},
                                  {"embedding", "integer", [=] { embedding(x, ones({2})); }},
                                  {"embedding", "(3,)", [=] { embedding(ones({3}), good); }},
                                  {"embedding", "padding_idx", [=] { embedding(x, good, 7); }},
                                  {"one_hot", "3", [=] { one_hot(places, 3); }},
                                  {"one_hot", "-1",
                                   [=] {
                                       one_hot(tensor({-1, 0}).to(i64));
                                   }},
                                  {"one_hot", "integer", [=] { one_hot(ones({2})); }},
                                  {"nonzero", "undefined", [=] { nonzero(Tensor()); }},
                                  {"masked_select", "bool", [=] { masked_select(x, x); }},
                                  {"masked_select", "(4,)", [=] { masked_select(x, ones({4}) > 0); }},
                                  {"select", "index 3", [=] { x(0, 3); }},
                                  {"index", "3 indices", [=] { x(0, 0, 0); }},
                                  {"index", "ellipsis", [=] { x(ellipsis, ellipsis); }},
                                  {"slice", "step 0", [=] { x(slice(0, 2, 0)); }},
                                  {"index", "5", [=] { x(tensor({5}).to(i64)); }},
                                  {"index", "f32", [=] { x(ones({2})); }},
                                  {"index", "mask",
                                   [=] {
                                       x(ones({3, 2}) > 0);
                                   }},
                              });
}

}  // namespace adjoint::table
