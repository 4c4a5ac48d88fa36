// docs/errors.md is what the library says of each mistake; scripts/errors writes it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "mistakes.h"
#include "temporary_folder.h"

namespace adjoint {
namespace {

std::vector<Topic> all_topics() {
    return {mistakes_of_shapes(),   mistakes_of_types(), mistakes_of_losses(), mistakes_of_gradients(),
            mistakes_of_training(), mistakes_of_data(),  mistakes_of_files()};
}

// The kind of an error as users name it in a catch.
std::string kind_of(const Error& error) {
    const auto is = [&]<class Kind>(const Kind*) { return dynamic_cast<const Kind*>(&error) != nullptr; };
    if (is(static_cast<const ShapeError*>(nullptr))) return "ShapeError";
    if (is(static_cast<const DTypeError*>(nullptr))) return "DTypeError";
    if (is(static_cast<const DeviceError*>(nullptr))) return "DeviceError";
    if (is(static_cast<const IndexError*>(nullptr))) return "IndexError";
    if (is(static_cast<const ValueError*>(nullptr))) return "ValueError";
    if (is(static_cast<const AutogradError*>(nullptr))) return "AutogradError";
    if (is(static_cast<const IoError*>(nullptr))) return "IoError";
    if (is(static_cast<const OutOfMemoryError*>(nullptr))) return "OutOfMemoryError";
    return "Error";
}

// What the library says of a mistake, an error or a warning; "" if nothing.
std::string said_of(const Mistake& mistake) {
    std::string said;
    set_warning_handler([&](const std::string& message) {
        if (message.find("not optimised") == std::string::npos) said = "warning: " + message;
    });
    try {
        mistake.make();
    } catch (const Told& told) {
        said = told.text;
    } catch (const Error& error) {
        said = kind_of(error) + ": " + error.what();
    }
    set_warning_handler({});
    return said;
}

std::string in_table(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
}

// Mistakes are made in a folder of their own, so that paths are short and the same everywhere.
class Errors : public testing::Test {
  public:
    Errors() : before_(std::filesystem::current_path()) { std::filesystem::current_path(folder_.path()); }
    ~Errors() override { std::filesystem::current_path(before_); }

  private:
    TemporaryFolder folder_;
    std::filesystem::path before_;
};

TEST_F(Errors, PageIsWhatTheMistakesSay) {
    std::string page =
        "# Errors\n\n"
        "Written by `scripts/errors`, which makes each mistake and notes what the library says; a test holds "
        "the two "
        "together.\n\n"
        "A message leads with the layer of the model, if there is one, and the operation; it says what came "
        "and what "
        "was expected, then a\nhint where there is a usual cause. Each error is of a class under "
        "`adjoint::Error` "
        "(`core/base/error.h`), named here in front. Warnings\nare given once in a process, on standard "
        "error; "
        "`set_warning_handler` gets them instead.\n";
    std::size_t count = 0;
    for (const Topic& topic : all_topics()) {
        page += std::string("\n## ") + topic.title + "\n\n| mistake | code | what is said |\n|---|---|---|\n";
        for (const Mistake& mistake : topic.mistakes) {
            const std::string said = said_of(mistake);
            EXPECT_FALSE(said.empty()) << mistake.what << ": nothing is said of " << mistake.code;
            EXPECT_LT(said.size(), 420u) << mistake.what << ": " << said;
            EXPECT_EQ(said.find('\n'), std::string::npos) << said;
            page += std::string("| ") + mistake.what + " | `` " + in_table(mistake.code) + " `` | `` " +
                    in_table(said) + " `` |\n";
            ++count;
        }
    }
    EXPECT_GE(count, 40u);
    if (const char* path = std::getenv("ADJOINT_ERRORS_PAGE")) {
        std::ofstream(path) << page;
        return;
    }
    std::ifstream in(ADJOINT_SOURCE_DIR "/docs/errors.md");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), page)
        << "scripts/errors writes docs/errors.md";
}

}  // namespace
}  // namespace adjoint
