// Rows of the poolings.
#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/fractional_pooling.h>
#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/core/tensor/creation.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

struct Settings {
    HeightWidth kernel, stride, padding = 0, dilation = 1;
    bool ceil_mode = false;
};

std::int64_t windows(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                     std::int64_t dilation, bool ceil_mode) {
    std::int64_t count = 0;
    // A window counts if it fits, or, with ceil_mode, if it begins in the image or before it.
    for (std::int64_t start = -padding;; start += stride, ++count) {
        const bool fits = start + dilation * (kernel - 1) < size + padding;
        const bool begins =
            ceil_mode && start < size && start - stride + dilation * (kernel - 1) < size + padding - 1;
        if (!fits && !begins) return count;
    }
}

// f(plane number, places of the window inside the plane, number of places with padding) for each window.
using Visit = std::function<double(std::int64_t, const std::vector<std::int64_t>&, std::int64_t)>;

Array pooled(const Array& x, const Settings& s, const Visit& f) {
    const int rank = x.shape.size();
    const std::int64_t height = x.shape[rank - 2], width = x.shape[rank - 1];
    Shape shape = x.shape;
    shape[rank - 2] =
        windows(height, s.kernel.height, s.stride.height, s.padding.height, s.dilation.height, s.ceil_mode);
    shape[rank - 1] =
        windows(width, s.kernel.width, s.stride.width, s.padding.width, s.dilation.width, s.ceil_mode);
    std::int64_t output = 0;
    const std::int64_t per_plane = shape[rank - 2] * shape[rank - 1];
    return build(shape, [&](const Shape& at) {
        std::vector<std::int64_t> places;
        std::int64_t padded = 0;
        for (std::int64_t i = 0; i < s.kernel.height; ++i) {
            for (std::int64_t j = 0; j < s.kernel.width; ++j) {
                const std::int64_t h =
                    at[rank - 2] * s.stride.height - s.padding.height + i * s.dilation.height;
                const std::int64_t w = at[rank - 1] * s.stride.width - s.padding.width + j * s.dilation.width;
                padded += h < height + s.padding.height && w < width + s.padding.width;
                if (h >= 0 && w >= 0 && h < height && w < width) places.push_back(h * width + w);
            }
        }
        return f(output++ / per_plane, places, padded);
    });
}

std::int64_t winner(const Array& x, std::int64_t base, const std::vector<std::int64_t>& places) {
    std::int64_t best = places.at(0);
    for (const std::int64_t place : places) {
        const double value = x[base + place], top = x[base + best];
        if (value > top || (std::isnan(value) && !std::isnan(top))) best = place;
    }
    return best;
}

Arrays max_reference(const Array& x, const Settings& s, bool with_indices) {
    const int rank = x.shape.size();
    const std::int64_t plane = x.shape[rank - 2] * x.shape[rank - 1];
    Arrays out{pooled(x, s, [&](std::int64_t p, const std::vector<std::int64_t>& places, std::int64_t) {
        return x[p * plane + winner(x, p * plane, places)];
    })};
    if (with_indices)
        out.push_back(
            pooled(x, s, [&](std::int64_t p, const std::vector<std::int64_t>& places, std::int64_t) {
                return static_cast<double>(winner(x, p * plane, places));
            }));
    return out;
}

Array average_reference(const Array& x, const Settings& s, bool count_padding, std::int64_t divisor) {
    const int rank = x.shape.size();
    const std::int64_t plane = x.shape[rank - 2] * x.shape[rank - 1];
    return pooled(x, s, [&](std::int64_t p, const std::vector<std::int64_t>& places, std::int64_t padded) {
        double total = 0;
        for (const std::int64_t place : places) total += x[p * plane + place];
        const auto inside = static_cast<std::int64_t>(places.size());
        return total / static_cast<double>(divisor > 0 ? divisor : (count_padding ? padded : inside));
    });
}

struct MaxCase {
    const char* variant;
    Shape x;
    Settings settings;
};

