// Payloads by NCCL; what is said beside them over another engine, or through buffers on the device.
#include <adjoint/distributed/nccl/nccl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/core/cuda/nccl_link.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/group/watchdog.h>

namespace adjoint::distributed {
namespace {

class NcclEngine final : public Engine {
  public:
    NcclEngine(std::shared_ptr<Engine> control, const cuda::NcclId& id, int rank, int size, Device device)
        : rank_(rank), size_(size), device_(device), link_(cuda::join_nccl(id, rank, size, device)) {
        if (control) control_.emplace(std::move(control));
    }

    const char* name() const noexcept override { return "nccl"; }
    int rank() const noexcept override { return rank_; }
    int size() const noexcept override { return size_; }
    Device device() const noexcept override { return device_; }
    Parting parting() const noexcept override { return control_ ? (*control_)->parting() : Parting::silent; }
    void mark() override { link_->mark(); }

    std::unique_ptr<Transfer> send(const void* data, std::size_t bytes, int to, Lane lane) override {
        if (lane != Lane::device && control_) return (*control_)->send(data, bytes, to, lane);
        check<DistributedError>(lane != Lane::message,
                                "nccl: send and recv go over another engine, here is none");
        auto transfer = std::make_unique<ByNccl>();
        if (lane != Lane::device) {
            const auto* const begin = static_cast<const std::uint8_t*>(data);
            transfer->buffer = tensor(std::vector<std::uint8_t>(begin, begin + bytes),
                                      {static_cast<std::int64_t>(bytes)}, device_);
            data = transfer->buffer.impl().data;
            link_->mark();
        }
        transfer->operation = link_->send(data, bytes, to);
        return transfer;
    }

    std::unique_ptr<Transfer> receive(void* data, std::size_t bytes, int from, Lane lane) override {
        if (lane != Lane::device && control_) return (*control_)->receive(data, bytes, from, lane);
        check<DistributedError>(lane != Lane::message,
                                "nccl: send and recv go over another engine, here is none");
        auto transfer = std::make_unique<ByNccl>();
        if (lane != Lane::device) {
            transfer->buffer =
                empty({static_cast<std::int64_t>(bytes)}, {.dtype = DType::u8, .device = device_});
            transfer->to = std::exchange(data, transfer->buffer.impl().data);
        }
        transfer->operation = link_->receive(data, bytes, from);
        return transfer;
    }

    bool done(Transfer& transfer) override {
        auto* const own = dynamic_cast<ByNccl*>(&transfer);
        if (!own) return (*control_)->done(transfer);
        if (!link_->done(*own->operation)) return false;
        if (void* const to = std::exchange(own->to, nullptr)) {
            const std::vector<std::uint8_t> bytes = own->buffer.to_vector<std::uint8_t>();
            std::memcpy(to, bytes.data(), bytes.size());
        }
        return true;
    }

    // What NCCL has done nobody tells of.
    void idle(int round) override {
        if (round < 200)
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(std::chrono::microseconds(round < 2000 ? 20 : 500));
    }

    void announce(const std::string& fault) noexcept override {
        link_->abort();
        if (control_) (*control_)->announce(fault);
    }
    std::optional<std::string> heard() override { return control_ ? (*control_)->heard() : std::nullopt; }

    std::unique_ptr<Transfer> all_reduce(void* data, std::int64_t count, DType type, ReduceOp op) override {
        using Reduction = cuda::NcclLink::Reduction;
        auto transfer = std::make_unique<ByNccl>();
        transfer->operation = link_->all_reduce(data, count, type,
                                                op == ReduceOp::max   ? Reduction::max
                                                : op == ReduceOp::min ? Reduction::min
                                                                      : Reduction::sum);
        if (!transfer->operation) return nullptr;
        return transfer;
    }

  private:
    struct ByNccl final : Transfer {
        Tensor buffer;       // of what lies on the host
        void* to = nullptr;  // where that goes
        std::unique_ptr<cuda::NcclLink::Operation> operation;
    };

