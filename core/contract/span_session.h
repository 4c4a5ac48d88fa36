// Who collects spans: a profile of some steps, and the trace of a process that ADJOINT_PROFILE asks for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/core/contract/span.h>

namespace adjoint::detail {

/// A span that ended. Texts live as long as the program.
struct SpanEvent {
    SpanKind kind = SpanKind::part;
    std::string_view name, more;                ///< "matmul", "relu"
    std::string_view layer;                     ///< "features.0 (Conv2d)", "" outside of all
    std::int64_t start = 0, end = 0, self = 0;  ///< nanoseconds; `self` is without the spans inside
    Work work;                                  ///< of an operation that of its calls
    std::uint32_t thread = 0, depth = 0;
    bool within = false;  ///< whether it is a call of an operation or of its backward pass
};

/// Memory of tensors that was taken, or given back.
struct MemoryEvent {
    std::int64_t at = 0;
    const void* memory = nullptr;
    std::int64_t bytes = 0;  ///< below 0 where it was given back
    std::string_view layer;
    Device device;
};

/// Collects what the thread that calls start() does until it calls stop(), or what all threads do: spans, and
/// memory that is taken and given back.
class ADJOINT_API SpanSession {
  public:
    enum class Threads : std::uint8_t { own, all };

    /// Takes no more than `most` events.
    explicit SpanSession(Threads threads, std::size_t most = std::size_t{1} << 20);
    ~SpanSession();
    SpanSession(const SpanSession&) = delete;
    SpanSession& operator=(const SpanSession&) = delete;

    void start();
    void stop() noexcept;
    const std::vector<SpanEvent>& spans() const noexcept { return spans_; }
    const std::vector<MemoryEvent>& memory() const noexcept { return memory_; }
    /// How many events there was no room for.
    std::size_t left_out() const noexcept { return left_out_; }
    /// All of it in the format that chrome://tracing and ui.perfetto.dev read.
    std::string trace() const;

  private:
    friend class SpanListeners;

    Threads threads_;
    std::size_t most_, left_out_ = 0;
    bool runs_ = false;
    std::vector<SpanEvent> spans_;
    std::vector<MemoryEvent> memory_;
};

/// Whether a session runs, not captures alone.
ADJOINT_API bool is_profiled() noexcept;

/// `begin_thread` is called on threads that compute while the trace of the process is on, outside of spans.
ADJOINT_API void on_traced_thread(void (*begin_thread)());

}  // namespace adjoint::detail
