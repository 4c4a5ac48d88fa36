// A checkpoint as the tensors and the metadata of a safetensors file.
#include <adjoint/train/checkpoint.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/memory.h>

namespace adjoint::train {
namespace {

// What the file says it is; another number for another layout.
constexpr const char* format_key = "format";
constexpr const char* format_name = "adjoint checkpoint 1";
constexpr std::string_view setting_prefix = "setting.";
constexpr std::size_t most_callbacks = 1000;

constexpr std::int64_t history_columns = 6;

Tensor vector_of(const std::vector<double>& values) {
    return tensor(values, {static_cast<std::int64_t>(values.size())}, Device::cpu());
}

// History
// -----------------------------------------------------------------------------

Tensor epochs_of(const History& history) {
    std::vector<double> values;
    for (const EpochRecord& r : history.epochs)
        values.insert(values.end(), {static_cast<double>(r.epoch), r.train.loss, r.train.accuracy,
                                     r.validation.loss, r.validation.accuracy, r.seconds});
    return tensor(values, {static_cast<std::int64_t>(history.epochs.size()), history_columns}, Device::cpu());
}

// A metric over the epochs, NaN where it was not measured.
std::map<std::string, std::vector<double>> metrics_of(const History& history) {
    std::map<std::string, std::vector<double>> metrics;
    for (std::size_t i = 0; i < history.epochs.size(); ++i)
        for (const auto& [name, value] : history.epochs[i].metrics) {
            std::vector<double>& values = metrics[name];
            values.resize(history.epochs.size(), std::numeric_limits<double>::quiet_NaN());
            values[i] = value;
        }
    return metrics;
}

void append_history(data::NamedTensors& tensors, const History& history) {
    tensors.emplace_back("history.epochs", epochs_of(history));
    tensors.emplace_back("history.batches", vector_of(history.batches));
    for (const auto& [name, values] : metrics_of(history))
        tensors.emplace_back("history.metrics." + name, vector_of(values));
}

// Reading
// -----------------------------------------------------------------------------

// The parts of a file, asked for by name; what is missing or of another kind is an error of the file.
class Parts {
  public:
    Parts(const std::string& path, data::SafeTensors file) : path_(path), file_(std::move(file)) {
        for (std::size_t i = 0; i < file_.tensors.size(); ++i) places_.emplace(file_.tensors[i].first, i);
    }

    std::string text(const std::string& key) const {
        const auto found = file_.metadata.find(key);
        check<IoError>(found != file_.metadata.end(), "{}: not a checkpoint: it says nothing of {}", path_,
                       key);
        return found->second;
    }
    std::size_t count(const std::string& key, std::size_t most) const {
        const std::string value = text(key);
        std::size_t number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        check<IoError>(error == std::errc() && end == value.data() + value.size() && number <= most,
                       "{}: a damaged checkpoint: {} is not a number up to {}", path_, key, most);
        return number;
    }
    Tensor take(const std::string& name, DType dtype, const Shape& shape) const {
        const Tensor& tensor = find(name);
        check<IoError>(tensor.dtype() == dtype && tensor.shape() == shape,
                       "{}: a damaged checkpoint: {} is {} of shape {}, expected {} of shape {}", path_, name,
                       adjoint::name(tensor.dtype()), tensor.shape(), adjoint::name(dtype), shape);
        return tensor;
    }
    /// A matrix of f64, or a vector of f64 if width is 0, with any number of rows.
    Tensor rows(const std::string& name, std::int64_t width) const {
        const Tensor& tensor = find(name);
        expect(tensor.dim() > 0, "{} has no rows", name);
        const std::int64_t n = tensor.shape()[0];
        return take(name, f64, width == 0 ? Shape{n} : Shape{n, width});
    }
    /// The tensors whose names start with `prefix`, without it, as they follow one another in the file.
    data::NamedTensors group(const std::string& prefix) const {
        std::vector<std::size_t> members;
        for (auto at = places_.lower_bound(prefix); at != places_.end() && at->first.starts_with(prefix);
             ++at)
            members.push_back(at->second);
        std::sort(members.begin(), members.end());
        data::NamedTensors group;
        for (const std::size_t i : members) {
            const auto& [name, tensor] = file_.tensors[i];
            group.emplace_back(name.substr(prefix.size()), tensor);
        }
        return group;
    }
    std::map<std::string, std::string> settings() const {
        std::map<std::string, std::string> settings;
        for (const auto& [key, value] : file_.metadata)
            if (key.starts_with(setting_prefix)) settings[key.substr(setting_prefix.size())] = value;
        return settings;
    }
    template <class... Args> void expect(bool ok, fmt::format_string<Args...> text, Args&&... args) const {
        if (!ok)
            fail<IoError>("{}: a damaged checkpoint: {}", path_,
                          fmt::format(text, std::forward<Args>(args)...));
    }

  private:
    const Tensor& find(const std::string& name) const {
        const auto found = places_.find(name);
        if (found == places_.end()) fail<IoError>("{}: not a checkpoint: it has no {}", path_, name);
        return file_.tensors[found->second].second;
    }