void add_max(Rows& rows) {
    const MaxCase cases[] = {
        {"plain", {2, 3, 4, 6}, {.kernel = 2, .stride = 2}},
        {"overlap", {1, 2, 5, 6}, {.kernel = 3, .stride = 1, .padding = 1}},
        {"rectangle", {2, 1, 6, 7}, {.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0}}},
        {"dilated", {1, 2, 7, 6}, {.kernel = {2, 3}, .stride = 2, .padding = 1, .dilation = {3, 2}}},
        {"ceil", {1, 2, 6, 7}, {.kernel = 3, .stride = {2, 4}, .padding = {0, 1}, .ceil_mode = true}},
        {"ceildropped", {1, 1, 4, 5}, {.kernel = 2, .stride = {3, 4}, .padding = 1, .ceil_mode = true}},
        {"ceilbeyond", {1, 2, 2, 2}, {.kernel = 3, .stride = 2, .ceil_mode = true}},
        {"unbatched", {2, 4, 4}, {.kernel = 2, .stride = 2}},
        {"nosamples", {0, 2, 4, 4}, {.kernel = 2, .stride = 2}},
    };
    for (const bool with_indices : {false, true}) {
        for (const MaxCase& c : cases) {
            Row row;
            row.op = with_indices ? "max_pool2d_with_indices" : "max_pool2d";
            row.variant = c.variant;
            row.inputs = {{.shape = c.x, .kind = Input::Kind::distinct}};
            row.on_distinct_only = true;
            row.call = [s = c.settings, with_indices](const Tensors& in) {
                const MaxPool2dOptions options{.stride = s.stride,
                                               .padding = s.padding,
                                               .dilation = s.dilation,
                                               .ceil_mode = s.ceil_mode};
                if (!with_indices) return Tensors{max_pool2d(in[0], s.kernel, options)};
                const ValuesIndices y = max_pool2d_with_indices(in[0], s.kernel, options);
                return Tensors{y.values, y.indices};
            };
            row.reference = [s = c.settings, with_indices](const Arrays& in) {
                return max_reference(in[0], s, with_indices);
            };
            rows.push_back(std::move(row));
        }
    }

    // Ties go to the first in window order, NaN wins, and padding is not 0.
    constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                     inf = std::numeric_limits<double>::infinity();
    Row special;
    special.op = "max_pool2d_with_indices";
    special.variant = "special";
    special.inputs = {{.shape = {1, 1, 4, 4},
                       .kind = Input::Kind::fixed,
                       .values = {-1, -1, -3, -3, -1, -1, -3, -2, nan, 1, -inf, -inf, 2, nan, -inf, -inf}}};
    special.differentiable = false;
    const Settings s{.kernel = 2, .stride = 2, .padding = 1};
    special.call = [s](const Tensors& in) {
        const ValuesIndices y = max_pool2d_with_indices(in[0], s.kernel,
                                                        {.stride = s.stride, .padding = s.padding}),
                            z = max_pool2d_with_indices(in[0], 2);
        return Tensors{y.values, y.indices, z.values, z.indices};
    };
    special.reference = [s](const Arrays& in) {
        Arrays out = max_reference(in[0], s, true);
        for (const Array& more : max_reference(in[0], {.kernel = 2, .stride = 2}, true)) out.push_back(more);
        return out;
    };
    rows.push_back(std::move(special));
}

void add_average(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        Settings settings;
        bool count_padding = true;
        std::int64_t divisor = 0;
    };
    const Case cases[] = {
        {"plain", {2, 3, 4, 6}, {.kernel = 2, .stride = 2}},
        {"overlap", {1, 2, 5, 6}, {.kernel = {3, 2}, .stride = 1, .padding = 1}},
        {"withoutpadding", {1, 2, 5, 6}, {.kernel = 3, .stride = 2, .padding = 1}, false},
        {"ceil", {1, 2, 6, 7}, {.kernel = 3, .stride = {2, 3}, .padding = {0, 1}, .ceil_mode = true}},
        {"ceilwithoutpadding",
         {1, 2, 6, 6},
         {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true},
         false},
        {"ceilbeyond", {1, 2, 2, 3}, {.kernel = {3, 4}, .stride = 2, .ceil_mode = true}},
        {"divisor", {1, 2, 4, 4}, {.kernel = 2, .stride = 1}, true, 3},
        {"unbatched", {2, 4, 4}, {.kernel = 2, .stride = 2}},
    };
    for (const Case& c : cases) {
        Row row;
        row.op = "avg_pool2d";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        row.call = [c](const Tensors& in) {
            return Tensors{avg_pool2d(in[0], c.settings.kernel,
                                      {.stride = c.settings.stride,
                                       .padding = c.settings.padding,
                                       .ceil_mode = c.settings.ceil_mode,
                                       .count_include_pad = c.count_padding,
                                       .divisor_override = c.divisor})};
        };
        row.reference = [c](const Arrays& in) {
            return Arrays{average_reference(in[0], c.settings, c.count_padding, c.divisor)};
        };
        rows.push_back(std::move(row));
    }
}

