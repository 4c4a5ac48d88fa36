// Files of arrays: .npy, .npz, IDX, safetensors, and the folder of MNIST.
#include <array>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/idx.h>
#include <adjoint/data/mnist.h>
#include <adjoint/data/npy.h>
#include <adjoint/data/npz.h>
#include <adjoint/data/safetensors.h>

#include "packing.h"
#include "target.h"

namespace adjoint::fuzz {
namespace {

/// Tensors of all sorts, each of few bytes.
data::NamedTensors small_tensors() {
    return {{"weight", tensor<float>({1.5F, -2, 3, 4, 0, -0.0F}, {2, 3})},
            {"bias", tensor<double>({0.5, 1e300}, {2})},
            {"count", tensor<std::int64_t>({-7}, Shape{})},
            {"pixels", tensor<std::uint8_t>({0, 1, 254, 255}, {1, 2, 2})},
            {"half", ones({2}, {.dtype = f16})},
            {"flags", zeros({3}, {.dtype = boolean})},
            {"none", zeros({0, 4})}};
}

/// A format of one array: what was read is written, and read again to the same bits.
Target array_target(const std::string& name, Tensor (*read)(const std::string&),
                    void (*write)(const std::string&, const Tensor&), const std::vector<Tensor>& examples) {
    Target target{.name = name, .read = [=](const std::string& bytes) {
                      const Tensor x = read(place().file("in." + name, bytes));
                      const std::string again = place() / ("out." + name);
                      write(again, x);
                      expect(same_bits(read(again), x), "written and read again it is another array");
                  }};
    for (const Tensor& example : examples) {
        write(place() / "seed", example);
        target.seeds.push_back(content_of("seed"));
    }
    target.seeds.push_back(gzipped(target.seeds.front()));
    return target;
}

Target npz_target() {
    Target target{.name = "npz",
                  .read =
                      [](const std::string& bytes) {
                          const auto arrays = data::read_npz(place().file("in.npz", bytes));
                          const std::string again = place() / "out.npz";
                          data::write_npz(again, arrays, {.compress = bytes.size() % 2 == 0});
                          expect(same_bits(data::read_npz(again), arrays),
                                 "written and read again they are other arrays");
                      },
                  .repair = repair_zip};
    for (const bool compress : {false, true}) {
        data::write_npz(place() / "seed", small_tensors(), {.compress = compress});
        target.seeds.push_back(content_of("seed"));
    }
    return target;
}

std::string safetensors_seed() {
    data::NamedTensors tensors = small_tensors();
    tensors.emplace_back("brain", ones({2}, {.dtype = bf16}));
    data::save_safetensors(place() / "seed", tensors, {{"format", "pt"}, {"a \"key\"", "\u00e9\n"}});
    return content_of("seed");
}

Target safetensors_target() {
    return {.name = "safetensors",
            .read =
                [](const std::string& bytes) {
                    const auto file = data::load_safetensors(place().file("in.safetensors", bytes));
                    const std::string again = place() / "out.safetensors";
                    data::save_safetensors(again, file.tensors, file.metadata);
                    const auto other = data::load_safetensors(again);
                    expect(other.metadata == file.metadata && other.tensors.size() == file.tensors.size(),
                           "written and read again it is another file");
                    for (const auto& [name, x] : file.tensors)
                        expect(same_bits(other[name], x), "written and read again it is another tensor");
                },
            .seeds = {safetensors_seed()}};
}

/// An index of two files that are there; the file names in it are for the fuzzer.
Target index_target() {
    place().file("part-1.safetensors", safetensors_seed());
    data::save_safetensors(place() / "part-2.safetensors", {{"other", ones({1})}});
    return {.name = "safetensors_index",
            .read =
                [](const std::string& bytes) {
                    const auto file =
                        data::load_safetensors(place().file("in.safetensors.index.json", bytes));
                    for (const auto& [name, x] : file.tensors)
                        expect(x.defined() && same_bits(file[name], x), "a name is there twice");
                },
            .seeds = {R"({"metadata": {"total_size": 44, "by": "hand"}, "weight_map": {)"
                      R"("weight": "part-1.safetensors", "other": "part-2.safetensors"}})"}};
}

constexpr std::array mnist_files = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/// The first byte says which of the four files the others are; the rest of the folder is in order.
Target mnist_target() {
    const std::string folder = place() / "mnist";
    std::filesystem::create_directory(folder);
    Target target{.name = "mnist"};
    const auto write = [folder](std::size_t which, const std::string& bytes) {
        place().file(std::string("mnist/") + mnist_files[which], bytes);
    };
    std::array<std::string, mnist_files.size()> sound;
    for (std::size_t i = 0; i < sound.size(); ++i) {
        const Tensor images = full({2, 28, 28}, 3, {.dtype = u8}), labels = tensor<std::uint8_t>({9, 0}, {2});
        data::write_idx(folder + "/" + mnist_files[i], i % 2 == 0 ? images : labels);
        sound[i] = content_of(std::string("mnist/") + mnist_files[i]);
        target.seeds.push_back(std::string(1, static_cast<char>(i)) + sound[i]);
    }
    target.read = [=](const std::string& bytes) {
        if (bytes.empty()) return;
        const std::size_t which = static_cast<unsigned char>(bytes[0]) % sound.size();
        write(which, bytes.substr(1));
        try {
            const data::Mnist set = data::load_mnist(folder);
            expect(set.train.images.size(0) == set.train.labels.size(0) &&
                       set.test.images.size(0) == set.test.labels.size(0),
                   "labels and images are not of one number");
        } catch (...) {
            write(which, sound[which]);
            throw;
        }
        write(which, sound[which]);
    };
    return target;
}

}  // namespace

std::vector<Target> array_targets() {
    const auto all = small_tensors();
    std::vector<Tensor> of_numpy, of_idx;
    for (const auto& [name, x] : all) {
        of_numpy.push_back(x);
        if (x.dtype() == f32 || x.dtype() == f64 || x.dtype() == u8) of_idx.push_back(x);
    }
    return {array_target("npy", data::read_npy, data::write_npy, of_numpy),
            array_target("idx", data::read_idx, data::write_idx, of_idx),
            npz_target(),
            safetensors_target(),
            index_target(),
            mnist_target()};
}

}  // namespace adjoint::fuzz
