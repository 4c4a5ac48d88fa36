// Sorting by rank: an element's place is the number of those that come before it. A device whose rows are
// long wants a verb of its own: this is some calls for each column, and n^2 comparisons for each row.
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {

// The order is that of sorts_before (functors/order.h). Of two elements i < j the one at i comes first unless
// j is strictly before it, and for numbers a and b and NaN alike
//
//     not (b strictly before a) = a <= b or b is NaN when rising, a >= b or a is NaN when falling.
void compose(Backend& backend, const Sort& c) {
    using namespace composition;
    const DType type = c.rows.dtype;
    const std::int64_t rows = c.rows.rows, n = c.rows.columns;
    const Three row_starts{0, n, 0};
    const Grid all(backend, {1, rows, n}, type);
    const WorkingMemory ranks(backend, rows * n, DType::i64), strange(backend, rows * n, DType::boolean),
        firsts(backend, rows * n, DType::i64), counts(backend, rows, DType::i64);
    const View rank = all.dense(ranks.data(), DType::i64), x = all.dense(c.x, type),
               is_nan = all.dense(strange.data(), DType::boolean),
               count(counts.data(), DType::i64, {0, 1, 0});
    const auto whole_row = [&](View view) {
        view.strides = row_starts;
        return view;
    };
    all.fill(rank, 0);
    if (is_floating(type)) all.map(functor::IsNan{}, is_nan, x);
    const BinaryOp compare = c.descending ? BinaryOp(functor::Ge{}) : BinaryOp(functor::Le{});
    for (std::int64_t i = 0; i + 1 < n; ++i) {
        // Element i of each row against those behind it: `first` is 1 where i comes before.
        const std::int64_t later = n - 1 - i;
        const Grid behind(backend, {1, rows, later}, type), numbers(backend, {1, rows, later}, DType::i64),
            each(backend, {1, rows, 1}, DType::i64);
        const View first = numbers.dense(firsts.data(), DType::i64), own_rank = whole_row(rank.from(i));
        behind.zip(compare, first, whole_row(x.from(i)), x.from(i + 1));
        if (is_floating(type))
            numbers.zip(functor::LogicalOr{}, first, first,
                        c.descending ? whole_row(is_nan.from(i)) : is_nan.from(i + 1));
        numbers.zip(functor::Add{}, rank.from(i + 1), rank.from(i + 1), first);
        numbers.reduce(functor::Sum{}, count, first, {false, false, true});
        each.zip(functor::Sub{}, own_rank, own_rank, count);
        each.map(functor::AddScalar{static_cast<double>(later)}, own_rank, own_rank);
    }
    const Indexing along{.op = Sort::name, .stride = 1, .size = n};
    const Counting places(backend, n);
    all.scatter(along, false, View(c.values, type, row_starts), x, rank);
    Grid(backend, {1, rows, n}, DType::i64)
        .scatter(along, false, View(c.indices, DType::i64, row_starts),
                 View(places.data(), DType::i64, {0, 0, 1}), rank);
}

}  // namespace adjoint::call
