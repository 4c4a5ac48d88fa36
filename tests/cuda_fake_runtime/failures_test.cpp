// Every call of the runtime and of the libraries, failing once: what was asked for is done in another way, or
// an exception says why not; and then the same program does it, and no memory of the device is lost.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/warning.h>

#include "runtime/fake.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

const Device gpu = Device::cuda(0);

void make_tensors() {
    const Tensor a = randn({300, 40}, {.device = gpu}), b = arange(40).to(DType::f32).to(gpu);
    const Tensor sums = sum(exp(transpose(a, 0, 1) * reshape(b, {40, 1})), 1);
    sums.to_vector<float>();
    sort(sums).values.to(Device::cpu());
    cuda::empty_cache(gpu);
}

// More than the pinned buffers hold.
void move_much() { rand({5 << 20}).to(gpu).to(Device::cpu()); }

// Large enough for cuBLASLt.
void multiply_matrices() {
    const Tensor x = randn({512, 768}, {.device = gpu}), w = randn({256, 768}, {.device = gpu}),
                 b = randn({256}, {.device = gpu});
    linear(x, w, b).to_vector<float>();
    matmul(randn({3, 512, 256}, {.device = gpu}), randn({3, 256, 512}, {.device = gpu})).to_vector<float>();
}

void go_back() {
    const nn::Conv2d conv(2, 4, 3, {.device = gpu});
    const nn::LSTM layer(36, 8, {.device = gpu});
    const Tensor images = randn({5, 2, 8, 8}, {.device = gpu});
    sum(layer(reshape(relu(conv(images)), {5, 4, 36})).output).backward();
    conv.parameters()[0].grad().to_vector<float>();
}

void capture_a_step() {
    const nn::Sequential model(nn::Linear(20, 30), nn::Dropout(0.5), nn::ReLU(), nn::Linear(30, 2));
    model.to(gpu);
    optim::Adam optimizer(model.parameters());
    const Tensor x = ones({8, 20}, {.device = gpu});
    const Captured step = capture(
        [&] {
            optimizer.zero_grad();
            sum(square(model(x))).backward();
            optimizer.step();
        },
        {.device = gpu});
    step.replay(3);
    model.parameters()[0].to_vector<float>();
}

void save_weights() {
    const TemporaryFolder folder;
    const nn::Linear layer(30, 20, {.device = gpu});
    layer.save(folder / "weights.safetensors");
    layer.load(folder / "weights.safetensors");
}

void train_on_batches() {
    const nn::Linear model(30, 4, {.device = gpu});
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    const data::Dataset set{.inputs = rand({40, 30}), .targets = randint(0, 4, {40})};
    train::fit(model, nn::CrossEntropyLoss(), optimizer, set,
               {.epochs = 2, .batch_size = 8, .verbose = false, .device = gpu});
}

struct Scene {
    const char* name;
    void (*run)();
    const char* allocator = "cache";  // ADJOINT_ALLOC
    const char* calls = "cu";         // those that fail, by a part of their names
};
void PrintTo(const Scene& scene, std::ostream* out) { *out << scene.name; }

// What `run` writes to its argument in a process of its own, and how that ended if not well.
std::string in_a_process(const std::function<void(std::string&)>& run) {
    int ends[2];
    if (pipe(ends) != 0) return "no pipe";
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        std::string text;
        run(text);
        const bool written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
        _exit(written ? 0 : 1);
    }
    close(ends[1]);
    std::string text;
    char part[4096];
    for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) text += " ended by signal " + std::to_string(WTERMSIG(status));
    return text;
}

// The calls of a scene on a device that starts with it.
fake_cuda::Counts calls_of(const Scene& scene) {
    const std::string text = in_a_process([&](std::string& out) {
        fake_cuda::Counts before = fake_cuda::calls();
        scene.run();
        for (const auto& [name, count] : fake_cuda::calls())
            out += name + " " + std::to_string(count - before[name]) + "\n";
    });
    fake_cuda::Counts counts;
    std::istringstream in(text);
    std::string name;
    for (long count; in >> name >> count;) counts[name] = count;
    return counts;
}

bool is_clear(const std::string& message) {
    for (const char* words : {"CUDA reported cuda", "cuDNN reported", "is out of memory", "is not available"})
        if (message.find(words) != std::string::npos) return true;
    return false;
}

// What is wrong when the n-th call fails; nothing if all is well.
void run_with_failure(const Scene& scene, const std::string& call, long n, std::string& wrong) {
    set_warning_handler([](const std::string&) {});
    const std::size_t before = fake_cuda::device_bytes();
    fake_cuda::fail(call, n);
    try {
        scene.run();
    } catch (const Error& error) {
        if (!is_clear(error.what())) wrong += std::string("unclear: ") + error.what() + "; ";
    } catch (const std::exception& error) {
        wrong += std::string("not one of ours: ") + error.what() + "; ";
    }
    if (!fake_cuda::has_failed()) wrong += "it was not made; ";
    // What the driver answered to the first question stands for the whole program.
    if (call == "cudaGetDeviceCount") return;
    try {
        scene.run();
        cuda::synchronize(gpu);
        cuda::empty_cache(gpu);
        const cuda::MemoryStats held = cuda::memory_stats(gpu);
        if (held.in_use != 0 || held.workspace != 0 || fake_cuda::device_bytes() > before)
            wrong += "lost: " + std::to_string(held.in_use) + " B of tensors, " +
                     std::to_string(held.workspace) + " B of workspaces, " +
                     std::to_string(fake_cuda::device_bytes()) + " B in all";
    } catch (const std::exception& error) {
        wrong += std::string("afterwards: ") + error.what();
    }
}

class Failures : public testing::TestWithParam<Scene> {};

TEST_P(Failures, OfEachCallOnce) {
    setenv("ADJOINT_ALLOC", GetParam().allocator, 1);
    const fake_cuda::Counts counts = calls_of(GetParam());
    ASSERT_GT(counts.size(), 10u);
    for (const auto& [call, count] : counts)
        for (long n = 1; n <= count && call.find(GetParam().calls) != std::string::npos; ++n) {
            const std::string wrong = in_a_process(
                [&, call = call](std::string& out) { run_with_failure(GetParam(), call, n, out); });
            EXPECT_EQ(wrong, "") << call << " " << n << " of " << count;
        }
}

INSTANTIATE_TEST_SUITE_P(Scenes, Failures,
                         testing::Values(Scene{"Tensors", make_tensors},
                                         Scene{"Copies", move_much, "cache", "Event"},
                                         Scene{"Products", multiply_matrices}, Scene{"BackwardPass", go_back},
                                         Scene{"CapturedStep", capture_a_step}, Scene{"Saving", save_weights},
                                         Scene{"Training", train_on_batches},
                                         Scene{"TensorsInTheDriversPool", make_tensors, "async"},
                                         Scene{"BackwardPassInTheDriversPool", go_back, "async"}),
                         [](const testing::TestParamInfo<Scene>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint
