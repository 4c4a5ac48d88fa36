// Messages by NCCL on a stream of their own.
#include <adjoint/core/cuda/nccl_link.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/cuda/libraries/nccl_table.h>
#include <adjoint/cuda/runtime/context.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint {
namespace cuda_backend {
namespace {

const std::string nccl_file = "libnccl.so.2";

void check_nccl(ncclResult_t result, const char* call) {
    if (result != ncclSuccess)
        fail<CudaError>("{}: NCCL reported {}", call, nccl().table.ncclGetErrorString(result));
}

class Event {
  public:
    Event() { check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "NCCL"); }
    ~Event() { forget(cudaEventDestroy(event_)); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    operator cudaEvent_t() const noexcept { return event_; }

  private:
    cudaEvent_t event_ = nullptr;
};

// Operations that start together.
struct Batch {
    std::vector<std::function<ncclResult_t()>> calls;
    Event done;
    bool started = false, over = false;
};

class Link final : public cuda::NcclLink {
  public:
    Link(const cuda::NcclId& id, int rank, int size, Context& on) : context_(selected(on)) {
        check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "NCCL");
        ncclUniqueId common;
        std::copy(std::begin(id.bytes), std::end(id.bytes), std::begin(common.internal));
        const ncclResult_t result = api().ncclCommInitRank(&comm_, size, common, rank);
        if (result != ncclSuccess) {
            forget(cudaStreamDestroy(stream_));
            check_nccl(result, "ncclCommInitRank");
        }
    }
    ~Link() override {
        select(context_);
        if (comm_) api().ncclCommDestroy(comm_);
        forget(cudaStreamDestroy(stream_));
    }

    void mark() override {
        select(context_);
        check_cuda(cudaEventRecord(marked_, context_.stream), "NCCL");
    }

    std::unique_ptr<Operation> send(const void* data, std::size_t bytes, int to) override {
        return add([=, this] { return api().ncclSend(data, bytes, ncclUint8, to, comm_, stream_); });
    }
    std::unique_ptr<Operation> receive(void* data, std::size_t bytes, int from) override {
        return add([=, this] { return api().ncclRecv(data, bytes, ncclUint8, from, comm_, stream_); });
    }
    std::unique_ptr<Operation> all_reduce(void* data, std::int64_t count, DType type,
                                          Reduction reduction) override {
        const std::optional<ncclDataType_t> element = element_of(type);
        if (!element) return nullptr;
        const ncclRedOp_t op = reduction == Reduction::max   ? ncclMax
                               : reduction == Reduction::min ? ncclMin
                                                             : ncclSum;
        return add([=, this] {
            return api().ncclAllReduce(data, data, static_cast<std::size_t>(count), *element, op, comm_,
                                       stream_);
        });
    }

    bool done(Operation& operation) override {
        Batch& batch = *static_cast<Part&>(operation).batch;
        if (batch.over) return true;
        select(context_);
        if (!batch.started) start(batch);
        const cudaError_t error = cudaEventQuery(batch.done);
        if (forget(error)) return batch.over = true;
        if (error != cudaErrorNotReady) throw_error(error, "NCCL");
        ncclResult_t of_others = ncclSuccess;
        check_nccl(api().ncclCommGetAsyncError(comm_, &of_others), "ncclCommGetAsyncError");
        if (of_others != ncclInProgress) check_nccl(of_others, "a message");
        return false;
    }

    void abort() noexcept override {
        select(context_);
        if (ncclComm_t comm = std::exchange(comm_, nullptr)) api().ncclCommAbort(comm);
    }

  private:
    // One operation of a batch. Given up before it is done: nobody may write to its memory any more.
    struct Part final : Operation {
        Part(Link& of, std::shared_ptr<Batch> in) : link(of), batch(std::move(in)) {}
        ~Part() override {
            if (link.next_ == batch) link.next_ = nullptr;
            if (!batch->started || batch->over) return;
            link.abort();
            forget(cudaStreamSynchronize(link.stream_));
            batch->over = true;
        }
        Link& link;
        const std::shared_ptr<Batch> batch;
    };

    // Events belong to the device that the thread has chosen.
    static Context& selected(Context& on) {
        select(on);
        return on;
    }
    static const Nccl& api() { return nccl().table; }

    static std::optional<ncclDataType_t> element_of(DType type) {
        switch (type) {
            case DType::f16:
                return ncclFloat16;
            case DType::bf16:
                return ncclBfloat16;
            case DType::f32:
                return ncclFloat32;
            case DType::f64:
                return ncclFloat64;
            case DType::u8:
                return ncclUint8;
            case DType::i32:
                return ncclInt32;
            case DType::i64:
                return ncclInt64;
            default:
                return std::nullopt;
        }
    }

    std::unique_ptr<Operation> add(std::function<ncclResult_t()> call) {
        select(context_);
        if (!next_) next_ = std::make_shared<Batch>();
        next_->calls.push_back(std::move(call));
        return std::make_unique<Part>(*this, next_);
    }

    void start(Batch& batch) {
        check<CudaError>(comm_ != nullptr, "NCCL: a message behind one that has failed");
        next_ = nullptr;
        batch.started = true;
        check_cuda(cudaStreamWaitEvent(stream_, marked_, 0), "NCCL");
        check_nccl(api().ncclGroupStart(), "ncclGroupStart");
        ncclResult_t result = ncclSuccess;
        for (const auto& call : batch.calls)
            if (result == ncclSuccess) result = call();
        const ncclResult_t ended = api().ncclGroupEnd();
        check_nccl(result, "a message");
        check_nccl(ended, "ncclGroupEnd");
        check_cuda(cudaEventRecord(batch.done, stream_), "NCCL");
    }

    Context& context_;
    cudaStream_t stream_ = nullptr;
    ncclComm_t comm_ = nullptr;
    Event marked_;
    std::shared_ptr<Batch> next_;  // has not started
};

}  // namespace

const Library<Nccl>& nccl() {
    static const auto* library = new Library<Nccl>(nccl_file);
    return *library;
}

cuda::Component nccl_component(bool open) {
    if (!open)
        return located_component(nccl_file,
                                 "it comes as a package of its own (libnccl2) and as the wheel "
                                 "nvidia-nccl-cu13; several GPUs train together with it");
    const Library<Nccl>& library = nccl();
    int version = 0;
    if (library.usable()) check_nccl(library.table.ncclGetVersion(&version), "ncclGetVersion");
    return opened_component(library, static_cast<std::size_t>(version));
}

}  // namespace cuda_backend

namespace cuda {

using cuda_backend::nccl;

std::string nccl_problem() { return device_count() > 0 ? nccl().problem : unavailable_reason(); }

NcclId make_nccl_id() {
    ncclUniqueId made;
    cuda_backend::check_nccl(nccl().table.ncclGetUniqueId(&made), "ncclGetUniqueId");
    NcclId id;
    std::copy(std::begin(made.internal), std::end(made.internal), std::begin(id.bytes));
    return id;
}

std::unique_ptr<NcclLink> join_nccl(const NcclId& id, int rank, int size, Device device) {
    const std::string problem = nccl_problem();
    check<DeviceError>(problem.empty(), "nccl: {}", problem);
    start_cuda_device(device.index);
    return std::make_unique<cuda_backend::Link>(id, rank, size, cuda_backend::start_context(device.index));
}

}  // namespace cuda
}  // namespace adjoint
