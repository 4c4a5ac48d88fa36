// ModuleList: any number of layers of one class.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// Modules of class M as children "0", "1", ..; how they are called is up to the module around them:
///
///     const nn::ModuleList<Block> blocks =
///         child("blocks", nn::ModuleList<Block>(6, [] { return Block(32); }));
///     Tensor operator()(Tensor x) const { for (const Block& block : blocks) x = block(x); return x; }
///
/// Modules of several classes stand in a Sequential, whose layers are called one by one, too.
template <IsModule M> class ModuleList : public Module {
  public:
    explicit ModuleList(std::vector<M> modules) : Module("ModuleList"), modules_(std::move(modules)) {
        for (std::size_t i = 0; i < modules_.size(); ++i) adopt(std::to_string(i), modules_[i], typeid(M));
    }
    /// make() or make(i) for i = 0 .. count - 1.
    template <class Make>
    requires(std::is_invocable_r_v<M, Make> || std::is_invocable_r_v<M, Make, std::size_t>)
        ModuleList(std::size_t count, Make make)
        : ModuleList(made(count, make)) {}

    std::size_t size() const noexcept { return modules_.size(); }
    /// errors: IndexError.
    const M& operator[](std::size_t i) const {
        if (i >= modules_.size())
            throw IndexError("ModuleList: module " + std::to_string(i) + " of " + std::to_string(size()));
        return modules_[i];
    }
    auto begin() const noexcept { return modules_.begin(); }
    auto end() const noexcept { return modules_.end(); }

  private:
    template <class Make> static std::vector<M> made(std::size_t count, Make& make) {
        std::vector<M> modules;
        modules.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            if constexpr (std::is_invocable_r_v<M, Make, std::size_t>)
                modules.push_back(make(i));
            else
                modules.push_back(make());
        }
        return modules;
    }

    std::vector<M> modules_;
};

}  // namespace adjoint::nn
