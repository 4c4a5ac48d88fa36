// Parts of tensors: slices, splits, padding and cropping, triangles, reversed sequences.
#include <algorithm>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

/// x[start : end : step] along an axis. A start before the first element is the first, backwards as well,
/// where Python's slices would be empty.
Tensor sliced(const Tensor& x, int axis, std::int64_t start, std::int64_t end, std::int64_t step) {
    const std::int64_t size = x.size(axis);
    check<ValueError>(step != 0, "a step is 0");
    if (size == 0) return x;
    const auto counted = [&](std::int64_t i) { return i < 0 && i >= -size ? i + size : i; };
    if (step > 0) {
        const std::int64_t from = std::clamp<std::int64_t>(counted(start), 0, size);
        const std::int64_t to = std::clamp<std::int64_t>(counted(end), 0, size);
        if (from >= to) return narrow(x, axis, 0, 0);
        return step == 1 ? narrow(x, axis, from, to - from) : slice(x, axis, from, to, step);
    }
    const std::int64_t from = std::clamp<std::int64_t>(counted(start), 0, size - 1);
    const std::int64_t to = std::clamp<std::int64_t>(counted(end), -1, size - 1);
    if (from <= to) return narrow(x, axis, 0, 0);
    const Tensor reversed = flip(narrow(x, axis, to + 1, from - to), {axis});
    if (step == -1) return reversed;
    // The largest step that makes a difference.
    return slice(reversed, axis, 0, from - to, std::min(-std::max(step, -size), size));
}

Tensor sliced(const Call& c, const Integers& starts, const Integers& ends,
              const std::optional<Integers>& axes, const std::optional<Integers>& steps) {
    check<ShapeError>(starts.size() == ends.size() && (!axes || axes->size() == starts.size()) &&
                          (!steps || steps->size() == starts.size()),
                      "starts, ends, axes and steps differ in their numbers");
    Tensor y = c[0];
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const int axis = wrapped_axis(axes ? (*axes)[i] : static_cast<std::int64_t>(i), y.dim());
        y = sliced(y, axis, starts[i], ends[i], steps ? (*steps)[i] : 1);
    }
    return y;
}

/// Attributes before version 10, inputs from then on.
Kernel slice_of(const Build& b) {
    if (b.opset < 10) {
        const auto starts = b.attributes.integers("starts"), ends = b.attributes.integers("ends"),
                   axes = b.attributes.integers("axes");
        check<ValueError>(starts && ends, "starts or ends are missing");
        return
            [=](const Call& c) -> Values { return {Value(sliced(c, *starts, *ends, axes, {}), c.type(0))}; };
    }
    return [](const Call& c) -> Values {
        const auto given = [&](std::size_t i) {
            return c.has(i) ? std::optional(c.integers(i)) : std::nullopt;
        };
        return {Value(sliced(c, c.integers(1), c.integers(2), given(3), given(4)), c.type(0))};
    };
}

/// The sizes are an attribute before version 13, an input from then on; equal ones if there are none, and
/// from version 18 on the last may be smaller.
Kernel split_of(const Build& b) {
    const std::int64_t axis = b.attributes.integer("axis", 0);
    const auto parts = static_cast<std::int64_t>(b.attributes.integer("num_outputs", 0));
    return [=, sizes = axes_of(b, 13, 1, "split")](const Call& c) -> Values {
        const int dim = wrapped_axis(axis, c[0].dim());
        const std::int64_t size = c[0].size(dim);
        Integers all = sizes(c).value_or(Integers{});
        if (all.empty()) {
            const std::int64_t count = parts > 0 ? parts : static_cast<std::int64_t>(c.outputs);
            const std::int64_t each = (size + count - 1) / count;
            check<ValueError>(count <= static_cast<std::int64_t>(c.outputs), "num_outputs is {}", count);
            for (std::int64_t left = size, i = 0; i < count; ++i, left -= all.back())
                all.push_back(std::min(each, left));
        }
        Values out;
        std::int64_t start = 0;
        for (const std::int64_t part : all) {
            check<ShapeError>(part >= 0 && part <= size - start, "parts of ({}) along size {} of {}",
                              fmt::join(all, ", "), dim, c[0].shape());
            out.emplace_back(narrow(c[0], dim, start, part), c.type(0));
            start += part;
        }
        check<ShapeError>(start == size, "parts of ({}) do not make up size {} of {}", fmt::join(all, ", "),
                          dim, c[0].shape());
        return out;
    };
}

