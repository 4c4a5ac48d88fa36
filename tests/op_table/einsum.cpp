// Rows of einsum, bilinear forms, attention and rotary embedding, against loops; of unbind and unique.
#include <algorithm>

#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include <adjoint/autograd/ops/attention.h>
#include <adjoint/autograd/ops/einsum.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/core/tensor/creation.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

// Sums over all values of all indices; the equation has an arrow and letters only.
Array by_loops(const std::string& equation, const Arrays& in) {
    std::vector<std::string> terms(1);
    std::string output;
    const std::size_t arrow = equation.find("->");
    for (const char c : equation.substr(0, arrow))
        if (c == ',')
            terms.emplace_back();
        else
            terms.back() += c;
    output = equation.substr(arrow + 2);

    std::string letters;
    Shape sizes;
    for (std::size_t i = 0; i < terms.size(); ++i)
        for (std::size_t d = 0; d < terms[i].size(); ++d) {
            const std::size_t at = letters.find(terms[i][d]);
            const std::int64_t size = in[i].shape[static_cast<int>(d)];
            if (at == std::string::npos) {
                letters += terms[i][d];
                sizes.push_back(size);
            } else if (size != 1) {
                sizes[static_cast<int>(at)] = size;
            }
        }
    const auto place_in = [&](const std::string& term, const Shape& values, const Shape* shape) {
        Shape place;
        for (std::size_t d = 0; d < term.size(); ++d) {
            const std::int64_t value = values[static_cast<int>(letters.find(term[d]))];
            place.push_back(shape && (*shape)[static_cast<int>(d)] == 1 ? 0 : value);
        }
        return place;
    };
    Array out(place_in(output, sizes, nullptr));
    for_each_place(sizes, [&](const Shape& values) {
        double product = 1;
        for (std::size_t i = 0; i < terms.size(); ++i)
            product *= in[i].at(place_in(terms[i], values, &in[i].shape));
        out.at(place_in(output, values, nullptr)) += product;
    });
    return out;
}

