// Spans: what this thread is doing, from layers down to the calls of a device, for whoever measures it. While
// nobody does, a span costs one load and one branch.
//
// Listeners are sessions (span_session.h) and captures, which note for each call the layer it belongs to.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/export.h>

namespace adjoint::detail {

enum class SpanKind : std::uint8_t {
    layer,      ///< the forward pass of a module
    operation,  ///< a function of floor 1
    backward,   ///< the backward pass of one
    call,       ///< a call of the device's contract
    transfer,   ///< between the device and the host
    part        ///< what is neither: a backward pass as a whole, a step of an optimizer, a replay
};

/// What a call moves and computes, as far as that is known.
struct Work {
    double bytes = 0, flops = 0;
};

extern ADJOINT_API constinit std::atomic<int> span_listeners;
inline bool spans_wanted() noexcept { return span_listeners.load(std::memory_order_relaxed) != 0; }

/// A name that lives as long as the program.
ADJOINT_API std::string_view lasting(const std::string& name);

class ADJOINT_API Span {
  public:
    /// `name` lives as long as the program.
    Span(SpanKind kind, std::string_view name) : open_(spans_wanted()) {
        if (open_) [[unlikely]]
            begin(kind, name, {}, {});
    }
    /// A call of a device.
    Span(std::string_view name, std::string_view more, const Work& work) : open_(true) {
        begin(SpanKind::call, name, more, work);
    }
    ~Span() {
        if (open_) [[unlikely]]
            end();
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

  private:
    static void begin(SpanKind kind, std::string_view name, std::string_view more, const Work& work);
    static void end() noexcept;

    bool open_;
};

/// What is done while it lives belongs to `layer`, which lives as long as the program.
class ADJOINT_API InLayer {
  public:
    explicit InLayer(std::string_view layer) noexcept;
    ~InLayer();
    InLayer(const InLayer&) = delete;
    InLayer& operator=(const InLayer&) = delete;

  private:
    std::string_view before_;
};
/// That of this thread, "" outside of all.
ADJOINT_API std::string_view current_layer() noexcept;

/// The layer in which a node of a graph was made, for its backward pass on the same thread.
ADJOINT_API void note_node(const void* node) noexcept;
ADJOINT_API std::string_view layer_of_node(const void* node) noexcept;

/// Notes that memory was taken, or given back where `bytes` is below 0.
ADJOINT_API void note_memory(const void* memory, std::int64_t bytes, Device device) noexcept;

/// While it lives, spans are kept for their layers alone: for a capture.
class LayersWanted {
  public:
    LayersWanted() noexcept { ++span_listeners; }
    ~LayersWanted() { --span_listeners; }
    LayersWanted(const LayersWanted&) = delete;
    LayersWanted& operator=(const LayersWanted&) = delete;
};

}  // namespace adjoint::detail
