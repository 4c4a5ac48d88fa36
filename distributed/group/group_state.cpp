// What one operation throws all later ones throw, and the other ranks are told of it.
#include <adjoint/distributed/group/group_state.h>

#include <system_error>
#include <utility>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/signals.h>

namespace adjoint::distributed {

EngineUse::EngineUse(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {
    check<DistributedError>(!engine_->in_use_.exchange(true),
                            "group: the engine {} of rank {} belongs to a group already, with whose messages "
                            "those of another would mix; copies of a Group are the same group",
                            engine_->name(), engine_->rank());
}

void Work::wait() const {
    if (!state_->over) {
        state_->over = true;
        try {
            state_->future.get();
            const NoGrad guard;
            if (state_->place) state_->place();
        } catch (...) {
            state_->error = std::current_exception();
        }
        state_->run = {};
        state_->place = {};
    }
    if (state_->error) std::rethrow_exception(state_->error);
}

bool Work::done() const {
    return state_->over || state_->future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

Group::State::~State() {
    {
        const std::scoped_lock lock(mutex);
        closing = true;
    }
    changed.notify_all();
    if (thread.joinable()) thread.join();
    if (!wire || fault) return;
    if (std::uncaught_exceptions() > exceptions)
        engine->announce(wire->who(engine->rank()) + " has ended by an exception");
    else
        wire->leave();
}

Work Group::State::begin(std::function<void(Wire&)> run, std::function<void()> place) {
    auto work = std::make_shared<Work::State>();
    work->place = std::move(place);
    if (!wire) {
        work->promise.set_value();
        return Work(std::move(work));
    }
    work->run = std::move(run);
    engine->mark();
    {
        const std::scoped_lock lock(mutex);
        if (!thread.joinable()) start();
        queue.push_back(work);
    }
    changed.notify_all();
    return Work(std::move(work));
}

void Group::State::send(const Agreement& agreement, std::vector<char> bytes, int to) {
    std::future<void> posted = wire->hand_over(agreement, std::move(bytes), to);
    {
        const std::scoped_lock lock(mutex);
        if (!thread.joinable()) start();
    }
    changed.notify_all();
    posted.get();
}

void Group::State::start() {
    const SignalsBlocked blocked;
    try {
        thread = std::thread([this] { serve(); });
    } catch (const std::system_error& error) {
        fail<DistributedError>("group: the system gives no thread for its work: {}", error.what());
    }
}

void Group::State::serve() {
    const NoGrad guard;
    while (const std::shared_ptr<Work::State> work = next()) {
        try {
            if (fault) std::rethrow_exception(fault);
            work->run(*wire);
            work->promise.set_value();
        } catch (...) {
            if (!fault) fail_with(std::current_exception());
            work->promise.set_exception(fault);
        }
    }
}

// Messages go on while there is nothing else to do.
bool Group::State::tend() {
    if (fault) return false;
    try {
        return wire->tend();
    } catch (...) {
        fail_with(std::current_exception());
        return false;
    }
}

std::shared_ptr<Work::State> Group::State::next() {
    std::unique_lock lock(mutex);
    while (queue.empty() && !closing) {
        if (tend())
            changed.wait_for(lock, std::chrono::milliseconds(1));
        else
            changed.wait(lock);
    }
    if (queue.empty()) return nullptr;
    std::shared_ptr<Work::State> work = std::move(queue.front());
    queue.pop_front();
    return work;
}

void Group::State::fail_with(std::exception_ptr error) {
    fault = std::move(error);
    wire->close(fault);
    try {
        std::rethrow_exception(fault);
    } catch (const std::exception& what) {
        engine->announce(fmt::format("{}: {}", wire->who(engine->rank()), what.what()));
    }
}

}  // namespace adjoint::distributed