void add_equations(Rows& rows) {
    struct Case {
        const char* variant;
        const char* equation;
        const char* spelt_out;
        std::vector<Shape> shapes;
    };
    const std::vector<Case> cases = {
        {"product", "ij,jk->ik", "ij,jk->ik", {{2, 3}, {3, 4}}},
        {"implicit", "ij, jk", "ij,jk->ik", {{2, 3}, {3, 2}}},
        {"implicit_turns", "ba", "ba->ab", {{2, 3}}},
        {"capitals_first", "aB", "aB->Ba", {{2, 3}}},
        {"turned", "ijk->kij", "ijk->kij", {{2, 3, 4}}},
        {"sum", "ijk->j", "ijk->j", {{2, 3, 2}}},
        {"total", "ij->", "ij->", {{2, 3}}},
        {"itself", "i->i", "i->i", {{3}}},
        {"trace", "ii", "ii->", {{3, 3}}},
        {"diagonal", "ii->i", "ii->i", {{3, 3}}},
        {"space_diagonal", "iji->ji", "iji->ji", {{2, 3, 2}}},
        {"cube_diagonal", "iii->i", "iii->i", {{2, 2, 2}}},
        {"dot", "i,i->", "i,i->", {{4}, {4}}},
        {"outer", "i,j->ij", "i,j->ij", {{2}, {3}}},
        {"elementwise", "ij,ij->ij", "ij,ij->ij", {{2, 3}, {2, 3}}},
        {"batch", "bij,bjk->bik", "bij,bjk->bik", {{2, 2, 3}, {2, 3, 2}}},
        {"batch_last", "ijb,jkb->bki", "ijb,jkb->bki", {{2, 3, 2}, {3, 2, 2}}},
        {"two_inner", "ijk,kjl->il", "ijk,kjl->il", {{2, 3, 2}, {2, 3, 2}}},
        {"summed_alone", "ij,kl->il", "ij,kl->il", {{2, 3}, {2, 2}}},
        {"three", "i,ij,j->", "i,ij,j->", {{2}, {2, 3}, {3}}},
        {"three_keep", "ij,jk,kl->il", "ij,jk,kl->il", {{2, 2}, {2, 3}, {3, 2}}},
        {"thrice", "i,i,i->i", "i,i,i->i", {{3}, {3}, {3}}},
        {"ellipsis", "...ij,...jk->...ik", "abij,bjk->abik", {{2, 2, 1, 3}, {2, 3, 2}}},
        {"ellipsis_implicit", "i...,i...", "iab,ib->ab", {{2, 2, 3}, {2, 3}}},
        {"ellipsis_summed", "...i->i", "abi->i", {{2, 2, 3}}},
        {"ellipsis_moved", "i...->...i", "iab->abi", {{2, 3, 2}}},
        {"ellipsis_of_nothing", "...i,...i->...", "i,i->", {{3}, {3}}},
        {"ellipsis_broadcast", "...i,...i->...", "abi,abi->ab", {{2, 1, 3}, {1, 2, 3}}},
        {"ones", "ij,jk->ik", "ij,jk->ik", {{2, 1}, {3, 2}}},
        {"one_batch", "bi,bi->b", "bi,bi->b", {{1, 3}, {2, 3}}},
        {"scalar", ",i->i", ",i->i", {{}, {3}}},
        {"no_rows", "ij,jk->ik", "ij,jk->ik", {{0, 3}, {3, 2}}},
        {"no_inner", "ij,jk->ik", "ij,jk->ik", {{2, 0}, {0, 2}}},
        {"no_diagonal", "ii->i", "ii->i", {{0, 0}}},
    };
    for (const Case& c : cases) {
        Row row;
        row.op = "einsum";
        row.variant = c.variant;
        for (const Shape& shape : c.shapes) row.inputs.push_back({.shape = shape});
        row.call = [equation = c.equation](const Tensors& in) {
            return Tensors{einsum(equation, std::span<const Tensor>(in))};
        };
        row.reference = [equation = c.spelt_out](const Arrays& in) { return Arrays{by_loops(equation, in)}; };
        rows.push_back(std::move(row));
    }

    struct Form {
        const char* variant;
        Shape x1, x2;
        bool bias;
        const char* equation;
    };
    for (const Form& f : {Form{"", {3, 2}, {3, 4}, true, "ni,kij,nj->nk"},
                          Form{"no_bias", {3, 2}, {3, 4}, false, "ni,kij,nj->nk"},
                          Form{"vectors", {2}, {4}, true, "i,kij,j->k"},
                          Form{"batches", {2, 1, 2}, {2, 1, 4}, true, "abi,kij,abj->abk"},
                          Form{"no_samples", {0, 2}, {0, 4}, true, "ni,kij,nj->nk"}}) {
        Row row;
        row.op = "bilinear";
        row.variant = f.variant;
        row.inputs = {{.shape = f.x1}, {.shape = {3, 2, 4}}, {.shape = f.x2}};
        if (f.bias) row.inputs.push_back({.shape = {3}});
        row.call = [](const Tensors& in) {
            return Tensors{bilinear(in[0], in[2], in[1], in.size() > 3 ? in[3] : Tensor())};
        };
        row.reference = [equation = f.equation](const Arrays& in) {
            Array y = by_loops(equation, {in[0], in[1], in[2]});
            if (in.size() > 3)
                for (std::int64_t i = 0; i < y.numel(); ++i) y[i] += in[3][i % 3];
            return Arrays{y};
        };
        rows.push_back(std::move(row));
    }
}

enum class Mask { none, boolean, number };

// Weights (B, L, S) for queries (B, L, E) and keys (B, S, E), and what they make of values (B, S, V).
Array attention_by_loops(const Arrays& in, bool weights_alone, Mask mask, bool causal, double scale,
                         std::int64_t past = 0) {
    const Array &q = in[0], &k = in[1];
    const std::int64_t batch = q.shape[0], length = q.shape[1], width = q.shape[2], keys = k.shape[1];
    Array w({batch, length, keys});
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t i = 0; i < length; ++i) {
            double total = 0;
            for (std::int64_t j = 0; j < keys; ++j) {
                double score = 0;
                for (std::int64_t e = 0; e < width; ++e) score += q.at({b, i, e}) * k.at({b, j, e});
                score *= scale;
                if (mask == Mask::number) score += in.back().at({i, j});
                const bool hidden =
                    (causal && j > past + i) || (mask == Mask::boolean && in.back().at({i, j}) == 0);
                total += w.at({b, i, j}) = hidden ? 0 : std::exp(score);
            }
            for (std::int64_t j = 0; j < keys; ++j) w.at({b, i, j}) /= total == 0 ? 1 : total;
        }
    return weights_alone ? w : by_loops("bij,bjv->biv", {w, in[2]});
}

