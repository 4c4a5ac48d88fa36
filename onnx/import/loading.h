// What the graphs of a model share while it is loaded: its functions, what is not supported, and what of it
// is computed already. Private.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <adjoint/onnx/import/compile.h>
#include <adjoint/onnx/import/expand.h>
#include <adjoint/onnx/import/folding.h>

namespace adjoint::onnx {

/// Everything that is not supported, and who asks for it.
class Refusals {
  public:
    void add(const std::string& what, const std::string& who) {
        const auto [place, is_new] = places_.emplace(what, all_.size());
        if (is_new) all_.push_back({what, {}});
        if (!who.empty()) all_[place->second].second.push_back(who);
    }
    /// errors: UnsupportedError, if there are any.
    void check() const;

  private:
    std::vector<std::pair<std::string, std::vector<std::string>>> all_;
    std::unordered_map<std::string, std::size_t> places_;
};

/// What the graphs of a model share while it is loaded.
struct Loading {
    Loading(const Model& model, const Again& a) : functions(model), again(a) {}

    Functions functions;
    const Again& again;
    Refusals refusals;
    Folding folding;
};

}  // namespace adjoint::onnx
