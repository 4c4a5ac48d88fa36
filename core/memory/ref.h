// Shared ownership by a counter inside the object: one pointer wide, one allocation per object.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace adjoint {

/// Base of objects owned through Ref. Derived supplies `void destroy() noexcept`,
/// called when the last owner goes.
template <class Derived> class RefCounted {
  public:
    RefCounted() = default;
    RefCounted(const RefCounted&) = delete;
    RefCounted& operator=(const RefCounted&) = delete;

    void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }

    void release() const noexcept {
        // The sole owner needs no read-modify-write: nobody else can hold a reference to copy.
        if (count_.load(std::memory_order_acquire) == 1 ||
            count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            const_cast<Derived*>(static_cast<const Derived*>(this))->destroy();
    }

    /// Inside destroy(): the object lives on with one owner.
    void revive() const noexcept { count_.store(1, std::memory_order_relaxed); }

    bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

  protected:
    ~RefCounted() = default;

  private:
    mutable std::atomic<std::uint32_t> count_{1};
};

/// An owning pointer to a RefCounted object; may be null.
template <class T> class Ref {
  public:
    constexpr Ref() noexcept = default;
    constexpr Ref(std::nullptr_t) noexcept {}
    Ref(const Ref& other) noexcept : object_(other.object_) {
        if (object_) object_->retain();
    }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ~Ref() {
        if (object_) object_->release();
    }
    Ref& operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }

    /// Takes over a count that the caller holds (a new object starts with one).
    static Ref adopt(T* object) noexcept {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    /// Adds an owner.
    static Ref share(T* object) noexcept {
        if (object) object->retain();
        return adopt(object);
    }
    /// Gives the count up to the caller.
    T* leak() noexcept { return std::exchange(object_, nullptr); }

    T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    friend bool operator==(const Ref&, const Ref&) noexcept = default;

  private:
    T* object_ = nullptr;
};

}  // namespace adjoint
