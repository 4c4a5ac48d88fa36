// Images: every kind of file, Pillow's bits of resizing, class folders with their cache, CIFAR, and
// files that mean harm.
#include <adjoint/data/image.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/cifar.h>
#include <adjoint/data/file.h>
#include <adjoint/data/image_folder.h>
#include <adjoint/train/picture/png.h>

#include "image_files.h"
#include "test_files.h"

namespace adjoint::data {
namespace {

Tensor decoded(std::string_view hex, const ImageReadOptions& options = {}) {
    const std::string content = from_hex(hex);
    return decode_image(std::as_bytes(std::span(content)), "file", options);
}

std::string png_of(const Tensor& image) {
    const std::vector<std::byte> bytes = picture::png(image);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string error_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const IoError& error) {
        return error.what();
    }
    return "no IoError";
}

// (c, y, x) -> 40 + 30 c + 6 x + 3 y
Tensor slope(std::int64_t channels, std::int64_t height, std::int64_t width) {
    std::vector<std::uint8_t> pixels;
    for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t y = 0; y < height; ++y)
            for (std::int64_t x = 0; x < width; ++x)
                pixels.push_back(static_cast<std::uint8_t>(40 + 30 * c + 6 * x + 3 * y));
    return tensor(pixels, {channels, height, width});
}

void expect_close(const Tensor& got, const Tensor& expected, double distance) {
    ASSERT_EQ(got.shape(), expected.shape());
    EXPECT_EQ(got.dtype(), u8);
    EXPECT_LE(amax(abs(got.to(f32) - expected.to(f32))).item(), distance);
}

TEST(Image, PngOfEveryKind) {
    if (!image_formats().png) GTEST_SKIP() << "this build does not read png files";
    EXPECT_TRUE(equal(decoded(png_opacity, {.channels = 0}), cat({slope(3, 3, 4), slope(1, 3, 4)}, 0)));
    EXPECT_TRUE(equal(decoded(png_opacity), slope(3, 3, 4))) << "opacity is dropped";
    EXPECT_TRUE(equal(decoded(png_palette)(0, 0), slope(3, 3, 4)(0, 0)));
    EXPECT_EQ(decoded(png_palette, {.channels = 0}).shape(), (Shape{3, 3, 4}));
    EXPECT_TRUE(equal(decoded(png_palette, {.channels = 4})(3), full({3, 4}, 255, {.dtype = u8})));
    EXPECT_EQ(decoded(png_grey16, {.channels = 0}).to_vector<int>(),
              (std::vector<int>{0, 19, 39, 58, 78, 97, 117, 136, 156, 175, 195, 214}));
    EXPECT_EQ(decoded(png_bits, {.channels = 1}).to_vector<int>(),
              (std::vector<int>{255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0}));
    EXPECT_EQ(decoded(png_bits).shape(), (Shape{3, 3, 4})) << "grey three times";
    const Tensor pixels = randint(0, 256, {9, 7, 3}).to(u8);
    const TemporaryFolder folder;
    const std::string path = folder.file("wrong name.jpg", png_of(pixels));
    EXPECT_TRUE(equal(read_image(path), permute(pixels, {2, 0, 1}))) << "the content says what it is";
    EXPECT_THROW(read_image(path, {.channels = 2}), ValueError);
}

TEST(Image, JpegOfEveryKind) {
    if (!image_formats().jpeg) GTEST_SKIP() << "this build does not read jpeg files";
    expect_close(decoded(jpeg_colour), slope(3, 12, 20), 3);
    expect_close(decoded(jpeg_progressive), slope(3, 12, 20), 3);
    expect_close(decoded(jpeg_grey, {.channels = 0}), slope(1, 12, 20), 2);
    EXPECT_EQ(decoded(jpeg_grey).shape(), (Shape{3, 12, 20}));
    EXPECT_NE(error_of([] { decoded(jpeg_cmyk); }).find("file: cannot be read as JPEG: "), std::string::npos);
}

