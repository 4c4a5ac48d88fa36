// What models and trainings are saved as: checkpoints, states of modules and of optimizers, files of PyTorch.
#include <array>

#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/torch.h>
#include <adjoint/data/zip.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/sgd.h>
#include <adjoint/train/checkpoint.h>

#include "packing.h"
#include "target.h"

namespace adjoint::fuzz {
namespace {

nn::Sequential small_model() { return nn::Sequential(nn::Linear(3, 2), nn::BatchNorm1d(2)); }

/// A file in which the part at `name` is what the target is about.
std::string saved(const data::NamedTensors& tensors) {
    data::save_safetensors(place() / "seed", tensors);
    return content_of("seed");
}
std::string saved_by_torch(const data::NamedTensors& tensors) {
    data::save_torch(place() / "seed", tensors);
    return content_of("seed");
}

Target checkpoint_target() {
    train::Checkpoint example;
    example.model = small_model().state();
    example.optimizer = {{"groups.0.lr", Tensor(0.1)}, {"0.step", tensor<std::int64_t>({3}, Shape{})}};
    example.callbacks = {{{"best", Tensor(0.5)}}, {}};
    example.epoch = {{"loss", tensor<double>({1, 2}, {2})}};
    example.settings = {{"batch_size", "64"}};
    example.history.batches = {0.5, 0.25};
    example.history.epochs = {
        {.epoch = 1, .train = {0.5, 0.75}, .validation = {0.6, 0.7}, .seconds = 2, .metrics = {{"f1", 0.5}}}};
    const std::string path = place() / "seed";
    train::save_checkpoint(path, example);
    return {.name = "checkpoint",
            .read =
                [](const std::string& bytes) {
                    const std::string again = place() / "out.ckpt";
                    train::save_checkpoint(again, train::load_checkpoint(place().file("in.ckpt", bytes)));
                    const std::string first = content_of("out.ckpt");
                    train::save_checkpoint(again, train::load_checkpoint(again));
                    expect(content_of("out.ckpt") == first,
                           "written and read again it is another checkpoint");
                },
            .seeds = {content_of("seed")},
            .longest = 8192};
}

bool all_there(const data::NamedTensors& wanted, const data::NamedTensors& given) {
    for (const auto& [name, x] : wanted) {
        bool found = false;
        for (const auto& [other, y] : given) found = found || (name == other && same_bits(x, y));
        if (!found) return false;
    }
    return true;
}

data::NamedTensors copied(const data::NamedTensors& tensors) {
    data::NamedTensors copies;
    for (const auto& [name, x] : tensors) copies.emplace_back(name, x.detach().clone());
    return copies;
}

/// What loads the state, and what it says that its state is: all of the file, or what it was before.
template <class Load, class State>
void load_whole_or_not(const data::NamedTensors& file, const Load& load, const State& state) {
    const data::NamedTensors before = copied(state());
    try {
        load();
    } catch (const Error&) {
        expect(same_bits(state(), before), "a state that was refused has changed something");
        throw;
    }
    expect(all_there(state(), file), "the state is not what the file holds");
}

Target optimizer_target() {
    const nn::Sequential model = small_model();
    const auto adam = std::make_shared<optim::Adam>(model.parameters());
    const auto sgd = std::make_shared<optim::SGD>(model.parameters(), optim::SGDOptions{.momentum = 0.9});
    Target target{
        .name = "optimizer", .read = [=](const std::string& bytes) {
            if (bytes.empty()) return;
            optim::Optimizer& optimizer = bytes[0] % 2 == 0 ? static_cast<optim::Optimizer&>(*adam) : *sgd;
            const auto file = data::load_safetensors(place().file("in.state", bytes.substr(1)));
            load_whole_or_not(
                file.tensors, [&] { optimizer.load_state(file.tensors); }, [&] { return optimizer.state(); });
        }};
    target.seeds = {std::string(1, '\0') + saved(adam->state()), "\1" + saved(sgd->state())};
    for (const Tensor& p : model.parameters()) p.set_grad(ones(p.shape()));
    adam->step();
    sgd->step();
    target.seeds.push_back(std::string(1, '\0') + saved(adam->state()));
    target.seeds.push_back("\1" + saved(sgd->state()));
    return target;
}

/// The first byte is options.
Target module_target() {
    const nn::Sequential model = small_model();
    const auto read = [model](const std::string& bytes) {
        if (bytes.empty()) return;
        const std::string path = place().file("in.weights", bytes.substr(1));
        const nn::LoadOptions options{.strict = bytes[0] / 2 % 2 == 0,
                                      .skip_misfits = bytes[0] / 4 % 2 == 1,
                                      .convert = bytes[0] / 8 % 2 == 1,
                                      .rename = {}};
        const data::NamedTensors before = copied(model.state());
        try {
            model.load(path, options);
        } catch (const Error&) {
            expect(same_bits(model.state(), before), "a state that was refused has changed something");
            throw;
        }
    };
    Target target{.name = "module", .read = read};
    data::NamedTensors state = model.state();
    const std::string file = saved(state), by_torch = saved_by_torch(state);
    for (auto& [name, x] : state) x = x.to(x.dtype() == f32 ? f64 : x.dtype());
    target.seeds = {std::string(1, '\0') + file, std::string(1, '\0') + by_torch, "\x0e" + saved(state),
                    "\x06" + saved({{"0.weight", ones({9})}})};
    target.repair = repair_zip;
    target.longest = 8192;
    return target;
}

/// Tensors of PyTorch's file as others would read them: written and read again the same.
void read_by_torch(const std::string& path) {
    const data::TorchFile file = data::load_torch(path, {.key = {}, .unpacked_limit = 1 << 24});
    std::int64_t elements = 0;
    for (const auto& [name, x] : file.tensors) elements += x.numel();
    constexpr std::int64_t worth_writing = 1 << 16;  // of a view that repeats itself there may be any number
    if (elements > worth_writing) return;
    data::NamedTensors dense;
    for (const auto& [name, x] : file.tensors) dense.emplace_back(name, x.contiguous());
    const std::string again = place() / "out.pth";
    data::save_torch(again, dense);
    expect(same_bits(data::load_torch(again).tensors, dense),
           "written and read again they are other tensors");
}

data::NamedTensors state_dictionary() {
    const Tensor shared = tensor<float>({1, 2, 3, 4, 5, 6}, {2, 3});
    return {{"fc.weight", shared},
            {"fc.tied", shared},
            {"steps", tensor<std::int64_t>({5}, Shape{})},
            {"half", ones({2}, {.dtype = bf16})}};
}

Target torch_target() {
    return {.name = "torch",
            .read = [](const std::string& bytes) { read_by_torch(place().file("in.pth", bytes)); },
            .seeds = {saved_by_torch(state_dictionary())},
            .repair = repair_zip};
}

/// The pickle alone; the archive around it is sound, and keeps six numbers as each of three members.
Target pickle_target() {
    const auto read = [](const std::string& bytes) {
        const std::array<float, 6> numbers = {1, 2, 3, 4, 5, 6};
        const std::string version = "3\n";
        const auto member = [](const char* name, auto content) {
            return data::ZipMember{std::string("archive/") + name, {std::as_bytes(std::span(content))}};
        };
        const std::array members = {
            member("data.pkl", std::string_view(bytes)), member("version", std::string_view(version)),
            member("data/0", std::span(numbers)), member("data/1", std::span(numbers)),
            member("data/2", std::span(numbers))};
        const std::string path = place() / "in.pickle";
        data::write_zip(path, members, false, "fuzz");
        read_by_torch(path);
    };
    Target target{.name = "pickle", .read = read};
    // The only part of the archive that is no number.
    const auto pickle_of = [](const data::NamedTensors& tensors) {
        data::save_torch(place() / "seed", tensors);
        const data::ZipReader archive(place() / "seed", 1 << 20);
        for (std::size_t i = 0; i < archive.size(); ++i)
            if (archive.name(i).ends_with("data.pkl")) {
                const auto content = archive.read(i);
                return std::string(reinterpret_cast<const char*>(content.data()), content.size());
            }
        throw Finding("an archive without its pickle");
    };
    // {"n": 5, "in": {"t": True}} in instructions that torch.save does not use.
    static constexpr char numbers[] = "\x80\x02}(X\x01\0\0\0nK\x05X\x02\0\0\0in}X\x01\0\0\0t\x88su.";
    target.seeds = {
        pickle_of({{"x", ones({2, 3})}, {"y", ones({6})}}), pickle_of({}), {numbers, sizeof(numbers) - 1}};
    return target;
}

}  // namespace

std::vector<Target> model_targets() {
    return {checkpoint_target(), optimizer_target(), module_target(), torch_target(), pickle_target()};
}

}  // namespace adjoint::fuzz
