// What is dense in the host's memory is sent; the rest moves when it arrives.
#include <adjoint/data/sent_batch.h>

#include <utility>

#include <adjoint/core/tensor/creation.h>

namespace adjoint::data {

SentBatch::SentBatch(Batch batch, const std::optional<Device>& to) : batch_(std::move(batch)), to_(to) {
    if (!to_) return;
    batch_ = batch_.each([this](const Tensor& x) {
        const auto bytes = static_cast<std::size_t>(x.numel()) * size_of(x.dtype());
        if (!x.device().is_cpu() || !x.is_contiguous() || bytes == 0) return x;
        std::shared_ptr<Delivery> delivery = backend(*to_).deliver(x.impl().data, bytes);
        if (!delivery) return x;
        deliveries_.push_back(delivery);
        void* const memory = delivery->memory();
        return from_blob(memory, x.shape(), {.dtype = x.dtype(), .device = *to_},
                         [held = std::move(delivery)] {});
    });
}

Batch SentBatch::arrived() && {
    for (const std::shared_ptr<Delivery>& delivery : deliveries_) delivery->arrive();
    return to_ ? batch_.to(*to_) : std::move(batch_);
}

}  // namespace adjoint::data