// The numbers are CRC-32 of what Pillow 13 makes of (7 x + 13 y + 50 c + 3 x y) mod 256, 53 wide and 37 high.
TEST(Image, ResizesToTheBitsOfPillow) {
    std::vector<std::uint8_t> pixels;
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < 37; ++y)
            for (int x = 0; x < 53; ++x)
                pixels.push_back(static_cast<std::uint8_t>((x * 7 + y * 13 + c * 50 + x * y * 3) % 256));
    const Tensor image = tensor(pixels, {3, 37, 53});
    const auto sum_of = [](const Tensor& x) {
        const std::vector<std::uint8_t> bytes = x.to_vector<std::uint8_t>();
        return crc32(std::as_bytes(std::span(bytes)));
    };
    struct Case {
        std::int64_t height, width;
        std::uint32_t crc;
    };
    for (const Case& c : {Case{5, 9, 0x715ddf60}, Case{80, 64, 0x2d3e474c}, Case{37, 20, 0x12e1e4d2},
                          Case{11, 53, 0x2048e9cb}, Case{1, 1, 0x2ea2ffe}, Case{37, 53, 0xb37cb154}})
        EXPECT_EQ(sum_of(resize_image(image, c.height, c.width)), c.crc) << c.height << " x " << c.width;
    if (image_formats().png) {
        const std::string file = png_of(permute(image, {1, 2, 0}));
        EXPECT_EQ(sum_of(decode_image(std::as_bytes(std::span(file)), "file", {.channels = 1})), 0x4cc3ca6dU)
            << "Pillow's grey";
    }
    EXPECT_TRUE(equal(resize_image(unsqueeze(image, 0), 5, 9)(0), resize_image(image, 5, 9)));
    // As wide as high: the middle of the width is left.
    EXPECT_TRUE(equal(crop_image(image, 37, 37), image(all, all, slice(8, 45))));
    EXPECT_EQ(crop_image(image, 64, 20).shape(), (Shape{3, 64, 20}));
    EXPECT_THROW(resize_image(image.to(f32), 5, 9), DTypeError);
    EXPECT_THROW(resize_image(image, 0, 9), ValueError);
    EXPECT_THROW(resize_image(image, std::int64_t{1} << 40, 9), OutOfMemoryError);
    EXPECT_THROW(resize_image(image, std::int64_t{1} << 40, std::int64_t{1} << 40), ShapeError);
    EXPECT_THROW(resize_image(zeros({3, 0, 5}, {.dtype = u8}), 2, 2), ShapeError);
}

TEST(Image, NormalisesEachChannel) {
    const Tensor image = tensor<std::uint8_t>({0, 255, 51, 102}, {2, 1, 2});
    const auto numbers = [&](const std::vector<double>& mean, const std::vector<double>& std) {
        return normalize_image(image, mean, std).to_vector<float>();
    };
    EXPECT_EQ(numbers({}, {}), (std::vector<float>{0, 1, 0.2F, 0.4F}));
    EXPECT_EQ(numbers({0, 0.2}, {0.5, 0.1}), (std::vector<float>{0, 2, 0, 2}));
    EXPECT_EQ(numbers({0.5}, {0.5})[0], -1);
    EXPECT_TRUE(equal(normalize_image(unsqueeze(image, 0), {0.5}, {})(0), normalize_image(image, {0.5}, {})));
    EXPECT_THROW(numbers({1, 2, 3}, {}), ShapeError);
    EXPECT_THROW(numbers({}, {0}), ValueError);
    EXPECT_THROW(normalize_image(image.to(f32), {}, {}), DTypeError);
}

std::string with_size(std::string_view hex, std::size_t at, std::size_t bytes, std::uint32_t width,
                      std::uint32_t height) {
    std::string content = from_hex(hex);
    for (const std::uint32_t side : {width, height})
        for (std::size_t k = bytes; k-- > 0; ++at) content[at] = static_cast<char>(side >> (8 * k) & 255);
    return content;
}

