// A group from within: the queue of its operations, and the thread that does them in order. Private.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <adjoint/distributed/group/group.h>
#include <adjoint/distributed/group/wire.h>

namespace adjoint::distributed {

struct Work::State {
    std::function<void(Wire&)> run;  // on the group's thread
    std::function<void()> place;     // on the caller's: brings the result to where it belongs
    std::promise<void> promise;
    std::future<void> future = promise.get_future();
    std::exception_ptr error;
    bool over = false;  // wait() has returned or thrown
};

struct Group::State {
    explicit State(GroupOptions chosen) : options(chosen) {}
    ~State();
    Work begin(std::function<void(Wire&)> run, std::function<void()> place);
    /// Returns when the message is under way.
    void send(const Agreement& agreement, std::vector<char> bytes, int to);
    void start();
    void serve();
    bool tend();
    std::shared_ptr<Work::State> next();
    void fail_with(std::exception_ptr error);

    GroupOptions options;
    std::shared_ptr<Engine> engine;
    std::optional<EngineUse> use;  // of the engine, longer than the wire's
    std::unique_ptr<Wire> wire;    // null in a group of one
    std::exception_ptr fault;      // of the thread, while it runs
    const int exceptions = std::uncaught_exceptions();
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::shared_ptr<Work::State>> queue;
    bool closing = false;
    std::thread thread;
};

}  // namespace adjoint::distributed
