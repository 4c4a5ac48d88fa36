// make_graph of runtime.h: CUDA's stream capture.
#include <mutex>

#include <adjoint/cuda/runtime/context.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint::cuda_backend {
namespace {

constexpr const char* making_graph = "capture";

/// A stream of its own, so that what other threads queue meanwhile stays out of the graph. Relaxed, because
/// memory may be taken from the driver in between, which concerns no stream.
class CapturedStream {
  public:
    explicit CapturedStream(Context& owner) : lock_(owner.capture_mutex), stream_(owner.capture_stream) {
        if (!stream_) check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), making_graph);
        check_cuda(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), making_graph);
    }
    CapturedStream(const CapturedStream&) = delete;
    CapturedStream& operator=(const CapturedStream&) = delete;
    ~CapturedStream() {
        cudaGraph_t unfinished = nullptr;
        if (!ended_ && !forget(cudaStreamEndCapture(stream_, &unfinished))) drop();
        if (unfinished) forget(cudaGraphDestroy(unfinished));
    }

    Stream get() const noexcept { return stream_; }
    cudaGraph_t end() {
        cudaGraph_t graph = nullptr;
        ended_ = true;
        const cudaError_t error = cudaStreamEndCapture(stream_, &graph);
        if (error != cudaSuccess) drop();
        check_cuda(error, making_graph);
        return graph;
    }

  private:
    // Whatever became of it, the next graph has another.
    void drop() noexcept {
        forget(cudaStreamDestroy(stream_));
        stream_ = nullptr;
    }

    const std::unique_lock<std::mutex> lock_;
    Stream& stream_;
    bool ended_ = false;
};

class CudaGraph final : public Graph {
  public:
    explicit CudaGraph(cudaGraph_t graph) {
        const cudaError_t error = cudaGraphInstantiateWithFlags(&executable_, graph, 0);
        forget(cudaGraphDestroy(graph));
        check_cuda(error, making_graph);
    }
    // One that still runs is freed when it has ended.
    ~CudaGraph() override { forget(cudaGraphExecDestroy(executable_)); }

    void run(DeviceState& device) override {
        select(device);
        check_cuda(cudaGraphLaunch(executable_, device.stream), "replay");
        check_launch(device, "replay");
    }
    void upload(Stream stream) { check_cuda(cudaGraphUpload(executable_, stream), making_graph); }

  private:
    cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

std::unique_ptr<Graph> make_graph(DeviceState& making, const std::function<void()>& launches) {
    select(making);
    const Stream computing = making.stream;
    CapturedStream captured(context(making));
    making.stream = captured.get();
    launches();
    auto graph = std::make_unique<CudaGraph>(captured.end());
    graph->upload(computing);
    return graph;
}

}  // namespace adjoint::cuda_backend
