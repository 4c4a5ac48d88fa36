// Programs over elements: one kernel that goes through the steps for each element.
//
// All threads do the same step at a time, so that the choice of the functor costs a branch that
// none of them takes alone. A thread's values lie in shared memory, where a number can index them;
// nobody else looks at them.
#include <cstring>

#include <adjoint/core/contract/compose.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

constexpr int chain_inputs = ElementProgram::most_inputs, chain_steps = ElementProgram::most_steps,
              chain_values = chain_inputs + chain_steps, chain_threads = 128, most_numbers = 3;

/// A step: which functor of UnaryList and BinaryList, one after the other, and what it is made of;
/// then Constant and Select.
struct StepCode {
    static constexpr std::uint16_t binary = functor::UnaryList::size,
                                   constant = binary + static_cast<std::uint16_t>(functor::BinaryList::size),
                                   select = constant + 1;
    std::uint16_t op = 0;
    std::uint8_t from[3] = {};
    double numbers[most_numbers] = {};
};

/// A program as the kernel takes it.
struct ChainCode {
    std::uint32_t numel = 0;
    int inputs = 0, steps = 0, outputs = 0;
    Places<chain_inputs> places;
    const void* in[chain_inputs] = {};
    void* out[chain_values] = {};
    DType in_types[chain_inputs] = {}, out_types[chain_values] = {};
    std::uint8_t out_values[chain_values] = {};
    StepCode code[chain_steps];
};

template <class T, class F> constexpr bool computes_in = !std::is_integral_v<T> || functor::takes_integers<F>;

template <class F> ADJOINT_DEVICE F functor_of(const StepCode& step) {
    static_assert(sizeof(F) <= sizeof(step.numbers) && std::is_trivially_copyable_v<F>);
    F f{};
    memcpy(static_cast<void*>(&f), step.numbers, sizeof(F));
    return f;
}

// A call each, so that a functor's code is there once.
template <class F, class T, class... More>
ADJOINT_DEVICE_CALL T call_functor(const StepCode& step, T x, More... more) {
    return functor_of<F>(step).template value<T>(x, more...);
}

template <class F, class T, class... More>
ADJOINT_DEVICE bool try_functor(const StepCode& step, int& number, T& y, T x, More... more) {
    if (step.op != number++) return false;
    if constexpr (computes_in<T, F>) y = call_functor<F>(step, x, more...);
    return true;
}

// That one of the functors, numbered from `number` on, which the step names.
template <class T, class... Fs, class... More>
ADJOINT_DEVICE T run_functor_of(FunctorList<Fs...>, int number, const StepCode& step, T x, More... more) {
    T y{};
    static_cast<void>((try_functor<Fs>(step, number, y, x, more...) || ...));
    return y;
}

template <class T>
__global__ void __launch_bounds__(chain_threads) chain_elements(const ADJOINT_GRID_CONSTANT ChainCode c) {
    wait_for_earlier();
    ADJOINT_SHARED(T, shared, chain_values * chain_threads);
    T* const values = shared + threadIdx.x;
    const auto value = [&](int i) -> T& { return values[i * chain_threads]; };
    const std::uint32_t step = gridDim.x * blockDim.x;
    for (std::uint32_t e = blockIdx.x * blockDim.x + threadIdx.x; e < c.numel; e += step) {
        std::int32_t at[chain_inputs];
        c.places.offsets(e, at);
        ADJOINT_UNROLL
        for (int i = 0; i < chain_inputs; ++i)
            if (i < c.inputs) value(i) = load<T>(c.in[i], c.in_types[i], at[i]);
        for (int i = 0; i < c.steps; ++i) {
            const StepCode& s = c.code[i];
            const T a = value(s.from[0]);
            T& to = value(c.inputs + i);
            if (s.op < StepCode::binary)
                to = run_functor_of(functor::UnaryList{}, 0, s, a);
            else if (s.op < StepCode::constant)
                to = run_functor_of(functor::BinaryList{}, StepCode::binary, s, a, T(value(s.from[1])));
            else if (s.op == StepCode::constant)
                to = static_cast<T>(s.numbers[0]);
            else
                to = a != T(0) ? value(s.from[1]) : value(s.from[2]);
        }
        for (int i = 0; i < c.outputs; ++i) store<T>(c.out[i], c.out_types[i], e, value(c.out_values[i]));
    }
}

