// Rows of the views and rearrangements: the reference says from which place each element comes.
#include <limits>

#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

using Source = std::function<double(const Array& x, const Shape& place)>;

void add(Rows& rows, const char* op, const char* variant, const Shape& from,
         std::function<Tensor(const Tensor&)> call, const Shape& to, Source source) {
    Row row;
    row.op = op;
    row.variant = variant;
    row.inputs = {{.shape = from}};
    row.call = [call = std::move(call)](const Tensors& in) { return Tensors{call(in[0])}; };
    row.reference = [to, source = std::move(source)](const Arrays& in) {
        return Arrays{build(to, [&](const Shape& place) { return source(in[0], place); })};
    };
    rows.push_back(std::move(row));
}

// The same elements in the same order under another shape.
void add_renamed(Rows& rows, const char* op, const char* variant, const Shape& from,
                 std::function<Tensor(const Tensor&)> call, const Shape& to) {
    Row row;
    row.op = op;
    row.variant = variant;
    row.inputs = {{.shape = from}};
    row.call = [call = std::move(call)](const Tensors& in) { return Tensors{call(in[0])}; };
    row.reference = [to](const Arrays& in) {
        Array out = in[0];
        out.shape = to;
        return Arrays{out};
    };
    rows.push_back(std::move(row));
}

void add_several(Rows& rows, const char* op, const char* variant, const Shape& from,
                 std::function<Tensors(const Tensor&)> call, int dim,
                 const std::vector<std::int64_t>& sizes) {
    Row row;
    row.op = op;
    row.variant = variant;
    row.inputs = {{.shape = from}};
    row.call = [call = std::move(call)](const Tensors& in) { return call(in[0]); };
    row.reference = [dim, sizes](const Arrays& in) {
        Arrays parts;
        std::int64_t start = 0;
        for (const std::int64_t size : sizes) {
            Shape shape = in[0].shape;
            shape[dim] = size;
            parts.push_back(build(shape, [&](Shape place) {
                place[dim] += start;
                return in[0].at(place);
            }));
            start += size;
        }
        return parts;
    };
    rows.push_back(std::move(row));
}

void add_renamings(Rows& rows) {
    add_renamed(rows, "reshape", "", {2, 6}, [](const Tensor& x) { return reshape(x, {3, 4}); }, {3, 4});
    add_renamed(rows, "reshape", "rest", {2, 3, 2},
                [](const Tensor& x) {
                    return reshape(x, {-1, 2});
                },
                {6, 2});
    add_renamed(rows, "reshape", "to_0d", {1, 1}, [](const Tensor& x) { return reshape(x, {}); }, {});
    add_renamed(rows, "reshape", "empty", {0, 3},
                [](const Tensor& x) {
                    return reshape(x, {3, 0, 2});
                },
                {3, 0, 2});
    add_renamed(rows, "flatten", "", {2, 3, 2}, [](const Tensor& x) { return flatten(x); }, {12});
    add_renamed(rows, "flatten", "part", {2, 3, 2}, [](const Tensor& x) { return flatten(x, 1); }, {2, 6});
    add_renamed(rows, "flatten", "0d", {}, [](const Tensor& x) { return flatten(x); }, {1});
    add_renamed(rows, "squeeze", "", {1, 3, 1, 2}, [](const Tensor& x) { return squeeze(x); }, {3, 2});
    add_renamed(rows, "squeeze", "dim", {1, 3, 1}, [](const Tensor& x) { return squeeze(x, -1); }, {1, 3});
    add_renamed(rows, "squeeze", "kept", {2, 3}, [](const Tensor& x) { return squeeze(x, 0); }, {2, 3});
    add_renamed(rows, "unsqueeze", "", {2, 3}, [](const Tensor& x) { return unsqueeze(x, 1); }, {2, 1, 3});
    add_renamed(rows, "unsqueeze", "last", {2, 3}, [](const Tensor& x) { return unsqueeze(x, -1); },
                {2, 3, 1});
    add_renamed(rows, "unsqueeze", "0d", {}, [](const Tensor& x) { return unsqueeze(x, 0); }, {1});
}

