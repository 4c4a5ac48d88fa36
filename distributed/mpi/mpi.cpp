// Messages by MPI. Only the thread that does the group's work calls it, so that it need not be safe for
// several at once.
#include <adjoint/distributed/mpi/mpi.h>

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/distributed/group/watchdog.h>

namespace adjoint::distributed {
namespace {

// A count of MPI is an int: longer messages are several.
constexpr std::size_t longest = std::size_t{1} << 30;
constexpr int fault_tag = 100;

void check_mpi(int code, const char* call) {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    MPI_Error_string(code, text, &length);
    fail<DistributedError>("mpi: {}: {}", call, std::string(text, static_cast<std::size_t>(length)));
}

class MpiTransfer final : public Transfer {
  public:
    enum class Kind : std::uint8_t { sends, receives, sums };

    explicit MpiTransfer(Kind kind) : kind_(kind) {}
    // Of an operation that has failed. What was to be received must not be written any more; what was sent
    // cannot be taken back, and the request of a sum can neither be cancelled nor freed.
    ~MpiTransfer() override {
        for (MPI_Request& request : requests) {
            if (request == MPI_REQUEST_NULL || kind_ == Kind::sums) continue;
            if (kind_ == Kind::receives && MPI_Cancel(&request) == MPI_SUCCESS)
                MPI_Wait(&request, MPI_STATUS_IGNORE);
            else
                MPI_Request_free(&request);
        }
    }
    std::vector<MPI_Request> requests;

