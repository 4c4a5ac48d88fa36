// The engine "threads": ranks are threads of one process, messages are copied from one to the other.
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {
namespace {

// What is on its way. A short one is copied at once, so that its sender need not wait for it to be taken.
struct Message {
    const char* data;
    std::size_t bytes;
    std::vector<char> copy = {};
    enum { waiting, being_taken, done } state = waiting;  // under the world's mutex
};
constexpr std::size_t short_message = 4096;

struct World {
    explicit World(int ranks) : size(ranks) {}

    const int size;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::tuple<int, int, Lane>, std::deque<std::shared_ptr<Message>>> boxes;  // from, to
    std::string fault;
    int failed = -1;  // the rank of which the fault is

    void announce(int rank, const std::string& text) {
        {
            const std::scoped_lock lock(mutex);
            if (failed < 0) {
                failed = rank;
                fault = text;
            }
        }
        changed.notify_all();
    }
};

// Whoever drops it takes a long message back, or waits until the one who is taking it has done so.
class Sent final : public Transfer {
  public:
    Sent() = default;  // a short one
    Sent(std::shared_ptr<World> world, std::shared_ptr<Message> message)
        : world_(std::move(world)), message_(std::move(message)) {}
    ~Sent() override {
        if (!message_) return;
        std::unique_lock lock(world_->mutex);
        world_->changed.wait(lock, [&] { return message_->state != Message::being_taken; });
        message_->state = Message::done;
    }
    bool done() const {
        if (!message_) return true;
        const std::scoped_lock lock(world_->mutex);
        return message_->state == Message::done;
    }

  private:
    const std::shared_ptr<World> world_;
    const std::shared_ptr<Message> message_;
};

class Expected final : public Transfer {
  public:
    Expected(void* to, std::size_t count, int rank, Lane on) : data(to), bytes(count), from(rank), lane(on) {}
    void* const data;
    const std::size_t bytes;
    const int from;
    const Lane lane;
    bool here = false;
};

class ThreadsEngine final : public Engine {
  public:
    ThreadsEngine(std::shared_ptr<World> world, int rank) : world_(std::move(world)), rank_(rank) {}

    const char* name() const noexcept override { return "threads"; }
    int rank() const noexcept override { return rank_; }
    int size() const noexcept override { return world_->size; }

    std::unique_ptr<Transfer> send(const void* data, std::size_t bytes, int to, Lane lane) override {
        const auto message = std::make_shared<Message>(Message{static_cast<const char*>(data), bytes});
        if (bytes <= short_message) {
            message->copy.assign(message->data, message->data + bytes);
            message->data = message->copy.data();
        }
        {
            const std::scoped_lock lock(world_->mutex);
            world_->boxes[{rank_, to, lane}].push_back(message);
        }
        world_->changed.notify_all();
        return bytes <= short_message ? std::make_unique<Sent>() : std::make_unique<Sent>(world_, message);
    }

    std::unique_ptr<Transfer> receive(void* data, std::size_t bytes, int from, Lane lane) override {
        return std::make_unique<Expected>(data, bytes, from, lane);
    }

    bool done(Transfer& transfer) override {
        if (const auto* const sent = dynamic_cast<Sent*>(&transfer)) return sent->done();
        auto& expected = dynamic_cast<Expected&>(transfer);
        if (expected.here) return true;
        std::shared_ptr<Message> message;
        {
            const std::scoped_lock lock(world_->mutex);
            auto& box = world_->boxes[{expected.from, rank_, expected.lane}];
            while (!box.empty() && box.front()->state == Message::done) box.pop_front();  // taken back
            if (box.empty()) return false;
            message = std::move(box.front());
            box.pop_front();
            message->state = Message::being_taken;
            ++taken_;
        }
        const std::size_t bytes = message->bytes;
        if (bytes == expected.bytes) std::memcpy(expected.data, message->data, bytes);
        {
            const std::scoped_lock lock(world_->mutex);
            message->state = Message::done;
        }
        world_->changed.notify_all();
        check<DistributedError>(bytes == expected.bytes, "threads: {} bytes from rank {}, expected {}", bytes,
                                expected.from, expected.bytes);
        return expected.here = true;
    }

    // Short: what has come since nobody looked is found at the next round.
    void idle(int) override {
        std::unique_lock lock(world_->mutex);
        if (std::exchange(taken_, 0) == 0) world_->changed.wait_for(lock, std::chrono::milliseconds(1));
    }

    void announce(const std::string& fault) noexcept override {
        try {
            world_->announce(rank_, fault);
        } catch (...) {
            // No memory for the text: the others run into their time-out.
        }
    }
    std::optional<std::string> heard() override {
        const std::scoped_lock lock(world_->mutex);
        if (world_->failed < 0) return std::nullopt;
        return world_->fault;
    }

  private:
    const std::shared_ptr<World> world_;
    const int rank_;
    int taken_ = 0;
};

}  // namespace

std::vector<std::shared_ptr<Engine>> thread_engines(int ranks) {
    check<ValueError>(ranks >= 1, "thread_engines: {} ranks", ranks);
    const auto world = std::make_shared<World>(ranks);
    std::vector<std::shared_ptr<Engine>> engines;
    for (int rank = 0; rank < ranks; ++rank) engines.push_back(std::make_shared<ThreadsEngine>(world, rank));
    return engines;
}

void run_threads(int ranks, const std::function<void(const Group& group)>& f, const GroupOptions& options) {
    check<ValueError>(ranks >= 1, "run_threads: {} ranks", ranks);
    const auto world = std::make_shared<World>(ranks);
    std::vector<std::thread> threads;
    std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(ranks));  // each by its rank alone
    const auto ended = [&](int rank, const std::exception& error, const std::exception_ptr& what) {
        thrown[static_cast<std::size_t>(rank)] = what;
        world->announce(rank, fmt::format("rank {} has ended: {}", rank, error.what()));
    };
    const auto run = [&](int rank) {
        std::optional<Group> group;  // ends when the others know of an error
        try {
            f(group.emplace(std::make_shared<ThreadsEngine>(world, rank), options));
        } catch (const std::exception& error) {
            ended(rank, error, std::current_exception());
        } catch (...) {
            ended(rank, DistributedError("by something that is no std::exception"), std::current_exception());
        }
    };
    try {
        for (int rank = 0; rank < ranks; ++rank) threads.emplace_back(run, rank);
    } catch (const std::system_error& error) {
        const DistributedError none(fmt::format("run_threads: the system gives no thread for rank {}: {}",
                                                threads.size(), error.what()));
        ended(static_cast<int>(threads.size()), none, std::make_exception_ptr(none));
    }
    for (std::thread& thread : threads) thread.join();
    // What others have thrown may be no more than that they have heard of it.
    if (world->failed >= 0)
        if (const std::exception_ptr& first = thrown[static_cast<std::size_t>(world->failed)])
            std::rethrow_exception(first);
    for (const std::exception_ptr& one : thrown)
        if (one) std::rethrow_exception(one);
}

}  // namespace adjoint::distributed