    const std::string& path_;
    data::SafeTensors file_;
    std::map<std::string, std::size_t> places_;  // of the tensors, by name
};

History history_of(const Parts& parts) {
    History history;
    const std::vector<double> values = parts.rows("history.epochs", history_columns).to_vector<double>();
    for (std::size_t i = 0; i < values.size(); i += history_columns) {
        const double* row = values.data() + i;
        parts.expect(row[0] >= 0 && row[0] <= std::numeric_limits<int>::max() && std::floor(row[0]) == row[0],
                     "an epoch has the number {}", row[0]);
        history.epochs.push_back({.epoch = static_cast<int>(row[0]),
                                  .train = {row[1], row[2]},
                                  .validation = {row[3], row[4]},
                                  .seconds = row[5]});
    }
    const std::string prefix = "history.metrics.";
    for (const auto& [name, unused] : parts.group(prefix)) {
        const std::vector<double> metric = parts.rows(prefix + name, 0).to_vector<double>();
        parts.expect(metric.size() == history.epochs.size(), "a metric has {} values for {} epochs",
                     metric.size(), history.epochs.size());
        for (std::size_t i = 0; i < metric.size(); ++i)
            if (!std::isnan(metric[i])) history.epochs[i].metrics[name] = metric[i];
    }
    history.batches = parts.rows("history.batches", 0).to_vector<double>();
    history.end = parts.text("end");
    return history;
}

}  // namespace

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) try {
    const NoGrad guard;
    data::NamedTensors tensors;
    const auto append = [&](const std::string& prefix, const data::NamedTensors& group) {
        for (const auto& [name, tensor] : group) {
            check<ValueError>(tensor.defined(), "save_checkpoint: {}{} is undefined", prefix, name);
            tensors.emplace_back(prefix + name, tensor.detach().to(Device::cpu()).contiguous());
        }
    };
    append("model.", checkpoint.model);
    append("optimizer.", checkpoint.optimizer);
    for (std::size_t i = 0; i < checkpoint.callbacks.size(); ++i)
        append(fmt::format("callbacks.{}.", i), checkpoint.callbacks[i]);
    append("epoch.", checkpoint.epoch);
    append("run.", checkpoint.run);
    append_history(tensors, checkpoint.history);
    const auto pair = [&](const char* name, std::uint64_t a, std::uint64_t b) {
        tensors.emplace_back(
            name, tensor(std::vector{std::bit_cast<std::int64_t>(a), std::bit_cast<std::int64_t>(b)}, {2},
                         Device::cpu()));
    };
    pair("generator", checkpoint.generator.seed, checkpoint.generator.stream);
    pair("loader", checkpoint.loader.epoch, static_cast<std::uint64_t>(checkpoint.loader.next_batch));

    check<ValueError>(checkpoint.callbacks.size() <= most_callbacks,
                      "save_checkpoint: {} callbacks, at most {}", checkpoint.callbacks.size(),
                      most_callbacks);
    std::map<std::string, std::string> metadata{{format_key, format_name},
                                                {"callbacks", std::to_string(checkpoint.callbacks.size())},
                                                {"end", checkpoint.history.end}};
    for (const auto& [name, value] : checkpoint.settings)
        metadata[std::string(setting_prefix) + name] = value;
    data::save_safetensors(path, tensors, metadata);
} catch (...) {
    data::rethrow_of_file(path);
}

Checkpoint load_checkpoint(const std::string& path) try {
    const Parts parts(path, data::load_safetensors(path));
    check<IoError>(parts.text(format_key) == format_name,
                   "{}: not a checkpoint of this version of the library, expected \"{}\"", path, format_name);
    Checkpoint checkpoint{.model = parts.group("model."), .optimizer = parts.group("optimizer.")};
    for (std::size_t i = 0; i < parts.count("callbacks", most_callbacks); ++i)
        checkpoint.callbacks.push_back(parts.group(fmt::format("callbacks.{}.", i)));
    checkpoint.epoch = parts.group("epoch.");
    checkpoint.run = parts.group("run.");
    checkpoint.history = history_of(parts);
    const auto pair = [&](const char* name) { return parts.take(name, i64, {2}).to_vector<std::int64_t>(); };
    const std::vector<std::int64_t> generator = pair("generator"), loader = pair("loader");
    parts.expect(loader[0] >= 0 && loader[0] < std::numeric_limits<int>::max() && loader[1] >= 0,
                 "the loader stands at batch {} of epoch {}", loader[1], loader[0]);
    checkpoint.generator = {std::bit_cast<std::uint64_t>(generator[0]),
                            std::bit_cast<std::uint64_t>(generator[1])};
    checkpoint.loader = {static_cast<std::uint64_t>(loader[0]), loader[1]};
    checkpoint.settings = parts.settings();
    return checkpoint;
} catch (...) {
    data::rethrow_of_file(path);
}

}  // namespace adjoint::train