  private:
    const Kind kind_;
};

MPI_Datatype type_of(DType type) {
    switch (type) {
        case DType::f32:
            return MPI_FLOAT;
        case DType::f64:
            return MPI_DOUBLE;
        case DType::u8:
            return MPI_UINT8_T;
        case DType::i32:
            return MPI_INT32_T;
        case DType::i64:
            return MPI_INT64_T;
        default:
            return MPI_DATATYPE_NULL;
    }
}

// Where all processes meet, of which some may never come.
std::string missing_in_init(std::chrono::milliseconds timeout) {
    char host[64] = {};
    if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    const std::optional<StartedProcess> own = started_process();
    return fmt::format(
        "adjoint: mpi_group: {} on {} has waited {} s in MPI_Init for the other processes that were started "
        "with it. One has ended before it came to mpi_group, which its own output may tell, or hangs before, "
        "or does not call it. MPI cannot be interrupted here: this process ends with status 1 "
        "(GroupOptions::timeout)",
        own ? fmt::format("rank {} of {}", own->rank, own->size) : fmt::format("process {}", getpid()),
        host[0] ? host : "an unknown host", static_cast<double>(timeout.count()) / 1000);
}

class MpiEngine final : public Engine {
  public:
    explicit MpiEngine(std::chrono::milliseconds timeout) {
        const Watchdog watchdog(timeout, missing_in_init(timeout));
        int initialised = 0, level = 0;
        check_mpi(MPI_Initialized(&initialised), "MPI_Initialized");
        if (initialised)
            check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
        else
            check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level), "MPI_Init_thread");
        ours_ = !initialised;
        check<DistributedError>(level >= MPI_THREAD_SERIALIZED,
                                "mpi_group: MPI serves one thread only; it needs MPI_THREAD_SERIALIZED");
        check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &world_), "MPI_Comm_dup");
        check_mpi(MPI_Comm_set_errhandler(world_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
        check_mpi(MPI_Comm_rank(world_, &rank_), "MPI_Comm_rank");
        check_mpi(MPI_Comm_size(world_, &size_), "MPI_Comm_size");
    }

    // To finalise is to wait for all ranks, of which one is gone if there was a fault.
    ~MpiEngine() override {
        if (failed_) return;
        MPI_Comm_free(&world_);
        if (ours_) MPI_Finalize();
    }

    const char* name() const noexcept override { return "mpi"; }
    int rank() const noexcept override { return rank_; }
    int size() const noexcept override { return size_; }
    Parting parting() const noexcept override { return Parting::together; }

    std::unique_ptr<Transfer> send(const void* data, std::size_t bytes, int to, Lane lane) override {
        auto transfer = std::make_unique<MpiTransfer>(MpiTransfer::Kind::sends);
        const char* const from = static_cast<const char*>(data);
        for (std::size_t at = 0; at == 0 || at < bytes; at += longest)
            check_mpi(MPI_Isend(from + at, static_cast<int>(std::min(longest, bytes - at)), MPI_BYTE, to,
                                static_cast<int>(lane), world_, &transfer->requests.emplace_back()),
                      "MPI_Isend");
        return transfer;
    }

    std::unique_ptr<Transfer> receive(void* data, std::size_t bytes, int from, Lane lane) override {
        auto transfer = std::make_unique<MpiTransfer>(MpiTransfer::Kind::receives);
        char* const to = static_cast<char*>(data);
        for (std::size_t at = 0; at == 0 || at < bytes; at += longest)
            check_mpi(MPI_Irecv(to + at, static_cast<int>(std::min(longest, bytes - at)), MPI_BYTE, from,
                                static_cast<int>(lane), world_, &transfer->requests.emplace_back()),
                      "MPI_Irecv");
        return transfer;
    }

    bool done(Transfer& transfer) override {
        auto& requests = static_cast<MpiTransfer&>(transfer).requests;
        int all = 0;
        check_mpi(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &all, MPI_STATUSES_IGNORE),
                  "MPI_Testall");
        return all != 0;
    }

    // At first the processor is offered to others, which takes long where there are many, then left alone.
    void idle(int round) override {
        using std::chrono::microseconds;
        const auto now = std::chrono::steady_clock::now();
        if (round == 0) since_ = now;
        const auto waited = now - since_;
        if (waited < microseconds(100))
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(microseconds(waited < std::chrono::milliseconds(100) ? 50 : 1000));
    }

    void announce(const std::string& fault) noexcept override {
        failed_ = true;
        try {
            fault_ = fault.substr(0, longest);
            for (int r = 0; r < size_; ++r) {
                MPI_Request request = MPI_REQUEST_NULL;
                if (r != rank_ && MPI_Isend(fault_.data(), static_cast<int>(fault_.size()), MPI_CHAR, r,
                                            fault_tag, world_, &request) == MPI_SUCCESS)
                    MPI_Request_free(&request);
            }
        } catch (...) {
            // No memory for the text: the others run into their time-out.
        }
    }

    std::optional<std::string> heard() override {
        int is_there = 0, length = 0;
        MPI_Status status;
        check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, fault_tag, world_, &is_there, &status), "MPI_Iprobe");
        if (!is_there) return std::nullopt;
        failed_ = true;
        check_mpi(MPI_Get_count(&status, MPI_CHAR, &length), "MPI_Get_count");
        std::string text(static_cast<std::size_t>(length), ' ');
        check_mpi(MPI_Recv(text.data(), length, MPI_CHAR, status.MPI_SOURCE, fault_tag, world_, &status),
                  "MPI_Recv");
        return text;
    }

    std::unique_ptr<Transfer> all_reduce(void* data, std::int64_t count, DType type, ReduceOp op) override {
        const MPI_Datatype element = type_of(type);
        if (element == MPI_DATATYPE_NULL) return nullptr;
        const MPI_Op sum = op == ReduceOp::max ? MPI_MAX : op == ReduceOp::min ? MPI_MIN : MPI_SUM;
        auto transfer = std::make_unique<MpiTransfer>(MpiTransfer::Kind::sums);
        const std::size_t size = size_of(type), step = longest / size, n = static_cast<std::size_t>(count);
        for (std::size_t at = 0; at < n; at += step)
            check_mpi(MPI_Iallreduce(MPI_IN_PLACE, static_cast<char*>(data) + at * size,
                                     static_cast<int>(std::min(step, n - at)), element, sum, world_,
                                     &transfer->requests.emplace_back()),
                      "MPI_Iallreduce");
        return transfer;
    }

  private:
    MPI_Comm world_ = MPI_COMM_NULL;
    int rank_ = 0, size_ = 1;
    bool ours_ = false, failed_ = false;
    std::string fault_;
    std::chrono::steady_clock::time_point since_;  // when the wait began
};

}  // namespace

bool mpi_available() noexcept { return true; }

std::string mpi_description() {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    check_mpi(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
    const std::string all(text, static_cast<std::size_t>(length));
    return all.substr(0, all.find_first_of(",\n"));
}

std::shared_ptr<Engine> mpi_engine(std::chrono::milliseconds timeout) {
    check<ValueError>(timeout.count() > 0, "mpi_group: a time-out of {} ms, expected a positive one",
                      timeout.count());
    static std::atomic<bool> once{false};
    check<DistributedError>(!once.exchange(true),
                            "mpi_group: it was called before; copies of a group are the same group");
    return std::make_shared<MpiEngine>(timeout);
}

Group mpi_group(const GroupOptions& options) { return Group(mpi_engine(options.timeout), options); }

}  // namespace adjoint::distributed
