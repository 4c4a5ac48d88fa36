// Images: PNG and JPEG files, and the records of CIFAR.
#include <array>

#include <adjoint/data/cifar.h>
#include <adjoint/data/image.h>

#include "data/image_files.h"
#include "packing.h"
#include "target.h"

namespace adjoint::fuzz {
namespace {

Target image_target(const std::string& name, const std::vector<std::string_view>& seeds) {
    Target target{.name = name, .read = [](const std::string& bytes) {
                      const auto view = std::as_bytes(std::span(bytes));
                      const Tensor own = data::decode_image(view, "image", {.channels = 0}),
                                   colour = data::decode_image(view, "image");
                      expect(own.dtype() == u8 && own.dim() == 3 && colour.size(0) == 3 &&
                                 own.size(1) == colour.size(1) && own.size(2) == colour.size(2),
                             "with other channels it has another size");
                      const Tensor small = data::resize_image(colour, 3, 5);
                      expect(small.shape() == Shape{3, 3, 5}, "it was not made smaller");
                  }};
    for (const std::string_view digits : seeds) target.seeds.push_back(data::from_hex(digits));
    return target;
}

/// Of the first byte the first bits say which file the others are.
Target cifar_target() {
    static constexpr std::array files = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                         "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin",
                                         "batches.meta.txt"};
    const std::string folder = place() / "cifar10";
    std::filesystem::create_directory(folder);
    static std::array<std::string, files.size()> sound;
    for (std::size_t i = 0; i + 1 < files.size(); ++i) sound[i] = std::string(3073, static_cast<char>(i));
    sound.back() = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    const auto write = [](std::size_t which, const std::string& bytes) {
        place().file(std::string("cifar10/") + files[which], bytes);
    };
    Target target{.name = "cifar", .longest = 2 * 3073 + 1};
    for (std::size_t i = 0; i < files.size(); ++i) {
        write(i, sound[i]);
        if (i == 0 || i + 2 >= files.size())
            target.seeds.push_back(std::string(1, static_cast<char>(i)) + sound[i]);
    }
    target.seeds.push_back(std::string(1, '\0') + gzipped(sound[0] + sound[1]));
    target.read = [=](const std::string& bytes) {
        if (bytes.empty()) return;
        const std::size_t which = static_cast<unsigned char>(bytes[0]) % files.size();
        write(which, bytes.substr(1));
        try {
            const data::Cifar set = data::load_cifar10(folder);
            expect(set.train.images.size(0) == set.train.labels.size(0) && set.classes.size() == 10,
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

std::vector<Target> image_targets() {
    using namespace data;
    std::vector<Target> list;
    if (image_formats().png) {
        list.push_back(image_target("png", {png_palette, png_grey16, png_bits, png_opacity}));
        list.back().repair = repair_png;
    }
    if (image_formats().jpeg)
        list.push_back(image_target("jpeg", {jpeg_colour, jpeg_progressive, jpeg_grey}));
    list.push_back(cifar_target());
    return list;
}

}  // namespace adjoint::fuzz
