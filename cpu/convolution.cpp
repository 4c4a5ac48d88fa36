// Convolutions without columns: products of packed weights with rows of a prepared image.
//
// What a task is, and the order in which sums are put together, follows from sizes alone.
#include <algorithm>
#include <vector>

#include <adjoint/core/contract/activate.h>
#include <adjoint/core/contract/windows.h>
#include <adjoint/cpu/activate.h>
#include <adjoint/cpu/blas/blas.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/convolution_phases.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/prepared_image.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/tasks.h>
#include <adjoint/cpu/winograd.h>

namespace adjoint::cpu {
namespace {

template <class T> const ConvolutionKernels& kernels_of() {
    return kernels().convolution[std::is_same_v<T, double>];
}

template <class T> constexpr std::int64_t bytes_of(std::int64_t elements) {
    return elements * static_cast<std::int64_t>(sizeof(T));
}

// What the number of a task stands for: a sample or a chunk of samples, a group, a block
// of rows or filters in it.
struct Task {
    std::int64_t samples, group, block;
    Task(std::int64_t number, std::int64_t groups, std::int64_t blocks)
        : samples(number / blocks / groups), group(number / blocks % groups), block(number % blocks) {}
};

// Rows of the output in one task: enough work, and enough pixels for the weights to be worth reading.
std::int64_t block_rows(const Convolution& c) {
    constexpr std::int64_t most_work = std::int64_t{1} << 24, least_pixels = 128;
    const Windows& w = c.windows;
    const std::int64_t row_work = w.output[1] * c.depth() * c.group_filters();
    const std::int64_t rows =
        std::max({std::int64_t{1}, most_work / row_work, (least_pixels + w.output[1] - 1) / w.output[1]});
    const std::int64_t blocks = (w.output[0] + rows - 1) / rows;
    return (w.output[0] + blocks - 1) / blocks;
}

// Of `panels` how many are one task, where samples and blocks of rows alone make `tasks` of them.
std::int64_t filter_panels(const Convolution& c, std::int64_t tasks, std::int64_t panels) {
    constexpr std::int64_t enough = 16, least_work = std::int64_t{1} << 20;
    const std::int64_t work = c.filters * c.depth() * c.windows.outputs() * c.windows.batch;
    const std::int64_t wanted = std::min(enough, work / least_work) / std::max<std::int64_t>(tasks, 1);
    std::int64_t count = std::clamp<std::int64_t>(wanted, 1, panels);
    while (panels % count != 0) --count;
    return panels / count;
}

// Rows of the output for which the image is prepared at a time in weight_gradient: what the caches hold.
std::int64_t band_rows(const Windows& w, std::int64_t channels) {
    constexpr std::int64_t most_elements = std::int64_t{1} << 18;
    const std::int64_t per_row = channels * w.stride[0] * w.stride[1] * (w.output[1] + w.kernel[1]);
    return std::clamp<std::int64_t>(most_elements / per_row, 1, w.output[0]);
}

// A padding or dilation out of all proportion: most of a prepared image would be zeros.
bool mostly_padding(const Windows& w) {
    double padded = 1;
    for (int axis = 0; axis < 2; ++axis) {
        const std::int64_t reach = std::max(2 * w.padding[axis], w.dilation[axis] * (w.kernel[axis] - 1));
        padded *= static_cast<double>(w.size[axis] + reach);
    }
    return padded > 0x1p20 && padded > 8 * static_cast<double>(w.plane());
}

template <class T>
void forward(const Convolution& c, T* y, const T* x, const T* w, const Epilogue& epilogue) {
    if constexpr (std::is_same_v<T, float>) {
        if (winograd_pays(c)) return winograd_forward(c, y, x, w, epilogue);
    }
    const ConvolutionKernels& kernel = kernels_of<T>();
    const Windows& windows = c.windows;
    const std::int64_t channels = c.group_channels(), filters = c.group_filters(), depth = c.depth();
    const std::int64_t packed_size = round_up(kernel.packed_size(filters, depth), 16);
    const Buffer<T> packed(c.groups * packed_size);
    // The product in parts of whole channels. Above and below the image a window meets nothing but padding:
    // with the rows of the kernel one after the other, what it does meet is one piece of a part.
    const bool by_rows = windows.padding[0] > 0 && windows.kernel[0] > 1;
    const std::int64_t most_channels = std::max<std::int64_t>(1, kernel.most_part / windows.taps());
    const std::int64_t parts = (channels + most_channels - 1) / most_channels;
    const std::int64_t part = (channels + parts - 1) / parts;
    std::vector<std::int64_t> order, places;  // of the rows of the product which elements, and back
    std::vector<Range> inside;
    if (by_rows) {
        for (std::int64_t first = 0; first < channels; first += part)
            for (std::int64_t i = 0; i < windows.kernel[0]; ++i)
                for (std::int64_t channel = first; channel < std::min(channels, first + part); ++channel)
                    for (std::int64_t j = 0; j < windows.kernel[1]; ++j)
                        order.push_back(channel * windows.taps() + i * windows.kernel[1] + j);
        places.resize(order.size());
        for (std::int64_t row = 0; row < depth; ++row)
            places[static_cast<std::size_t>(order[static_cast<std::size_t>(row)])] = row;
        for (std::int64_t o = 0; o < windows.output[0]; ++o)
            inside.push_back(taps_inside(windows, 0, o, windows.size[0]));
    }
    const std::int64_t rows = block_rows(c), blocks = (windows.output[0] + rows - 1) / rows;
    const std::int64_t images = windows.batch * c.groups, tile = kernel.tile_columns;
    // Whole tiles of filters are packed, and where samples are few multiplied, on their own.
    const std::int64_t panel = filters % tile == 0 ? tile : filters, panels = filters / panel;
    for_pieces(c.groups * panels, panel * depth, [&](std::int64_t number) {
        const std::int64_t group = number / panels, first = number % panels * panel;
        kernel.pack_weights(packed.data() + group * packed_size + first * depth,
                            w + (group * filters + first) * depth, panel, depth,
                            places.empty() ? nullptr : places.data());
    });
    const std::int64_t some = panel * filter_panels(c, images * blocks, panels), some_count = filters / some;
    const PreparedImage image(windows, channels, rows, tile);
    const std::int64_t image_size = round_up(image.size(), 16);
    const bool at_once = some_count > 1 && blocks == 1 && !image.direct();
    const Buffer<T> prepared(at_once ? images * image_size : 0);
    const auto plane = [&](std::int64_t sample, std::int64_t group) {
        return x + (sample * windows.channels + group * channels) * windows.plane();
    };
    if (at_once)
        for_pieces(images, image_size, [&](std::int64_t number) {
            image.prepare(prepared.data() + number * image_size, plane(number / c.groups, number % c.groups),
                          0);
        });
    std::vector<std::int64_t> offsets;
    for (std::int64_t p = 0; p < depth; ++p) {
        const std::int64_t element = by_rows ? order[static_cast<std::size_t>(p)] : p;
        offsets.push_back(element / windows.taps() * image.plane() + image.offset(element % windows.taps()));
    }

    ConvolveCall call{};
    call.offsets = offsets.data();
    call.part = part * windows.taps();
    call.kernel_rows = windows.kernel[0];
    call.filters = some;
    call.depth = depth;
    call.y_filter = windows.outputs();
    call.width = image.width();
    call.columns = windows.output[1];
    call.epilogue = epilogue;
    T* const sums = static_cast<T*>(epilogue.sums_or(y));
    const T* const bias = static_cast<const T*>(epilogue.bias);
    const std::size_t bytes = static_cast<std::size_t>(image.size()) * sizeof(T);
    // A multiply-add costs a small part of what for_pieces counts in.
    for_pieces(images * blocks * some_count, rows * windows.output[1] * depth * some / 8,
               [&](std::int64_t number) {
                   const Task task(number / some_count, c.groups, blocks);
                   const std::int64_t first = task.block * rows, filter = number % some_count * some;
                   ConvolveCall one = call;
                   one.image = at_once ? prepared.data() + (task.samples * c.groups + task.group) * image_size
                                       : image.prepare(static_cast<T*>(scratch(bytes)),
                                                       plane(task.samples, task.group), first);
                   one.weights = packed.data() + task.group * packed_size + filter * depth;
                   one.epilogue.bias = bias ? bias + task.group * filters + filter : nullptr;
                   one.rows = std::min(rows, windows.output[0] - first);
                   one.inside = by_rows ? inside.data() + first : nullptr;
                   const std::int64_t place =
                       (task.samples * c.filters + task.group * filters + filter) * windows.outputs() +
                       first * windows.output[1];
                   one.y = sums + place;
                   kernel.convolve(one);
                   if (!is_left(epilogue)) return;
                   for (std::int64_t f = 0; f < some; ++f)
                       activate(epilogue.activation, dtype_of<T>, y + place + f * windows.outputs(),
                                sums + place + f * windows.outputs(), one.rows * one.columns);
               });
}

// With stride 1 the gradient of the input is a convolution of g with the weights turned round.
template <class T> void input_gradient(const Convolution& c, T* dx, const T* g, const T* w) {
    const Windows& windows = c.windows;
    Convolution back = c;
    back.filters = windows.channels;
    back.windows.channels = c.filters;
    for (int axis = 0; axis < 2; ++axis) {
        back.windows.size[axis] = windows.output[axis];
        back.windows.output[axis] = windows.size[axis];
        back.windows.padding[axis] =
            windows.dilation[axis] * (windows.kernel[axis] - 1) - windows.padding[axis];
    }
    if constexpr (std::is_same_v<T, float>) {
        if (winograd_pays(back)) return winograd_input_gradient(back, dx, g, w);
    }
    const Buffer<T> turned(c.weights());
    turn(turned.data(), c, w, {phase_of(windows, 0, 0), phase_of(windows, 1, 0)});
    forward<T>(back, dx, g, turned.data(), {});
}

template <class T> void strided_input_gradient(const Convolution& c, T* dx, const T* g, const T* w) {
    const Windows& windows = c.windows;
    const std::int64_t planes = windows.batch * windows.channels, stride = windows.stride[1];
    const Buffer<T> parts(planes * phase_of(windows, 0, 0).places * windows.size[1]), turned(c.weights());
    for (std::int64_t row = 0; row < std::min(windows.stride[0], windows.size[0]); ++row) {
        // The phases of these rows, one behind the other; those that no window meets are zeros.
        std::vector<const T*> of_column;
        T* part = parts.data();
        const Phase down = phase_of(windows, 0, row);
        const auto each_row = [&](auto f) {
            for_pieces(planes, down.places * windows.size[1], [&](std::int64_t plane) {
                for (std::int64_t i = 0; i < down.places; ++i)
                    f(dx + plane * windows.plane() + (row + i * windows.stride[0]) * windows.size[1],
                      plane * down.places + i);
            });
        };
        if (down.elements == 0) {
            each_row([&](T* to, std::int64_t) { std::fill_n(to, windows.size[1], T(0)); });
            continue;
        }
        for (std::int64_t column = 0; column < stride; ++column) {
            const Phase phases[2] = {down, phase_of(windows, 1, column)};
            const std::int64_t outputs = planes * down.places * phases[1].places;
            of_column.push_back(part);
            part += outputs;
            if (outputs == 0) continue;
            if (phases[1].elements == 0) {
                std::fill_n(part - outputs, outputs, T(0));
                continue;
            }
            turn(turned.data(), c, w, phases);
            Convolution one = c;
            one.filters = windows.channels;
            one.windows.channels = c.filters;
            for (int axis = 0; axis < 2; ++axis) {
                one.windows.size[axis] = windows.output[axis];
                one.windows.kernel[axis] = phases[axis].elements;
                one.windows.padding[axis] = phases[axis].padding;
                one.windows.output[axis] = phases[axis].places;
                one.windows.stride[axis] = 1;
            }
            forward<T>(one, part - outputs, g, turned.data(), {});
        }
        each_row(
            [&](T* to, std::int64_t number) { interleave(to, windows.size[1], stride, of_column, number); });
    }
}

// Samples are put together in chunks, each with sums of its own.
template <class T> void weight_gradient(const Convolution& c, T* dw, const T* x, const T* g) {
    if constexpr (std::is_same_v<T, float>) {
        if (winograd_pays(c)) return winograd_weight_gradient(c, dw, x, g);
    }
    constexpr std::int64_t chunk_work = std::int64_t{1} << 25, most_elements = std::int64_t{1} << 20;
    const ConvolutionKernels& kernel = kernels_of<T>();
    const Windows& windows = c.windows;
    const std::int64_t channels = c.group_channels(), filters = c.group_filters(), taps = windows.taps();
    const std::int64_t tile = kernel.tile_columns, filter_blocks = (filters + tile - 1) / tile;
    const std::int64_t weights = c.filters * c.depth(), sample_work = weights * windows.outputs();
    const std::int64_t wanted =
        std::clamp<std::int64_t>(windows.batch * sample_work / chunk_work, 1,
                                 std::clamp<std::int64_t>(most_elements / weights, 1, 16));
    const std::int64_t samples = (windows.batch + wanted - 1) / wanted;
    const std::int64_t chunks = (windows.batch + samples - 1) / samples;
    const std::int64_t block_size = taps * channels * tile;
    const Buffer<T> sums(chunks * c.groups * filter_blocks * block_size);

    const std::int64_t band = band_rows(windows, channels);
    const PreparedImage image(windows, channels, band, 0);
    const std::int64_t image_size = round_up(image.size(), 16);
    // All images once, where several tasks would prepare them and there is room.
    const bool whole = band == windows.output[0];
    const std::int64_t images = windows.batch * c.groups;
    const bool at_once =
        whole && !image.direct() && filter_blocks > 1 && images * image_size <= std::int64_t{1} << 22;
    const Buffer<T> prepared(at_once ? images * image_size : 0);
    const auto plane = [&](std::int64_t n, std::int64_t group) {
        return x + (n * windows.channels + group * channels) * windows.plane();
    };
    if (at_once)
        for_pieces(images, image_size, [&](std::int64_t number) {
            image.prepare(prepared.data() + number * image_size, plane(number / c.groups, number % c.groups),
                          0);
        });
    // Where planes are small, several samples are added up before the sums are touched.
    const std::int64_t together =
        whole ? std::clamp<std::int64_t>(kernel.most_pixels / windows.outputs(), 1, samples) : 1;
    CorrelateCall call{};
    call.offsets = image.offsets();
    call.taps = taps;
    call.channels = channels;
    call.plane = image.plane();
    call.g_filter = windows.outputs();
    call.width = image.width();
    call.rows = band;
    call.columns = windows.output[1];
    call.samples = together;
    call.image_sample =
        image.direct() ? windows.channels * windows.plane() : image_size * (at_once ? c.groups : 1);
    call.g_sample = c.filters * windows.outputs();
    const std::int64_t own_images = at_once ? 0 : together * image_size;
    const std::size_t bytes =
        static_cast<std::size_t>(own_images + kernel.correlate_scratch(call)) * sizeof(T);
    for_pieces(
        chunks * c.groups * filter_blocks, samples * sample_work / c.groups / filter_blocks / 8,
        [&](std::int64_t number) {
            const Task task(number, c.groups, filter_blocks);
            const std::int64_t start = task.samples * samples, end = std::min(windows.batch, start + samples);
            T* const memory = static_cast<T*>(scratch(bytes));
            CorrelateCall one = call;
            one.sums = sums.data() + number * block_size;
            one.scratch = memory + own_images;
            one.filters = std::min(tile, filters - task.block * tile);
            one.fresh = true;
            for (std::int64_t n = start; n < end; n += together) {
                one.samples = std::min(together, end - n);
                const T* upstream =
                    g + (n * c.filters + task.group * filters + task.block * tile) * windows.outputs();
                for (std::int64_t row = 0; row < windows.output[0]; row += band) {
                    one.image = prepared.data() + (n * c.groups + task.group) * image_size;
                    for (std::int64_t i = one.samples; !at_once && i-- > 0;)
                        one.image = image.prepare(memory + i * image_size, plane(n + i, task.group), row);
                    one.g = upstream + row * windows.output[1];
                    one.rows = std::min(band, windows.output[0] - row);
                    one.image_ahead_bytes = one.g_ahead_bytes = 0;
                    if (whole && n + one.samples < end) {
                        one.image_ahead =
                            at_once
                                ? prepared.data() + ((n + one.samples) * c.groups + task.group) * image_size
                                : plane(n + one.samples, task.group);
                        one.image_ahead_bytes =
                            bytes_of<T>(at_once ? image_size : channels * windows.plane());
                        one.g_ahead = upstream + one.samples * call.g_sample;
                        one.g_ahead_bytes = bytes_of<T>(one.filters * windows.outputs());
                    }
                    kernel.correlate(one);
                    one.fresh = false;
                }
            }
        });

    // dw (filter, channel, tap) from sums (chunk, group, block, tap, channel, filter), chunks in order.
    const std::int64_t chunk_size = c.groups * filter_blocks * block_size;
    for_channels(c, filters * taps * chunks,
                 [&](std::int64_t group, std::int64_t channel, std::int64_t some) {
                     for (std::int64_t f = 0; f < filters; ++f) {
                         const T* const from =
                             sums.data() + (group * filter_blocks + f / tile) * block_size + f % tile;
                         T* to = dw + ((group * filters + f) * channels + channel) * taps;
                         for (std::int64_t one = channel; one < channel + some; ++one)
                             for (std::int64_t tap = 0; tap < taps; ++tap) {
                                 const T* const at = from + (tap * channels + one) * tile;
                                 T total = *at;
                                 for (std::int64_t chunk = 1; chunk < chunks; ++chunk)
                                     total += at[chunk * chunk_size];
                                 *to++ = total;
                             }
                     }
                 });
}

}  // namespace

bool CpuBackend::convolves_narrow(const Convolution& c) {
    const NarrowConvolutions* const narrow = convolutions_bf16();
    return c.windows.dtype == DType::bf16 && narrow && narrow->can(c);
}

void on(CpuBackend& cpu, const call::Convolve& c) {
    if (c.shape.windows.dtype == DType::bf16) {
        convolutions_bf16()->forward(c.shape, static_cast<bfloat16*>(c.epilogue.sums_or(c.y)),
                                     static_cast<const bfloat16*>(c.x), static_cast<const bfloat16*>(c.w),
                                     static_cast<const float*>(c.epilogue.bias));
        call::activate(cpu, c.epilogue, {c.y, DType::bf16}, c.shape.results());
    } else if (mostly_padding(c.shape.windows)) {
        compose(cpu, c);
    } else if (c.shape.windows.dtype == DType::f64) {
        forward(c.shape, static_cast<double*>(c.y), static_cast<const double*>(c.x),
                static_cast<const double*>(c.w), c.epilogue);
    } else {
        forward(c.shape, static_cast<float*>(c.y), static_cast<const float*>(c.x),
                static_cast<const float*>(c.w), c.epilogue);
    }
}

void on(CpuBackend& cpu, const call::ConvolveInput& c) {
    const Windows& windows = c.shape.windows;
    const bool dilated = windows.dilation[0] > 1 || windows.dilation[1] > 1,
               strided = windows.stride[0] > 1 || windows.stride[1] > 1;
    const auto typed = [&](auto type) {
        using T = decltype(type);
        (strided ? strided_input_gradient<T> : input_gradient<T>)(c.shape, static_cast<T*>(c.dx),
                                                                  static_cast<const T*>(c.g),
                                                                  static_cast<const T*>(c.w));
    };
    if (windows.dtype == DType::bf16)
        convolutions_bf16()->input_gradient(c.shape, static_cast<bfloat16*>(c.dx),
                                            static_cast<const bfloat16*>(c.g),
                                            static_cast<const bfloat16*>(c.w));
    else if ((strided && dilated) || mostly_padding(windows))
        compose(cpu, c);
    else if (windows.dtype == DType::f64)
        typed(double{});
    else
        typed(float{});
}

void on(CpuBackend& cpu, const call::ConvolveWeight& c) {
    const Windows& windows = c.shape.windows;
    if (windows.dtype == DType::bf16)
        convolutions_bf16()->weight_gradient(c.shape, static_cast<bfloat16*>(c.dw),
                                             static_cast<const bfloat16*>(c.x),
                                             static_cast<const bfloat16*>(c.g));
    else if (mostly_padding(windows))
        compose(cpu, c);
    else if (windows.dtype == DType::f64)
        weight_gradient(c.shape, static_cast<double*>(c.dw), static_cast<const double*>(c.x),
                        static_cast<const double*>(c.g));
    else
        weight_gradient(c.shape, static_cast<float*>(c.dw), static_cast<const float*>(c.x),
                        static_cast<const float*>(c.g));
}

}  // namespace adjoint::cpu
