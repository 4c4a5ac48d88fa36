// Event files, read back by a reader that shares nothing with the writer: checksums bit by bit, the wire
// format from its description.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

#include "temporary_folder.h"

namespace adjoint {
namespace {

template <class T> T number(const std::string& bytes, std::size_t at = 0) {
    T value;
    EXPECT_LE(at + sizeof(T), bytes.size());
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
}

// The remainder of the message times x^32 by the reflected polynomial 0x1EDC6F41, one bit at a time.
std::uint32_t slow_crc32c(const std::string& bytes) {
    std::uint32_t remainder = 0xFFFFFFFF;
    for (const char byte : bytes)
        for (int bit = 0; bit < 8; ++bit) {
            const bool in = static_cast<unsigned char>(byte) >> bit & 1, out = remainder & 1;
            remainder >>= 1;
            if (in != out) remainder ^= 0x82F63B78;
        }
    return ~remainder;
}

std::uint32_t unmasked(std::uint32_t masked) {
    const std::uint32_t rotated = masked - 0xa282ead8u;
    return rotated << 15 | rotated >> 17;
}

// Fields of a message by number; nested ones are left as bytes.
using Fields = std::multimap<int, std::string>;

std::uint64_t varint(const std::string& bytes, std::size_t& at) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.at(at++));
        value |= std::uint64_t{byte & 127u} << shift;
        if (byte < 128) return value;
    }
}

Fields parse(const std::string& bytes) {
    Fields fields;
    for (std::size_t at = 0; at < bytes.size();) {
        const std::uint64_t key = varint(bytes, at);
        std::size_t length = 0;
        std::string value;
        switch (key & 7) {
            case 0: {
                const std::uint64_t integer = varint(bytes, at);
                value.assign(reinterpret_cast<const char*>(&integer), sizeof(integer));
                break;
            }
            case 1:
                length = 8;
                break;
            case 2:
                length = varint(bytes, at);
                break;
            case 5:
                length = 4;
                break;
            default:
                ADD_FAILURE() << "wire type " << (key & 7);
                return fields;
        }
        if (length > bytes.size() - at) throw std::runtime_error("a field is cut off");
        if ((key & 7) != 0) value = bytes.substr(at, length);
        at += length;
        fields.emplace(static_cast<int>(key >> 3), value);
    }
    return fields;
}

const std::string& only(const Fields& fields, int field) {
    EXPECT_EQ(fields.count(field), 1U) << "field " << field;
    static const std::string none;
    const auto found = fields.find(field);
    return found == fields.end() ? none : found->second;
}

std::vector<Fields> events(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    std::vector<Fields> all;
    for (std::size_t at = 0; at < file.size();) {
        const auto length = number<std::uint64_t>(file, at);
        EXPECT_EQ(unmasked(number<std::uint32_t>(file, at + 8)), slow_crc32c(file.substr(at, 8)));
        const std::string content = file.substr(at + 12, length);
        EXPECT_EQ(unmasked(number<std::uint32_t>(file, at + 12 + length)), slow_crc32c(content));
        all.push_back(parse(content));
        at += 16 + length;
    }
    return all;
}

// The single value of an event's summary, after its tag and step have been looked at.
Fields value_of(const Fields& event, const std::string& tag, std::int64_t step) {
    const Fields value = parse(only(parse(only(event, 5)), 1));
    EXPECT_EQ(only(value, 1), tag);
    EXPECT_EQ(number<std::int64_t>(only(event, 2)), step);
    EXPECT_NEAR(number<double>(only(event, 1)), static_cast<double>(time(nullptr)), 100);
    return value;
}

std::vector<double> packed(const std::string& bytes) {
    std::vector<double> values;
    for (std::size_t at = 0; at < bytes.size(); at += 8) values.push_back(number<double>(bytes, at));
    return values;
}

class TensorBoard : public testing::Test {
  protected:
    const TemporaryFolder parent_;
    const std::string folder_ = parent_ / "logs/run";
};

