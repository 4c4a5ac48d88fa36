// The list of calls, run again one by one, and the memory between them.
#include <adjoint/core/capture/list_recording.h>

#include <adjoint/core/capture/arena.h>
#include <adjoint/core/capture/recorded_step.h>

namespace adjoint {
namespace {

class ListRecording final : public RecordedStep {
  public:
    ListRecording(Backend& backend, Device device, const std::function<void()>& step, bool optimize)
        : backend_(backend), arena_(std::make_shared<Arena>(backend, device)) {
        record(backend, device, step, optimize);
    }

  private:
    Ref<Storage> allocate(std::size_t bytes) override { return Arena::allocate(arena_, bytes); }
    void run(const Turn& turn) override { call_all(backend_, turn); }

    Backend& backend_;
    std::shared_ptr<Arena> arena_;
};

}  // namespace

std::shared_ptr<Recording> record_as_list(Backend& backend, Device device, const std::function<void()>& step,
                                          bool optimize) {
    return std::make_shared<ListRecording>(backend, device, step, optimize);
}

}  // namespace adjoint
