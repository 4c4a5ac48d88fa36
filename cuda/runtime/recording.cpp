// Recordings on a CUDA device: the recorded run is an ordinary one; its list of calls is then run once more
// to make a graph of what they launch, and a replay is one launch of that.
#include <adjoint/core/capture/recorded_step.h>
#include <adjoint/core/contract/span_session.h>

#include <optional>

#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {
namespace {

class Pool {
  public:
    explicit Pool(DeviceState& device) : device_(device), id_(make_pool(device)) {}
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() { drop_pool(device_, id_); }
    PoolId id() const noexcept { return id_; }

  private:
    DeviceState& device_;
    PoolId id_;
};

class CudaRecording final : public RecordedStep {
  public:
    CudaRecording(DeviceState& device, CudaBackend& backend, const std::function<void()>& step, bool optimize)
        : device_(device), backend_(backend), tensors_(device), scratch_(device) {
        record(backend, Device::cuda(device.index), step, optimize);
        data_.emplace(device, first_turn());
        DeviceState making = device;
        // What calls take for themselves while the graph is made must be none of the tensors' memory: tensors
        // that are gone by now live in the replays.
        making.pool = scratch_.id();
        making.graph = &*data_;
        CudaBackend through(making);
        graph_ = make_graph(making, [&] { call_all(through, first_turn()); });
    }

  private:
    Ref<Storage> allocate(std::size_t bytes) override {
        void* memory = cuda_backend::allocate(device_, bytes, Use::tensor, tensors_.id());
        return Storage::borrow(memory, bytes, Device::cuda(device_.index),
                               [&backend = backend_, memory, bytes] { backend.release(memory, bytes); });
    }
    void run(const Turn& turn) override {
        data_->write(turn);
        const detail::Span span(detail::SpanKind::transfer, "replay of a graph");
        graph_->run(device_);
        if (detail::is_profiled()) [[unlikely]]
            backend_.synchronize();
    }

    DeviceState& device_;
    CudaBackend& backend_;
    Pool tensors_, scratch_;
    std::optional<GraphData> data_;
    std::unique_ptr<Graph> graph_;
};

}  // namespace

std::shared_ptr<Recording> CudaBackend::record(const std::function<void()>& step, bool optimize) {
    return std::make_shared<CudaRecording>(device, *this, step, optimize);
}

}  // namespace adjoint::cuda_backend