TEST(Image, HugeClaimsAreRefusedBeforeMemoryIsTaken) {
    const TemporaryFolder folder;
    if (image_formats().png) {
        // The header's checksum has to fit its new content.
        const auto claimed = [&](std::uint32_t width, std::uint32_t height) {
            std::string content = with_size(png_opacity, 16, 4, width, height);
            const std::uint32_t crc = crc32(std::as_bytes(std::span(content).subspan(12, 17)));
            for (std::size_t k = 0; k < 4; ++k)
                content[29 + k] = static_cast<char>(crc >> (8 * (3 - k)) & 255);
            return folder.file("claim.png", content);
        };
        const std::string limit = error_of([&] { read_image(claimed(60000, 60000)); });
        EXPECT_NE(limit.find("claim.png: claims 60000 x 60000 pixels"), std::string::npos) << limit;
        EXPECT_NE(limit.find("pixel_limit"), std::string::npos) << limit;
        const std::string size = error_of([&] { read_image(claimed(5000, 5000)); });
        EXPECT_NE(size.find("a file of 78 bytes cannot hold them"), std::string::npos) << size;
        EXPECT_NE(error_of([&] { read_image(claimed(1U << 30, 1)); }).find("claim.png: "), std::string::npos);
    }
    if (image_formats().jpeg) {
        // Height and width stand behind the marker ff c0, its length and the number of bits.
        const std::size_t at = from_hex(jpeg_colour).find("\xff\xc0") + 5;
        const std::string path = folder.file("claim.jpg", with_size(jpeg_colour, at, 2, 5000, 6000));
        EXPECT_NE(error_of([&] { read_image(path); }).find("claims 6000 x 5000"), std::string::npos);
        const std::size_t later = from_hex(jpeg_progressive).find("\xff\xc2") + 5;
        const std::string scans = folder.file("scans.jpg", with_size(jpeg_progressive, later, 2, 5000, 6000));
        EXPECT_NE(error_of([&] { read_image(scans); }).find("scans.jpg: "), std::string::npos);
        EXPECT_NE(error_of([&] {
                      read_image(folder.file("c.jpg", from_hex(jpeg_colour)), {.pixel_limit = 239});
                  }).find("the limit is 239"),
                  std::string::npos);
    }
}

TEST(Image, WhatIsNoImageOrCutShort) {
    const TemporaryFolder folder;
    EXPECT_NE(error_of([&] { read_image(folder / "none.png"); }).find("none.png: no such file"),
              std::string::npos);
    EXPECT_NE(
        error_of([&] { read_image(folder.file("text.png", "hello")); }).find("neither a PNG nor a JPEG"),
        std::string::npos);
    EXPECT_NE(error_of([&] { read_image(folder.file("empty.jpg", "")); }).find("neither"), std::string::npos);
    for (const auto& [hex, readable] : {std::pair{jpeg_colour, image_formats().jpeg},
                                        {jpeg_progressive, image_formats().jpeg},
                                        {png_opacity, image_formats().png}}) {
        const std::string whole = from_hex(hex);
        if (!readable) {
            EXPECT_NE(error_of([&] { read_image(folder.file("file", whole)); }).find("does not read them"),
                      std::string::npos);
            continue;
        }
        // The end marker of a JPEG file may be missing, nothing else.
        for (std::size_t size = 0; size + 2 < whole.size(); ++size) {
            const std::string message =
                error_of([&] { read_image(folder.file("file", whole.substr(0, size))); });
            EXPECT_NE(message.find("file: "), std::string::npos)
                << size << " of " << whole.size() << ": " << message;
        }
    }
}

class ImageFolderTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!image_formats().png) GTEST_SKIP() << "this build does not read png files";
        for (const char* name : {"cat", "cat/more", "dog"})
            std::filesystem::create_directories(folder / name);
        folder.file("dog/1.PNG", png_of(full({4, 6, 3}, 10, {.dtype = u8})));
        folder.file("cat/2.png", png_of(full({8, 8, 3}, 20, {.dtype = u8})));
        folder.file("cat/1.png", png_of(full({2, 2}, 30, {.dtype = u8})));
        folder.file("cat/more/3.jpeg", png_of(full({3, 3, 3}, 40, {.dtype = u8})));
        folder.file("cat/notes.txt", "no image");
        folder.file("readme", "no class");
    }
    TemporaryFolder folder;
};

