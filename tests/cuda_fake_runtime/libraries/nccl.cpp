// An NCCL between the threads of one process that moves nothing and looks at what it is asked to.
#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/cuda/libraries/nccl_abi.h>

#include "../runtime/fake.h"

using namespace adjoint::fake_cuda;

namespace {

// Ranks that have one id.
struct World {
    int joined = 0;
    std::map<std::pair<int, int>, std::deque<std::size_t>> sent, expected;  // from, to: bytes
};

std::mutex mutex;
std::condition_variable changed;
std::map<std::array<char, 128>, std::shared_ptr<World>> worlds;

// What the thread has asked for since ncclGroupStart.
struct Asked {
    cudaStream_t stream;
    Work work;
};
thread_local int groups = 0;
thread_local std::vector<Asked> asked;

std::size_t bytes_of(ncclDataType_t type) {
    switch (type) {
        case ncclUint8:
            return 1;
        case ncclFloat16:
        case ncclBfloat16:
            return 2;
        case ncclInt64:
        case ncclFloat64:
            return 8;
        default:
            return 4;
    }
}

constexpr ncclResult_t failed{1};

template <class F> ncclResult_t answer(const char* name, const F& body) {
    if (!begin_call(name)) return failed;
    body();
    return ncclSuccess;
}

}  // namespace

struct ncclComm {
    std::shared_ptr<World> world;
    int rank, size, device;

    void ask(cudaStream_t stream, Work work) const {
        if (groups == 0) violation("a message outside of a group, which may wait for ever");
        if (current_device() != device) violation("a communicator of another device");
        asked.push_back({stream, std::move(work)});
    }
    void check_peer(int peer) const {
        if (peer < 0 || peer >= size || peer == rank)
            violation("rank " + std::to_string(peer) + " as a peer");
    }
    // What one rank sends and the other expects, in the order of both, has the same size.
    void match(int from, int to, std::size_t bytes, bool sends) const {
        const std::scoped_lock lock(mutex);
        auto &own = (sends ? world->sent : world->expected)[{from, to}],
             &other = (sends ? world->expected : world->sent)[{from, to}];
        if (other.empty()) return own.push_back(bytes);
        if (other.front() != bytes)
            violation("a message of " + std::to_string(bytes) + " bytes, where the other rank has " +
                      std::to_string(other.front()));
        other.pop_front();
    }
};

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
    return answer(__func__, [&] { *version = 22700; });
}
const char* ncclGetErrorString(ncclResult_t result) {
    return result == failed ? "unhandled cuda error" : "another error";
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    return answer(__func__, [&] {
        static int made = 0;
        const std::scoped_lock lock(mutex);
        std::fill(std::begin(id->internal), std::end(id->internal), '\0');
        ++made;
        std::memcpy(id->internal, &made, sizeof made);
    });
}
ncclResult_t ncclCommInitRank(ncclComm_t* made, int ranks, ncclUniqueId id, int rank) {
    return answer(__func__, [&] {
        std::array<char, 128> key;
        std::copy(std::begin(id.internal), std::end(id.internal), key.begin());
        std::unique_lock lock(mutex);
        auto& world = worlds[key];
        if (!world) world = std::make_shared<World>();
        const std::shared_ptr<World> own = world;
        ++own->joined;
        changed.notify_all();
        changed.wait(lock, [&] { return own->joined >= ranks; });
        *made = new ncclComm{own, rank, ranks, current_device()};
    });
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    return answer(__func__, [&] { delete comm; });
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
    return answer(__func__, [&] { delete comm; });
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* error) {
    return answer(__func__, [&] { *error = ncclSuccess; });
}

ncclResult_t ncclGroupStart() {
    return answer(__func__, [&] { ++groups; });
}
ncclResult_t ncclGroupEnd() {
    --groups;
    std::vector<Asked> all = std::move(asked);
    asked.clear();
    return answer(__func__, [&] {
        for (Asked& one : all) enqueue(one.stream, std::move(one.work));
    });
}
ncclResult_t ncclSend(const void* data, std::size_t count, ncclDataType_t type, int to, ncclComm_t comm,
                      cudaStream_t stream) {
    return answer(__func__, [&] {
        comm->check_peer(to);
        const std::size_t bytes = count * bytes_of(type);
        comm->match(comm->rank, to, bytes, true);
        comm->ask(stream, {"ncclSend", {{data, bytes, Access::reads}}});
    });
}
ncclResult_t ncclRecv(void* data, std::size_t count, ncclDataType_t type, int from, ncclComm_t comm,
                      cudaStream_t stream) {
    return answer(__func__, [&] {
        comm->check_peer(from);
        const std::size_t bytes = count * bytes_of(type);
        comm->match(from, comm->rank, bytes, false);
        comm->ask(stream, {"ncclRecv", {{data, bytes, Access::writes}}});
    });
}
ncclResult_t ncclAllReduce(const void* in, void* out, std::size_t count, ncclDataType_t type, ncclRedOp_t,
                           ncclComm_t comm, cudaStream_t stream) {
    return answer(__func__, [&] {
        if (in != out) violation("a sum that is not in place");
        comm->ask(stream, {"ncclAllReduce", {{out, count * bytes_of(type), Access::writes}}});
    });
}

}  // extern "C"
