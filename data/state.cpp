// Prefixes of names, and strings as bytes.
#include <adjoint/data/state.h>

#include <algorithm>
#include <set>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/state_parts.h>

namespace adjoint::data {

NamedTensors joined(const std::vector<std::pair<std::string, NamedTensors>>& states) {
    NamedTensors all;
    for (const auto& [prefix, state] : states)
        for (const auto& [name, tensor] : state) all.emplace_back(prefix + name, tensor);
    return all;
}

NamedTensors under(const NamedTensors& tensors, std::string_view prefix) {
    NamedTensors found;
    std::set<std::string> others;
    for (const auto& [name, tensor] : tensors) {
        if (name.starts_with(prefix))
            found.emplace_back(name.substr(prefix.size()), tensor);
        else
            others.insert(name.substr(0, std::min(name.find('.'), name.size() - 1) + 1));
    }
    check<ValueError>(!found.empty(), "under: no tensor's name begins with \"{}\", they begin with: {}",
                      prefix, fmt::join(others, ", "));
    return found;
}

void append_strings(NamedTensors& state, const std::string& name, const std::vector<std::string>& strings) {
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> ends;
    for (const std::string& one : strings) {
        bytes.insert(bytes.end(), one.begin(), one.end());
        ends.push_back(static_cast<std::int64_t>(bytes.size()));
    }
    state.emplace_back(name, tensor(bytes, Shape{static_cast<std::int64_t>(bytes.size())}, Device::cpu()));
    state.emplace_back(name + ".ends",
                       tensor(ends, Shape{static_cast<std::int64_t>(ends.size())}, Device::cpu()));
}

void StateReader::refuse(std::string_view why) const {
    fail<ValueError>("{}: this is no state of one: {}", what_, why);
}

Tensor StateReader::tensor(std::string_view name, int dims) const {
    for (const auto& [own, tensor] : state_) {
        if (own != name) continue;
        if (!tensor.defined() || tensor.dim() != dims)
            refuse(fmt::format("{} has {} dimensions, expected {}", name, tensor.defined() ? tensor.dim() : 0,
                               dims));
        return tensor.detach();
    }
    refuse(fmt::format("{} is missing", name));
}

std::vector<std::int64_t> StateReader::integers(std::string_view name) const {
    const Tensor found = tensor(name, 1);
    if (found.dtype() != DType::i64)
        refuse(fmt::format("{} is {}, expected i64", name, adjoint::name(found.dtype())));
    return found.to_vector<std::int64_t>();
}

std::vector<std::string> StateReader::strings(const std::string& name) const {
    const Tensor text = tensor(name, 1);
    if (text.dtype() != DType::u8)
        refuse(fmt::format("{} is {}, expected u8", name, adjoint::name(text.dtype())));
    const std::vector<std::uint8_t> bytes = text.to_vector<std::uint8_t>();
    std::vector<std::string> out;
    std::int64_t begin = 0;
    const std::vector<std::int64_t> ends = integers(name + ".ends");
    for (const std::int64_t end : ends) {
        if (end < begin || end > text.numel()) refuse(fmt::format("{}.ends leads out of its text", name));
        out.emplace_back(bytes.begin() + begin, bytes.begin() + end);
        begin = end;
    }
    if (begin != text.numel()) refuse(fmt::format("{} is longer than its parts", name));
    return out;
}

}  // namespace adjoint::data