void add_rotary_embedding(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        RotaryOptions options;
    };
    for (const Case& c :
         {Case{"halves", {2, 3, 6}, {}}, Case{"pairs", {3, 4}, {.interleaved = true}},
          Case{"later", {2, 1, 2, 4}, {.offset = 1000, .base = 50}}, Case{"empty", {0, 4}, {}}}) {
        Row row;
        row.op = "rotary_embedding";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        row.call = [c](const Tensors& in) { return Tensors{rotary_embedding(in[0], c.options)}; };
        row.reference = [c](const Arrays& in) {
            const int rank = c.x.size();
            const std::int64_t width = c.x[rank - 1], half = width / 2;
            return Arrays{build(c.x, [&](const Shape& p) {
                const std::int64_t e = p[rank - 1], pair = c.options.interleaved ? e / 2 : e % half;
                const bool second = c.options.interleaved ? e % 2 == 1 : e >= half;
                Shape other = p;
                other[rank - 1] += (second ? -1 : 1) * (c.options.interleaved ? 1 : half);
                const double angle =
                    static_cast<double>(c.options.offset + p[rank - 2]) *
                    std::pow(c.options.base, -2.0 * static_cast<double>(pair) / static_cast<double>(width));
                return in[0].at(p) * std::cos(angle) + (second ? 1 : -1) * in[0].at(other) * std::sin(angle);
            })};
        };
        rows.push_back(std::move(row));
    }
}

void add_attention(Rows& rows) {
    struct Case {
        const char* variant;
        Mask mask;
        bool causal;
        std::optional<double> scale;
        std::int64_t keys, past = 0;
    };
    for (const bool weights_alone : {true, false})
        for (const Case& c :
             {Case{"plain", Mask::none, false, {}, 4}, Case{"scaled", Mask::none, false, 0.3, 4},
              Case{"mask", Mask::boolean, false, {}, 4}, Case{"numbers", Mask::number, false, {}, 4},
              Case{"causal", Mask::none, true, {}, 4}, Case{"causal_past", Mask::none, true, {}, 5, 2},
              Case{"causal_mask", Mask::boolean, true, {}, 2}, Case{"one_key", Mask::none, false, {}, 1}}) {
            Row row;
            row.op = weights_alone ? "attention_weights" : "scaled_dot_product_attention";
            row.variant = c.variant;
            row.inputs = {{.shape = {2, 3, 2}}, {.shape = {2, c.keys, 2}}};
            if (!weights_alone) row.inputs.push_back({.shape = {2, c.keys, 3}});
            if (c.mask == Mask::boolean)
                row.inputs.push_back({.shape = {3, c.keys}, .kind = Input::Kind::boolean});
            if (c.mask == Mask::number) row.inputs.push_back({.shape = {3, c.keys}});
            row.call = [c, weights_alone](const Tensors& in) {
                AttentionOptions options{.is_causal = c.causal, .past = c.past, .scale = c.scale};
                if (c.mask != Mask::none) options.attn_mask = in.back();
                return Tensors{weights_alone ? attention_weights(in[0], in[1], options)
                                             : scaled_dot_product_attention(in[0], in[1], in[2], options)};
            };
            row.reference = [c, weights_alone](const Arrays& in) {
                return Arrays{attention_by_loops(in, weights_alone, c.mask, c.causal,
                                                 c.scale.value_or(1 / std::sqrt(2.0)), c.past)};
            };
            rows.push_back(std::move(row));
        }
    // A query that may see nothing gives zeros, and gradients without NaN.
    Row blind;
    blind.op = "scaled_dot_product_attention";
    blind.variant = "blind";
    blind.inputs = {{.shape = {1, 2, 2}}, {.shape = {1, 3, 2}}, {.shape = {1, 3, 2}}};
    blind.call = [](const Tensors& in) {
        const Tensor mask = tensor({{0, 0, 0}, {0, 1, 1}}, {.dtype = DType::boolean}).to(in[0].device());
        return Tensors{scaled_dot_product_attention(in[0], in[1], in[2], {.attn_mask = mask})};
    };
    blind.reference = [](const Arrays& in) {
        Array mask({2, 3});
        mask.values = {0, 0, 0, 0, 1, 1};
        return Arrays{
            attention_by_loops({in[0], in[1], in[2], mask}, false, Mask::boolean, false, 1 / std::sqrt(2.0))};
    };
    rows.push_back(std::move(blind));
}

