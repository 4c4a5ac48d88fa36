// The state of a module from and to tensors by name and files.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>
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

bool fits(const Tensor& target, const Tensor& value) {
    return value.defined() && value.shape() == target.shape() && value.dtype() == target.dtype();
}

void check_fits(const std::string& name, const Tensor& target, const Tensor& value) {
    check<ValueError>(value.defined(), "load: {} is undefined", name);
    check<ShapeError>(value.shape() == target.shape(), "load: {} has shape {}, the module's {}", name,
                      value.shape(), target.shape());
    check<DTypeError>(value.dtype() == target.dtype(),
                      "load: {} is {}, the module's {}; convert one of them with to()", name,
                      adjoint::name(value.dtype()), adjoint::name(target.dtype()));
}

}  // namespace

LoadReport Module::load(const NamedTensors& state, const LoadOptions& options) const {
    const NoGrad guard;
    const auto names = all_names(*state_);
    std::unordered_map<std::string, Tensor> values;  // by first name
    std::unordered_set<std::string> given;
    LoadReport report;
    for (const auto& [given_name, value] : state) {
        const std::string name = data::renamed(given_name, options.rename);
        check<ValueError>(given.insert(name).second, "load: {} is given twice", name);
        const auto found = names.find(name);
        if (found == names.end()) {
            report.unexpected.push_back(name);
            continue;
        }
        const Target& target = found->second;
        if (options.skip_misfits && !fits(target.tensor, value)) {
            report.misfits.push_back(name);
            continue;
        }
        check_fits(name, target.tensor, value);
        const Tensor here = value.detach().to(target.tensor.device());
        const auto [other, is_new] = values.emplace(target.name, here);
        check<ValueError>(is_new || equal(other->second, here),
                          "load: {} and {} are one tensor of the module but differ in what is loaded",
                          target.name, name);
    }
    const NamedTensors own = this->state();
    for (const auto& [name, tensor] : own)
        if (!values.contains(name) &&
            std::find(report.misfits.begin(), report.misfits.end(), name) == report.misfits.end())
            report.missing.push_back(name);
    check<ValueError>(
        !options.strict || (report.missing.empty() && report.unexpected.empty()),
        "load: the names do not match: missing [{}], unexpected [{}]; {{.strict = false}} loads the rest",
        fmt::join(report.missing, ", "), fmt::join(report.unexpected, ", "));
    for (const auto& [name, tensor] : own) {
        const auto found = values.find(name);
        if (found != values.end()) tensor.copy_(found->second);
    }
    return report;
}

LoadReport Module::load(const std::string& path, const LoadOptions& options) const {
    // A zip archive begins with its first member; safetensors with the length of a header, an index with {.
    const bool is_archive = data::starts_with(path, "PK\x03\x04");
    return load(is_archive ? data::load_torch(path).tensors : data::load_safetensors(path).tensors, options);
}

void Module::save(const std::string& path) const {
    const NoGrad guard;
    NamedTensors tensors = state();
    for (auto& [name, tensor] : tensors) tensor = tensor.detach().to(Device::cpu()).contiguous();
    data::save_safetensors(path, tensors);
}

}  // namespace adjoint::nn
