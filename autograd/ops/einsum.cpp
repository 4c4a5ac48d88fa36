// einsum: the equation is read, then operands are joined from left to right, each pair by one matrix product.
#include <adjoint/autograd/ops/einsum.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

// An index is a letter; the dimensions behind "..." get the digits before '9', counted from the last one.
using Labels = std::string;

constexpr char rest = '.';  // in a term that has been read: the place of "..."

bool has(const Labels& labels, char label) { return labels.find(label) != Labels::npos; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The labels of one operand or of the result, "..." as one dot.
Labels read_term(std::string_view equation, std::string_view term) {
    Labels labels;
    for (std::size_t i = 0; i < term.size(); ++i) {
        if (term[i] == ' ') continue;
        if (term.substr(i, 3) == "..." && !has(labels, rest)) {
            labels += rest;
            i += 2;
            continue;
        }
        check<ValueError>(is_letter(term[i]), R"(einsum: "{}" has '{}' where an index or one "..." belongs)",
                          equation, term[i]);
        labels += term[i];
    }
    return labels;
}

struct Equation {
    std::vector<Labels> inputs;
    Labels output;
    bool has_output = false;
};

Equation read_equation(std::string_view text) {
    Equation equation;
    const std::size_t arrow = text.find("->");
    equation.has_output = arrow != std::string_view::npos;
    if (equation.has_output) equation.output = read_term(text, text.substr(arrow + 2));
    const std::string_view left = text.substr(0, arrow);
    for (std::size_t start = 0;;) {
        const std::size_t comma = left.find(',', start);
        equation.inputs.push_back(read_term(text, left.substr(start, comma - start)));
        if (comma == std::string_view::npos) return equation;
        start = comma + 1;
    }
}

/// Digits for `count` dimensions, the last of which is always '8'.
Labels rest_labels(int count) {
    Labels labels;
    for (int i = 0; i < count; ++i) labels += static_cast<char>('9' - count + i);
    return labels;
}

void spell_out_rest(Labels& labels, int count) {
    const std::size_t at = labels.find(rest);
    if (at != Labels::npos) labels.replace(at, 1, rest_labels(count));
}

std::size_t number(char label) { return static_cast<unsigned char>(label); }

/// "..." first, then what occurs once among all inputs.
Labels implicit_output(const std::vector<Labels>& inputs, int rest_count) {
    std::array<int, 128> seen{};
    for (const Labels& labels : inputs)
        for (const char label : labels) ++seen[number(label)];
    Labels output = rest_labels(rest_count);
    for (char label = 'A'; label <= 'z'; ++label)
        if (seen[number(label)] == 1) output += label;
    return output;
}

/// An operand with a label for each of its dimensions.
struct Term {
    Tensor x;
    Labels labels;

    std::int64_t size(char label) const { return x.shape()[static_cast<int>(labels.find(label))]; }
    void sum_over(const Labels& gone) {
        Dims dims;
        Labels left;
        for (std::size_t d = 0; d < labels.size(); ++d)
            if (has(gone, labels[d]))
                dims.list.push_back(static_cast<std::int64_t>(d));
            else
                left += labels[d];
        if (dims.list.empty()) return;
        x = sum(x, dims);
        labels = left;
    }
    /// The dimensions in this order; all labels are there.
    Tensor in_order(const Labels& order) const {
        if (order == labels) return x;
        Shape places;
        for (const char label : order) places.push_back(static_cast<std::int64_t>(labels.find(label)));
        return permute(x, places);
    }
};

/// One dimension for each label: where two have the same, the diagonal.
void take_diagonals(std::string_view equation, Term& term) {
    for (std::size_t a = 0; a < term.labels.size(); ++a) {
        const std::size_t b = term.labels.find(term.labels[a], a + 1);
        if (b == Labels::npos) continue;
        const std::int64_t n = term.x.shape()[static_cast<int>(a)];
        check<ShapeError>(n == term.x.shape()[static_cast<int>(b)],
                          "einsum: {}: index {} stands for sizes {} and {} of one operand", equation,
                          term.labels[a], n, term.x.shape()[static_cast<int>(b)]);
        Shape order, sizes;
        Labels labels;
        for (std::size_t d = 0; d < term.labels.size(); ++d) {
            if (d == a || d == b) continue;
            order.push_back(static_cast<std::int64_t>(d));
            sizes.push_back(term.x.shape()[static_cast<int>(d)]);
            labels += term.labels[d];
        }
        order.push_back(static_cast<std::int64_t>(a));
        order.push_back(static_cast<std::int64_t>(b));
        sizes.push_back(n * n);
        term.x = slice(reshape(permute(term.x, order), sizes), -1, 0, n * n, n + 1);
        term.labels = labels + term.labels[a];
        a = static_cast<std::size_t>(-1);  // places have changed: from the start
    }
}

Shape sizes_of(const Term& a, const Term& b, const Labels& labels) {
    Shape shape;
    for (const char label : labels) {
        const std::int64_t of_a = has(a.labels, label) ? a.size(label) : 1;
        shape.push_back(of_a != 1 || !has(b.labels, label) ? of_a : b.size(label));
    }
    return shape;
}

/// The product of two operands, summed over what no one needs any more.
Term join(Term a, Term b, const Labels& needed) {
    Labels batch, inner, left, right, gone_a, gone_b;
    for (const char label : a.labels) {
        if (!has(b.labels, label))
            (has(needed, label) ? left : gone_a) += label;
        else if (has(needed, label))
            batch += label;
        else if (a.size(label) == b.size(label))
            inner += label;
        else  // one of them has size 1: the other is summed alone
            gone_a += label, gone_b += label;
    }
    for (const char label : b.labels)
        if (!has(a.labels, label)) (has(needed, label) ? right : gone_b) += label;
    a.sum_over(gone_a);
    b.sum_over(gone_b);

    const Shape all = sizes_of(a, b, batch + left + right);
    Tensor x = a.in_order(batch + left + inner), y = b.in_order(batch + inner + right);
    const int batches = static_cast<int>(batch.size());
    Tensor product;
    if (inner.empty()) {
        Shape wide_x = x.shape(), wide_y = y.shape();
        for (std::size_t i = 0; i < right.size(); ++i) wide_x.push_back(1);
        for (std::size_t i = 0; i < left.size(); ++i) wide_y.insert(batches, 1);
        product = reshape(x, wide_x) * reshape(y, wide_y);
    } else {
        std::int64_t count = 1, rows = 1, columns = 1, depth = 1;
        Shape shape_x, shape_y;
        for (int d = 0; d < batches; ++d) {
            count *= all[d];
            shape_x.push_back(all[d]);
            shape_y.push_back(all[d]);
        }
        for (const char label : left) rows *= a.size(label);
        for (const char label : right) columns *= b.size(label);
        for (const char label : inner) depth *= a.size(label);
        for (int d = batches; d < x.dim(); ++d) shape_x.push_back(x.shape()[d]);
        for (int d = batches; d < y.dim(); ++d) shape_y.push_back(y.shape()[d]);
        x = expand(x, shape_x);
        y = expand(y, shape_y);
        product = batches == 0 ? matmul(reshape(x, {rows, depth}), reshape(y, {depth, columns}))
                               : bmm(reshape(x, {count, rows, depth}), reshape(y, {count, depth, columns}));
    }
    return {reshape(product, all), batch + left + right};
}

/// Every index stands for one size, or for it and 1.
void check_sizes(std::string_view equation, const std::vector<Term>& terms) {
    std::array<std::int64_t, 128> known;
    known.fill(1);
    for (const Term& term : terms)
        for (const char label : term.labels) {
            std::int64_t& size = known[number(label)];
            const std::int64_t own = term.size(label);
            check<ShapeError>(
                own == size || own == 1 || size == 1, "einsum: {}: {} stands for sizes {} and {}", equation,
                is_letter(label) ? std::string("index ") + label : "a dimension of ...", size, own);
            if (size == 1) size = own;
        }
}

}  // namespace

