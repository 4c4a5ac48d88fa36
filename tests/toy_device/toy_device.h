// A third device: the memory of the host, plain loops for the calls that every device must have, compositions
// for all others. What it shows is how little a device needs; CONTRIBUTING.md says it in words.
#pragma once

#include <cstdint>

#include <adjoint/core/contract/backend.h>

namespace adjoint {

class ToyBackend;

// memory.cpp
void on(ToyBackend& toy, const call::Upload& c);
// elements.cpp
void on(ToyBackend& toy, const call::Fill& c);
void on(ToyBackend& toy, const call::Map& c);
void on(ToyBackend& toy, const call::Zip& c);
void on(ToyBackend& toy, const call::Select& c);
void on(ToyBackend& toy, const call::Random& c);
void on(ToyBackend& toy, const call::Update& c);
// sums.cpp
void on(ToyBackend& toy, const call::Reduce& c);
void on(ToyBackend& toy, const call::ArgReduce& c);
void on(ToyBackend& toy, const call::MatMul& c);
// indexing.cpp
void on(ToyBackend& toy, const call::Gather& c);
void on(ToyBackend& toy, const call::Scatter& c);

class ToyBackend final : public Runs<ToyBackend, Backend, Calls> {
  public:
    explicit ToyBackend(Device device) : device_(device) {}

    void* allocate(std::size_t bytes) override;
    void release(void* memory, std::size_t bytes) noexcept override;
    void copy_to_host(void* destination, const void* source, std::size_t bytes) override;
    void synchronize() override {}
    std::shared_ptr<Recording> record(const std::function<void()>& step, bool optimize) override;
    bool convolves_narrow(const Convolution&) override { return false; }
    std::optional<std::size_t> recurrence_reserve(const Recurrence&) override { return std::nullopt; }
    bool attends(const Attention&) override { return false; }

  private:
    Device device_;
};

/// toy:`index`, 0 or 1. The kind is registered at the first call.
Device toy_device(int index = 0);

struct ToyMemory {
    std::int64_t held;          // bytes
    std::int64_t stray_writes;  // blocks that were written after they had been given back
};
/// Of all toys together.
ToyMemory toy_memory();

}  // namespace adjoint
