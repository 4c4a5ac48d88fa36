// Whatever happens to a file, a reader either reads it or refuses it with an IoError; never anything else.
#include <functional>

#include <adjoint/data/csv.h>
#include <adjoint/data/idx.h>
#include <adjoint/data/image.h>
#include <adjoint/data/npy.h>
#include <adjoint/data/safetensors.h>
#include <adjoint/data/torch.h>

#include "image_files.h"
#include "test_files.h"

namespace adjoint::data {
namespace {

struct Format {
    std::string name;
    std::function<void(const std::string&)> read;
    std::function<void(const std::string&)> write;
};

std::vector<Format> formats() {
    const Tensor numbers = tensor<float>({1.5F, -2, 3, 4}, {2, 2});
    std::vector<Format> all{
        {"idx", [](const std::string& path) { read_idx(path); },
         [=](const std::string& path) { write_idx(path, numbers); }},
        {"npy", [](const std::string& path) { read_npy(path); },
         [=](const std::string& path) { write_npy(path, numbers); }},
        {"safetensors", [](const std::string& path) { load_safetensors(path); },
         [=](const std::string& path) {
             save_safetensors(path, {{"weight", numbers}, {"bias", tensor<double>({0.5}, {1})}},
                              {{"key", "value"}});
         }},
        {"torch", [](const std::string& path) { load_torch(path); },
         [=](const std::string& path) {
             save_torch(path, {{"weight", numbers}, {"bias", tensor<double>({0.5}, {1})}});
         }},
        {"csv", [](const std::string& path) { read_csv(path); },
         [](const std::string& path) {
             atomic_write(path,
                          [](Writer& writer) { writer.write("a,\"b\"\r\n1.5,-2e3\n\n 3 ,\"4\"\n,nan"); });
         }},
        {"csv table", [](const std::string& path) { read_csv_table(path, {.delimiter = ' '}); },
         [](const std::string& path) {
             atomic_write(path, [](Writer& writer) { writer.write(" a  \"b\nc\"\n1.5 x\r\n 2\ty \n"); });
         }},
    };
    const auto add_image = [&](const char* name, bool readable, std::string_view hex) {
        const auto write = [hex](const std::string& path) {
            atomic_write(path, [hex](Writer& writer) { writer.write(from_hex(hex)); });
        };
        if (readable) all.push_back({name, [](const std::string& path) { read_image(path); }, write});
    };
    add_image("png", image_formats().png, png_palette);
    add_image("jpeg", image_formats().jpeg, jpeg_colour);
    add_image("progressive jpeg", image_formats().jpeg, jpeg_progressive);
    return all;
}

/// True if the content could be read, false if it was refused as it should be.
bool reads(const Format& format, const std::string& path) {
    try {
        format.read(path);
        return true;
    } catch (const IoError& error) {
        EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    } catch (const std::exception& error) {
        ADD_FAILURE() << format.name << ": " << error.what();
    }
    return false;
}

TEST(Damage, OfOneByteIsReadOrRefused) {
    const TemporaryFolder folder;
    for (const Format& format : formats()) {
        const std::string path = folder / "file";
        format.write(path);
        const std::string content = content_of(path);
        ASSERT_TRUE(reads(format, path)) << format.name;
        int refused = 0;
        for (std::size_t i = 0; i < content.size(); ++i) {
            for (const char value : bytes("\0\1\x7f\x80\xff\"\\,\n\r{[]}0-9e ")) {
                std::string damaged = content;
                damaged[i] = value;
                folder.file("file", damaged);
                refused += !reads(format, path);
            }
            folder.file("file", content.substr(0, i));
            reads(format, path);
            folder.file("file", content.substr(0, i) + content.substr(i + 1));
            reads(format, path);
            folder.file("file", content.substr(0, i) + content.substr(i / 2));
            reads(format, path);
        }
        EXPECT_GT(refused, 0) << format.name;
    }
}

TEST(Damage, AfterwardsGoodFilesStillRead) {
    const TemporaryFolder folder;
    for (const Format& format : formats()) {
        const std::string path = folder.file("file", "\x1f\x8b nonsense");
        EXPECT_FALSE(reads(format, path)) << format.name;
        format.write(path);
        EXPECT_TRUE(reads(format, path)) << format.name;
    }
}

}  // namespace
}  // namespace adjoint::data
