// Stream capture, and graphs of what was captured: work in the order of one stream.
#include "state.h"

using namespace adjoint::fake_cuda;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    return answer(__func__, [&] {
        running(stream).captured.emplace();
        stream->mode = mode;
        return cudaSuccess;
    });
}
// Whatever the answer is, the stream captures no more.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    const Lock lock(mutex());
    const std::optional<CUgraph_st> captured = std::exchange(checked(stream).captured, std::nullopt);
    return answer(__func__, [&] {
        if (!captured) violation("the end of a capture that nobody began");
        *graph = new CUgraph_st(*captured);
        return cudaSuccess;
    });
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph,
                                          unsigned long long) {
    return answer(__func__, [&] {
        *executable = new CUgraphExec_st{graph->nodes};
        return cudaSuccess;
    });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    return answer(__func__, [&] {
        delete graph;
        return cudaSuccess;
    });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
    return answer(__func__, [&] {
        delete executable;
        return cudaSuccess;
    });
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t stream) {
    return answer(__func__, [&] {
        running(stream);
        return cudaSuccess;
    });
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
    return answer(__func__, [&] {
        running(stream);
        for (const Work& node : executable->nodes) enqueue(stream, node);
        return cudaSuccess;
    });
}

}  // extern "C"
