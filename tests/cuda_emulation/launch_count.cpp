// The counting device, and the steps that are counted.
#include "launch_count.h"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>

#include <adjoint/adjoint.h>
#include <adjoint/core/capture/list_recording.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/data/gather.h>
#include <adjoint/train/totals.h>

#include "../../bench/mnist_rows.h"
#include "emulated_libraries.h"

namespace adjoint {
namespace {

// An H200: multiprocessors, bytes and f32 operations in a microsecond, by a copy and by the data sheet. A
// launch of few blocks gets as much of them as it has multiprocessors.
constexpr int multiprocessors = 132;
constexpr double bytes_per_us = 4.3e6, operations_per_us = 67e6;

// Beside the emulated device, which computes.
const Device counted_device = Device::cuda(1);

double size_of_range(const MemoryRange& range) { return static_cast<double>(range.end - range.begin); }

double bytes_of(const Effects& effects) {
    double bytes = 0;
    for (const MemoryRange& range : effects.reads) bytes += size_of_range(range);
    for (const MemoryRange& range : effects.writes) bytes += size_of_range(range);
    return bytes;
}

template <class Call> double operations_of(const Call& call) {
    if constexpr (std::is_same_v<Call, call::MatMul>) {
        double products = 2.0 * static_cast<double>(call.m) * static_cast<double>(call.n * call.k);
        for (int d = 0; d < call.batch_rank; ++d) products *= static_cast<double>(call.batch_sizes[d]);
        return products;
    } else if constexpr (std::is_same_v<Call, call::LinearBackward>) {
        const double product = 2.0 * static_cast<double>(call.rows) * static_cast<double>(call.inputs) *
                               static_cast<double>(call.outputs);
        return product * ((call.dx ? 1 : 0) + (call.dw ? 1 : 0));
    } else if constexpr (requires {
                             call.shape.results();
                             call.shape.weights();
                         }) {
        const Convolution& shape = call.shape;
        return 2.0 * static_cast<double>(shape.results()) *
               static_cast<double>(shape.weights() / shape.filters);
    } else {
        return 0;
    }
}

// Counts what is launched while its calls run. Calls that are made of others have launches of their own, too.
class CountingBackend final : public Runs<CountingBackend, cuda_backend::CudaBackend, Calls> {
  public:
    using Runs::Runs;

    std::vector<CountedLaunch> launches;

    void hear(const emulator::Launch& launch) {
        if (open_.empty()) return;  // outside of the steps
        CountedLaunch one;
        one.op = launch.op;
        one.call = open_.back().name;
        one.grid = launch.grid;
        one.block = launch.block;
        one.by_library = one.op == "cublaslt" || one.op == "cudnn";
        one.effects = open_.back().effects;
        one.operations = open_.back().operations;
        open_.back().own.push_back(launches.size());
        launches.push_back(std::move(one));
    }
    std::shared_ptr<Recording> record(const std::function<void()>& step, bool optimize) override {
        return record_as_list(*this, counted_device, step, optimize);
    }

    template <class Call> friend void on(CountingBackend& counting, const Call& call) {
        counting.open_.push_back({Call::name, Effects(AnyCall(call)), operations_of(call), {}});
        counting.CudaBackend::run(call);
        const OpenCall done = std::move(counting.open_.back());
        counting.open_.pop_back();
        counting.share(done.own, bytes_of(done.effects));
    }

  private:
    // A launch goes over all of its call's memory, unless another one of the call is much larger. What a
    // library computes is all of the arithmetic.
    void share(const std::vector<std::size_t>& own, double bytes) {
        const auto threads = [this](std::size_t i) {
            return static_cast<double>(launches[i].grid.count() * launches[i].block.count());
        };
        double most = 0;
        bool library = false;
        for (const std::size_t i : own) {
            most = std::max(most, threads(i));
            library = library || launches[i].by_library;
        }
        for (const std::size_t i : own) {
            const double part = launches[i].by_library ? 1 : std::min(1.0, 2 * threads(i) / most);
            launches[i].bytes = bytes * part;
            launches[i].operations *= library ? (launches[i].by_library ? 1 : 0) : part;
        }
    }