TEST_F(TensorBoard, TheChecksumIsCastagnolis) {
    EXPECT_EQ(slow_crc32c("123456789"), 0xE3069283U) << "the value that every description of it gives";
}

TEST_F(TensorBoard, ScalarsAreReadBack) {
    train::SummaryWriter log(folder_);
    log.add_scalar("loss/train", 0.5, 1);
    log.add_scalar("loss/train", -3e-5, std::int64_t{1} << 40);
    log.add_scalar("accuracy", NAN, -1);
    const std::vector<Fields> all = events(log.path());
    ASSERT_EQ(all.size(), 4U) << "each call is on the disk at once";
    EXPECT_EQ(only(all[0], 3), "brain.Event:2");
    EXPECT_EQ(number<float>(only(value_of(all[1], "loss/train", 1), 2)), 0.5F);
    EXPECT_EQ(number<float>(only(value_of(all[2], "loss/train", std::int64_t{1} << 40), 2)), -3e-5F);
    EXPECT_TRUE(std::isnan(number<float>(only(value_of(all[3], "accuracy", -1), 2))));
}

TEST_F(TensorBoard, HistogramsCountEveryElement) {
    train::SummaryWriter log(folder_);
    log.add_histogram("w", tensor({{0, 1, 1}, {3, 4, NAN}}), 7, 4);
    log.add_histogram("same", full({5}, 2), 7, 3);
    log.add_histogram("none", empty({0}), 7);
    const std::vector<Fields> all = events(log.path());
    const Fields w = parse(only(value_of(all.at(1), "w", 7), 5));
    const double expected[] = {0, 4, 5, 9, 27};  // least, greatest, number, sum, sum of squares
    for (int i = 0; i < 5; ++i) EXPECT_EQ(number<double>(only(w, i + 1)), expected[i]) << i;
    EXPECT_EQ(packed(only(w, 6)), (std::vector<double>{1, 2, 3, 4}));
    EXPECT_EQ(packed(only(w, 7)), (std::vector<double>{1, 2, 0, 2}));
    EXPECT_EQ(packed(only(parse(only(value_of(all.at(2), "same", 7), 5)), 7)),
              (std::vector<double>{5, 0, 0}));
    EXPECT_EQ(number<double>(only(parse(only(value_of(all.at(3), "none", 7), 5)), 3)), 0);
    EXPECT_THROW(log.add_histogram("w", zeros({2}), 7, 0), ValueError);
}

TEST_F(TensorBoard, ImagesArePngFiles) {
    train::SummaryWriter log(folder_);
    const Tensor grey = zeros({2, 3}, {.dtype = u8}), color = zeros({4, 5, 3}, {.dtype = u8});
    log.add_image("grey", grey, 1);
    log.add_image("color", color, 2);
    const std::vector<Fields> all = events(log.path());
    const Fields first = parse(only(value_of(all.at(1), "grey", 1), 4)),
                 second = parse(only(value_of(all.at(2), "color", 2), 4));
    const auto sizes = [](const Fields& image) {
        std::vector<std::int64_t> out;
        for (int i = 1; i <= 3; ++i) out.push_back(number<std::int64_t>(only(image, i)));
        return out;
    };
    EXPECT_EQ(sizes(first), (std::vector<std::int64_t>{2, 3, 1}));
    EXPECT_EQ(sizes(second), (std::vector<std::int64_t>{4, 5, 3}));
    const std::vector<std::byte> png = picture::png(color);
    EXPECT_EQ(only(second, 4), std::string(reinterpret_cast<const char*>(png.data()), png.size()));
    EXPECT_THROW(log.add_image("x", zeros({2, 2, 2}), 1), ShapeError);
    EXPECT_EQ(events(log.path()).size(), 3U) << "nothing was written for the image that was refused";
}