void add_views(Rows& rows) {
    const auto broadcast_source = [](const Array& x, const Shape& p) { return broadcast_at(x, p); };
    add(
        rows, "expand", "", {3, 1},
        [](const Tensor& x) {
            return expand(x, {2, 3, 4});
        },
        {2, 3, 4}, broadcast_source);
    add(
        rows, "expand", "keep", {3, 1},
        [](const Tensor& x) {
            return expand(x, {-1, 4});
        },
        {3, 4}, broadcast_source);
    add(
        rows, "expand", "to_nothing", {3, 1},
        [](const Tensor& x) {
            return expand(x, {3, 0});
        },
        {3, 0}, broadcast_source);
    add(
        rows, "broadcast_to", "", {4},
        [](const Tensor& x) {
            return broadcast_to(x, {3, 4});
        },
        {3, 4}, broadcast_source);
    add(
        rows, "broadcast_to", "0d", {},
        [](const Tensor& x) {
            return broadcast_to(x, {2, 2});
        },
        {2, 2}, broadcast_source);
    add(
        rows, "permute", "", {2, 3, 4},
        [](const Tensor& x) {
            return permute(x, {2, 0, -2});
        },
        {4, 2, 3},
        [](const Array& x, const Shape& p) {
            return x.at({p[1], p[2], p[0]});
        });
    add(
        rows, "transpose", "", {2, 3, 4}, [](const Tensor& x) { return transpose(x, 0, -1); }, {4, 3, 2},
        [](const Array& x, const Shape& p) {
            return x.at({p[2], p[1], p[0]});
        });
    add(
        rows, "t", "", {2, 3}, [](const Tensor& x) { return t(x); }, {3, 2},
        [](const Array& x, const Shape& p) {
            return x.at({p[1], p[0]});
        });
    add(
        rows, "t", "vector", {3}, [](const Tensor& x) { return t(x); }, {3},
        [](const Array& x, const Shape& p) { return x.at(p); });
    add(
        rows, "narrow", "", {3, 5}, [](const Tensor& x) { return narrow(x, 1, 1, 3); }, {3, 3},
        [](const Array& x, const Shape& p) {
            return x.at({p[0], p[1] + 1});
        });
    add(
        rows, "narrow", "from_end", {4, 2}, [](const Tensor& x) { return narrow(x, 0, -2, 2); }, {2, 2},
        [](const Array& x, const Shape& p) {
            return x.at({p[0] + 2, p[1]});
        });
    add(
        rows, "narrow", "empty", {4, 2}, [](const Tensor& x) { return narrow(x, 0, 4, 0); }, {0, 2},
        [](const Array& x, const Shape& p) { return x.at(p); });
    add(
        rows, "slice", "step", {7, 2}, [](const Tensor& x) { return slice(x, 0, 1, 6, 2); }, {3, 2},
        [](const Array& x, const Shape& p) {
            return x.at({1 + 2 * p[0], p[1]});
        });
    add(
        rows, "slice", "negative", {2, 6}, [](const Tensor& x) { return slice(x, -1, -4, -1); }, {2, 3},
        [](const Array& x, const Shape& p) {
            return x.at({p[0], p[1] + 2});
        });
    add(
        rows, "slice", "too_far", {4}, [](const Tensor& x) { return slice(x, 0, -9, 9, 3); }, {2},
        [](const Array& x, const Shape& p) { return x[3 * p[0]]; });
    add(
        rows, "slice", "crossed", {4}, [](const Tensor& x) { return slice(x, 0, 3, 1); }, {0},
        [](const Array& x, const Shape& p) { return x.at(p); });
    add(
        rows, "slice", "far_step", {4, 3},
        [](const Tensor& x) { return slice(x, 0, 1, 9, std::numeric_limits<std::int64_t>::max()); }, {1, 3},
        [](const Array& x, const Shape& p) {
            return x.at({1, p[1]});
        });
    add(
        rows, "select", "", {3, 4}, [](const Tensor& x) { return select(x, 0, -1); }, {4},
        [](const Array& x, const Shape& p) {
            return x.at({2, p[0]});
        });
    add(
        rows, "select", "to_0d", {3}, [](const Tensor& x) { return select(x, 0, 1); }, {},
        [](const Array& x, const Shape&) { return x[1]; });
}

