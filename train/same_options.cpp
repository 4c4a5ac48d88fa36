// What differs is named by the line in which the ranks' descriptions differ first.
#include <adjoint/train/same_options.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

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
    if (!set || n == 0) return fmt::format("{} samples", n);
    constexpr std::int64_t most = 64;
    std::vector<std::int64_t> some;
    for (std::int64_t i = 0; i < std::min(n, most); ++i) some.push_back(n <= most ? i : n / most * i);
    const data::Dataset seen = set->select(some);
    std::string text = fmt::format("{} samples, times {} plus {}", n, set->scale, set->shift);
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

// What has to be the same on all ranks, in lines.
std::string described(const std::map<std::string, std::string>& settings, const FitOptions& options,
                      const nn::Module& model, const optim::Optimizer& optimizer,
                      const data::Samples& samples) {
    std::string text = fmt::format("training with {}\n", described(samples));
    if (options.validation) text += fmt::format("validation with {}\n", described(*options.validation));
    if (options.sampler.order && !samples.is_stream()) {
        const std::vector<std::int64_t> order = options.sampler.order(samples.size(), options.seed, 0);
        text +=
            fmt::format("a sampler with the order {:08x}\n", data::crc32(std::as_bytes(std::span(order))));
    }
    text += distributed::described(options.parallel);
    text += fmt::format("autocast {}\ndrop_last {}\naverages weights {}\n",
                        options.autocast ? name(*options.autocast) : "none", options.drop_last,
                        options.average.index() > 0);
    for (const auto& [name, value] : settings) text += fmt::format("{} {}\n", name, value);
    text += fmt::format("epochs {}\nclip_norm {}\nvalidate_every {}\n", options.epochs, options.clip_norm,
                        options.validate_every);
    text += fmt::format("validation_split {}\nvalidation set {}\ntransform {}\nresume {}\n",
                        options.validation_split, options.validation.has_value(),
                        static_cast<bool>(options.transform), !options.resume.empty());
    for (const auto& [name, metric] : options.metrics) text += fmt::format("metric {}\n", name);
    const std::pair<const char*, std::function<void(Run&)> Callback::*> events[] = {
        {"on_begin", &Callback::on_begin},
        {"on_gradients", &Callback::on_gradients},
        {"on_batch", &Callback::on_batch},
        {"on_epoch", &Callback::on_epoch},
        {"on_end", &Callback::on_end}};
    for (const auto& [name, event] : events) {
        const auto count = std::count_if(options.callbacks.begin(), options.callbacks.end(),
                                         [event = event](const Callback& one) { return bool(one.*event); });
        text += fmt::format("{} callbacks with {}\n", count, name);
    }
    text += fmt::format("optimizer {} {}\n{}\n", optimizer.name(), rates(optimizer), moved(model, optimizer));
    for (std::size_t g = 0; g < optimizer.group_count(); ++g)
        text += fmt::format("momentum {}\noptions of {} that make steps of {:.12g}\n",
                            optimizer.momentum(g).value_or(0), optimizer.name(), optimizer.trial(g));
    return text;
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
                        const data::Samples& samples) {
    const distributed::Purpose purpose("the beginning of fit");
    distributed::check_same(group, "fit", described(settings, options, model, optimizer, samples),
                            "every rank is given the same options, optimizer and samples");
}

void check_same_states(const distributed::DataParallel& parallel, distributed::Shard shard,
                       const optim::Optimizer& optimizer) {
    const distributed::Purpose purpose("the optimizer's state");
    const optim::NamedTensors all = optimizer.state();
    std::string text;
    if (shard == distributed::Shard::none || parallel.own_part(optimizer, all).size() < all.size())
        for (const auto& [name, tensor] : all)
            if (!name.starts_with("groups."))  // rates, which have been compared
                text += fmt::format("optimizer's {} {} {:08x}\n", name, tensor.shape(), checksum(tensor));
    distributed::check_same(parallel.group(), "fit", text,
                            "every rank is given an optimizer that has made the same steps");
}

void check_same_weights(const distributed::Group& group, const nn::Module& model, std::int64_t step) {
    const distributed::Purpose purpose("a run that goes on");
    std::string text = fmt::format("step {}\n", step);
    for (const auto& [name, tensor] : model.state())
        text += fmt::format("{} {:08x}\n", name, checksum(tensor));
    distributed::check_same(group, "fit", text, "all ranks go on from the same checkpoint");
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
