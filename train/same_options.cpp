// What differs is named by the line in which the ranks' descriptions differ first.
#include <adjoint/train/same_options.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <adjoint/core/base/counted.h>
#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>
#include <adjoint/distributed/group/purpose.h>
#include <adjoint/distributed/parallel/texts.h>

namespace adjoint::train {
namespace {

std::uint32_t checksum(const Tensor& x) {
    const Tensor here = x.detach().contiguous().to(Device::cpu());
    const std::size_t bytes = static_cast<std::size_t>(here.numel()) * size_of(here.dtype());
    return data::crc32({reinterpret_cast<const std::byte*>(here.impl().data), bytes});
}

// Of tensors in memory some samples are looked at, of a source there are so many.
std::string described(const data::Samples& samples) {
    if (samples.is_stream()) return "a stream";
    const std::int64_t n = samples.size();
    const data::Dataset* const set = samples.dataset();
    if (!set || n == 0) return counted(n, "sample");
    constexpr std::int64_t most = 64;
    std::vector<std::int64_t> some;
    for (std::int64_t i = 0; i < std::min(n, most); ++i) some.push_back(n <= most ? i : n / most * i);
    const data::Dataset seen = set->select(some);
    std::string text = fmt::format("{}, times {} plus {}", counted(n, "sample"), set->scale, set->shift);
    const auto add = [&text](const Tensor& x) {
        if (x.defined()) text += fmt::format(", {} {} {:08x}", name(x.dtype()), x.shape(), checksum(x));
    };
    add(seen.inputs);
    add(seen.targets);
    for (const Tensor& x : seen.more_inputs) add(x);
    for (const Tensor& x : seen.more_targets) add(x);
    return text;
}

// "lr 0.1, 0.01", of each group.
std::string rates(const optim::Optimizer& optimizer) {
    std::string text = "lr ";
    for (std::size_t g = 0; g < optimizer.group_count(); ++g)
        text += fmt::format("{}{}", g > 0 ? ", " : "", optimizer.lr(g));
    return text;
}

// What the optimizer moves, in its order.
std::string moved(const nn::Module& model, const optim::Optimizer& optimizer) {
    const nn::NamedTensors named = model.named_parameters();
    std::string text = "an optimizer of";
    for (const Tensor& parameter : optimizer.parameters())
        for (const auto& [name, one] : named)
            if (one.is_same(parameter)) text += " " + name;
    return text;
}

// What has to be the same on all ranks.
distributed::Facts facts_of(std::map<std::string, std::string> settings, const FitOptions& options,
                            const nn::Module& model, const optim::Optimizer& optimizer,
                            const data::Samples& samples, std::int64_t trained) {
    distributed::Facts facts;
    const auto add = [&facts](const std::string& name, const auto& value) {
        facts.emplace_back(name, fmt::format("{} {}", name, value));
    };
    add("training with", described(samples));
    if (options.validation)
        facts.emplace_back("validation set",
                           fmt::format("validation with {}", described(*options.validation)));
    if (options.sampler.order && !samples.is_stream()) {
        const std::vector<std::int64_t> order = options.sampler.order(trained, options.seed, 0);
        facts.emplace_back("sampler", fmt::format("a sampler with the order {:08x}",
                                                  data::crc32(std::as_bytes(std::span(order)))));
    }
    for (const auto& fact : distributed::facts_of(options.parallel)) facts.push_back(fact);
    // What a checkpoint names only where it is on.
    for (const auto& [name, off] : {std::pair("autocast", "none"), {"average", "none"}, {"drop_last", "off"}})
        settings.try_emplace(name, off);
    for (const auto& [name, value] : settings) add(name, value);
    add("epochs", options.epochs);
    add("clip_norm", options.clip_norm);
    add("validate_every", options.validate_every);
    add("validation_split", options.validation_split);
    add("transform", static_cast<bool>(options.transform));
    add("resume", !options.resume.empty());
    for (const auto& [name, metric] : options.metrics) facts.emplace_back("metric " + name, "metric " + name);
    const std::pair<const char*, std::function<void(Run&)> Callback::*> events[] = {
        {"on_begin", &Callback::on_begin},
        {"on_gradients", &Callback::on_gradients},
        {"on_batch", &Callback::on_batch},
        {"on_epoch", &Callback::on_epoch},
        {"on_end", &Callback::on_end}};
    for (const auto& [name, event] : events) {
        const auto count = std::count_if(options.callbacks.begin(), options.callbacks.end(),
                                         [event = event](const Callback& one) { return bool(one.*event); });
        facts.emplace_back(name, fmt::format("{} with {}", counted(count, "callback"), name));
    }
    add("optimizer", fmt::format("{} {}", optimizer.name(), rates(optimizer)));
    facts.emplace_back("optimizer's parameters", moved(model, optimizer));
    for (std::size_t g = 0; g < optimizer.group_count(); ++g) {
        facts.emplace_back(fmt::format("momentum of group {}", g),
                           fmt::format("momentum {}", optimizer.momentum(g).value_or(0)));
        facts.emplace_back(
            fmt::format("options of group {}", g),
            fmt::format("options of {} that make steps of {:.12g}", optimizer.name(), optimizer.trial(g)));
    }
    return facts;
}

}  // namespace

std::string rates_in_short(const optim::Optimizer& optimizer) {
    std::string all = rates(optimizer);
    for (std::size_t g = 0; g < optimizer.group_count(); ++g)
        all += fmt::format(", {}", optimizer.momentum(g).value_or(0));
    const std::string first = fmt::format("lr {}", optimizer.group_count() > 0 ? optimizer.lr(0) : 0);
    return fmt::format("{} ({:08x})", first, data::crc32(std::as_bytes(std::span(all.data(), all.size()))));
}

void check_same_options(const distributed::Group& group, const std::map<std::string, std::string>& settings,
                        const FitOptions& options, const nn::Module& model, const optim::Optimizer& optimizer,
                        const data::Samples& samples, std::int64_t trained) {
    const distributed::Purpose purpose("the beginning of fit");
    distributed::check_same(group, "fit", facts_of(settings, options, model, optimizer, samples, trained),
                            "every rank is given the same options, optimizer and samples");
}

void check_same_states(const distributed::DataParallel& parallel, const optim::Optimizer& optimizer) {
    const distributed::Purpose purpose("the optimizer's state");
    const optim::NamedTensors all = optimizer.state();
    distributed::Facts facts;
    if (parallel.options().shard == distributed::Shard::none ||
        parallel.own_part(optimizer, all).size() < all.size())
        for (const auto& [name, tensor] : all)
            if (!name.starts_with("groups."))  // rates, which have been compared
                facts.emplace_back("optimizer's " + name, fmt::format("optimizer's {} {} {:08x}", name,
                                                                      tensor.shape(), checksum(tensor)));
    distributed::check_same(parallel.group(), "fit", facts,
                            "every rank is given an optimizer that has made the same steps");
}

void check_same_weights(const distributed::Group& group, const nn::Module& model, std::int64_t step,
                        const char* rule) {
    const distributed::Purpose purpose("the weights of all ranks");
    distributed::Facts facts{{"step", fmt::format("step {}", step)}};
    for (const auto& [name, tensor] : model.state())
        facts.emplace_back(name, fmt::format("{} {:08x}", name, checksum(tensor)));
    distributed::check_same(group, "fit", facts, rule);
}

void check_is_of_model(const optim::Optimizer& optimizer, const nn::Module& model) {
    const std::vector<Tensor> known = model.parameters();
    for (const Tensor& parameter : optimizer.parameters())
        check<ValueError>(
            std::any_of(known.begin(), known.end(),
                        [&](const Tensor& one) { return one.is_same(parameter); }),
            "fit: the optimizer has a parameter of shape {} that the model has not, so that no rank would "
            "have the gradients of the others; make it a parameter of the model",
            parameter.shape());
}

}  // namespace adjoint::train
