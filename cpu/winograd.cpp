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
    Tiling(const Windows& windows, std::int64_t most_tiles)
        : columns_(ceil_div(windows.output[1], winograd_outputs)),
          rows_(ceil_div(windows.output[0], winograd_outputs)) {
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

// Points a multiple of a page apart would fall into the same few lines of the cache.
constexpr std::int64_t point_step(std::int64_t elements) {
    return elements % 256 == 0 ? elements + 16 : elements;
}

// The sizes of a convolution's parts: a group's filters lie in panels,
// their points (panel, point, channel, filter).
struct Plan {
    const Convolution& c;
    std::int64_t most_tiles;  // in a block
    const WinogradKernels& kernel = kernels().winograd;
    std::int64_t channels = c.group_channels(), filters = c.group_filters();
    std::int64_t panels = ceil_div(filters, kernel.most_filters);
    std::int64_t panel_size = winograd_points * round_up(channels, kernel.lanes) * kernel.most_filters;
    std::int64_t group_size = panels * panel_size;
    Tiling tiling{c.windows, most_tiles};
    std::int64_t channel_step = tiling.block_tiles() * kernel.lanes;
    std::int64_t image_step = point_step(ceil_div(channels, kernel.lanes) * channel_step);
    std::int64_t output_step = point_step(tiling.block_tiles() * kernel.most_filters);
    // Tasks for one block. Where there are few blocks the panels are shared out, though each task then reads
    // the image for itself.
    std::int64_t shares(std::int64_t pieces) const {
        constexpr std::int64_t wanted = 8;
        return std::clamp<std::int64_t>(wanted / pieces, 1, panels);
    }
    std::int64_t first_filter(std::int64_t group, std::int64_t panel) const {
        return group * filters + panel * kernel.most_filters;
    }
    std::int64_t panel_filters(std::int64_t panel) const {
        return std::min(kernel.most_filters, filters - panel * kernel.most_filters);
    }
    std::int64_t panel_work() const { return tiling.block_tiles() * panel_size / 8; }
};

// A block of tiles and a panel of filters in the memory of a thread.
class Block {
  public:
    Block(const Plan& plan, std::int64_t group, std::int64_t block)
        : plan_(plan), group_(group), block_(block) {
        const std::int64_t image = winograd_points * plan.image_step,
                           output = winograd_points * plan.output_step;
        const std::int64_t pixels =  // 6 rows under the tiles of a strip
            6 * (plan.tiling.strip_tiles() * winograd_outputs + 2) * plan.kernel.lanes;
        image_ =
            static_cast<float*>(scratch(static_cast<std::size_t>(image + output + pixels) * sizeof(float)));
        output_ = image_ + image;
        pixels_ = output_ + output;
    }

    void read_image(const float* x) const {
        const Windows& w = plan_.c.windows;
        plan_.tiling.each(block_, [&](const Strip& strip, std::int64_t tile) {
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
    WinogradProduct product(std::int64_t panel, float* filter) const {
        return {.image = image_,
                .filter = filter,
                .output = output_,
                .tiles = plan_.tiling.each(block_, [](const Strip&, std::int64_t) {}),
                .channels = plan_.channels,
                .filters = row(panel),
                .image_step = plan_.image_step,
                .channel_step = plan_.channel_step,
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
    float *image_, *output_, *pixels_;
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

void winograd_forward(const Convolution& c, float* y, const float* x, const float* w,
                      const Epilogue& epilogue) {
    const Plan plan{c, 28};
    const Buffer<float> points(c.groups * plan.group_size);
    for_pieces(c.groups * plan.panels, plan.panel_size, [&](std::int64_t piece) {
        const std::int64_t group = piece / plan.panels, panel = piece % plan.panels;
        plan.kernel.filter_points(points.data() + piece * plan.panel_size,
                                  w + plan.first_filter(group, panel) * c.depth(), plan.panel_filters(panel),
                                  plan.channels);
    });
    const std::int64_t blocks = plan.tiling.blocks(), shares = plan.shares(blocks * c.groups);
    for_pieces(blocks * c.groups * shares, plan.panel_work() * plan.panels / shares, [&](std::int64_t piece) {
        const std::int64_t share = piece % shares, group = piece / shares % c.groups;
        const Block block(plan, group, piece / shares / c.groups);
        block.read_image(x);
        for (std::int64_t panel = plan.panels * share / shares; panel < plan.panels * (share + 1) / shares;
             ++panel) {
            plan.kernel.multiply(
                block.product(panel, points.data() + (group * plan.panels + panel) * plan.panel_size));
            block.write_outputs(panel, y, epilogue);
        }
    });
}

// Blocks are put together in chunks, each with sums of its own.
void winograd_weight_gradient(const Convolution& c, float* dw, const float* x, const float* g) {
    constexpr std::int64_t chunk_work = std::int64_t{1} << 22, most_elements = std::int64_t{1} << 20;
    const Plan plan{c, 42};  // more, because the sums are read and written for each block
    const std::int64_t blocks = plan.tiling.blocks(), weights = c.groups * plan.group_size;
    const std::int64_t wanted = std::clamp<std::int64_t>(
        blocks * c.groups * plan.panels * plan.panel_work() / chunk_work, 1,
        std::clamp<std::int64_t>(most_elements / weights, 1, std::min<std::int64_t>(blocks, 16)));
    const std::int64_t length = ceil_div(blocks, wanted), chunks = ceil_div(blocks, length);
    const std::int64_t shares = plan.shares(chunks * c.groups);
    const Buffer<float> sums(chunks * weights);
    for_pieces(chunks * c.groups * shares, length * plan.panel_work() * plan.panels / shares,
               [&](std::int64_t piece) {
                   const std::int64_t share = piece % shares, group = piece / shares % c.groups;
                   const std::int64_t chunk = piece / shares / c.groups;
                   for (std::int64_t b = chunk * length; b < std::min((chunk + 1) * length, blocks); ++b) {
                       const Block block(plan, group, b);
                       block.read_image(x);
                       for (std::int64_t panel = plan.panels * share / shares;
                            panel < plan.panels * (share + 1) / shares; ++panel) {
                           block.read_gradient(panel, g);
                           float* const sum = sums.data() + chunk * weights + group * plan.group_size +
                                              panel * plan.panel_size;
                           plan.kernel.accumulate(block.product(panel, sum), b == chunk * length);
                       }
                   }
               });
    for_pieces(c.groups * plan.panels, plan.panel_size * chunks, [&](std::int64_t piece) {
        const std::int64_t group = piece / plan.panels, panel = piece % plan.panels;
        plan.kernel.filter_gradient(dw + plan.first_filter(group, panel) * c.depth(),
                                    sums.data() + piece * plan.panel_size, chunks, weights,
                                    plan.panel_filters(panel), plan.channels);
    });
}

}  // namespace adjoint::cpu
