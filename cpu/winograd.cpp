// Which tiles and filters of a Winograd convolution are worked on together; it follows from sizes alone, and
// so does the order of every sum.
#include <algorithm>

#include <adjoint/cpu/activate.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/tasks.h>
#include <adjoint/cpu/winograd.h>

namespace adjoint::cpu {
namespace {

// y = activation(x) for the outputs that a strip wrote, x its own place.
void activate_strip(const WinogradStrip& strip, Activation activation, float* y) {
    const std::int64_t rows = std::min<std::int64_t>(winograd_outputs, strip.height - strip.row);
    const std::int64_t columns = std::min(strip.tiles * winograd_outputs, strip.width - strip.column);
    for (std::int64_t channel = 0; channel < strip.channels; ++channel)
        for (std::int64_t i = 0; i < rows; ++i) {
            const std::int64_t at = (channel * strip.height + strip.row + i) * strip.width + strip.column;
            activate(activation, DType::f32, y + at, strip.to + at, columns);
        }
}

// A row of tiles of a sample, or part of one that is long: where its outputs begin.
struct Strip {
    std::int64_t sample, row, column, tiles;
};

// The outputs of all samples: tiles in strips, strips in blocks, whose points stay in the second-level cache.
class Tiling {
  public:
    Tiling(const Windows& windows, std::int64_t all, std::int64_t most)
        : columns_(ceil_div(windows.output[1], winograd_outputs)),
          rows_(ceil_div(windows.output[0], winograd_outputs)) {
        const std::int64_t most_tiles = windows.batch * rows_ * columns_ <= all ? all : most;
        parts_ = ceil_div(columns_, most_tiles);
        length_ = ceil_div(columns_, parts_);
        strips_ = windows.batch * rows_ * parts_;
        block_ = ceil_div(strips_, ceil_div(strips_, std::max<std::int64_t>(1, most_tiles / length_)));
    }
    std::int64_t blocks() const { return ceil_div(strips_, block_); }
    /// Tiles at most in a strip, in a block.
    std::int64_t strip_tiles() const { return length_; }
    std::int64_t block_tiles() const { return block_ * length_; }
    /// Calls f(strip, tiles before it) for the strips of a block. Returns their tiles.
    template <class F> std::int64_t each(std::int64_t block, F f) const {
        std::int64_t tiles = 0;
        for (std::int64_t s = block * block_; s < std::min((block + 1) * block_, strips_); ++s) {
            const std::int64_t first = s % parts_ * length_, row = s / parts_ % rows_;
            const Strip strip{s / parts_ / rows_, row * winograd_outputs, first * winograd_outputs,
                              std::min(length_, columns_ - first)};
            f(strip, tiles);
            tiles += strip.tiles;
        }
        return tiles;
    }

  private:
    std::int64_t columns_, rows_, parts_, length_, strips_, block_;
};

// Tiles of a block whose image should stay in the second-level cache with those of its products that are read
// again; and so many that they are no blocks of their own, as then filters would be read twice for few tiles.
constexpr std::int64_t most_tiles = 28, few_tiles = 42;

// Points a multiple of a page apart would fall into the same few lines of the cache.
constexpr std::int64_t point_step(std::int64_t elements) {
    return elements % 256 == 0 ? elements + 16 : elements;
}

// The sizes of a convolution's parts: a group's filters lie in panels,
// their points (panel, point, channel, filter).
struct Plan {
    /// Blocks of at most `most` tiles; `all` tiles or fewer are one.
    Plan(const Convolution& convolution, std::int64_t all, std::int64_t most)
        : c(convolution), tiling(c.windows, all, most) {}