TEST_F(TensorBoard, TextIsATensorOfOneString) {
    train::SummaryWriter log(folder_);
    log.add_text("note", "**hello**", 3);
    log.add_settings({{"lr", "0.1"}, {"a|b", "c"}});
    const std::vector<Fields> all = events(log.path());
    const Fields value = value_of(all.at(1), "note", 3), text = parse(only(value, 8));
    EXPECT_EQ(number<std::int64_t>(only(text, 1)), 7) << "DT_STRING";
    EXPECT_EQ(number<std::int64_t>(only(parse(only(parse(only(text, 2)), 2)), 1)), 1) << "one element";
    EXPECT_EQ(only(text, 8), "**hello**");
    EXPECT_EQ(only(parse(only(parse(only(value, 9)), 1)), 1), "text") << "the plugin that shows it";
    EXPECT_EQ(only(parse(only(value_of(all.at(2), "settings", 0), 8)), 8),
              "| setting | value |\n|---|---|\n| lr | 0.1 |\n| a\\|b | c |\n");
}

TEST_F(TensorBoard, ATrainingLogsItsEpochs) {
    manual_seed(1);
    const data::Dataset set{.inputs = randn({20, 3}), .targets = randint(0, 2, {20})};
    const nn::Sequential model(nn::Linear(3, 2));
    optim::SGD optimizer(model.parameters(), {.lr = 0.25});
    const train::Callback accuracy_again = train::metric(
        "right", [](const Tensor& y, const Tensor& t) { return mean(eq(argmax(y, 1), t).to(f64)).item(); });
    const train::History history =
        train::fit(model, nn::CrossEntropyLoss(), optimizer, set,
                   {.epochs = 2,
                    .batch_size = 10,
                    .validation_split = 0.5,
                    .verbose = false,
                    .callbacks = {accuracy_again, train::tensorboard(folder_, {.histograms = true})}});
    const auto files = std::filesystem::directory_iterator(folder_);
    const std::vector<Fields> all = events(files->path().string());
    std::map<std::string, std::vector<float>> scalars;
    int histograms = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
        const Fields value = parse(only(parse(only(all[i], 5)), 1));
        if (value.contains(2))
            scalars[only(value, 1)].push_back(number<float>(only(value, 2)));
        else
            ++histograms;
    }
    EXPECT_EQ(histograms, 4) << "two parameters, two epochs";
    ASSERT_EQ(scalars.size(), 6U);
    for (std::size_t i = 0; i < 2; ++i) {
        const train::EpochRecord& record = history.epochs[i];
        EXPECT_EQ(scalars["loss/train"].at(i), static_cast<float>(record.train.loss));
        EXPECT_EQ(scalars["loss/validation"].at(i), static_cast<float>(record.validation.loss));
        EXPECT_EQ(scalars["accuracy/train"].at(i), static_cast<float>(record.train.accuracy));
        EXPECT_EQ(scalars["accuracy/validation"].at(i), static_cast<float>(record.validation.accuracy));
        EXPECT_EQ(scalars["metrics/right"].at(i), static_cast<float>(record.metrics.at("right")));
        EXPECT_EQ(scalars["learning rate"].at(i), 0.25F);
    }
}

TEST_F(TensorBoard, RunsInOneFolderHaveFilesOfTheirOwn) {
    train::SummaryWriter first(folder_), second(folder_);
    EXPECT_NE(first.path(), second.path());
    EXPECT_NE(first.path().find("/events.out.tfevents."), std::string::npos);
    EXPECT_THROW(first.add_scalar("", 1, 1), ValueError);
    EXPECT_THROW(train::SummaryWriter("/dev/null/x"), IoError);
}

TEST_F(TensorBoard, ARecordThatDoesNotFitIsTakenBack) {
    train::SummaryWriter log(folder_);
    log.add_scalar("x", 1, 1);
    const auto size = std::filesystem::file_size(log.path());
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{.rlim_cur = size + 10, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
    EXPECT_THROW(log.add_scalar("x", 2, 2), IoError);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(std::filesystem::file_size(log.path()), size);
    log.add_scalar("x", 3, 3);
    const std::vector<Fields> all = events(log.path());
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(number<float>(only(value_of(all[2], "x", 3), 2)), 3.0F);
}

}  // namespace
}  // namespace adjoint
