// Allocation and release of a tensor's memory.
#include <adjoint/core/storage.h>

#include <new>

#include <adjoint/core/backend.h>
#include <adjoint/core/recorder.h>

namespace adjoint {

Ref<Storage> Storage::allocate(std::size_t bytes, Device device) {
    static_assert(sizeof(Storage) <= header);
    if (Recorder* capture = recorder(); capture && capture->device() == device) [[unlikely]]
        return capture->allocate_storage(bytes);
    if (device.is_cpu() && bytes <= largest_with_header) {
        char* block = static_cast<char*>(host_allocate(header + bytes));
        auto* storage = new (block) Storage(block + header, bytes, device);
        storage->owner_ = Owner::with_header;
        return Ref<Storage>::adopt(storage);
    }
    void* data = device.is_cpu() ? host_allocate(bytes) : backend(device).allocate(bytes);
    return Ref<Storage>::adopt(new (host_allocate(sizeof(Storage))) Storage(data, bytes, device));
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
    if (owner_ == Owner::with_header) {
        const std::size_t bytes = header + bytes_;
        this->~Storage();
        host_release(this, bytes);
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