    const Convolution& c;
    Tiling tiling;
    const WinogradKernels& kernel = kernels().winograd;
    std::int64_t channels = c.group_channels(), filters = c.group_filters();
    std::int64_t panels = ceil_div(filters, kernel.most_filters);
    // Of the filters of a block that is alone so many channels at a time that their points stay in the cache.
    std::int64_t slice = alone() ? std::min<std::int64_t>(channels, 128) : channels;
    std::int64_t filter_step = point_step(round_up(slice, kernel.lanes) * kernel.most_filters);
    std::int64_t panel_size = winograd_points * filter_step;
    std::int64_t group_size = panels * panel_size;
    std::int64_t channel_step = tiling.block_tiles() * kernel.lanes;
    std::int64_t image_step = point_step(ceil_div(channels, kernel.lanes) * channel_step);
    std::int64_t output_step = point_step(tiling.block_tiles() * kernel.most_filters);
    std::int64_t image_size() const { return winograd_points * image_step; }
    // Tasks for one block. Where there are few blocks the panels are shared out.
    std::int64_t shares(std::int64_t pieces) const {
        constexpr std::int64_t wanted = 8;
        return std::clamp<std::int64_t>(wanted / pieces, 1, panels);
    }
    /// A panel of filters is met by one task alone.
    bool alone() const { return tiling.blocks() == 1; }
    std::int64_t first_filter(std::int64_t group, std::int64_t panel) const {
        return group * filters + panel * kernel.most_filters;
    }
    std::int64_t panel_filters(std::int64_t panel) const {
        return std::min(kernel.most_filters, filters - panel * kernel.most_filters);
    }
    std::int64_t panel_work() const {
        return tiling.block_tiles() * winograd_points * channels * kernel.most_filters / 8;
    }
    /// Calls f(channel, channels) for each slice.
    template <class F> void each_slice(F f) const {
        for (std::int64_t first = 0; first < channels; first += slice)
            f(first, std::min(slice, channels - first));
    }
};

// A block of tiles and a panel of filters in the memory of a thread; of a block that is alone the points of
// some of the panel's channels as well, which then stay in the cache. The image may be there already.
class Block {
  public:
    Block(const Plan& plan, std::int64_t group, std::int64_t block, float* image)
        : plan_(plan), group_(group), block_(block), image_(image) {
        const std::int64_t own = image ? 0 : plan.image_size(),
                           filter = plan.alone() ? round_up(plan.panel_size, 16) : 0,
                           output = winograd_points * plan.output_step;
        const std::int64_t pixels =  // 6 rows under the tiles of a strip
            6 * (plan.tiling.strip_tiles() * winograd_outputs + 2) * plan.kernel.lanes;
        auto* const memory = static_cast<float*>(
            scratch(static_cast<std::size_t>(own + filter + output + pixels) * sizeof(float)));
        if (!image) image_ = memory;
        filter_ = memory + own;
        output_ = filter_ + filter;
        pixels_ = output_ + output;
    }
    float* filter() const { return filter_; }

    /// Part `part` of `parts`, which may be read at the same time.
    void read_image(const float* x, std::int64_t part = 0, std::int64_t parts = 1) const {
        const Windows& w = plan_.c.windows;
        std::int64_t number = 0;
        plan_.tiling.each(block_, [&](const Strip& strip, std::int64_t tile) {
            if (number++ % parts != part) return;
            const std::int64_t plane = strip.sample * w.channels + group_ * plan_.channels;
            plan_.kernel.image_points({.from = x + plane * w.plane(),
                                       .to = image_ + tile * plan_.kernel.lanes,
                                       .channels = plan_.channels,
                                       .height = w.size[0],
                                       .width = w.size[1],
                                       .row = strip.row - w.padding[0],
                                       .column = strip.column - w.padding[1],
                                       .tiles = strip.tiles,
                                       .point_step = plan_.image_step,
                                       .channel_step = plan_.channel_step,
                                       .tile_step = plan_.kernel.lanes,
                                       .scratch = pixels_});
        });
    }
    void write_outputs(std::int64_t panel, float* y, const Epilogue& epilogue) const {
        const auto* const bias = static_cast<const float*>(epilogue.bias);
        auto* const sums = static_cast<float*>(epilogue.sums_or(y));
        each_output(panel, [&](WinogradStrip strip, std::int64_t plane, float* points) {
            strip.from = points;
            strip.to = sums + plane;
            strip.epilogue = epilogue;
            strip.epilogue.bias = bias != nullptr ? bias + plan_.first_filter(group_, panel) : nullptr;
            plan_.kernel.outputs(strip);
            if (is_left(epilogue)) activate_strip(strip, epilogue.activation, y + plane);
        });
    }
    void read_gradient(std::int64_t panel, const float* g) const {
        each_output(panel, [&](WinogradStrip strip, std::int64_t plane, float* points) {
            strip.from = g + plane;
            strip.to = points;
            plan_.kernel.gradient_points(strip);
        });
    }
    WinogradProduct product(std::int64_t panel, float* filter, std::int64_t channel,
                            std::int64_t channels) const {
        return {.image = image_ + channel / plan_.kernel.lanes * plan_.channel_step,
                .filter = filter,
                .output = output_,
                .tiles = plan_.tiling.each(block_, [](const Strip&, std::int64_t) {}),
                .channels = channels,
                .filters = row(panel),
                .image_step = plan_.image_step,
                .channel_step = plan_.channel_step,
                .filter_step = plan_.filter_step,
                .output_step = plan_.output_step};
    }

