// Keeping the values inside a graph, so that it can be drawn with them.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/autograd/record/node.h>

namespace adjoint {

/// Keeps the result of every operation recorded on this thread while it lives. It is an anomaly mode too.
class ADJOINT_API Trace {
  public:
    Trace();
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    /// Output `index` of `producer`; undefined if that was not recorded under this trace.
    Tensor value(const Producer& producer, std::uint32_t index = 0) const;
    /// The innermost trace of this thread, null outside of one.
    static Trace* current() noexcept;
    void keep(const Tensor& output);

  private:
    // The value is an alias outside the graph; holding the node keeps its address from being used again.
    struct Kept {
        Ref<Producer> producer;
        Tensor value;
    };

    AnomalyMode anomaly_;
    Trace* outer_;
    std::map<std::pair<const Producer*, std::uint32_t>, Kept> values_;
};

}  // namespace adjoint
