// Looking attributes up.
#include <adjoint/onnx/import/attributes.h>

#include <algorithm>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::onnx {

template <class T> const T* Attributes::find(const char* name, const char* type) const {
    seen_.insert(name);
    for (const Attribute& attribute : all_) {
        if (attribute.name != name) continue;
        const T* value = std::get_if<T>(&attribute.value);
        check<ValueError>(value != nullptr, "the attribute {} is no {}", name, type);
        return value;
    }
    return nullptr;
}

bool Attributes::has(const char* name) const {
    return std::any_of(all_.begin(), all_.end(), [&](const Attribute& a) { return a.name == name; });
}

std::int64_t Attributes::integer(const char* name) const {
    const auto* value = find<std::int64_t>(name, "integer");
    check<ValueError>(value != nullptr, "the attribute {} is missing", name);
    return *value;
}

std::int64_t Attributes::integer(const char* name, std::int64_t otherwise) const {
    const auto* value = find<std::int64_t>(name, "integer");
    return value ? *value : otherwise;
}

double Attributes::real(const char* name, double otherwise) const {
    const auto* value = find<float>(name, "number");
    return value ? static_cast<double>(*value) : otherwise;
}

std::string Attributes::text(const char* name, const std::string& otherwise) const {
    const auto* value = find<std::string>(name, "text");
    return value ? *value : otherwise;
}

std::optional<std::vector<std::int64_t>> Attributes::integers(const char* name) const {
    const auto* value = find<std::vector<std::int64_t>>(name, "list of integers");
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<double>> Attributes::reals(const char* name) const {
    const auto* value = find<std::vector<float>>(name, "list of numbers");
    return value ? std::optional(std::vector<double>(value->begin(), value->end())) : std::nullopt;
}

std::vector<std::string> Attributes::texts(const char* name) const {
    const auto* value = find<std::vector<std::string>>(name, "list of texts");
    return value ? *value : std::vector<std::string>{};
}

const TensorValue* Attributes::tensor(const char* name) const { return find<TensorValue>(name, "tensor"); }

std::shared_ptr<const Graph> Attributes::graph(const char* name) const {
    const auto* value = find<std::shared_ptr<const Graph>>(name, "graph");
    check<ValueError>(value != nullptr, "the attribute {} is missing", name);
    return *value;
}

void Attributes::check_all_known() const {
    for (const Attribute& attribute : all_)
        if (!seen_.contains(attribute.name))
            fail<ValueError>("the attribute {} is not known", data::excerpt(attribute.name));
}

}  // namespace adjoint::onnx
