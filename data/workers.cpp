// One lock, two conditions: there is room for another batch, and the one that is waited for is there.
#include <adjoint/data/workers.h>

#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/base/signals.h>
#include <adjoint/core/contract/generator.h>

namespace adjoint::data {

Workers::Workers(int threads, std::int64_t ahead, std::int64_t first, Make make)
    : make_(std::move(make)),
      ahead_(ahead),
      made_(static_cast<std::size_t>(ahead)),
      next_(first),
      taken_(first) {
    start(threads);
    check<OutOfMemoryError>(!threads_.empty(), "loader: the system gives no thread for a worker");
}

void Workers::start(int threads) {
    const SignalsBlocked blocked;
    try {
        threads_.reserve(static_cast<std::size_t>(threads));
        for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    } catch (const std::exception&) {
        // No thread or no memory left: fewer workers make the same batches.
    }
}

Workers::~Workers() { stop(); }

void Workers::stop() noexcept {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Workers::work() {
    set_generator_state({});  // each batch has its own; none is taken from the program's threads
    for (;;) {
        std::int64_t number = 0;
        {
            std::unique_lock lock(mutex_);
            room_.wait(lock, [this] { return stopping_ || next_ < taken_ + ahead_; });
            if (stopping_) return;
            number = next_++;
        }
        Made made;
        try {
            made.batch = make_(number);
        } catch (...) {
            made.error = std::current_exception();
        }
        const bool last = !made.batch;
        {
            const std::scoped_lock lock(mutex_);
            place(number) = std::move(made);
        }
        ready_.notify_all();
        if (last) return;
    }
}

std::optional<SentBatch> Workers::take() {
    Made made;
    {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return place(taken_).has_value(); });
        made = std::move(*std::exchange(place(taken_++), std::nullopt));
    }
    room_.notify_one();
    if (made.error) std::rethrow_exception(made.error);
    return std::move(made.batch);
}

}  // namespace adjoint::data
