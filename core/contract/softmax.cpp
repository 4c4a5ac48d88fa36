// Softmax and the loss on it, made of reductions along the rows and of functions of their elements.
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {
namespace {

using composition::Constant;
using composition::Grid;
using composition::Three;
using composition::View;
using composition::WorkingMemory;

constexpr std::array<bool, 3> over_columns{false, false, true};
constexpr std::array<bool, 3> all_dimensions{true, true, true};
constexpr Three one_per_row{0, 1, 0};

// out = the largest of each row
void row_max(const Grid& rows, const View& out, const View& x) {
    rows.reduce(functor::Max{}, out, x, over_columns);
}

// out = the sum of each row
void row_sum(const Grid& rows, const View& out, const View& x) {
    rows.reduce(functor::Sum{}, out, x, over_columns);
}

Grid grid_of(Backend& backend, const Rows& rows) {
    return Grid(backend, {1, rows.rows, rows.columns}, rows.dtype);
}

// An i64 constant as two exact halves, because Fill and AddScalar take doubles.
class Integer {
  public:
    Integer(Backend& backend, std::int64_t value)
        : constant_(backend, DType::i64, static_cast<double>(value - low(value))) {
        Grid(backend, {1, 1, 1}, DType::i64)
            .map(functor::AddScalar{static_cast<double>(low(value))}, view(), view());
    }
    const View& view() const { return constant_.view(); }

  private:
    static std::int64_t low(std::int64_t value) { return value & 0xffffffff; }
    Constant constant_;
};

}  // namespace

void compose(Backend& backend, const Softmax& c) {
    const DType type = c.rows.dtype;
    const Grid rows = grid_of(backend, c.rows), each(backend, {1, c.rows.rows, 1}, type);
    const WorkingMemory memory(backend, c.rows.rows, type);
    const View per_row(memory.data(), type, one_per_row), out = rows.dense(c.out, type);
    row_max(rows, per_row, rows.dense(c.x, type));
    rows.zip(functor::Sub{}, out, rows.dense(c.x, type), per_row);
    if (!c.log) {
        rows.map(functor::Exp{}, out, out);
        row_sum(rows, per_row, out);
        rows.zip(functor::Div{}, out, out, per_row);
        return;
    }
    const WorkingMemory powers(backend, c.rows.numel(), type);
    const View power = rows.dense(powers.data(), type);
    rows.map(functor::Exp{}, power, out);
    row_sum(rows, per_row, power);
    each.map(functor::Log{}, per_row, per_row);
    rows.zip(functor::Sub{}, out, out, per_row);
}

// softmax: dx = y (g - sum g y); log softmax: dx = g - exp(y) sum g
void compose(Backend& backend, const SoftmaxBackward& c) {
    const DType type = c.rows.dtype;
    const Grid rows = grid_of(backend, c.rows);
    const WorkingMemory totals(backend, c.rows.rows, type), products(backend, c.rows.numel(), type);
    const View per_row(totals.data(), type, one_per_row),
        product = rows.dense(products.data(), type), dx = rows.dense(c.dx, type), g = rows.dense(c.g, type),
        y = rows.dense(c.y, type);
    if (c.log) {
        row_sum(rows, per_row, g);
        rows.map(functor::Exp{}, product, y);
        rows.zip(functor::Mul{}, product, product, per_row);
        rows.zip(functor::Sub{}, dx, g, product);
    } else {
        rows.zip(functor::Mul{}, product, g, y);
        row_sum(rows, per_row, product);
        rows.zip(functor::Sub{}, product, g, per_row);
        rows.zip(functor::Mul{}, dx, y, product);
    }
}

// loss = log(sum of exp(x - top)) - (x[target] - top). Rows that are ignored go along with target 0 and are
// cleared at the end.
void compose(Backend& backend, const CrossEntropy& c) {
    const DType type = c.rows.dtype;
    const std::int64_t n = c.rows.rows, columns = c.rows.columns;
    const Grid rows = grid_of(backend, c.rows), each(backend, {1, n, 1}, type),
               labels(backend, {1, n, 1}, DType::i64);
    const WorkingMemory marks(backend, n, DType::boolean), places(backend, n, DType::i64),
        tops(backend, n, type), totals(backend, n, type),
        powers(backend, c.gradient ? 0 : c.rows.numel(), type);
    const View mark(marks.data(), DType::boolean, one_per_row), place(places.data(), DType::i64, one_per_row),
        target(c.targets, DType::i64, one_per_row), top(tops.data(), type, one_per_row),
        total(totals.data(), type, one_per_row), loss(c.losses, type, one_per_row),
        x = rows.dense(c.logits, type), power = rows.dense(c.gradient ? c.gradient : powers.data(), type);
    const Integer ignored(backend, c.ignore_index);
    const Constant nought(backend, DType::i64, 0), zero(backend, type, 0), minus_one(backend, type, -1);

    labels.zip(functor::Ne{}, mark, target, ignored.view());
    labels.select(place, mark, target, nought.view());
    const WorkingMemory count(backend, 1, type);
    const View counted(count.data(), type, {});
    if (c.mean) each.reduce(functor::Sum{}, counted, mark, all_dimensions);

    const Indexing along{.op = "cross_entropy", .stride = 1, .size = columns, .labels = true};
    const Three row_starts{0, columns, 0};
    each.gather(along, loss, View(c.logits, type, row_starts), place);
    row_max(rows, top, x);
    each.zip(functor::Sub{}, loss, loss, top);
    rows.zip(functor::Sub{}, power, x, top);
    rows.map(functor::Exp{}, power, power);
    row_sum(rows, total, power);
    if (c.gradient) {
        rows.zip(functor::Div{}, power, power, total);
        each.scatter(along, true, View(c.gradient, type, row_starts), minus_one.view(), place);
        if (c.mean) rows.zip(functor::Div{}, power, power, counted);
        rows.select(power, mark, power, zero.view());
    }
    each.map(functor::Log{}, total, total);
    each.zip(functor::Sub{}, loss, total, loss);
    each.select(loss, mark, loss, zero.view());
    if (!c.total) return;
    const View sum(c.total, type, {});
    each.reduce(functor::Sum{}, sum, loss, all_dimensions);
    if (c.mean) Grid(backend, {1, 1, 1}, type).zip(functor::Div{}, sum, sum, counted);
}

}  // namespace adjoint::call
