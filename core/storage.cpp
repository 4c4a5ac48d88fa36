// Allocation and release of a tensor's memory.
#include <adjoint/core/storage.h>

#include <adjoint/core/backend.h>

namespace adjoint {

Ref<Storage> Storage::allocate(std::size_t bytes, Device device) {
    void* data = device.is_cpu() ? host_allocate(bytes) : backend(device).allocate(bytes);
    return Ref<Storage>::adopt(new Storage(data, bytes, device));
}

Ref<Storage> Storage::borrow(void* data, std::size_t bytes, Device device, std::function<void()> deleter) {
    auto storage = Ref<Storage>::adopt(new Storage(data, bytes, device));
    storage->borrowed_ = true;
    storage->deleter_ = std::move(deleter);
    return storage;
}

void Storage::destroy() noexcept {
    if (borrowed_) {
        if (deleter_) deleter_();
    } else if (device_.is_cpu()) {
        host_release(data_, bytes_);
    } else {
        backend(device_).release(data_, bytes_);
    }
    delete this;
}

}  // namespace adjoint
