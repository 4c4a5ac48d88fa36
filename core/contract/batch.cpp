// The samples of a batch and the sums of an epoch, made of gathers, comparisons and sums.
#include <adjoint/core/contract/compose.h>

namespace adjoint::call {
namespace {

using composition::Constant;
using composition::Grid;
using composition::View;
using composition::WorkingMemory;

void take_rows(Backend& backend, const TakeRows& c, const RowTable& table) {
    const Grid elements(backend, {1, c.rows, table.width}, compute_type(table.out.dtype));
    const View out = elements.dense(table.out.data, table.out.dtype), places(c.places, DType::i64, {0, 1, 0});
    const Indexing along{.op = TakeRows::name, .stride = table.width, .size = table.rows};
    const View source(table.table.data, table.table.dtype, {0, 0, 1});
    if (!table.converts()) return elements.gather(along, out, source, places);
    const WorkingMemory memory(backend, elements.places(), table.table.dtype);
    const View taken = elements.dense(memory.data(), table.table.dtype);
    elements.gather(along, taken, source, places);
    if (table.out.dtype == DType::f32)
        elements.map(functor::ScaleShift{table.scale, table.shift}, out, taken);
    else
        elements.map(functor::Copy{}, out, taken);
}

}  // namespace

void compose(Backend& backend, const TakeRows& c) {
    for (std::size_t i = 0; i < c.count; ++i)
        if (c.rows * c.tables[i].width > 0) take_rows(backend, c, c.tables[i]);
}

// A row is wrong where something beats its target: a greater element, an equal one before it, a NaN where the
// target is none, or one before it.
void compose(Backend& backend, const Tally& c) {
    const std::int64_t n = c.rows.rows, columns = c.rows.columns;
    const Grid one(backend, {1, 1, 1}, c.mean.dtype), sum(backend, {1, 1, 1}, DType::f64);
    const WorkingMemory product(backend, 1, c.mean.dtype);
    const View mean(c.mean.data, c.mean.dtype, {}), scaled(product.data(), c.mean.dtype, {}),
        loss(c.loss, DType::f64, {});
    one.map(functor::MulScalar{static_cast<double>(n)}, scaled, mean);
    sum.zip(functor::Add{}, loss, loss, scaled);

    const WorkingMemory best(backend, n, DType::i64), marks(backend, n, DType::boolean),
        total(backend, 1, DType::i64);
    ReductionLoop rows;
    rows.out = {best.data(), DType::i64};
    rows.in = {const_cast<void*>(c.logits), c.rows.dtype};
    rows.compute = c.rows.dtype;
    rows.outputs = n;
    rows.length = columns;
    const std::int64_t along[1] = {1}, across[1] = {columns};
    append_dimension(rows.reduced_rank, rows.reduced_sizes, &rows.reduced_strides, columns, along);
    append_dimension(rows.kept_rank, rows.kept_sizes, &rows.kept_strides, n, across);
    backend.run(call::ArgReduce{.largest = true, .loop = rows});
    const Grid labels(backend, {1, 1, n}, DType::i64), count(backend, {1, 1, 1}, DType::i64);
    const View mark = labels.dense(marks.data(), DType::boolean), right(c.right, DType::i64, {}),
               found(total.data(), DType::i64, {});
    labels.zip(functor::Eq{}, mark, labels.dense(best.data(), DType::i64),
               labels.dense(c.targets, DType::i64));
    labels.reduce(functor::Sum{}, found, mark, {true, true, true});
    count.zip(functor::Add{}, right, right, found);
}

}  // namespace adjoint::call