  private:
    std::int64_t row(std::int64_t panel) const {
        return round_up(plan_.panel_filters(panel), plan_.kernel.lanes);
    }
    template <class F> void each_output(std::int64_t panel, F f) const {
        const Windows& w = plan_.c.windows;
        plan_.tiling.each(block_, [&](const Strip& strip, std::int64_t tile) {
            const std::int64_t plane = strip.sample * plan_.c.filters + plan_.first_filter(group_, panel);
            f({.channels = plan_.panel_filters(panel),
               .height = w.output[0],
               .width = w.output[1],
               .row = strip.row,
               .column = strip.column,
               .tiles = strip.tiles,
               .point_step = plan_.output_step,
               .channel_step = plan_.kernel.lanes,
               .tile_step = row(panel),
               .scratch = pixels_},
              plane * w.outputs(), output_ + tile * row(panel));
        });
    }

    const Plan& plan_;
    std::int64_t group_, block_;
    float *image_, *filter_, *output_, *pixels_;
};

// The images of all blocks, where several tasks share one and there is room.
class Images {
  public:
    Images(const Plan& plan, const float* x, std::int64_t shares)
        : plan_(plan),
          x_(x),
          groups_(plan.c.groups),
          shared_(shares > 1 && small()),
          points_(shared_ ? size() : 0) {
        if (!shared_) return;
        constexpr std::int64_t parts = 8;
        for_pieces(size() / plan.image_size() * parts, plan.image_size() / parts, [&](std::int64_t piece) {
            const std::int64_t group = piece / parts % groups_, block = piece / parts / groups_;
            Block(plan_, group, block, place(group, block)).read_image(x_, piece % parts, parts);
        });
    }
    Block block(std::int64_t group, std::int64_t number) const {
        if (shared_) return {plan_, group, number, place(group, number)};
        const Block own(plan_, group, number, nullptr);
        own.read_image(x_);
        return own;
    }

  private:
    std::int64_t size() const { return plan_.tiling.blocks() * groups_ * plan_.image_size(); }
    bool small() const { return size() <= std::int64_t{1} << 22; }
    float* place(std::int64_t group, std::int64_t number) const {
        return points_.data() + (number * groups_ + group) * plan_.image_size();
    }