Array with_height(Array x) {
    x.shape.insert(x.shape.size() - 1, 1);
    return x;
}
Array without_height(Array x) {
    x.shape.erase(x.shape.size() - 2);
    return x;
}

void add_sequences(Rows& rows) {
    for (const bool batched : {true, false}) {
        const Settings s{.kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}, .ceil_mode = true};
        Row largest;
        largest.op = "max_pool1d";
        largest.variant = batched ? "plain" : "unbatched";
        largest.inputs = {{.shape = batched ? Shape{2, 2, 8} : Shape{2, 8}, .kind = Input::Kind::distinct}};
        largest.on_distinct_only = true;
        largest.call = [](const Tensors& in) {
            return Tensors{max_pool1d(in[0], 3, {.stride = 2, .padding = 1, .ceil_mode = true}),
                           max_pool1d(in[0], 2)};
        };
        largest.reference = [s](const Arrays& in) {
            const Array x = with_height(in[0]);
            return Arrays{without_height(max_reference(x, s, false)[0]),
                          without_height(max_reference(x, {.kernel = {1, 2}, .stride = {1, 2}}, false)[0])};
        };
        rows.push_back(std::move(largest));

        Row average;
        average.op = "avg_pool1d";
        average.variant = batched ? "plain" : "unbatched";
        average.inputs = {{.shape = batched ? Shape{2, 2, 8} : Shape{2, 8}}};
        average.call = [](const Tensors& in) {
            return Tensors{
                avg_pool1d(in[0], 3,
                           {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
                avg_pool1d(in[0], 2)};
        };
        average.reference = [s](const Arrays& in) {
            const Array x = with_height(in[0]);
            return Arrays{
                without_height(average_reference(x, s, false, 0)),
                without_height(average_reference(x, {.kernel = {1, 2}, .stride = {1, 2}}, true, 0))};
        };
        rows.push_back(std::move(average));
    }
}

void add_adaptive(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        HeightWidth size;
    };
    const Case cases[] = {{"even", {2, 2, 4, 6}, {2, 3}},
                          {"uneven", {2, 2, 5, 7}, {3, 4}},
                          {"one", {1, 3, 4, 5}, 1},
                          {"larger", {1, 1, 2, 3}, {3, 5}},
                          {"unbatched", {2, 5, 4}, {2, 3}}};
    for (const Case& c : cases) {
        Row row;
        row.op = "adaptive_avg_pool2d";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        row.call = [size = c.size](const Tensors& in) { return Tensors{adaptive_avg_pool2d(in[0], size)}; };
        row.reference = [size = c.size](const Arrays& in) {
            const Array& x = in[0];
            const int rank = x.shape.size();
            const auto height = static_cast<double>(x.shape[rank - 2]),
                       width = static_cast<double>(x.shape[rank - 1]);
            const auto rows_wanted = static_cast<double>(size.height),
                       columns_wanted = static_cast<double>(size.width);
            Shape shape = x.shape;
            shape[rank - 2] = size.height;
            shape[rank - 1] = size.width;
            return Arrays{build(shape, [&](const Shape& at) {
                const auto i = static_cast<double>(at[rank - 2]), j = static_cast<double>(at[rank - 1]);
                double total = 0, count = 0;
                Shape place = at;
                for (double h = std::floor(i * height / rows_wanted);
                     h < std::ceil((i + 1) * height / rows_wanted); ++h)
                    for (double w = std::floor(j * width / columns_wanted);
                         w < std::ceil((j + 1) * width / columns_wanted); ++w) {
                        place[rank - 2] = static_cast<std::int64_t>(h);
                        place[rank - 1] = static_cast<std::int64_t>(w);
                        total += x.at(place);
                        ++count;
                    }
                return total / count;
            })};
        };
        rows.push_back(std::move(row));
    }
}