TEST_F(ImageFolderTest, FindsClassesAndMakesBatches) {
    const ImageFolder set(folder.path(), {.height = 4, .width = 5, .mean = {0.5}, .std = {0.5}});
    EXPECT_EQ(set.classes(), (std::vector<std::string>{"cat", "dog"}));
    ASSERT_EQ(set.size(), 4);
    EXPECT_EQ(set.path(0), folder / "cat/1.png");
    EXPECT_EQ(set.path(2), folder / "cat/more/3.jpeg");
    EXPECT_EQ(set.label(3), 1);
    EXPECT_EQ(set.note(),
              "4 images of 2 classes in " + folder.path() + "; 2 files of other kinds are left out");
    const std::vector<std::int64_t> wanted{3, 0, 3};
    const Batch batch = set.get(wanted);
    EXPECT_EQ(batch.x.shape(), (Shape{3, 3, 4, 5}));
    EXPECT_EQ(batch.y.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0, 1}));
    EXPECT_NEAR(batch.x(0, 2, 3, 4).item(), (10 / 255.0 - 0.5) / 0.5, 1e-6);
    EXPECT_NEAR(batch.x(1, 0, 0, 0).item(), (30 / 255.0 - 0.5) / 0.5, 1e-6);
    const std::vector<std::int64_t> wrong{4};
    EXPECT_THROW(set.get(wrong), IndexError);
    EXPECT_EQ(set.get({}).x.shape(), (Shape{0, 3, 4, 5}));
    EXPECT_EQ(ImageFolder(folder.path(), {.height = 3, .width = 3, .fit = ImageFit::crop, .channels = 1})
                  .image(3)
                  .shape(),
              (Shape{1, 3, 3}));
}

TEST_F(ImageFolderTest, LeavesHiddenOnesOut) {
    for (const char* name : {".checkpoints", "cat/.thumbnails"})
        std::filesystem::create_directories(folder / name);
    const std::string picture = png_of(full({2, 2}, 30, {.dtype = u8}));
    for (const char* name : {".checkpoints/1.png", "cat/.thumbnails/1.png", "dog/.1.png"})
        folder.file(name, picture);
    const ImageFolder set(folder.path());
    EXPECT_EQ(set.classes(), (std::vector<std::string>{"cat", "dog"}));
    EXPECT_EQ(set.size(), 4);
}

TEST_F(ImageFolderTest, KeepsWhatFitsTheBudget) {
    // An image takes 3 * 2 * 2 bytes; two of the four have room.
    const ImageFolder set(folder.path(), {.height = 2, .width = 2, .cache_bytes = 30}),
        none(folder.path(), {.height = 2, .width = 2, .cache_bytes = 0});
    const std::vector<std::int64_t> wanted{0, 1, 2, 3};
    const Tensor before = set.get(wanted).x;
    EXPECT_EQ(set.cached_bytes(), 24u);
    std::filesystem::remove(folder / "cat/1.png");
    EXPECT_NO_THROW(set.image(0)) << "comes from the cache";
    std::filesystem::remove(folder / "dog/1.PNG");
    EXPECT_NE(error_of([&] { set.image(3); }).find("dog/1.PNG: no such file"), std::string::npos);
    none.image(1);
    EXPECT_EQ(none.cached_bytes(), 0u);
}

TEST_F(ImageFolderTest, SeveralThreadsAskAtOnce) {
    const ImageFolder set(folder.path(), {.height = 8, .width = 8, .cache_bytes = 500});
    const std::vector<std::int64_t> wanted{0, 1, 2, 3, 2, 1, 0};
    const Tensor expected = set.get(wanted).x;
    std::vector<std::thread> threads;
    std::vector<int> equals(4);
    for (std::size_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) equals[t] += equal(set.get(wanted).x, expected);
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(equals, (std::vector<int>{20, 20, 20, 20}));
}