Tensor einsum(std::string_view equation, std::span<const Tensor> operands) {
    Equation parts = read_equation(equation);
    check<ValueError>(parts.inputs.size() == operands.size() && !operands.empty(),
                      "einsum: \"{}\" names {} operands, {} are given", equation, parts.inputs.size(),
                      operands.size());
    int rest_count = 0;
    for (std::size_t i = 0; i < operands.size(); ++i) {
        const bool open = has(parts.inputs[i], rest);
        const int named = static_cast<int>(parts.inputs[i].size()) - (open ? 1 : 0);
        const int unnamed = operands[i].dim() - named;
        check<ShapeError>(open ? unnamed >= 0 : unnamed == 0,
                          "einsum: \"{}\" names {} dimensions of operand {}, which has shape {}", equation,
                          named, i, operands[i].shape());
        rest_count = std::max(rest_count, unnamed);
    }

    std::vector<Term> terms;
    for (std::size_t i = 0; i < operands.size(); ++i) {
        Labels labels = parts.inputs[i];
        spell_out_rest(labels, operands[i].dim() - (static_cast<int>(labels.size()) - 1));
        parts.inputs[i] = labels;
        terms.push_back({operands[i], labels});
        take_diagonals(equation, terms.back());
    }
    check_sizes(equation, terms);
    if (!parts.has_output) parts.output = implicit_output(parts.inputs, rest_count);
    spell_out_rest(parts.output, rest_count);
    for (const char label : parts.output) {
        const auto knows = [&](const Term& term) { return has(term.labels, label); };
        check<ValueError>(std::count(parts.output.begin(), parts.output.end(), label) == 1 &&
                              std::any_of(terms.begin(), terms.end(), knows),
                          "einsum: \"{}\": index {} of the result occurs twice there or in no operand",
                          equation, label);
    }

    Term result = std::move(terms[0]);
    for (std::size_t i = 1; i < terms.size(); ++i) {
        Labels needed = parts.output;
        for (std::size_t j = i + 1; j < terms.size(); ++j) needed += terms[j].labels;
        result = join(std::move(result), std::move(terms[i]), needed);
    }
    Labels gone;
    for (const char label : result.labels)
        if (!has(parts.output, label)) gone += label;
    result.sum_over(gone);
    return result.in_order(parts.output);
}

Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands) {
    return einsum(equation, std::span(operands.begin(), operands.size()));
}

Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
    return named("bilinear", [&] {
        check<ShapeError>(
            x1.dim() > 0 && x2.dim() > 0 && weight.dim() == 3 && x1.shape().back() == weight.shape()[1] &&
                x2.shape().back() == weight.shape()[2],
            "bilinear: inputs {} and {} for a weight {}", x1.shape(), x2.shape(), weight.shape());
        check<ShapeError>(!bias.defined() || bias.shape() == Shape{weight.shape()[0]},
                          "bilinear: bias of shape {} for {} outputs",
                          bias.defined() ? bias.shape() : Shape{}, weight.shape()[0]);
        const Tensor y = einsum("...i,kij,...j->...k", {x1, weight, x2});
        return bias.defined() ? y + bias : y;
    });
}

}  // namespace adjoint
