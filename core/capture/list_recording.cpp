// The list of calls, run again one by one, and the memory between them.
#include <adjoint/core/capture/list_recording.h>

#include <unordered_map>

#include <adjoint/core/capture/recorded_step.h>

namespace adjoint {
namespace {

// The memory of a recording: a block that a tensor of the step gives back goes to a later one of the step, in
// the replays as in the recorded run, and to nobody else. What compositions take for themselves is no part of
// it: they run anew in each replay.
class Arena {
  public:
    Arena(Backend& backend, Device device) : backend_(backend), device_(device) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() {
        for (const auto& [bytes, blocks] : free_)
            for (void* block : blocks) backend_.release(block, bytes);
    }
    static Ref<Storage> allocate(const std::shared_ptr<Arena>& arena, std::size_t bytes) {
        std::vector<void*>& blocks = arena->free_[bytes];
        void* block = nullptr;
        if (blocks.empty()) {
            block = arena->backend_.allocate(bytes);
        } else {
            block = blocks.back();
            blocks.pop_back();
        }
        return Storage::borrow(block, bytes, arena->device_,
                               [arena, block, bytes] { arena->free_[bytes].push_back(block); });
    }

  private:
    Backend& backend_;
    const Device device_;
    std::unordered_map<std::size_t, std::vector<void*>> free_;
};

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