TEST_F(ImageFolderTest, SaysWhatIsWrongWithAFolder) {
    EXPECT_NE(error_of([&] { ImageFolder(folder / "none"); }).find("none: no such directory"),
              std::string::npos);
    EXPECT_NE(error_of([&] { ImageFolder(folder / "readme"); }).find("is not a directory"),
              std::string::npos);
    EXPECT_NE(error_of([&] { ImageFolder(folder / "dog"); }).find("one for each class"), std::string::npos);
    std::filesystem::create_directory(folder / "empty");
    EXPECT_NE(error_of([&] { ImageFolder(folder.path()); }).find("empty: a class folder without"),
              std::string::npos);
    EXPECT_THROW(ImageFolder(folder.path(), {.height = 0}), ValueError);
    EXPECT_THROW(ImageFolder(folder.path(), {.channels = 2}), ValueError);
    EXPECT_THROW(ImageFolder(folder.path(), {.mean = {1, 2}}), ShapeError);
    folder.file("empty/broken.jpg", "broken");
    const ImageFolder set(folder.path());
    EXPECT_NE(error_of([&] { set.image(4); }).find("empty/broken.jpg: is neither"), std::string::npos);
}

// A file of records: labels in front, then pixels that are all the number of the record.
std::string records(std::size_t count, const std::vector<int>& labels) {
    std::string content;
    for (std::size_t i = 0; i < count; ++i) {
        for (const int label : labels) content += static_cast<char>(label);
        content += std::string(3 * 32 * 32, static_cast<char>(i + 1));
    }
    return content;
}

TEST(Cifar, ReadsBothSets) {
    const TemporaryFolder folder;
    for (int i = 1; i <= 5; ++i) folder.file("data_batch_" + std::to_string(i) + ".bin", records(2, {i}));
    folder.file("test_batch.bin", records(1, {9}));
    folder.file("batches.meta.txt",
                "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
    const Cifar ten = load_cifar10(folder.path());
    EXPECT_EQ(ten.train.images.shape(), (Shape{10, 3, 32, 32}));
    EXPECT_EQ(ten.train.labels.to_vector<int>(), (std::vector<int>{1, 1, 2, 2, 3, 3, 4, 4, 5, 5}));
    EXPECT_EQ(ten.train.images(1, 2, 31, 31).item(), 2);
    EXPECT_EQ(ten.test.labels.to_vector<int>(), std::vector<int>{9});
    EXPECT_EQ(ten.classes[3], "cat");
    EXPECT_FALSE(ten.coarse_train.defined());

    std::string fine, coarse;
    for (int i = 0; i < 100; ++i) fine += "f" + std::to_string(i) + "\n";
    for (int i = 0; i < 20; ++i) coarse += "c" + std::to_string(i) + "\r\n";
    folder.file("fine_label_names.txt", fine);
    folder.file("coarse_label_names.txt", coarse);
    folder.file("train.bin", records(3, {7, 99}));
    folder.file("test.bin", records(1, {19, 0}));
    const Cifar hundred = load_cifar100(folder.path());
    EXPECT_EQ(hundred.train.labels.to_vector<int>(), (std::vector<int>{99, 99, 99}));
    EXPECT_EQ(hundred.coarse_train.to_vector<int>(), (std::vector<int>{7, 7, 7}));
    EXPECT_EQ(hundred.coarse_test.item(), 19);
    EXPECT_EQ(hundred.classes[99], "f99");
    EXPECT_EQ(hundred.coarse_classes[19], "c19");

    const auto refused = [&](const std::string& name, const std::string& content, const std::string& says) {
        folder.file(name, content);
        const std::string message = error_of([&] { load_cifar100(folder.path()); });
        EXPECT_NE(message.find(name + ": "), std::string::npos) << message;
        EXPECT_NE(message.find(says), std::string::npos) << message;
    };
    refused("test.bin", records(1, {20, 0}), "label 20 at byte 0 is outside [0, 20)");
    refused("test.bin", records(1, {0, 0}).substr(1), "no whole number");
    refused("test.bin", "", "no whole number");
    refused("fine_label_names.txt", "one\n", "1 names, expected 100");
    std::filesystem::remove(folder / "test_batch.bin");
    EXPECT_NE(error_of([&] { load_cifar10(folder / "none"); }).find("scripts/fetch_data cifar10"),
              std::string::npos);
    EXPECT_NE(error_of([&] { load_cifar10(folder.path()); }).find("test_batch.bin: no such file"),
              std::string::npos);
}

}  // namespace
}  // namespace adjoint::data