void add_maxout(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        std::int64_t pieces;
        int dim;
    };
    for (const Case& c :
         {Case{"channels", {2, 6, 3}, 3, 1}, {"last", {3, 4}, 2, -1}, {"nosamples", {0, 4}, 2, 1}}) {
        Row row;
        row.op = "maxout";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x, .kind = Input::Kind::distinct}};
        row.on_distinct_only = true;
        row.call = [c](const Tensors& in) { return Tensors{maxout(in[0], c.pieces, c.dim)}; };
        row.reference = [c](const Arrays& in) {
            const int d = c.dim < 0 ? c.dim + c.x.size() : c.dim;
            Shape shape = c.x;
            shape[d] /= c.pieces;
            return Arrays{build(shape, [&](Shape place) {
                double best = -std::numeric_limits<double>::infinity();
                place[d] *= c.pieces;
                for (std::int64_t i = 0; i < c.pieces; ++i, ++place[d])
                    best = std::max(best, in[0].at(place));
                return best;
            })};
        };
        rows.push_back(std::move(row));
    }
}

// Where fractional pooling's windows begin along one axis, from the formula of its header.
std::vector<std::int64_t> fractional_starts(std::int64_t size, std::int64_t kernel, std::int64_t count,
                                            double u) {
    std::vector<std::int64_t> starts;
    const double a = static_cast<double>(size - kernel) / static_cast<double>(count - 1);
    for (std::int64_t i = 0; i + 1 < count; ++i)
        starts.push_back(
            static_cast<std::int64_t>(std::floor((static_cast<double>(i) + u) * a) - std::floor(u * a)));
    starts.push_back(size - kernel);
    return starts;
}

void add_fractional(Rows& rows) {
    struct Case {
        const char* variant;
        Shape x;
        HeightWidth kernel, size;
    };
    const Case cases[] = {{"plain", {2, 2, 7, 6}, 2, {4, 3}},
                          {"one", {1, 1, 3, 4}, {2, 3}, 1},
                          {"unbatched", {2, 5, 5}, {1, 2}, {3, 4}}};
    for (const Case& c : cases) {
        Row row;
        row.op = "fractional_max_pool2d";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x, .kind = Input::Kind::distinct}};
        row.on_distinct_only = true;
        row.call = [c](const Tensors& in) {
            return Tensors{fractional_max_pool2d(
                in[0], c.kernel,
                {.output_size = c.size, .samples = tensor({0.7, 0.2}, {.dtype = DType::f64})})};
        };
        row.reference = [c](const Arrays& in) {
            const Array& x = in[0];
            const int rank = x.shape.size();
            const auto tops = fractional_starts(x.shape[rank - 2], c.kernel.height, c.size.height, 0.7),
                       lefts = fractional_starts(x.shape[rank - 1], c.kernel.width, c.size.width, 0.2);
            Shape shape = x.shape;
            shape[rank - 2] = c.size.height;
            shape[rank - 1] = c.size.width;
            return Arrays{build(shape, [&](const Shape& at) {
                double best = -std::numeric_limits<double>::infinity();
                Shape place = at;
                for (std::int64_t i = 0; i < c.kernel.height; ++i)
                    for (std::int64_t j = 0; j < c.kernel.width; ++j) {
                        place[rank - 2] = tops[static_cast<std::size_t>(at[rank - 2])] + i;
                        place[rank - 1] = lefts[static_cast<std::size_t>(at[rank - 1])] + j;
                        best = std::max(best, x.at(place));
                    }
                return best;
            })};
        };
        rows.push_back(std::move(row));
    }
}

}  // namespace

void add_pooling(Rows& rows) {
    add_max(rows);
    add_average(rows);
    add_sequences(rows);
    add_adaptive(rows);
    add_maxout(rows);
    add_fractional(rows);
}

}  // namespace adjoint::table
