// One rank's end of all messages of a group: agreement before each operation, time-outs, errors that name
// who is missing. Used by the thread that does the group's work, but for hand_over(). Private.
#pragma once

#include <chrono>
#include <exception>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <adjoint/distributed/group/agreement.h>
#include <adjoint/distributed/group/engine.h>

namespace adjoint::distributed {

class Wire {
  public:
    /// Learns the names of the others' hosts.
    Wire(std::shared_ptr<Engine> engine, std::chrono::milliseconds timeout);
    ~Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    Engine& engine() const noexcept { return *engine_; }
    int rank() const noexcept { return engine_->rank(); }
    int size() const noexcept { return engine_->size(); }
    /// "rank 1 on node7"
    std::string who(int rank) const;

    /// An operation begins: all ranks are heard, and must be about to do the same.
    /// errors: DistributedError.
    void agree(const Agreement& agreement);
    struct Piece {
        void* data = nullptr;
        std::size_t bytes = 0;
        Lane lane = Lane::host;
    };
    /// out[r] goes to rank r and in[r] comes from it; pieces of no bytes and of this rank do not travel.
    void exchange(std::span<const Piece> out, std::span<const Piece> in);
    /// The engine's own sum, in place.
    /// errors: DTypeError where it has none.
    void all_reduce(const Tensor& x, ReduceOp op);

    /// Called by any thread: the message is posted as soon as the group's thread looks after messages,
    /// whatever that waits for. What is returned is ready then, before the other rank has taken it.
    std::future<void> hand_over(const Agreement& agreement, std::vector<char> bytes, int to);
    /// What is handed over from now on, or has not been posted, ends by this error.
    void close(const std::exception_ptr& fault);
    /// Waits for a message that is like `agreement`.
    void take(const Agreement& agreement, void* data, std::size_t bytes, int from);
    /// Posts what was handed over and looks after what was posted; whether something still is under way.
    bool tend();
    /// The last operation: tells the others, so that whoever waits for this rank hears of it. Waits for what
    /// was posted, within the time-out; where ranks part together for all of them. Says on stderr whom it
    /// waits for if that takes long.
    void leave() noexcept;

    /// Throws what another rank has announced.
    void listen();

  private:
    struct Waiting {
        std::unique_ptr<Transfer> transfer;
        int rank;
        const Agreement* says = nullptr;  // what has come then
    };
    struct Posted {
        Agreement agreement;
        std::vector<char> bytes;
        int to;
        std::unique_ptr<Transfer> head = {}, body = {};
    };
    struct Letter {
        Agreement agreement;
        std::vector<char> bytes;
        int to;
        std::promise<void> posted = {};
    };
    // What a rank says on a lane up to an operation; what nobody has taken before that is dropped.
    struct Reading {
        int rank;
        Lane lane;
        Operation until;
        Agreement* last;
        std::unique_ptr<Transfer> transfer = {};
        std::vector<char> body = {};
    };

    void begin(const Agreement& agreement);
    void post(Letter& letter);
    void post_all();
    bool say_untaken(const std::vector<Reading>& others, bool all);
    void begin(Reading& reading) const;
    void learn_hosts();
    std::vector<Lane> lanes() const;
    std::vector<Reading> read_up_to(Operation until, std::vector<Agreement>& last) const;
    void tell_all(const Agreement& agreement);
    bool is_over(Reading& reading);
    bool is_over(const Waiting& waiting);
    template <class Item> void finish(std::vector<Item>& items);
    [[noreturn]] void time_out(std::vector<int> missing) const;

    const std::shared_ptr<Engine> engine_;
    const std::chrono::milliseconds timeout_;
    std::vector<std::string> hosts_;
    Agreement present_{Operation::join};
    std::chrono::steady_clock::time_point deadline_;
    std::list<Posted> posted_;  // their memory stays where it is
    std::mutex mutex_;          // of what follows
    std::vector<Letter> outbox_;
    std::exception_ptr closed_;
};

}  // namespace adjoint::distributed