void add_parts(Rows& rows) {
    add_several(rows, "split", "even", {5, 2}, [](const Tensor& x) { return split(x, 2); }, 0, {2, 2, 1});
    add_several(rows, "split", "sizes", {2, 6},
                [](const Tensor& x) {
                    return split(x, std::vector<std::int64_t>{1, 0, 5}, 1);
                },
                1, {1, 0, 5});
    add_several(rows, "chunk", "", {2, 7}, [](const Tensor& x) { return chunk(x, 3, -1); }, 1, {3, 3, 1});
    add_several(rows, "chunk", "fewer", {4}, [](const Tensor& x) { return chunk(x, 3); }, 0, {2, 2});

    struct Joined {
        const char* variant;
        int dim;
        Shape a, b, c;
    };
    for (const Joined& j : {Joined{"", 0, {2, 3}, {1, 3}, {3, 3}}, Joined{"last", -1, {2, 3}, {2, 1}, {2, 2}},
                            Joined{"empty", 0, {2, 2}, {0, 2}, {1, 2}}, Joined{"vector", 0, {2}, {3}, {1}}}) {
        Row row;
        row.op = "cat";
        row.variant = j.variant;
        row.inputs = {{.shape = j.a}, {.shape = j.b}, {.shape = j.c}};
        row.call = [d = j.dim](const Tensors& in) { return Tensors{cat(in, d)}; };
        row.reference = [d = j.dim](const Arrays& in) {
            const int dim = d < 0 ? d + in[0].shape.size() : d;
            Shape shape = in[0].shape;
            for (std::size_t i = 1; i < in.size(); ++i) shape[dim] += in[i].shape[dim];
            return Arrays{build(shape, [&](Shape p) {
                std::size_t part = 0;
                while (p[dim] >= in[part].shape[dim]) p[dim] -= in[part++].shape[dim];
                return in[part].at(p);
            })};
        };
        rows.push_back(std::move(row));
    }
    for (const int dim : {0, 1, -1}) {
        Row row;
        row.op = "stack";
        row.variant = dim == 0 ? "first" : (dim == 1 ? "middle" : "last");
        row.inputs = {{.shape = {2, 3}}, {.shape = {2, 3}}, {.shape = {2, 3}}};
        row.call = [dim](const Tensors& in) { return Tensors{stack(in, dim)}; };
        row.reference = [dim](const Arrays& in) {
            const int at = dim < 0 ? 2 : dim;
            Shape shape = in[0].shape;
            shape.insert(at, 3);
            return Arrays{build(shape, [&](Shape p) {
                const auto part = static_cast<std::size_t>(p[at]);
                p.erase(at);
                return in[part].at(p);
            })};
        };
        rows.push_back(std::move(row));
    }
    Row numbers;
    numbers.op = "stack";
    numbers.variant = "0d";
    numbers.inputs = {{.shape = {}}, {.shape = {}}};
    numbers.call = [](const Tensors& in) { return Tensors{stack(in)}; };
    numbers.reference = [](const Arrays& in) {
        return Arrays{build({2}, [&](const Shape& p) { return in[static_cast<std::size_t>(p[0])][0]; })};
    };
    rows.push_back(std::move(numbers));
}

