// Streams and events.
#include "state.h"

namespace adjoint::fake_cuda {
namespace {

struct Log {
    Counts counts;
    std::vector<std::string> names;
};
Log& queued_so_far() {
    static auto* const all = new Log;
    return *all;
}

void run_next(CUstream_st& stream) {
    const CUstream_st::Item item = std::move(stream.queue.front());
    stream.queue.pop_front();
    if (item.waits_for) run_until(*item.waits_for->stream, item.waits_for);
    if (item.run) item.run();
    if (item.reaches) item.reaches->reached = true;
}

void wait_for(CUstream_st& stream) {
    while (!stream.queue.empty()) run_next(stream);
    host_waited(stream.clock);
}

CUevent_st& living(cudaEvent_t event) {
    if (event->destroyed) violation("an event that was destroyed");
    return *event;
}

}  // namespace

Counts work() {
    const Lock lock(mutex());
    return queued_so_far().counts;
}
std::vector<std::string> work_log() {
    const Lock lock(mutex());
    return queued_so_far().names;
}
std::size_t queued_on(std::size_t stream) {
    const Lock lock(mutex());
    return static_cast<std::size_t>(std::ranges::count_if(
        streams().at(stream)->queue,
        [](const CUstream_st::Item& item) { return !item.reaches && !item.waits_for; }));
}

void run_stream(std::size_t stream) {
    const Lock lock(mutex());
    while (!streams().at(stream)->queue.empty()) run_next(*streams().at(stream));
}

CUstream_st& checked(cudaStream_t stream) {
    if (!stream) violation("the default stream waits for all others, and nothing here may use it");
    if (stream->destroyed) violation("a stream that was destroyed");
    return *stream;
}

CUstream_st& running(cudaStream_t stream) {
    if (checked(stream).captured) violation("not allowed on a stream that captures");
    return *stream;
}

void check_allowed_in_capture() {
    for (const CUstream_st* stream : streams())
        if (stream->captured && stream->mode != cudaStreamCaptureModeRelaxed)
            violation("not allowed while a stream captures, unless its mode is relaxed");
}

void run_until(CUstream_st& stream, const std::shared_ptr<Mark>& mark) {
    while (!mark->reached) run_next(stream);
}

void run_device(int device) {
    for (CUstream_st* stream : streams())
        if (stream->device == device) wait_for(*stream);
}

void enqueue(cudaStream_t stream, Work work, bool any_device) {
    const Lock lock(mutex());
    CUstream_st& on = checked(stream);
    if (!any_device && on.device != current_device())
        violation(work.name + ": a stream of device " + std::to_string(on.device) + " while device " +
                  std::to_string(current_device()) + " is current");
    for (const Access& access : work.accesses) check_memory(access, on.device, work.name);
    if (on.captured) {
        on.captured->nodes.push_back(std::move(work));
        return;
    }
    check_order(on, work);
    ++queued_so_far().counts[work.name];
    queued_so_far().names.push_back(work.name + " @" + std::to_string(on.number));
    on.queue.push_back({std::move(work.run), nullptr, nullptr});
}

}  // namespace adjoint::fake_cuda

using namespace adjoint::fake_cuda;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    return answer(__func__, [&] {
        if (flags != cudaStreamNonBlocking) violation("a stream that the default stream waits for");
        *stream = new CUstream_st{.number = streams().size(), .device = current_device()};
        streams().push_back(*stream);
        return cudaSuccess;
    });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    return answer(__func__, [&] {
        running(stream).destroyed = true;
        return cudaSuccess;
    });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    return answer(__func__, [&] {
        wait_for(running(stream));
        return cudaSuccess;
    });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    return answer(__func__, [&] {
        CUstream_st& on = running(stream);
        if (!living(event).mark) return cudaSuccess;
        on.clock.join(event->mark->before);
        on.queue.push_back({nullptr, nullptr, event->mark});
        return cudaSuccess;
    });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
    return answer(__func__, [&] {
        *event = new CUevent_st{.device = current_device()};
        return cudaSuccess;
    });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    return answer(__func__, [&] {
        living(event).destroyed = true;
        return cudaSuccess;
    });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return answer(__func__, [&] {
        CUstream_st& on = running(stream);
        if (living(event).device != on.device) violation("an event and a stream of two devices");
        event->mark = std::make_shared<Mark>(&on, on.clock);
        event->asked = false;
        on.queue.push_back({nullptr, event->mark, nullptr});
        return cudaSuccess;
    });
}
// In vain the first time, and then as if time had passed.
cudaError_t cudaEventQuery(cudaEvent_t event) {
    return answer(__func__, [&] {
        if (!living(event).mark || event->mark->reached) return cudaSuccess;
        if (!std::exchange(event->asked, true)) return cudaErrorNotReady;
        run_until(*event->mark->stream, event->mark);
        host_waited(event->mark->before);
        return cudaSuccess;
    });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return answer(__func__, [&] {
        if (!living(event).mark) return cudaSuccess;
        run_until(*event->mark->stream, event->mark);
        host_waited(event->mark->before);
        return cudaSuccess;
    });
}

}  // extern "C"
