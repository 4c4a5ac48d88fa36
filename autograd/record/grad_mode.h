// Whether operations on this thread are recorded.
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>

namespace adjoint {

namespace detail {

/// The bits of `mode`. All stand in one word, so that an operation asks for them at once.
inline constexpr std::uint8_t recording = 1;  ///< operations that want a gradient make nodes
inline constexpr std::uint8_t observed = 2;   ///< an Observer is told of every operation
inline constexpr std::uint8_t timed = 4;      ///< every operation is a span of a profile

extern ADJOINT_API constinit thread_local std::uint8_t mode;

}  // namespace detail

/// True unless a NoGrad guard is alive on this thread.
inline bool grad_enabled() noexcept { return (detail::mode & detail::recording) != 0; }
inline void set_grad_enabled(bool enabled) noexcept {
    detail::mode =
        static_cast<std::uint8_t>((detail::mode & ~detail::recording) | (enabled ? detail::recording : 0));
}

/// Sets the mode for a scope and restores it, also when an exception leaves it.
class GradMode {
  public:
    explicit GradMode(bool enabled) noexcept : before_(detail::mode) { set_grad_enabled(enabled); }
    ~GradMode() { detail::mode = before_; }
    GradMode(const GradMode&) = delete;
    GradMode& operator=(const GradMode&) = delete;

  private:
    std::uint8_t before_;
};

/// No operation is recorded while it lives: { NoGrad guard; ... }
class NoGrad : GradMode {
  public:
    NoGrad() noexcept : GradMode(false) {}
};

/// Anomaly mode: every result of a recorded operation and every gradient is checked for NaN and Inf. The
/// first that holds one is an AutogradError: which operation gave it, in its forward or its backward pass,
/// the value and its place. Slow; for looking for the cause.
ADJOINT_API bool anomaly_enabled() noexcept;
ADJOINT_API void set_anomaly_enabled(bool enabled) noexcept;

/// The anomaly mode is on while it lives: { AnomalyMode guard; loss_of(model).backward(); }
class AnomalyMode {
  public:
    explicit AnomalyMode(bool enabled = true) noexcept : before_(anomaly_enabled()) {
        set_anomaly_enabled(enabled);
    }
    ~AnomalyMode() { set_anomaly_enabled(before_); }
    AnomalyMode(const AnomalyMode&) = delete;
    AnomalyMode& operator=(const AnomalyMode&) = delete;

  private:
    bool before_;
};

}  // namespace adjoint