void add_rearrangements(Rows& rows) {
    add(
        rows, "repeat", "", {2, 3},
        [](const Tensor& x) {
            return repeat(x, {2, 2});
        },
        {4, 6},
        [](const Array& x, const Shape& p) {
            return x.at({p[0] % 2, p[1] % 3});
        });
    add(
        rows, "repeat", "rank", {3},
        [](const Tensor& x) {
            return repeat(x, {2, 3});
        },
        {2, 9}, [](const Array& x, const Shape& p) { return x[p[1] % 3]; });
    add(
        rows, "repeat", "none", {3}, [](const Tensor& x) { return repeat(x, {0}); }, {0},
        [](const Array& x, const Shape& p) { return x.at(p); });
    add(
        rows, "flip", "", {3, 4}, [](const Tensor& x) { return flip(x, {0}); }, {3, 4},
        [](const Array& x, const Shape& p) {
            return x.at({2 - p[0], p[1]});
        });
    add(
        rows, "flip", "both", {3, 4},
        [](const Tensor& x) {
            return flip(x, {-1, 0});
        },
        {3, 4},
        [](const Array& x, const Shape& p) {
            return x.at({2 - p[0], 3 - p[1]});
        });
    add(
        rows, "roll", "", {5, 2}, [](const Tensor& x) { return roll(x, {2}, {0}); }, {5, 2},
        [](const Array& x, const Shape& p) {
            return x.at({(p[0] + 3) % 5, p[1]});
        });
    add(
        rows, "roll", "two", {3, 4},
        [](const Tensor& x) {
            return roll(x, {-1, 5}, {0, 1});
        },
        {3, 4},
        [](const Array& x, const Shape& p) {
            return x.at({(p[0] + 1) % 3, (p[1] + 3) % 4});
        });

    // Padding of two columns left, one right, and one row above.
    const auto pad_by = [](PadMode mode) {
        return [mode](const Tensor& x) {
            return pad(x, {2, 1, 1, 0}, mode, mode == PadMode::constant ? 1.5 : 0.0);
        };
    };
    add(rows, "pad", "constant", {3, 4}, pad_by(PadMode::constant), {4, 7},
        [](const Array& x, const Shape& p) {
            const std::int64_t r = p[0] - 1, c = p[1] - 2;
            return r < 0 || c < 0 || c >= 4 ? 1.5 : x.at({r, c});
        });
    add(rows, "pad", "reflect", {3, 4}, pad_by(PadMode::reflect), {4, 7}, [](const Array& x, const Shape& p) {
        const std::int64_t r = p[0] - 1, c = p[1] - 2;
        return x.at({r < 0 ? -r : r, c < 0 ? -c : (c >= 4 ? 6 - c : c)});
    });
    add(rows, "pad", "replicate", {3, 4}, pad_by(PadMode::replicate), {4, 7},
        [](const Array& x, const Shape& p) {
            const std::int64_t r = p[0] - 1, c = p[1] - 2;
            return x.at({r < 0 ? 0 : r, c < 0 ? 0 : (c >= 4 ? 3 : c)});
        });
    add(rows, "pad", "circular", {3, 4}, pad_by(PadMode::circular), {4, 7},
        [](const Array& x, const Shape& p) {
            return x.at({(p[0] + 2) % 3, (p[1] + 2) % 4});
        });
    add(
        rows, "pad", "croppedcircle", {2, 4},
        [](const Tensor& x) {
            return pad(x, {-1, 2}, PadMode::circular);
        },
        {2, 5},
        [](const Array& x, const Shape& p) {
            return x.at({p[0], 1 + p[1] % 3});
        });
    add(
        rows, "pad", "crop", {3, 4},
        [](const Tensor& x) {
            return pad(x, {-1, 1});
        },
        {3, 4},
        [](const Array& x, const Shape& p) {
            return p[1] == 3 ? 0.0 : x.at({p[0], p[1] + 1});
        });

    for (const int diagonal : {0, 1, -1}) {
        const char* variant = diagonal == 0 ? "" : (diagonal > 0 ? "above" : "below");
        add(
            rows, "tril", variant, {3, 4}, [diagonal](const Tensor& x) { return tril(x, diagonal); }, {3, 4},
            [diagonal](const Array& x, const Shape& p) { return p[1] - p[0] <= diagonal ? x.at(p) : 0.0; });
        add(
            rows, "triu", variant, {3, 4}, [diagonal](const Tensor& x) { return triu(x, diagonal); }, {3, 4},
            [diagonal](const Array& x, const Shape& p) { return p[1] - p[0] >= diagonal ? x.at(p) : 0.0; });
    }
    add(
        rows, "tril", "batch", {2, 2, 2}, [](const Tensor& x) { return tril(x); }, {2, 2, 2},
        [](const Array& x, const Shape& p) { return p[2] <= p[1] ? x.at(p) : 0.0; });
    add(
        rows, "diag", "of_matrix", {3, 4}, [](const Tensor& x) { return diag(x); }, {3},
        [](const Array& x, const Shape& p) {
            return x.at({p[0], p[0]});
        });
    add(
        rows, "diag", "above", {3, 4}, [](const Tensor& x) { return diag(x, 2); }, {2},
        [](const Array& x, const Shape& p) {
            return x.at({p[0], p[0] + 2});
        });
    add(
        rows, "diag", "below", {3, 4}, [](const Tensor& x) { return diag(x, -1); }, {2},
        [](const Array& x, const Shape& p) {
            return x.at({p[0] + 1, p[0]});
        });
    add(
        rows, "diag", "to_matrix", {2}, [](const Tensor& x) { return diag(x, -1); }, {3, 3},
        [](const Array& x, const Shape& p) { return p[0] == p[1] + 1 ? x[p[1]] : 0.0; });
}

}  // namespace

void add_shape(Rows& rows) {
    add_renamings(rows);
    add_views(rows);
    add_parts(rows);
    add_rearrangements(rows);
}

}  // namespace adjoint::table
