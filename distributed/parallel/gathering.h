// Parameters that lie on their owner, and on other ranks while a layer computes with them. Private.
#pragma once

#include <cstddef>
#include <vector>

#include <adjoint/distributed/parallel/sharding.h>
#include <adjoint/nn/hooks.h>
#include <adjoint/nn/module.h>

namespace adjoint::distributed {

/// A layer's parameters come before its forward pass and when the gradient of its result does, by hooks, and
/// go when they are not needed any more. The first pass is that of a model that is everywhere; it shows for
/// which layers both hooks run in time. What other layers have stays on all ranks.
class Gathering {
  public:
    Gathering(const nn::Module& model, Group group, Sharding& sharding);
    ~Gathering();
    Gathering(const Gathering&) = delete;
    Gathering& operator=(const Gathering&) = delete;

    /// The gradient of a leaf is complete: nothing of this pass needs its value any more.
    void leaf_done(const Tensor& leaf);
    void pass_done();
    /// All parameters are on all ranks, until release() has been called as often.
    void gather_all();
    void release();

  private:
    struct Layer {
        nn::Module module;
        std::vector<std::size_t> parameters = {};
        bool reached = false;  // by the backward pass, the first
        bool late = false;     // a gradient was complete before that
    };

    void add(const nn::Module& module);
    void learn();
    void gather(const std::vector<std::size_t>& parameters);
    void release(std::size_t parameter);

    Sharding& sharding_;
    const std::vector<Tensor>& parameters_;  // of the sharding
    const Group group_;
    std::vector<Layer> layers_;
    std::vector<nn::HookHandle> hooks_;
    std::vector<bool> may_go_;  // from the other ranks; the same on all
    std::vector<int> users_;    // layers that compute with it
    int keepers_ = 0;           // who want all parameters
    bool learning_ = true;
};

}  // namespace adjoint::distributed