namespace {

StepCode code_of(const ElementProgram::Step& step) {
    StepCode code;
    std::copy_n(step.from, step.arity(), code.from);
    std::visit(
        [&]<class Op>(const Op& op) {
            if constexpr (std::is_same_v<Op, ElementProgram::Constant>) {
                code.op = StepCode::constant;
                code.numbers[0] = op.value;
            } else if constexpr (std::is_same_v<Op, ElementProgram::Select>) {
                code.op = StepCode::select;
            } else {
                code.op = static_cast<std::uint16_t>((std::is_same_v<Op, BinaryOp> ? StepCode::binary : 0) +
                                                     op.index());
                std::visit([&](const auto& f) { std::memcpy(code.numbers, &f, sizeof f); }, op);
            }
        },
        step.op);
    return code;
}

// The walk over all inputs; none where it needs more than 31 bits.
std::optional<Places<chain_inputs>> places_of(const DeviceState& device, const ElementProgram& p) {
    Loop<chain_inputs> loop;
    loop.rank = p.rank;
    loop.numel = p.numel;
    std::copy_n(p.sizes, p.rank, loop.sizes);
    for (int i = 0; i < chain_inputs; ++i)
        for (int d = 0; d < p.rank; ++d)
            loop.strides[i][d] = static_cast<std::size_t>(i) < p.inputs.size()
                                     ? p.inputs[static_cast<std::size_t>(i)].strides[d]
                                     : 0;
    if (!fits_32_bits(device, loop)) return std::nullopt;
    return places(loop);
}

std::optional<ChainCode> code_of(const DeviceState& device, const ElementProgram& p) {
    const std::optional<Places<chain_inputs>> walk = places_of(device, p);
    if (!walk || p.outputs.size() > static_cast<std::size_t>(chain_values)) return std::nullopt;
    ChainCode code;
    code.numel = static_cast<std::uint32_t>(p.numel);
    code.places = *walk;
    for (const ElementProgram::Input& in : p.inputs) {
        code.in[code.inputs] = in.x.data;
        code.in_types[code.inputs++] = in.x.dtype;
    }
    for (const ElementProgram::Step& step : p.steps) code.code[code.steps++] = code_of(step);
    for (const ElementProgram::Output& out : p.outputs) {
        code.out[code.outputs] = out.to.data;
        code.out_types[code.outputs] = out.to.dtype;
        code.out_values[code.outputs++] = out.value;
    }
    return code;
}

}  // namespace

void on(CudaBackend& cuda, const call::Chain& c) {
    const std::optional<ChainCode> code = code_of(cuda.device, *c.program);
    if (!code) return compose(cuda, c);
    const int threads = power_of_two(c.program->numel, warp_size, chain_threads);
    const std::int64_t most_blocks = std::int64_t{cuda.device.multiprocessors} * 16;
    const dim3 grid(static_cast<unsigned>(std::min(divide_up(c.program->numel, threads), most_blocks)));
    visit_compute(c.program->compute, [&](auto type) {
        launch_independent(cuda.device, call::Chain::name, &chain_elements<decltype(type)>, grid,
                           dim3(static_cast<unsigned>(threads)), *code);
    });
}

// The rows are written, and read again by the reduction.
void on(CudaBackend& cuda, const call::ChainReduce& c) {
    const composition::WorkingMemory rows(cuda, c.program->numel, c.program->compute);
    ElementProgram written = *c.program;
    written.outputs.push_back({c.value, {rows.data(), c.program->compute}});
    cuda.run(call::Chain{&written});
    cuda.run(call::row_reduction(c, {rows.data(), c.program->compute}));
}

}  // namespace adjoint::cuda_backend
