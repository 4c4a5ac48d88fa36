// The state of a module from and to tensors by name and files.
#include <algorithm>
#include <map>
#include <new>
#include <unordered_map>
#include <unordered_set>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/safetensors.h>
#include <adjoint/data/torch.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

struct Target {
    std::string name;  // the first it goes by
    Tensor tensor;
};

/// Every name of every tensor; state() lists a tied one under the first alone.
std::unordered_map<std::string, Target> all_names(const ModuleState& root) {
    std::unordered_map<std::string, Target> names;
    std::unordered_map<const TensorImpl*, std::string> first;
    visit_modules(root, [&](const std::string& prefix, const ModuleState& state) {
        for (const NamedTensors* entries : {&state.parameters, &state.buffers})
            for (const auto& [name, tensor] : *entries)
                names[prefix + name] = {first.emplace(&tensor.impl(), prefix + name).first->second, tensor};
    });
    return names;
}

// What a state and a module disagree in.
struct Mismatch {
    LoadReport names;
    std::vector<std::string> shapes, types;  // the misfits with both sides

    bool empty(bool strict) const {
        return shapes.empty() && types.empty() &&
               (!strict || (names.missing.empty() && names.unexpected.empty()));
    }
};

// What stands in front of each of `longer` and makes it one of `shorter`, "" if that is not so.
std::string common_prefix(std::vector<std::string> longer, std::vector<std::string> shorter) {
    if (longer.empty() || longer.size() != shorter.size()) return "";
    std::sort(longer.begin(), longer.end());
    std::sort(shorter.begin(), shorter.end());
    if (!longer[0].ends_with(shorter[0])) return "";
    const std::string prefix = longer[0].substr(0, longer[0].size() - shorter[0].size());
    for (std::size_t i = 0; i < longer.size(); ++i)
        if (longer[i] != prefix + shorter[i]) return "";
    return prefix;
}

std::string hint_for(const LoadReport& names) {
    if (const std::string prefix = common_prefix(names.unexpected, names.missing); !prefix.empty())
        return fmt::format(
            "; all differ by the prefix {0}, which {{.rename = {{{{\"{0}\", \"\"}}}}}} takes off", prefix);
    if (const std::string prefix = common_prefix(names.missing, names.unexpected); !prefix.empty())
        return fmt::format("; all lack the prefix {0}, which {{.rename = {{{{\"\", \"{0}\"}}}}}} adds",
                           prefix);
    return "; {.strict = false} loads the rest";
}

[[noreturn]] void throw_mismatch(const Mismatch& all, bool strict) {
    std::vector<std::string> parts;
    const bool names = strict && !(all.names.missing.empty() && all.names.unexpected.empty());
    if (names)
        parts.push_back(fmt::format("the names do not match: missing [{}], unexpected [{}]{}",
                                    fmt::join(all.names.missing, ", "), fmt::join(all.names.unexpected, ", "),
                                    hint_for(all.names)));
    if (!all.shapes.empty())
        parts.push_back(
            fmt::format("{}; {{.skip_misfits = true}} leaves them out", fmt::join(all.shapes, ", ")));
    if (!all.types.empty())
        parts.push_back(fmt::format("{}; {{.convert = true}} converts them", fmt::join(all.types, ", ")));
    const std::string text = fmt::format("load: {}", fmt::join(parts, "; "));
    if (names || (!all.shapes.empty() && !all.types.empty())) throw ValueError(text);
    if (!all.shapes.empty()) throw ShapeError(text);
    throw DTypeError(text);
}

}  // namespace

LoadReport Module::load(const NamedTensors& state, const LoadOptions& options) const try {
    const NoGrad guard;
    const auto names = all_names(*state_);
    std::unordered_map<std::string, Tensor> values;      // by first name
    std::unordered_map<std::string, std::string> given;  // what a name is called in `state`
    std::unordered_set<std::string> met;
    Mismatch all;
    for (const auto& [saved_name, value] : state) {
        const std::string name = data::renamed(saved_name, options.rename);
        if (const auto [other, is_new] = given.emplace(name, saved_name); !is_new) {
            check<ValueError>(other->second != saved_name, "load: {} is given twice", name);
            fail<ValueError>("load: {} and {} are both {} by the rules of `rename`", other->second,
                             saved_name, name);
        }
        check<ValueError>(value.defined(), "load: {} is undefined", name);
        const auto found = names.find(name);
        if (found == names.end()) {
            all.names.unexpected.push_back(name);
            continue;
        }
        const Target& target = found->second;
        met.insert(target.name);
        const bool other_shape = value.shape() != target.tensor.shape(),
                   other_type = value.dtype() != target.tensor.dtype() && !options.convert;
        if (other_shape || other_type) {
            all.names.misfits.push_back(name);
            if (options.skip_misfits) continue;
            if (other_shape)
                all.shapes.push_back(fmt::format("{} has shape {}, the module's {}", name, value.shape(),
                                                 target.tensor.shape()));
            else
                all.types.push_back(fmt::format("{} is {}, the module's {}", name,
                                                adjoint::name(value.dtype()),
                                                adjoint::name(target.tensor.dtype())));
            continue;
        }
        const Tensor here = value.detach().to(target.tensor.dtype()).to(target.tensor.device());
        const auto [other, is_new] = values.emplace(target.name, here);
        check<ValueError>(is_new || equal(other->second, here),
                          "load: {} and {} are one tensor of the module but differ in what is loaded",
                          target.name, name);
    }
    const NamedTensors own = this->state();
    for (const auto& [name, tensor] : own)
        if (!met.contains(name)) all.names.missing.push_back(name);
    if (!all.empty(options.strict)) throw_mismatch(all, options.strict);
    for (const auto& [name, tensor] : own) {
        const auto found = values.find(name);
        if (found != values.end()) tensor.copy_(found->second);
    }
    return all.names;
} catch (const std::bad_alloc&) {
    throw_no_memory("load");
}

LoadReport Module::load(const std::string& path, const LoadOptions& options) const try {
    // A zip archive begins with its first member; safetensors with the length of a header, an index with {.
    if (data::starts_with(path, "PK\x03\x04"))
        return named(path.c_str(),
                     [&, file = data::load_torch(path)] { return load(file.tensors, options); });
    const data::SafeTensors file = data::load_safetensors(path);
    return named(path.c_str(), [&] {
        const bool is_checkpoint =
            file.metadata.contains("format") && file.metadata.at("format").starts_with("adjoint checkpoint");
        check<ValueError>(
            !is_checkpoint || !options.strict || !options.rename.empty(),
            "load: this is a checkpoint of a training, which FitOptions::resume goes on from; its "
            "weights alone are loaded with {{.strict = false, .rename = {{{{\"model.\", \"\"}}}}}}");
        return load(file.tensors, options);
    });
} catch (...) {
    data::rethrow_of_file(path);
}

void Module::save(const std::string& path) const try {
    const NoGrad guard;
    NamedTensors tensors = state();
    for (auto& [name, tensor] : tensors) tensor = tensor.detach().to(Device::cpu()).contiguous();
    data::save_safetensors(path, tensors);
} catch (...) {
    data::rethrow_of_file(path);
}

}  // namespace adjoint::nn
