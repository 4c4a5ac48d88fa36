// Hearing of every tensor of a thread whose elements the host reads: item(), to_vector(), data(). What a
// program does with them nobody hears of.
#pragma once

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// Is told while it lives; of several the innermost is.
class ADJOINT_API HostReads {
  public:
    HostReads() noexcept;
    virtual ~HostReads();
    HostReads(const HostReads&) = delete;
    HostReads& operator=(const HostReads&) = delete;

    virtual void read(const Tensor& x) = 0;

  private:
    HostReads* outer_;
};

}  // namespace adjoint
