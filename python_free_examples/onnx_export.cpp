// Trains the convolutional net of MNIST, writes it as ONNX and, if asked, has ONNX Runtime look at the file.
#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>
#include <sys/wait.h>
#include <unistd.h>

#include "usual_options.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

using namespace adjoint;

namespace {

struct Settings {
    std::string out = "cnn.onnx";
    ImageSource images;
    int epochs = 1;
    std::uint64_t seed = 1;
    bool quick = false, check = false;
};

// Prints the largest difference between ONNX Runtime's scores and ours; status 3 if it is not there.
constexpr const char* script = R"(
import sys
try:
    import numpy, onnxruntime
except ImportError as error:
    print(error)
    sys.exit(3)
arrays = numpy.load(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(scores,) = session.run(["scores"], {"image": arrays["image"]})
ours = arrays["scores"]
difference = abs(scores - ours).max() / abs(ours).max()
same = int((scores.argmax(1) == ours.argmax(1)).sum())
print(f"ONNX Runtime {onnxruntime.__version__}: largest difference {difference:.1e} of the largest score, "
      f"{same} of {len(ours)} images in the same class")
sys.exit(0 if difference < 1e-5 and same == len(ours) else 1)
)";

/// The exit status of a program that is found by its name, -1 if it was not.
int status_of(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
}

void check_in_onnx_runtime(const std::string& model, const Tensor& images, const Tensor& scores) {
    const std::string arrays = model + ".check.npz";
    data::write_npz(arrays, {{"image", images.contiguous()}, {"scores", scores.contiguous()}});
    const char* own = std::getenv("ADJOINT_ONNX_PYTHON");
    const std::string python = own != nullptr ? own : "python3";
    const int status = status_of({python, "-c", script, model, arrays});
    std::filesystem::remove(arrays);
    if (status == -1) say("not checked: %s was not found\n", python.c_str());
    if (status == 3) say("not checked: ONNX Runtime is not there; pip install onnxruntime numpy\n");
    if (status != 0 && status != 3 && status != -1)
        throw Error("onnx_export: ONNX Runtime does not agree with what was computed here");
}

void run(const Settings& s) {
    if (s.epochs < 1) throw UsageError(text_of("--epochs %d, expected at least 1", s.epochs));
    const data::Mnist mnist = s.images.load();
    const data::ImageOptions form{.mean = 0.1307, .std = 0.3081, .sample_shape = {1, 28, 28}};
    data::Dataset training = data::images(mnist.train, form), test = data::images(mnist.test, form);
    if (s.quick) training = training.part(0, 3000), test = test.part(0, 1000);

    manual_seed(s.seed);
    const nn::Sequential model(nn::Conv2d(1, 16, 3), nn::BatchNorm2d(16), nn::ReLU(), nn::MaxPool2d(2),
                               nn::Conv2d(16, 32, 3), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                               nn::Linear(32 * 5 * 5, 10));
    optim::Adam optimizer(model.parameters());
    train::fit(model, nn::CrossEntropyLoss(), optimizer, training,
               {.epochs = s.epochs, .validation = test, .seed = s.seed});

    model.eval();
    const NoGrad guard;
    data::Loader loader(test, {.batch_size = 256, .shuffle = false});
    data::Batch batch;
    loader.next(batch);
    onnx::save(s.out, model, {batch.x},
               {.dynamic_axes = {{"image", {{0, "batch"}}}},
                .names = {.inputs = {"image"}, .outputs = {"scores"}},
                .metadata = {{"trained on", mnist.name}},
                .fold_batch_norm = true});
    say("model: %s, %ju bytes\n", s.out.c_str(),
        static_cast<std::uintmax_t>(std::filesystem::file_size(s.out)));
    const Tensor scores = model(batch.x), again = onnx::load(s.out)(batch.x);
    say("read again: largest difference %.1e of the largest score\n",
        (amax(abs(again - scores)) / amax(abs(scores))).item());
    if (s.check) check_in_onnx_runtime(s.out, batch.x, scores);
}

}  // namespace

int main(int argc, char** argv) {
    Settings s;
    std::vector<Option> options = s.images.options();
    for (Option& option : std::vector<Option>{
             {"out", "the file", &s.out},
             {"epochs", "how often each image is seen", &s.epochs},
             {"seed", "of the random numbers", &s.seed},
             {"quick", "learn 3,000 images only", &s.quick},
             {"check", "run the file in ONNX Runtime, by python3 ($ADJOINT_ONNX_PYTHON)", &s.check}})
        options.push_back(std::move(option));
    return run_program(argc, argv,
                       {.what = "Trains a convolutional net on MNIST and writes it as ONNX.",
                        .data = images_to_read,
                        .time = "less than a minute",
                        .files = "what --out names"},
                       options, [&] { run(s); });
}
