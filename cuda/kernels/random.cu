// Random fills and dropout: a thread draws one block of the generator, which is 4 floats or 2 wider numbers.
#include <adjoint/core/contract/random.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/packs.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {

/// What a block of words becomes: `count` elements of type T.
struct UniformFloat {
    using T = float;
    static constexpr int count = 4;
    ADJOINT_HD void draw(const Philox4& words, T* out) const {
        for (int i = 0; i < 4; ++i) out[i] = uniform_float(words.v[i]);
    }
};
struct UniformDouble {
    using T = double;
    static constexpr int count = 2;
    ADJOINT_HD void draw(const Philox4& words, T* out) const {
        for (int i = 0; i < 2; ++i) out[i] = uniform_double(words.v[2 * i], words.v[2 * i + 1]);
    }
};
struct NormalFloat {
    using T = float;
    static constexpr int count = 4;
    ADJOINT_HD void draw(const Philox4& words, T* out) const {
        for (int i = 0; i < 4; i += 2) {
            const NormalPair<float> pair = normal_float(words.v[i], words.v[i + 1]);
            out[i] = pair.first;
            out[i + 1] = pair.second;
        }
    }
};
struct NormalDouble {
    using T = double;
    static constexpr int count = 2;
    ADJOINT_HD void draw(const Philox4& words, T* out) const {
        const NormalPair<double> pair = normal_double(words);
        out[0] = pair.first;
        out[1] = pair.second;
    }
};
struct UniformInteger {
    using T = std::int64_t;
    static constexpr int count = 2;
    std::int64_t low, high;
    ADJOINT_HD void draw(const Philox4& words, T* out) const {
        for (int i = 0; i < 2; ++i) out[i] = uniform_integer(words.v[2 * i], words.v[2 * i + 1], low, high);
    }
};

template <class Draw, class From>
__global__ void __launch_bounds__(spread_threads)
    random_elements(const Draw draw, const From stream, void* out, const DType type, const bool packed,
                    const std::int64_t numel) {
    wait_for_earlier();
    using T = typename Draw::T;
    const GeneratorState from = stream.state();
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    for (std::int64_t block = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
         block * Draw::count < numel; block += step) {
        static_assert(Draw::count == Pack<T>::size);
        Pack<T> drawn;
        draw.draw(philox(from.seed, from.stream, static_cast<std::uint64_t>(block)), drawn.values);
        const std::int64_t first = block * Draw::count;
        if (packed && first + Draw::count <= numel) {
            store_pack<T>(out, type, first, drawn);
            continue;
        }
        ADJOINT_UNROLL
        for (int i = 0; i < Draw::count; ++i)
            if (first + i < numel) store<T>(out, type, first + i, drawn.values[i]);
    }
}

template <class T, class From>
__global__ void __launch_bounds__(spread_threads)
    dropout_elements(const DropoutRule rule, const From stream, void* out, const DType out_type,
                     const void* x, const DType type, const bool packed, const std::int64_t numel) {
    wait_for_earlier();
    constexpr int words_of_block = 4, width = Pack<T>::size;
    const GeneratorState from = stream.state();
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    for (std::int64_t block = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
         block * words_of_block < numel; block += step) {
        const Philox4 words = philox(from.seed, from.stream, static_cast<std::uint64_t>(block));
        const std::int64_t first = block * words_of_block;
        if (packed && first + words_of_block <= numel) {
            ADJOINT_UNROLL
            for (int i = 0; i < words_of_block; i += width) {
                Pack<T> values = load_pack<T>(x, type, first + i);
                ADJOINT_UNROLL
                for (int k = 0; k < width; ++k)
                    values.values[k] = rule.value(values.values[k], words.v[i + k]);
                store_pack<T>(out, out_type, first + i, values);
            }
            continue;
        }
        ADJOINT_UNROLL
        for (int i = 0; i < words_of_block; ++i)
            if (first + i < numel)
                store<T>(out, out_type, first + i, rule.value(load<T>(x, type, first + i), words.v[i]));
    }
}

template <class From>
__global__ void __launch_bounds__(spread_threads)
    permutation_elements(const From stream, void* out, const DType type, const std::int64_t numel) {
    wait_for_earlier();
    const GeneratorState from = stream.state();
    const IndexShuffle shuffle(static_cast<std::uint64_t>(numel), from.seed, from.stream);
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
    for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < numel; i += step)
        store<std::int64_t>(out, type, i, static_cast<std::int64_t>(shuffle(static_cast<std::uint64_t>(i))));
}

namespace {

template <class Draw>
void fill_random(const DeviceState& device, const char* op, const Draw& draw, const Operand& out,
                 std::int64_t numel, const DrawnStream& stream) {
    const Spread spread(device, divide_up(numel, Draw::count));
    std::visit(
        [&]<class From>(const From& from) {
            launch_independent(device, op, &random_elements<Draw, From>, spread.grid, spread.block, draw,
                               from, out.data, out.dtype, begins_packs<typename Draw::T>(out.data, out.dtype),
                               numel);
        },
        stream);
}

}  // namespace

void on(CudaBackend& cuda, const call::Random& c) {
    if (c.numel == 0) return;
    const DrawnStream stream = drawn_stream(cuda.device, c.state);
    const bool wide = compute_type(c.out.dtype) == DType::f64;
    if (std::holds_alternative<Uniform>(c.op)) {
        if (wide)
            fill_random(cuda.device, "rand", UniformDouble{}, c.out, c.numel, stream);
        else
            fill_random(cuda.device, "rand", UniformFloat{}, c.out, c.numel, stream);
    } else if (std::holds_alternative<Normal>(c.op)) {
        if (wide)
            fill_random(cuda.device, "randn", NormalDouble{}, c.out, c.numel, stream);
        else
            fill_random(cuda.device, "randn", NormalFloat{}, c.out, c.numel, stream);
    } else if (const auto* range = std::get_if<Integers>(&c.op)) {
        fill_random(cuda.device, "randint", UniformInteger{range->low, range->high}, c.out, c.numel, stream);
    } else {
        const Spread spread(cuda.device, c.numel);
        std::visit(
            [&]<class From>(const From& from) {
                launch_independent(cuda.device, "randperm", &permutation_elements<From>, spread.grid,
                                   spread.block, from, c.out.data, c.out.dtype, c.numel);
            },
            stream);
    }
}

void on(CudaBackend& cuda, const call::Dropout& c) {
    if (c.numel == 0) return;
    const Spread spread(cuda.device, divide_up(c.numel, 4));
    const auto in_type = [&]<class T>(T) {
        const bool packed = begins_packs<T>(c.out.data, c.out.dtype) && begins_packs<T>(c.x.data, c.x.dtype);
        std::visit(
            [&]<class From>(const From& from) {
                launch_independent(cuda.device, "dropout", &dropout_elements<T, From>, spread.grid,
                                   spread.block, DropoutRule(c.p), from, c.out.data, c.out.dtype, c.x.data,
                                   c.x.dtype, packed, c.numel);
            },
            drawn_stream(cuda.device, c.state));
    };
    if (compute_type(c.x.dtype) == DType::f64)
        in_type(double{});
    else
        in_type(float{});
}

}  // namespace adjoint::cuda_backend
