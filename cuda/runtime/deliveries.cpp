// The two orders: a copy before what reads it, and what has read the memory before the next copy to it.
#include <adjoint/cuda/runtime/deliveries.h>

#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/cuda/runtime/context.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint::cuda_backend {
namespace {

constexpr const char* delivery = "copy from the host";

void make_event(cudaEvent_t& event) {
    if (!event) check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), delivery);
}

}  // namespace

class Deliveries::Copy final : public Delivery {
  public:
    Copy(Deliveries& owner, std::size_t size) : bytes(size), owner_(owner) { owner.take(*this); }
    ~Copy() override { owner_.take_back(*this); }

    void* memory() const noexcept override { return data; }
    void arrive() override { check_cuda(cudaStreamWaitEvent(owner_.device_.stream, done, 0), delivery); }

    const std::size_t bytes;
    void* data = nullptr;
    cudaEvent_t done = nullptr;

  private:
    Deliveries& owner_;
};

// Under the lock. Where it ends with an error it goes on from there.
void Deliveries::start() {
    if (!stream_) check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), delivery);
    make_event(returned_);
    if (!staging_) staging_.emplace(stream_);
    if (pool_ == 0) pool_ = make_pool(device_);
}

void Deliveries::take(Copy& copy) {
    const std::scoped_lock lock(mutex_);
    start();
    if (free_events_.empty()) {
        free_events_.reserve(static_cast<std::size_t>(in_use_) + 1);  // so that all can come back
        cudaEvent_t made = nullptr;
        make_event(made);
        free_events_.push_back(made);
    }
    copy.data = allocate(device_, copy.bytes, Use::tensor, pool_);
    copy.done = free_events_.back();
    free_events_.pop_back();
    ++in_use_;
}

// Where the event fails the host waits. If that fails, too, nobody gets the memory. What is still on its way
// there is in the order of the copies, as is the next that goes there.
void Deliveries::take_back(Copy& copy) noexcept {
    const std::scoped_lock lock(mutex_);
    if (forget(cudaEventRecord(returned_, device_.stream)) || forget(cudaStreamSynchronize(device_.stream)))
        release(device_, copy.data, copy.bytes);
    free_events_.push_back(copy.done);
    --in_use_;
}

std::shared_ptr<Delivery> Deliveries::deliver(const void* values, std::size_t bytes) {
    select(device_);
    auto copy = std::make_shared<Copy>(*this, bytes);
    check_cuda(cudaStreamWaitEvent(stream_, returned_, 0), delivery);
    staging_->to_device(copy->data, values, bytes);
    check_cuda(cudaEventRecord(copy->done, stream_), delivery);
    return copy;
}

void Deliveries::give_up_memory() {
    const std::scoped_lock lock(mutex_);
    if (pool_ == 0 || in_use_ > 0) return;
    count_cuda_sync();
    check_cuda(cudaStreamSynchronize(stream_), delivery);
    drop_pool(device_, pool_);
    pool_ = 0;
}

std::shared_ptr<Delivery> deliver(DeviceState& device, const void* values, std::size_t bytes) {
    Deliveries* const deliveries = context(device).deliveries.get();
    return deliveries ? deliveries->deliver(values, bytes) : nullptr;
}

}  // namespace adjoint::cuda_backend