    std::optional<EngineUse> control_;
    const int rank_, size_;
    const Device device_;
    const std::unique_ptr<cuda::NcclLink> link_;
};

void check_device(Device device) {
    check<ValueError>(device.is_cuda(), "nccl_engine: {} is no CUDA device", device);
}

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    check<DistributedError>(
        value && *value,
        "nccl_engine: {} is not set; torchrun and the like set RANK, WORLD_SIZE, MASTER_ADDR and "
        "MASTER_PORT",
        name);
    return value;
}

int number(const char* name) {
    const std::string text = variable(name);
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    check<DistributedError>(error == std::errc() && end == text.data() + text.size() && value >= 0,
                            "nccl_engine: {} is \"{}\", expected a number", name, text);
    return value;
}

// Made by rank 0, if all have NCCL; else all say who has not, when they have met.
cuda::NcclId common_id(const std::shared_ptr<Engine>& control, std::chrono::milliseconds timeout) {
    const std::string problem = cuda::nccl_problem();
    const int rank = control->rank();
    std::vector<std::int64_t> have;
    cuda::NcclId id{};
    {
        const Group meeting(control, {.timeout = timeout});
        have = meeting.all_gather(tensor<std::int64_t>({problem.empty() ? 1 : 0}, {1}, Device::cpu()))
                   .to_vector<std::int64_t>();
        if (std::count(have.begin(), have.end(), 1) == std::ssize(have)) {
            if (rank == 0) id = cuda::make_nccl_id();
            const Tensor common = tensor(std::vector<std::uint8_t>(std::begin(id.bytes), std::end(id.bytes)),
                                         {sizeof id.bytes}, Device::cpu());
            meeting.broadcast(common);
            const std::vector<std::uint8_t> bytes = common.to_vector<std::uint8_t>();
            std::memcpy(id.bytes, bytes.data(), bytes.size());
        }
    }
    check<DistributedError>(problem.empty(), "nccl_engine: rank {}: {}", rank, problem);
    for (std::size_t r = 0; r < have.size(); ++r)
        check<DistributedError>(have[r] == 1, "nccl_engine: rank {} has no NCCL; its own error says why", r);
    return id;
}

// NCCL's own way of meeting, of which some may never come.
std::shared_ptr<Engine> joined_engine(std::shared_ptr<Engine> control, const cuda::NcclId& id, int rank,
                                      int size, Device device, std::chrono::milliseconds timeout) {
    const Watchdog watchdog(
        timeout,
        fmt::format("adjoint: nccl_engine: rank {} of {} has waited {} s in ncclCommInitRank on {} for the "
                    "other ranks. One has ended before, which its own output may tell, hangs, or does not "
                    "call nccl_engine. NCCL cannot be interrupted here: this process ends with status 1",
                    rank, size, static_cast<double>(timeout.count()) / 1000, device));
    return std::make_shared<NcclEngine>(std::move(control), id, rank, size, device);
}

void check_timeout(std::chrono::milliseconds timeout) {
    check<ValueError>(timeout.count() > 0, "nccl_engine: a time-out of {} ms, expected a positive one",
                      timeout.count());
}

}  // namespace

std::string nccl_description() {
    const cuda::Component found = cuda::software().nccl;
    return found.problem.empty() ? found.version : found.problem;
}

std::shared_ptr<Engine> nccl_engine(std::shared_ptr<Engine> control, Device device,
                                    std::chrono::milliseconds timeout) {
    check_device(device);
    check_timeout(timeout);
    check<ValueError>(control != nullptr, "nccl_engine: no engine by which the ranks meet");
    const int rank = control->rank(), size = control->size();
    try {
        const cuda::NcclId id = common_id(control, timeout);
        return joined_engine(control, id, rank, size, device, timeout);
    } catch (const std::exception& error) {
        control->announce(fmt::format("rank {}: {}", rank, error.what()));
        throw;
    }
}

std::shared_ptr<Engine> nccl_engine(Device device, std::chrono::milliseconds timeout) {
    check_device(device);
    check_timeout(timeout);
    const int rank = number("RANK"), size = number("WORLD_SIZE");
    check<DistributedError>(rank < size, "nccl_engine: RANK {} of WORLD_SIZE {}", rank, size);
    // With it every rank makes the same id, behind which NCCL's own rank 0 listens.
    const std::string host = variable("MASTER_ADDR"), port = variable("MASTER_PORT");
    setenv("NCCL_COMM_ID", (host + ":" + port).c_str(), 0);
    const std::string problem = cuda::nccl_problem();
    check<DistributedError>(problem.empty(), "nccl_engine: rank {}: {}", rank, problem);
    return joined_engine(nullptr, cuda::make_nccl_id(), rank, size, device, timeout);
}

}  // namespace adjoint::distributed
