// A backend in front of the real one. Compositions are inside their call: they go on with the real one.
#include <adjoint/core/contract/profiled_backend.h>

#include <map>
#include <mutex>
#include <utility>

#include <adjoint/core/contract/span_session.h>
#include <adjoint/core/contract/work.h>

namespace adjoint {
namespace {

class ProfiledBackend final : public Runs<ProfiledBackend, Backend, Calls> {
  public:
    ProfiledBackend(Backend& real, Device device) : real_(real), device_(device) {}

    bool is_of(const Backend& real) const noexcept { return &real_ == &real; }

    void* allocate(std::size_t bytes) override { return real_.allocate(bytes); }
    void release(void* memory, std::size_t bytes) noexcept override { real_.release(memory, bytes); }
    void synchronize() override { real_.synchronize(); }
    void copy_to_host(void* destination, const void* source, std::size_t bytes) override {
        const detail::Span span(detail::SpanKind::transfer, "copy to the host");
        real_.copy_to_host(destination, source, bytes);
    }
    std::shared_ptr<Delivery> deliver(const void* values, std::size_t bytes) override {
        const detail::Span span(detail::SpanKind::transfer, "delivery");
        return real_.deliver(values, bytes);
    }
    std::shared_ptr<Recording> record(const std::function<void()>& step, bool optimize) override {
        const detail::Span span(detail::SpanKind::part, "(capture)");
        return real_.record(step, optimize);
    }
    bool convolves_narrow(const Convolution& c) override { return real_.convolves_narrow(c); }
    std::optional<std::size_t> recurrence_reserve(const Recurrence& r) override {
        return real_.recurrence_reserve(r);
    }
    bool attends(const Attention& a) override { return real_.attends(a); }

    template <class Call> friend void on(ProfiledBackend& device, const Call& call) {
        const detail::Span span(call.name, inner_name(call), work_of(call));
        device.real_.run(call);
        if (!device.device_.is_cpu()) device.real_.synchronize();
    }

  private:
    Backend& real_;
    const Device device_;
};

}  // namespace

Backend& profiled_backend(Backend& real, Device device) {
    if (!detail::is_profiled()) return real;
    static constinit thread_local ProfiledBackend* last = nullptr;
    if (last && last->is_of(real)) return *last;
    // They live as long as the devices, that is, as long as the program.
    static std::mutex& mutex = *new std::mutex;
    static auto& all = *new std::map<const Backend*, ProfiledBackend>;
    const std::scoped_lock lock(mutex);
    last = &all.try_emplace(&real, real, device).first->second;
    return *last;
}

}  // namespace adjoint