/// Where the elements of a padded axis come from; -1 is from nowhere.
Integers padded_places(const std::string& mode, std::int64_t size, std::int64_t before, std::int64_t after) {
    Integers places;
    for (std::int64_t i = -before; i < size + after; ++i) {
        std::int64_t place = i;
        if (i < 0 || i >= size) {
            check<ShapeError>(size > 0, "an axis of no elements is padded with its own");
            const std::int64_t period = std::max<std::int64_t>(1, 2 * size - 2);
            if (mode == "edge") place = std::clamp<std::int64_t>(i, 0, size - 1);
            if (mode == "wrap") place = (i % size + size) % size;
            if (mode == "reflect") {
                const std::int64_t folded = (i % period + period) % period;
                place = size == 1 ? 0 : std::min(folded, period - folded);
            }
        }
        places.push_back(place);
    }
    return places;
}

Tensor padded(const Call& c, const Tensor& x, const Integers& pads, const std::string& mode, double value) {
    Shape result = x.shape();
    for (int i = 0; i < x.dim(); ++i) {
        const std::int64_t before = pads[static_cast<std::size_t>(i)];
        const std::int64_t after = pads[static_cast<std::size_t>(i + x.dim())];
        // What repeats an axis does not do so for ever.
        const std::int64_t far = std::int64_t{1} << (mode == "constant" ? 40 : 20);
        check<ValueError>(before > -far && before < far && after > -far && after < far, "pads of {} and {}",
                          before, after);
        result[i] += before + after;
    }
    (void)c.bounded(result);
    Tensor y = x;
    for (int i = 0; i < x.dim(); ++i) {
        const std::int64_t before = pads[static_cast<std::size_t>(i)];
        const std::int64_t after = pads[static_cast<std::size_t>(i + x.dim())];
        if (before == 0 && after == 0) continue;
        const std::int64_t size = y.size(i), start = std::max<std::int64_t>(0, -before);
        if (mode != "constant") {
            y = index_select(y, i, integers_of(padded_places(mode, size, before, after)).to(y.device()));
            continue;
        }
        // Negative amounts crop; what is left is joined with what is new.
        const std::int64_t stop = size - std::max<std::int64_t>(0, -after);
        std::vector<Tensor> parts;
        Shape shape = y.shape();
        const auto add = [&](std::int64_t amount) {
            if (amount <= 0) return;
            shape[i] = amount;
            parts.push_back(filled(shape, value, y));
        };
        add(before);
        parts.push_back(narrow(y, i, std::min(start, size), std::max<std::int64_t>(0, stop - start)));
        add(after);
        y = cat(parts, i);
    }
    return y;
}

/// Amounts for all axes, from those for some.
Integers amounts_for(const Integers& given, const Integers& axes, int rank) {
    check<ShapeError>(given.size() == 2 * axes.size(), "{} pads for {} axes", given.size(), axes.size());
    Integers all(static_cast<std::size_t>(2 * rank), 0);
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto axis = static_cast<std::size_t>(wrapped_axis(axes[i], rank));
        all[axis] = given[i];
        all[axis + static_cast<std::size_t>(rank)] = given[i + axes.size()];
    }
    return all;
}