void add_unbind(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        int dim;
    };
    for (const Case& c : {Case{"first", {3, 2}, 0}, Case{"middle", {2, 4, 2}, 1}, Case{"last", {2, 5}, -1},
                          Case{"vector", {2}, 0}, Case{"empty", {3, 0}, 0}}) {
        Row row;
        row.op = "unbind";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        row.call = [dim = c.dim](const Tensors& in) { return unbind(in[0], dim); };
        row.reference = [dim = c.dim](const Arrays& in) {
            const int at = dim < 0 ? dim + in[0].shape.size() : dim;
            Shape rest = in[0].shape;
            rest.erase(at);
            Arrays out;
            for (std::int64_t i = 0; i < in[0].shape[at]; ++i)
                out.push_back(build(rest, [&](Shape place) {
                    place.insert(at, i);
                    return in[0].at(place);
                }));
            return out;
        };
        rows.push_back(std::move(row));
    }
    // Outputs that nobody uses count as zero.
    Row row;
    row.op = "unbind";
    row.variant = "some_unused";
    row.inputs = {{.shape = {4, 2}}};
    row.call = [](const Tensors& in) { return Tensors{unbind(in[0])[2]}; };
    row.reference = [](const Arrays& in) {
        return Arrays{build({2}, [&](const Shape& p) { return in[0].at({2, p[0]}); })};
    };
    rows.push_back(std::move(row));
}

Arrays unique_by_loops(const Array& x) {
    std::vector<double> values;
    for (const double value : x.values)
        if (std::isnan(value) || std::find(values.begin(), values.end(), value) == values.end())
            values.push_back(value);
    std::stable_sort(values.begin(), values.end(),
                     [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; });
    Array distinct({static_cast<std::int64_t>(values.size())}), counts(distinct.shape), inverse(x.shape);
    distinct.values = values;
    for (std::int64_t i = 0; i < x.numel(); ++i) {
        std::int64_t at = 0;
        // Of several NaN each takes the first place that is free.
        while (!(values[static_cast<std::size_t>(at)] == x[i] ||
                 (std::isnan(x[i]) && std::isnan(values[static_cast<std::size_t>(at)]) && counts[at] == 0)))
            ++at;
        inverse[i] = static_cast<double>(at);
        counts[at] += 1;
    }
    return {distinct, inverse, counts};
}

void add_unique(Rows& rows) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    struct Case {
        const char* variant;
        Input x;
    };
    const Case cases[] = {
        {"integers", {.shape = {4, 9}, .low = -3, .high = 3, .kind = Input::Kind::integer}},
        {"numbers",
         {.shape = {2, 6},
          .kind = Input::Kind::fixed,
          .values = {1.5, nan, -2, 1.5, 0, -2, nan, 8, 1.5, 0, 0.25, -2}}},
        {"distinct", {.shape = {7}, .kind = Input::Kind::distinct}},
        {"same", {.shape = {5}, .kind = Input::Kind::fixed, .values = {2, 2, 2, 2, 2}}},
        {"booleans", {.shape = {3, 4}, .kind = Input::Kind::boolean}},
        {"scalar", {.shape = {}}},
        {"nothing", {.shape = {0, 3}}},
    };
    for (const Case& c : cases) {
        Row row;
        row.op = "unique";
        row.variant = c.variant;
        row.inputs = {c.x};
        row.differentiable = false;
        row.call = [](const Tensors& in) {
            const UniqueValues y = unique(in[0]);
            return Tensors{y.values, y.inverse, y.counts};
        };
        row.reference = [](const Arrays& in) { return unique_by_loops(in[0]); };
        rows.push_back(std::move(row));
    }
}

}  // namespace

void add_einsum(Rows& rows) {
    add_equations(rows);
    add_attention(rows);
    add_rotary_embedding(rows);
    add_unbind(rows);
    add_unique(rows);
}

}  // namespace adjoint::table
