// Signals are for the program's own threads: a thread inherits what is blocked where it is started. Private.
#pragma once

#include <pthread.h>

#include <csignal>

namespace adjoint {

/// While it lives this thread gets no signals, and threads that it starts never do.
class SignalsBlocked {
  public:
    SignalsBlocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_;
};

}  // namespace adjoint