    struct OpenCall {
        const char* name;
        Effects effects;
        double operations;
        std::vector<std::size_t> own;
    };
    std::vector<OpenCall> open_;
};

// What a library launches.
void library_launch(const char* op, std::int64_t blocks = multiprocessors) {
    emulator::run(op, {static_cast<unsigned>(std::max<std::int64_t>(1, blocks))}, {256}, 0, true, [] {});
}

CountingBackend& counting_device() {
    static cuda_backend::Fault fault{};
    static cuda_backend::DeviceState state{
        .index = 1, .multiprocessors = multiprocessors, .stream = nullptr, .fault = &fault};
    static CountingBackend device(state);
    static const bool once = [] {
        register_backend(counted_device, device);
        return true;
    }();
    static_cast<void>(once);
    return device;
}

// While it lives, launches are counted and not run, and the libraries are there.
class Counting {
  public:
    explicit Counting(CountingBackend& device) : before_(emulated_libraries()) {
        device.launches.clear();
        emulator::count_only([&device](const emulator::Launch& launch) { device.hear(launch); });
        emulated_libraries() = {.multiply =
                                    [](cuda_backend::CudaBackend&, const call::MatMul& p) {
                                        constexpr std::int64_t tile = 64 * 64;
                                        library_launch("cublaslt", p.m * p.n / tile);
                                    },
                                .convolve =
                                    [](cuda_backend::CudaBackend&, const call::Convolve&) {
                                        library_launch("cudnn");
                                        return true;
                                    },
                                .convolve_input =
                                    [](cuda_backend::CudaBackend&, const call::ConvolveInput&) {
                                        library_launch("cudnn");
                                        return true;
                                    },
                                .convolve_weight =
                                    [](cuda_backend::CudaBackend&, const call::ConvolveWeight&) {
                                        library_launch("cudnn");
                                        return true;
                                    }};
    }
    Counting(const Counting&) = delete;
    Counting& operator=(const Counting&) = delete;
    ~Counting() {
        emulator::count_only({});
        emulated_libraries() = before_;
    }

  private:
    const EmulatedLibraries before_;
};

// Works
// -----------------------------------------------------------------------------

using Step = std::function<void()>;

// Classification by cross entropy.
Step classifier(nn::Sequential model, const decltype(bench::Row::optimizer)& optimizer, const Shape& input) {
    model.to(counted_device);
    const std::shared_ptr<optim::Optimizer> with = optimizer(model);
    const Tensor x = zeros(input, {.device = counted_device}),
                 y = zeros({input[0]}, {.dtype = DType::i64, .device = counted_device});
    return [model, with, x, y] {
        with->zero_grad();
        cross_entropy(model(x), y).backward();
        with->step();
    };
}

const bench::Row& row_of(const char* name) {
    return *std::find_if(std::begin(bench::rows), std::end(bench::rows),
                         [&](const auto& r) { return std::string(r.name) == name; });
}

// The same as fit does it: the samples gathered from images of bytes on the device, the sums of the epoch.
Step fitted(const char* name) {
    const bench::Row& row = row_of(name);
    const nn::Sequential model = row.model();
    model.to(counted_device);
    const std::shared_ptr<optim::Optimizer> optimizer = row.optimizer(model);
    const Options bytes{.dtype = DType::u8, .device = counted_device};
    const data::Dataset set =
        data::images({.images = zeros({1000, 28, 28}, bytes), .labels = zeros({1000}, bytes)});
    const Tensor places = zeros({row.batch_size}, {.dtype = DType::i64, .device = counted_device});
    const auto totals = std::make_shared<train::Totals>();
    return [=] {
        const data::Batch batch = data::step_of(set, places);
        optimizer->zero_grad();
        const Tensor output = model(batch.x), loss = cross_entropy(output, batch.y);
        loss.backward();
        totals->add(loss, output, batch.y);
        optimizer->step();
    };
}

Step row(const char* name) {
    const auto* const found = &row_of(name);
    Shape shape = found->sample;
    shape.insert(0, found->batch_size);
    return classifier(found->model(), found->optimizer, shape);
}

// A module whose output is to be y, by the mean square.
template <class Module> Step regression(const Module& layer, const Shape& shape) {
    const auto model = std::make_shared<Module>(layer);
    model->to(counted_device);
    const auto optimizer = std::make_shared<optim::AdamW>(model->parameters());
    const Tensor x = zeros(shape, {.device = counted_device});
    return [model, optimizer, x] {
        optimizer->zero_grad();
        mse_loss((*model)(x), x).backward();
        optimizer->step();
    };
}

// ResNet's basic block of 64 channels.
struct ResidualBlock : nn::Module {
    nn::Conv2d conv1{child("conv1", nn::Conv2d(64, 64, 3, {.padding = 1, .bias = false}))};
    nn::BatchNorm2d norm1{child("norm1", nn::BatchNorm2d(64))};
    nn::Conv2d conv2{child("conv2", nn::Conv2d(64, 64, 3, {.padding = 1, .bias = false}))};
    nn::BatchNorm2d norm2{child("norm2", nn::BatchNorm2d(64))};

