// The contract of a device: memory, the calls (calls.h), a few questions; and the registry of the devices.
//
// A device derives from Runs<Itself, Backend, Calls> and writes one function for each call that it has:
//
//     void on(Toy& device, const call::Fill& c);
//
// A call without one goes to compose(backend, call), which makes it of others and stands where the call is
// declared; a call with neither does not compile.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include <adjoint/core/base/device.h>
#include <adjoint/core/contract/calls.h>
#include <adjoint/core/contract/recording.h>

namespace adjoint {

namespace detail {

/// One virtual function for each call, in a single line of bases.
template <class List> class Verbs;
template <class Call> class Verbs<CallList<Call>> {
  public:
    virtual ~Verbs() = default;
    virtual void run(const Call& call) = 0;
};
template <class Call, class Next, class... Rest>
class Verbs<CallList<Call, Next, Rest...>> : public Verbs<CallList<Next, Rest...>> {
  public:
    using Verbs<CallList<Next, Rest...>>::run;
    virtual void run(const Call& call) = 0;
};

}  // namespace detail

/// Values on their way to memory of a device, beside what the device has to do. When it goes, so does the
/// memory: to somebody who comes behind all that is queued by then.
class Delivery {
  public:
    Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;
    virtual ~Delivery() = default;

    virtual void* memory() const noexcept = 0;
    /// What is queued from now on finds the values there; what was queued before may not touch the memory.
    virtual void arrive() = 0;
};

class Backend : public detail::Verbs<Calls> {
  public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    // Memory.
    virtual void* allocate(std::size_t bytes) = 0;
    virtual void release(void* memory, std::size_t bytes) noexcept = 0;
    virtual void copy_to_host(void* destination, const void* source, std::size_t bytes) = 0;
    virtual void synchronize() = 0;
    /// Begins a copy that runs beside what is queued; `values` may change when it returns. Any thread may
    /// call it. Null where the device has one order for all that it does: there Upload does as well.
    virtual std::shared_ptr<Delivery> deliver(const void* values, std::size_t bytes);

    /// Runs `step` once and records what it does here; with `optimize` the calls of a replay are made fewer.
    /// errors: CaptureError.
    virtual std::shared_ptr<Recording> record(const std::function<void()>& step, bool optimize) = 0;

    // Questions.
    /// Whether the device does this convolution in its 16-bit type, with sums in f32; they may be rounded
    /// before the bias comes to them. Otherwise the operands of all three calls come in f32 or f64.
    virtual bool convolves_narrow(const Convolution& c) = 0;
    /// Bytes of what a recurrent forward pass keeps for the backward pass; nothing where the device has
    /// neither of the two.
    virtual std::optional<std::size_t> recurrence_reserve(const Recurrence& r) = 0;
    /// Whether the device has attention of its own, both ways.
    virtual bool attends(const Attention& a) = 0;
};

/// The calls of a device: each goes to on(device, call) where there is one, else to its composition.
template <class Self, class Base, class List> class Runs;
template <class Self, class Base> class Runs<Self, Base, CallList<>> : public Base {
  public:
    using Base::Base;
};
template <class Self, class Base, class Call, class... Rest>
class Runs<Self, Base, CallList<Call, Rest...>> : public Runs<Self, Base, CallList<Rest...>> {
  public:
    using Runs<Self, Base, CallList<Rest...>>::Runs;
    using Runs<Self, Base, CallList<Rest...>>::run;
    void run(const Call& call) override {
        Self& self = static_cast<Self&>(*this);
        if constexpr (requires { on(self, call); })
            on(self, call);
        else
            compose(static_cast<Backend&>(self), call);
    }
};

/// The backend of a device, which is started if that is still to do.
/// errors: DeviceError with what to do about it.
Backend& backend(Device device);
Backend& cpu_backend();

/// Adds a kind of device: Device::parse knows it as `name`, "name:1" ... `start` gives the backend of device
/// `index`, which lives as long as the program, or throws a DeviceError that says why there is none; it is
/// asked until it has given one, perhaps by two threads at once. `name` (letters, digits, _) lives as long
/// as the program.
/// errors: ValueError for a name that is none or is taken, or if there is no room.
DeviceType register_device_kind(const char* name, Backend& (*start)(int index));
/// Makes one device known without starting it.
/// errors: DeviceError if there is no room for it.
void register_backend(Device device, Backend& backend);

}  // namespace adjoint
