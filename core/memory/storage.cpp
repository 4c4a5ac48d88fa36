// Allocation and release of a tensor's memory.
#include <adjoint/core/memory/storage.h>

#include <algorithm>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/memory/recorder.h>
#include <adjoint/core/memory/storage_limit.h>

namespace adjoint {

namespace {

constinit thread_local std::size_t most_storage = std::numeric_limits<std::size_t>::max();
constinit thread_local const char* most_storage_hint = "";

}  // namespace

StorageLimit::StorageLimit(std::size_t most, const char* hint) noexcept
    : outer_most_(most_storage), outer_hint_(most_storage_hint) {
    if (most >= most_storage) return;
    most_storage = most;
    most_storage_hint = hint;
}

StorageLimit::~StorageLimit() {
    most_storage = outer_most_;
    most_storage_hint = outer_hint_;
}

Ref<Storage> Storage::allocate(std::size_t bytes, Device device) {
    if (bytes > most_storage) [[unlikely]]
        fail<OutOfMemoryError>("{} bytes are asked for, at most {} are allowed{}", bytes, most_storage,
                               most_storage_hint);
    if (Recorder* capture = recorder(); capture && capture->device() == device) [[unlikely]]
        return capture->allocate_storage(bytes);
    if (fits_in_block(bytes, device)) return allocate_block(0, bytes);
    void* const place = host_allocate(sizeof(Storage));
    try {
        void* const data = device.is_cpu() ? host_allocate(bytes) : backend(device).allocate(bytes);
        if (detail::spans_wanted()) [[unlikely]]
            detail::note_memory(place, static_cast<std::int64_t>(bytes), device);
        return Ref<Storage>::adopt(new (place) Storage(data, bytes, device));
    } catch (...) {
        host_release(place, sizeof(Storage));
        throw;
    }
}

Ref<Storage> Storage::borrow(void* data, std::size_t bytes, Device device, std::function<void()> deleter) {
    auto storage = Ref<Storage>::adopt(new (host_allocate(sizeof(Storage))) Storage(data, bytes, device));
    storage->owner_ = Owner::borrowed;
    storage->deleter_ = std::move(deleter);
    return storage;
}

void Storage::destroy() noexcept {
    if (Recorder* capture = recorder()) [[unlikely]] {
        revive();
        if (capture->keep(this)) return;
    }
    if (detail::spans_wanted() && owner_ != Owner::borrowed) [[unlikely]]
        detail::note_memory(this, -static_cast<std::int64_t>(bytes_), device_);
    if (owner_ == Owner::block) {
        const std::size_t front = std::size_t{64} * front_, bytes = front + header + bytes_;
        char* const start = reinterpret_cast<char*>(this) - front;
        this->~Storage();
        host_release(start, bytes);
        return;
    }
    if (owner_ == Owner::borrowed) {
        if (deleter_) deleter_();
    } else if (device_.is_cpu()) {
        host_release(data_, bytes_);
    } else {
        backend(device_).release(data_, bytes_);
    }
    this->~Storage();
    host_release(this, sizeof(Storage));
}

}  // namespace adjoint
