// The block of a graph: where each value lies in it, and what goes there before a replay.
#include <adjoint/cuda/runtime/graph_data.h>

#include <cstring>
#include <type_traits>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {
namespace {

constexpr std::size_t word = sizeof(std::uint64_t);

constexpr std::size_t words_of(std::size_t bytes) { return (bytes + word - 1) / word; }

const char* name_of(const UpdateOp& op) {
    return std::visit([](const auto& f) { return std::decay_t<decltype(f)>::name; }, op);
}

}  // namespace

GraphData::GraphData(DeviceState& device, const Turn& first) : device_(device), start_(first.generator) {
    std::size_t words = words_of(sizeof(GeneratorState));
    for (const UpdateOp& op : first.updates) {
        updates_.push_back({op.index(), words});
        words += words_of(std::visit([](const auto& f) { return sizeof f; }, op));
    }
    image_.resize(words);
    block_ = static_cast<std::uint64_t*>(own_memory(words * word));
}

GraphData::~GraphData() {
    for (const auto& [memory, bytes] : memory_) release(device_, memory, bytes);
}

void* GraphData::own_memory(std::size_t bytes) {
    memory_.emplace_back(nullptr, bytes);
    return memory_.back().first = allocate(device_, bytes, Use::workspace);
}

MovingStream GraphData::stream(GeneratorState recorded) {
    is_read_ = true;
    return {StreamPlace::from(start_, recorded), reinterpret_cast<const GeneratorState*>(block_)};
}

const void* GraphData::next_update() {
    is_read_ = true;
    return block_ + updates_[next_update_++].offset;
}

const void* GraphData::constant(const void* values, std::size_t bytes) {
    void* memory = own_memory(bytes);
    copy_from_host(device_, memory, values, bytes);
    return memory;
}

void GraphData::write(const Turn& turn) {
    if (!is_read_) return;
    std::memcpy(image_.data(), &turn.generator, sizeof turn.generator);
    for (std::size_t i = 0; i < updates_.size(); ++i) {
        const UpdateOp& op = turn.updates[i];
        check<CaptureError>(op.index() == updates_[i].kind,
                            "replay: the optimizer's step is now {}, another function than the recorded one; "
                            "capture the step again",
                            name_of(op));
        std::visit(
            [&](const auto& f) {
                static_assert(std::is_trivially_copyable_v<std::decay_t<decltype(f)>>);
                std::memcpy(&image_[updates_[i].offset], &f, sizeof f);
            },
            op);
    }
    store_words(device_, block_, image_);
}

DrawnStream drawn_stream(const DeviceState& device, GeneratorState state) {
    if (device.graph != nullptr) return device.graph->stream(state);
    return FixedStream{state};
}

}  // namespace adjoint::cuda_backend