    const Plan& plan_;
    const float* x_;
    std::int64_t groups_;
    bool shared_;
    Buffer<float> points_;
};

}  // namespace

bool winograd_pays(const Convolution& c) {
    constexpr std::int64_t least_channels = 16, least_tiles = 32, lanes = 16;
    const Windows& w = c.windows;
    std::int64_t tiles = w.batch;
    for (int axis = 0; axis < 2; ++axis) {
        if (w.kernel[axis] != 3 || w.stride[axis] != 1 || w.dilation[axis] != 1) return false;
        tiles *= ceil_div(w.output[axis], winograd_outputs);
    }
    const std::int64_t channels = c.group_channels(), filters = c.group_filters();
    if (std::min(channels, filters) < least_channels || tiles < least_tiles) return false;
    // Lanes without a channel and tiles beyond the edge cost their part of the products.
    const std::int64_t plain = w.batch * w.outputs() * filters * c.depth();
    const std::int64_t at_points =
        tiles * winograd_points * round_up(channels, lanes) * round_up(filters, lanes);
    return plain >= 2 * at_points;
}

namespace {

// y from x and w; from kernels that are turned round the gradient of the input.
void convolve(const Convolution& c, float* y, const float* x, const float* w, bool turned,
              const Epilogue& epilogue) {
    const Plan plan(c, few_tiles, most_tiles);
    const Buffer<float> points(plan.alone() ? 0 : c.groups * plan.group_size);
    const auto filter_points = [&](float* to, std::int64_t group, std::int64_t panel, std::int64_t channel,
                                   std::int64_t channels) {
        const std::int64_t step = turned ? plan.filters * winograd_taps : c.depth(),
                           first = panel * plan.kernel.most_filters;
        const float* const of_group = w + group * plan.filters * c.depth();
        plan.kernel.filter_points({.points = to,
                                   .w = of_group + (turned ? channel * step + first * winograd_taps
                                                           : first * step + channel * winograd_taps),
                                   .filters = plan.panel_filters(panel),
                                   .channels = channels,
                                   .filter_step = plan.filter_step,
                                   .step = step,
                                   .turned = turned});
    };
    if (!plan.alone())
        for_pieces(c.groups * plan.panels, plan.panel_size, [&](std::int64_t piece) {
            filter_points(points.data() + piece * plan.panel_size, piece / plan.panels, piece % plan.panels,
                          0, plan.channels);
        });
    const std::int64_t blocks = plan.tiling.blocks(), shares = plan.shares(blocks * c.groups);
    const Images images(plan, x, shares);
    for_pieces(blocks * c.groups * shares, plan.panel_work() * plan.panels / shares, [&](std::int64_t piece) {
        const std::int64_t share = piece % shares, group = piece / shares % c.groups;
        const Block block = images.block(group, piece / shares / c.groups);
        for (std::int64_t panel = plan.panels * share / shares; panel < plan.panels * (share + 1) / shares;
             ++panel) {
            plan.each_slice([&](std::int64_t channel, std::int64_t channels) {
                float* const filter = plan.alone()
                                          ? block.filter()
                                          : points.data() + (group * plan.panels + panel) * plan.panel_size;
                if (plan.alone()) filter_points(filter, group, panel, channel, channels);
                plan.kernel.multiply(block.product(panel, filter, channel, channels), channel == 0);
            });
            block.write_outputs(panel, y, epilogue);
        }
    });
}

}  // namespace

void winograd_forward(const Convolution& c, float* y, const float* x, const float* w,
                      const Epilogue& epilogue) {
    convolve(c, y, x, w, false, epilogue);
}

void winograd_input_gradient(const Convolution& back, float* dx, const float* g, const float* w) {
    convolve(back, dx, g, w, true, {});
}

// Blocks are put together in chunks, each with sums of its own.
void winograd_weight_gradient(const Convolution& c, float* dw, const float* x, const float* g) {
    constexpr std::int64_t chunk_work = std::int64_t{1} << 22, most_elements = std::int64_t{1} << 20;
    const Plan plan(c, few_tiles, few_tiles);  // since the sums are read and written for each block
    const std::int64_t blocks = plan.tiling.blocks(), weights = c.groups * plan.group_size;
    const std::int64_t wanted = std::clamp<std::int64_t>(
        blocks * c.groups * plan.panels * plan.panel_work() / chunk_work, 1,
        std::clamp<std::int64_t>(most_elements / weights, 1, std::min<std::int64_t>(blocks, 16)));
    const std::int64_t length = ceil_div(blocks, wanted), chunks = ceil_div(blocks, length);
    const std::int64_t shares = plan.shares(chunks * c.groups);
    const Images images(plan, x, shares);
    const Buffer<float> sums(plan.alone() ? 0 : chunks * weights);
    const auto filter_gradient = [&](const float* points, std::int64_t group, std::int64_t panel,
                                     std::int64_t channel, std::int64_t channels) {
        plan.kernel.filter_gradient(
            {.dw = dw + plan.first_filter(group, panel) * c.depth() + channel * winograd_taps,
             .points = points,
             .filters = plan.panel_filters(panel),
             .channels = channels,
             .filter_step = plan.filter_step,
             .step = c.depth(),
             .chunks = chunks,
             .chunk_step = weights});
    };
    for_pieces(chunks * c.groups * shares, length * plan.panel_work() * plan.panels / shares,
               [&](std::int64_t piece) {
                   const std::int64_t share = piece % shares, group = piece / shares % c.groups;
                   const std::int64_t chunk = piece / shares / c.groups;
                   for (std::int64_t b = chunk * length; b < std::min((chunk + 1) * length, blocks); ++b) {
                       const Block block = images.block(group, b);
                       for (std::int64_t panel = plan.panels * share / shares;
                            panel < plan.panels * (share + 1) / shares; ++panel) {
                           block.read_gradient(panel, g);
                           plan.each_slice([&](std::int64_t channel, std::int64_t channels) {
                               float* const sum = plan.alone()
                                                      ? block.filter()
                                                      : sums.data() + chunk * weights +
                                                            group * plan.group_size + panel * plan.panel_size;
                               plan.kernel.accumulate(block.product(panel, sum, channel, channels),
                                                      b == chunk * length);
                               if (plan.alone()) filter_gradient(sum, group, panel, channel, channels);
                           });
                       }
                   }
               });
    if (plan.alone()) return;
    for_pieces(c.groups * plan.panels, plan.panel_size * chunks, [&](std::int64_t piece) {
        filter_gradient(sums.data() + piece * plan.panel_size, piece / plan.panels, piece % plan.panels, 0,
                        plan.channels);
    });
}

}  // namespace adjoint::cpu