    Tensor operator()(const Tensor& x) const { return relu(norm2(conv2(relu(norm1(conv1(x))))) + x); }
};

// The gradients of W1's six parameters.
Step clipping() {
    std::vector<Tensor> parameters;
    for (const Shape& shape :
         {Shape{128, 784}, Shape{128}, Shape{64, 128}, Shape{64}, Shape{10, 64}, Shape{10}}) {
        const Options options{.device = counted_device};
        Tensor parameter = zeros(shape, options);
        parameter.set_requires_grad(true);
        parameter.set_grad(zeros(shape, options));
        parameters.push_back(parameter);
    }
    return [parameters] { optim::clip_grad_norm_(parameters, 1); };
}

const std::vector<std::pair<std::string, std::function<Step()>>>& works() {
    static const std::vector<std::pair<std::string, std::function<Step()>>> all{
        {"mlp-small",
         [] {
             return classifier(nn::Sequential(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10)),
                               bench::sgd, {128, 784});
         }},
        {"W1", [] { return row("W1"); }},
        {"W1-fit", [] { return fitted("W1"); }},
        {"W2", [] { return row("W2"); }},
        {"W3", [] { return row("W3"); }},
        {"W4", [] { return row("W4"); }},
        {"transformer",
         [] {
             return regression(nn::TransformerEncoderLayer(256, 8), {16, 128, 256});
         }},
        {"resnet-block",
         [] {
             return regression(ResidualBlock(), {32, 64, 32, 32});
         }},
        {"clip_grad_norm", clipping}};
    return all;
}

}  // namespace

double CountedLaunch::work() const {
    const double share =
        std::min(1.0, static_cast<double>(grid.count()) / static_cast<double>(multiprocessors));
    return std::max(bytes / bytes_per_us, operations / operations_per_us) / share;
}

const std::vector<std::string>& counted_works() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const auto& [name, make] : works()) list.push_back(name);
        return list;
    }();
    return names;
}

std::vector<CountedLaunch> count_launches(const std::string& work, LaunchMode mode) {
    const auto found =
        std::find_if(works().begin(), works().end(), [&](const auto& w) { return w.first == work; });
    if (found == works().end()) throw std::invalid_argument("no work is called " + work);
    CountingBackend& device = counting_device();
    const Counting counting(device);
    const Step step = found->second();
    step();
    step();
    if (mode == LaunchMode::eager) {
        device.launches.clear();
        step();
        return device.launches;
    }
    const Captured captured = capture(step, {.device = counted_device, .warmup = 0});
    device.launches.clear();
    captured.replay();
    return device.launches;
}

double serial_time(const std::vector<CountedLaunch>& launches, double boundary) {
    double time = 0;
    for (const CountedLaunch& launch : launches) time += boundary + launch.work();
    return time;
}

double critical_time(const std::vector<CountedLaunch>& launches, double boundary) {
    std::vector<double> end(launches.size(), 0);
    double last = 0;
    for (std::size_t i = 0; i < launches.size(); ++i) {
        double begin = 0;
        for (std::size_t j = 0; j < i; ++j)
            if (launches[i].effects.conflicts(launches[j].effects)) begin = std::max(begin, end[j]);
        end[i] = begin + boundary + launches[i].work();
        last = std::max(last, end[i]);
    }
    return last;
}

}  // namespace adjoint
