// Captures: a backend in front of the real one that makes every call there and keeps it.
#include <algorithm>
#include <atomic>
#include <new>
#include <unordered_map>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/capture/recorded_step.h>
#include <adjoint/core/contract/profiled_backend.h>
#include <adjoint/core/contract/span.h>

namespace adjoint {

namespace {

constinit std::atomic<std::uint64_t> outside_writes = 0;

}  // namespace

std::uint64_t writes_by_replays() noexcept { return outside_writes.load(std::memory_order_relaxed); }

class StepRecorder final : public Runs<StepRecorder, Recorder, Calls> {
  public:
    StepRecorder(RecordedStep& step, Backend& backend, Device device)
        : step_(step), backend_(profiled_backend(backend, device)), device_(device) {
        step_.start_ = generator_state();
        detail::recorder = this;
    }
    ~StepRecorder() override { detail::recorder = nullptr; }

    Device device() const override { return device_; }
    Ref<Storage> allocate_storage(std::size_t bytes) override {
        Ref<Storage> storage = step_.allocate(bytes);
        own_.emplace(storage.get(), step_.list_.size());
        bytes_ += bytes;
        step_.peak_bytes_ = std::max(step_.peak_bytes_, bytes_);
        return storage;
    }
    // Called where nothing may be thrown: finish() says that memory was lacking.
    bool keep(Storage* storage) noexcept override {
        try {
            return kept(storage);
        } catch (const std::bad_alloc&) {
            lacks_memory_ = true;
            return false;
        }
    }
    bool kept(Storage* storage) {
        if (const auto own = own_.find(storage); own != own_.end()) {
            const char* begin = static_cast<const char*>(storage->data());
            step_.lifetimes_.push_back({{begin, begin + storage->bytes()}, own->second, step_.list_.size()});
            bytes_ -= storage->bytes();
            own_.erase(own);
            return false;
        }
        if (storage->device() != device_) return false;
        step_.kept_.emplace_back();
        step_.kept_.back() = Ref<Storage>::adopt(storage);
        return true;
    }
    void hold(std::shared_ptr<const void> what) override { step_.held_.push_back(std::move(what)); }
    void update_from(std::function<UpdateOp()> source) override { update_source_ = std::move(source); }
    void finish() {
        if (lacks_memory_) throw_no_memory("capture");
        step_.streams_ = generator_state().stream - step_.start_.stream;
        std::vector<Lifetime> all = step_.lifetimes_;
        for (const auto& [storage, first] : own_) {
            const char* begin = static_cast<const char*>(storage->data());
            all.push_back({{begin, begin + storage->bytes()}, first, step_.list_.size()});
        }
        const Lifetimes own(all);
        for (const RecordedCall& one : step_.list_)
            for (const MemoryRange& range : Effects(one.call).writes)
                step_.writes_outside_ = step_.writes_outside_ || !own.find(range, one.at);
    }

    void* allocate(std::size_t bytes) override { return backend_.allocate(bytes); }
    void release(void* memory, std::size_t bytes) noexcept override { backend_.release(memory, bytes); }
    void synchronize() override { check_not_capturing("synchronize"); }
    void copy_to_host(void*, const void*, std::size_t) override {
        check_not_capturing("item() or a copy to the host");
    }
    std::shared_ptr<Recording> record(const std::function<void()>&, bool) override {
        check_not_capturing("capture");
        return nullptr;
    }
    bool convolves_narrow(const Convolution& c) override { return backend_.convolves_narrow(c); }
    std::optional<std::size_t> recurrence_reserve(const Recurrence& r) override {
        return backend_.recurrence_reserve(r);
    }
    bool attends(const Attention& a) override { return backend_.attends(a); }

    template <class Call> friend void on(StepRecorder& recorder, const Call& call) {
        recorder.backend_.run(call);
        recorder.keep_call(call);
    }

  private:
    void add(const AnyCall& call, std::size_t update = 0) {
        step_.list_.push_back({call, step_.list_.size(), update, detail::current_layer()});
    }
    template <class Call> void keep_call(const Call& call) { add(call); }
    // A constant of the step.
    void keep_call(call::Upload call) {
        if (call.bytes == 0) return;
        const char* first = static_cast<const char*>(call.values);
        call.values = step_.constants_.emplace_back(first, first + call.bytes).data();
        add(call);
    }
    void keep_call(call::ClipNorm call) {
        call.tensors = step_.tensors_.emplace_back(call.tensors.begin(), call.tensors.end());
        add(call);
    }
    void keep_call(call::Update call) {
        call.slices = step_.slices_.emplace_back(call.slices.begin(), call.slices.end());
        add(call, step_.updates_.size());
        step_.updates_.push_back(call.op);
        step_.sources_.push_back(update_source_ ? std::exchange(update_source_, nullptr)
                                                : [op = call.op] { return op; });
    }

    RecordedStep& step_;
    Backend& backend_;
    const Device device_;
    const detail::LayersWanted layers_wanted_;
    std::unordered_map<const Storage*, std::size_t> own_;  // and the number of calls when it was made
    std::size_t bytes_ = 0;                                // of tensors that live
    bool lacks_memory_ = false;
    std::function<UpdateOp()> update_source_;
};

void RecordedStep::record(Backend& backend, Device device, const std::function<void()>& step, bool optimize) {
    {
        StepRecorder recorder(*this, backend, device);
        step();
        recorder.finish();
    }
    if (!optimize) return;
    const Lifetimes lifetimes(lifetimes_);
    fold_constants(list_);
    drop_dead_calls(list_, lifetimes);
    fuse_elementwise(list_, lifetimes, programs_);
    join_updates(list_);
}

void RecordedStep::replay(std::int64_t times) {
    check_not_capturing("replay");
    const detail::Span span(detail::SpanKind::part, "(replay)");
    for (; times > 0; --times) {
        const GeneratorState now = generator_state();
        set_generator_state({now.seed, now.stream + streams_});
        for (std::size_t i = 0; i < sources_.size(); ++i) updates_[i] = sources_[i]();
        run({now, updates_});
        if (writes_outside_) outside_writes.fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace adjoint
