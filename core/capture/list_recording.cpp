// The list of calls, run again one by one, and the memory between them.
#include <adjoint/core/capture/list_recording.h>

#include <optional>

#include <adjoint/core/capture/arena.h>
#include <adjoint/core/capture/recorded_step.h>
#include <adjoint/core/contract/profiled_backend.h>
#include <adjoint/core/contract/span.h>

namespace adjoint {
namespace {

class ListRecording final : public RecordedStep {
  public:
    ListRecording(Backend& backend, Device device, const std::function<void()>& step, bool optimize)
        : backend_(backend), device_(device), arena_(std::make_shared<Arena>(backend, device)) {
        record(backend, device, step, optimize);
    }

  private:
    Ref<Storage> allocate(std::size_t bytes) override { return Arena::allocate(arena_, bytes); }
    void run(const Turn& turn) override {
        const bool watched = detail::spans_wanted();
        Backend& backend = watched ? profiled_backend(backend_, device_) : backend_;
        std::optional<detail::InLayer> layer;
        for (std::size_t i = 0, count = calls(); i < count; ++i) {
            if (watched) [[unlikely]]
                layer.emplace(layer_of(i));
            call_one(backend, i, turn);
        }
    }

    Backend& backend_;
    const Device device_;
    std::shared_ptr<Arena> arena_;
};

}  // namespace

std::shared_ptr<Recording> record_as_list(Backend& backend, Device device, const std::function<void()>& step,
                                          bool optimize) {
    return std::make_shared<ListRecording>(backend, device, step, optimize);
}

}  // namespace adjoint