/// Amounts and value are attributes before version 11, inputs from then on; from version 18 on for some axes.
Kernel pad_of(const Build& b) {
    const std::string mode = b.attributes.text("mode", "constant");
    check<ValueError>(mode == "constant" || mode == "edge" || mode == "reflect" || mode == "wrap",
                      "mode is \"{}\"", mode);
    const double value = b.attributes.real("value", 0);
    return [=, amounts = axes_of(b, 11, 1, b.opset < 2 ? "paddings" : "pads"),
            opset = b.opset](const Call& c) -> Values {
        const auto given = amounts(c);
        check<ValueError>(given.has_value(), "there are no pads");
        Integers axes;
        if (c.has(3))
            axes = c.integers(3);
        else
            for (int i = 0; i < c[0].dim(); ++i) axes.push_back(i);
        const double with = opset >= 11 && c.has(2) ? c.number(2) : value;
        return {Value(padded(c, c[0], amounts_for(*given, axes, c[0].dim()), mode, with), c.type(0))};
    };
}

/// Crops or pads each axis about its middle.
Kernel center_crop_pad(const Build& b) {
    return [given = b.attributes.integers("axes")](const Call& c) -> Values {
        const Integers wanted = c.integers(1);
        Integers axes = given.value_or(Integers{}), pads;
        if (!given)
            for (int i = 0; i < c[0].dim(); ++i) axes.push_back(i);
        check<ShapeError>(wanted.size() == axes.size(), "{} sizes for {} axes", wanted.size(), axes.size());
        Integers before, after;
        for (std::size_t i = 0; i < axes.size(); ++i) {
            check<ValueError>(wanted[i] >= 0, "a size of {} is asked for", wanted[i]);
            const std::int64_t more = wanted[i] - c[0].size(wrapped_axis(axes[i], c[0].dim()));
            const std::int64_t half = more >= 0 ? more / 2 : -(-more / 2);
            before.push_back(half);
            after.push_back(more - half);
        }
        before.insert(before.end(), after.begin(), after.end());
        return {Value(padded(c, c[0], amounts_for(before, axes, c[0].dim()), "constant", 0), c.type(0))};
    };
}

Kernel triangle(const Build& b) {
    return [upper = b.attributes.flag("upper", true)](const Call& c) -> Values {
        const std::int64_t far = c[0].dim() < 2 ? 0 : c[0].size(-1) + c[0].size(-2);
        const std::int64_t k = c.has(1) ? std::clamp<std::int64_t>(c.integer(1), -far, far) : 0;
        return {Value(upper ? triu(c[0], k) : tril(c[0], k), c.type(0))};
    };
}

/// The first elements of each sequence in reverse order, the others where they are.
Kernel reverse_sequence(const Build& b) {
    const std::int64_t time = b.attributes.integer("time_axis", 0);
    const std::int64_t batch = b.attributes.integer("batch_axis", 1);
    check<ValueError>(time + batch == 1 && time * batch == 0, "time_axis {} and batch_axis {}", time, batch);
    return [=](const Call& c) -> Values {
        const Integers lengths = c.integers(1);
        check<ShapeError>(c[0].dim() >= 2 && static_cast<std::int64_t>(lengths.size()) == c[0].size(batch),
                          "{} lengths for {}", lengths.size(), c[0].shape());
        std::vector<Tensor> sequences = unbind(c[0], static_cast<int>(batch));
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const std::int64_t size = sequences[i].size(0), length = lengths[i];
            check<ValueError>(length >= 0 && length <= size, "a length of {} of {}", length, size);
            sequences[i] = cat({flip(narrow(sequences[i], 0, 0, length), {0}),
                                narrow(sequences[i], 0, length, size - length)},
                               0);
        }
        return {Value(stack(sequences, static_cast<int>(batch)), c.type(0))};
    };
}

}  // namespace

std::span<const Row> cut_rows() {
    static constexpr Row rows[] = {
        {"CenterCropPad", 18, center_crop_pad, second_input},
        {"Pad", 1, pad_of, set_of({1, 2, 3})},
        {"ReverseSequence", 10, reverse_sequence, second_input},
        {"Slice", 1, slice_of, set_of({1, 2, 3, 4})},
        {"Split", 2, split_of, second_input},
        {"Trilu", 14, triangle, second_input},
    };
    return rows;
}

}  // namespace adjoint::onnx
