// The attributes of a node, by name and type. Private.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <adjoint/onnx/format/model.h>

namespace adjoint::onnx {

/// Notes which attributes were asked for: one that nobody asked for is not known, and would be ignored.
/// errors (of all): ValueError for an attribute of another type, or one without a default that is missing.
class Attributes {
  public:
    /// `all` outlives this.
    explicit Attributes(const std::vector<Attribute>& all) : all_(all) {}

    bool has(const char* name) const;
    std::int64_t integer(const char* name) const;
    std::int64_t integer(const char* name, std::int64_t otherwise) const;
    bool flag(const char* name, bool otherwise = false) const { return integer(name, otherwise) != 0; }
    double real(const char* name, double otherwise) const;
    std::string text(const char* name, const std::string& otherwise) const;
    std::optional<std::vector<std::int64_t>> integers(const char* name) const;
    std::optional<std::vector<double>> reals(const char* name) const;
    std::vector<std::string> texts(const char* name) const;
    /// Null if there is none.
    const TensorValue* tensor(const char* name) const;
    std::shared_ptr<const Graph> graph(const char* name) const;
    /// An attribute that makes no difference.
    void ignore(const char* name) const { seen_.insert(name); }

    /// errors: ValueError naming one that was not asked for.
    void check_all_known() const;

  private:
    template <class T> const T* find(const char* name, const char* type) const;

    const std::vector<Attribute>& all_;
    mutable std::set<std::string> seen_;
};

}  // namespace adjoint::onnx
