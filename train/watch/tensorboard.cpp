// Records of events: length, checksum, a message, checksum.
#include <adjoint/train/watch/tensorboard.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>

#include <adjoint/core/base/format.h>
#include <adjoint/data/descriptor.h>
#include <adjoint/data/file.h>
#include <adjoint/train/picture/png.h>
#include <adjoint/train/watch/protobuf.h>

namespace adjoint::train {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

// CRC-32C (Castagnoli), byte by byte from a table.
constexpr std::array<std::uint32_t, 256> castagnoli = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t c = i;
        for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
        table[i] = c;
    }
    return table;
}();

// The checksum is rotated and shifted, as the format wants it where data may hold checksums itself.
std::uint32_t masked_crc(std::string_view bytes) {
    std::uint32_t c = ~0u;
    for (const char byte : bytes) c = castagnoli[(c ^ static_cast<std::uint8_t>(byte)) & 255] ^ c >> 8;
    return std::rotr(~c, 15) + 0xa282ead8u;
}

template <class T> std::string_view raw(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

std::string record(const std::string& content) {
    const std::uint64_t length = content.size();
    std::string bytes(raw(length));
    bytes += raw(masked_crc(raw(length)));
    bytes += content;
    bytes += raw(masked_crc(content));
    return bytes;
}

Message event() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::move(Message().number(1, std::chrono::duration<double>(now).count()));
}

std::string host() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

data::Descriptor create(const std::string& folder, std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    check<IoError>(!error, "{}: cannot be made: {}", folder, error.message());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string start =
        fmt::format("{}/events.out.tfevents.{}.{}.{}", folder,
                    std::chrono::duration_cast<std::chrono::seconds>(now).count(), host(), ::getpid());
    for (int i = 0;; ++i) {
        path = fmt::format("{}.{}", start, i);
        data::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
        if (file.valid()) return file;
        check<IoError>(errno == EEXIST, "{}: cannot be made: {}", path, data::system_reason(errno));
    }
}

Message histogram(const Tensor& tensor, int bins) {
    std::vector<double> values = tensor.to_vector<double>();
    std::erase_if(values, [](double v) { return !std::isfinite(v); });
    if (values.empty()) bins = 1;
    const auto extremes = std::minmax_element(values.begin(), values.end());
    const double low = values.empty() ? 0 : *extremes.first, high = values.empty() ? 0 : *extremes.second;
    std::vector<double> limits, counts(static_cast<std::size_t>(bins), 0.0);
    for (int i = 1; i <= bins; ++i) limits.push_back(low + (high - low) * i / bins);
    limits.back() = high;
    double sum = 0, squares = 0;
    for (const double v : values) {
        const double place = high > low ? (v - low) / (high - low) * bins : 0;
        ++counts[std::min(static_cast<std::size_t>(place), counts.size() - 1)];
        sum += v;
        squares += v * v;
    }
    return std::move(Message()
                         .number(1, low)
                         .number(2, high)
                         .number(3, static_cast<double>(values.size()))
                         .number(4, sum)
                         .number(5, squares)
                         .numbers(6, limits)
                         .numbers(7, counts));
}

}  // namespace

struct SummaryWriter::State {
    std::string path;
    data::Descriptor file;
    std::int64_t size = 0;

    explicit State(const std::string& folder) : file(create(folder, path)) {
        append(event().bytes(3, "brain.Event:2"));
    }

    void append(const Message& message) {
        const std::string bytes = record(message.content());
        try {
            data::Writer writer(file.get(), path);
            writer.write(bytes);
            writer.flush();
        } catch (...) {
            // What a part of a record leaves behind would hide all that follows.
            [[maybe_unused]] const int ignored = ::ftruncate(file.get(), size);
            throw;
        }
        size += static_cast<std::int64_t>(bytes.size());
    }
    // `value` is the summary's Value without its tag.
    void add(const char* op, const std::string& tag, std::int64_t step, const Message& value) {
        check<ValueError>(!tag.empty(), "{}: the tag is empty", op);
        Message tagged;
        tagged.bytes(1, tag);
        append(event().integer(2, step).message(5, Message().bytes(1, tagged.content() + value.content())));
    }
};

SummaryWriter::SummaryWriter(const std::string& folder) : state_(std::make_unique<State>(folder)) {}
SummaryWriter::~SummaryWriter() = default;
SummaryWriter::SummaryWriter(SummaryWriter&&) noexcept = default;
SummaryWriter& SummaryWriter::operator=(SummaryWriter&&) noexcept = default;

const std::string& SummaryWriter::path() const noexcept { return state_->path; }

void SummaryWriter::add_scalar(const std::string& tag, double value, std::int64_t step) {
    state_->add("add_scalar", tag, step, Message().number(2, static_cast<float>(value)));
}

void SummaryWriter::add_histogram(const std::string& tag, const Tensor& values, std::int64_t step, int bins) {
    check<ValueError>(bins > 0, "add_histogram: {} bins, expected at least 1", bins);
    state_->add("add_histogram", tag, step, Message().message(5, histogram(values, bins)));
}

void SummaryWriter::add_image(const std::string& tag, const Tensor& image, std::int64_t step) {
    const std::vector<std::byte> png = named("add_image", [&] { return picture::png(image); });
    const bool color = image.dim() == 3;
    state_->add("add_image", tag, step,
                Message().message(4, Message()
                                         .integer(1, image.shape()[0])
                                         .integer(2, image.shape()[1])
                                         .integer(3, color ? 3 : 1)
                                         .bytes(4, {reinterpret_cast<const char*>(png.data()), png.size()})));
}

void SummaryWriter::add_text(const std::string& tag, const std::string& text, std::int64_t step) {
    constexpr int string_type = 7;
    const Message shape = Message().message(2, Message().integer(1, 1));  // one string
    state_->add("add_text", tag, step,
                Message()
                    .message(8, Message().integer(1, string_type).message(2, shape).bytes(8, text))
                    .message(9, Message().message(1, Message().bytes(1, "text"))));
}

void SummaryWriter::add_settings(const std::vector<std::pair<std::string, std::string>>& settings) {
    std::string table = "| setting | value |\n|---|---|\n";
    const auto cell = [](std::string text) {
        for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
            text.insert(at, "\\");
        return text;
    };
    for (const auto& [name, value] : settings) table += fmt::format("| {} | {} |\n", cell(name), cell(value));
    add_text("settings", table);
}

Callback tensorboard(const std::string& folder, const TensorBoardOptions& options) {
    const auto log = std::make_shared<std::optional<SummaryWriter>>();
    const auto write_epoch = [log, options](Run& run) {
        if (!*log) return;
        const EpochRecord& record = run.history.last();
        const auto scalar = [&](const std::string& tag, double value) {
            if (!std::isnan(value)) (*log)->add_scalar(tag, value, record.epoch);
        };
        scalar("loss/train", record.train.loss);
        scalar("loss/validation", record.validation.loss);
        scalar("accuracy/train", record.train.accuracy);
        scalar("accuracy/validation", record.validation.accuracy);
        scalar("learning rate", run.optimizer.lr());
        for (const auto& [name, value] : record.metrics) scalar("metrics/" + name, value);
        if (!options.histograms) return;
        for (const auto& [name, parameter] : run.trainee.module.named_parameters())
            (*log)->add_histogram("parameters/" + name, parameter, record.epoch);
    };
    return {.on_begin =
                [log, folder](Run& run) {
                    if (run.group.rank() == 0) log->emplace(folder);
                },
            .on_epoch = write_epoch,
            .on_end = [log](Run&) { log->reset(); }};
}

}  // namespace adjoint::train
