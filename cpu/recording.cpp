// Recordings on the CPU: the list of calls, run again one by one, and the memory between them.
#include <unordered_map>

#include <adjoint/core/capture/recorded_step.h>
#include <adjoint/cpu/cpu_backend.h>

namespace adjoint::cpu {
namespace {

// The memory of a recording: a block that a tensor of the step gives back goes to a later one of the step, in
// the replays as in the recorded run, and to nobody else.
class Arena {
  public:
    Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena() {
        for (const auto& [bytes, blocks] : free_)
            for (void* block : blocks) host_release(block, bytes);
    }
    static Ref<Storage> allocate(const std::shared_ptr<Arena>& arena, std::size_t bytes) {
        std::vector<void*>& blocks = arena->free_[bytes];
        void* block = nullptr;
        if (blocks.empty()) {
            block = host_allocate(bytes);
        } else {
            block = blocks.back();
            blocks.pop_back();
        }
        return Storage::borrow(block, bytes, Device::cpu(),
                               [arena, block, bytes] { arena->free_[bytes].push_back(block); });
    }

  private:
    std::unordered_map<std::size_t, std::vector<void*>> free_;
};

class CpuRecording final : public RecordedStep {
  public:
    CpuRecording(CpuBackend& backend, const std::function<void()>& step) : backend_(backend) {
        record(backend, Device::cpu(), step);
    }

  private:
    Ref<Storage> allocate(std::size_t bytes) override { return Arena::allocate(arena_, bytes); }
    void run(const Turn& turn) override { call_all(backend_, turn); }

    CpuBackend& backend_;
    std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
};

}  // namespace

std::shared_ptr<Recording> CpuBackend::record(const std::function<void()>& step) {
    return std::make_shared<CpuRecording>(*this, step);
}

}  // namespace adjoint::cpu
