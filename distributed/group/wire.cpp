// Messages, and what becomes of those that do not come.
#include <adjoint/distributed/group/wire.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/distributed/group/purpose.h>

namespace adjoint::distributed {
namespace {

// Of which a clock can tell the end.
constexpr std::chrono::milliseconds longest_timeout = std::chrono::hours(24 * 365 * 50);

// After which a rank that leaves says who has not taken a message.
constexpr std::chrono::milliseconds untaken_notice = std::chrono::seconds(5);

std::string own_host() {
    char text[64] = {};
    return gethostname(text, sizeof text - 1) == 0 && text[0] ? text : "an unknown host";
}

// An operation as whoever waits in it calls it, in words, and what the others may not do.
struct Wait {
    std::string name, words, others;
    explicit Wait(const Agreement& agreement)
        : name(distributed::name(agreement.operation)),
          words(to_string(agreement)),
          others("call the operation") {
        if (agreement.operation == Operation::message) {
            words.replace(0, name.size(), "recv");
            name = "recv";
            others = "send";
        }
        if (agreement.operation == Operation::join) {
            name = "group";
            words = "the making of a group";
            others = "make its own";
        }
    }
};

std::size_t bytes_of(const Agreement& agreement) {
    std::size_t bytes = size_of(agreement.dtype);
    for (int d = 0; d < agreement.dims; ++d) bytes *= static_cast<std::size_t>(agreement.sizes[d]);
    return bytes;
}

}  // namespace

Wire::Wire(std::shared_ptr<Engine> engine, std::chrono::milliseconds timeout)
    : engine_(std::move(engine)), timeout_(std::min(timeout, longest_timeout)) {
    learn_hosts();
}

std::string Wire::who(int rank) const {
    return hosts_.empty() ? fmt::format("rank {}", rank)
                          : fmt::format("rank {} on {}", rank, hosts_[static_cast<std::size_t>(rank)]);
}

void Wire::begin(const Agreement& agreement) {
    present_ = agreement;
    deadline_ = std::chrono::steady_clock::now() + timeout_;
}

// On which ranks say what they do.
std::vector<Lane> Wire::lanes() const {
    if (engine_->parting() == Parting::silent) return {Lane::agreement};
    return {Lane::agreement, Lane::message};
}

// `last` is for what they say, those of rank r behind one another.
std::vector<Wire::Reading> Wire::read_up_to(Operation until, std::vector<Agreement>& last) const {
    const std::vector<Lane> all = lanes();
    last.resize(static_cast<std::size_t>(size()) * all.size());
    std::vector<Reading> readings;
    for (std::size_t i = 0; i < last.size(); ++i) {
        const int r = static_cast<int>(i / all.size());
        if (r == rank()) continue;
        readings.push_back({.rank = r, .lane = all[i % all.size()], .until = until, .last = &last[i]});
        begin(readings.back());
    }
    return readings;
}

void Wire::begin(Reading& reading) const {
    reading.transfer = engine_->receive(reading.last, sizeof(Agreement), reading.rank, reading.lane);
}

bool Wire::is_over(Reading& reading) {
    while (engine_->done(*reading.transfer)) {
        const bool is_head = reading.body.empty();
        const Agreement& head = *reading.last;
        if (is_head && head.operation == reading.until) return true;
        reading.body.resize(is_head && head.operation == Operation::message ? bytes_of(head) : 0);
        if (reading.body.empty())
            begin(reading);
        else
            reading.transfer =
                engine_->receive(reading.body.data(), reading.body.size(), reading.rank, reading.lane);
    }
    return false;
}

void Wire::tell_all(const Agreement& agreement) {
    const std::vector<Lane> all = lanes();
    for (int r = 0; r < size(); ++r)
        for (const Lane lane : all) {
            if (r == rank()) continue;
            Posted& posted = posted_.emplace_back(Posted{agreement, {}, r});
            posted.head = engine_->send(&posted.agreement, sizeof(Agreement), r, lane);
        }
}

void Wire::learn_hosts() {
    const Purpose host(own_host());
    const Agreement own(Operation::join);
    begin(own);
    // Behind what an earlier group over the same engine has left there.
    std::vector<Agreement> joined;
    std::vector<Reading> readings = read_up_to(Operation::join, joined);
    tell_all(own);
    finish(readings);
    for (std::size_t i = 0; i < joined.size(); i += lanes().size()) hosts_.emplace_back(joined[i].purpose);
    hosts_[static_cast<std::size_t>(rank())] = own.purpose;
}

// Whose readings are over has left: where ranks do not part together, a message to it is lost. Says so of
// these, with `all` of those that wait, too; whether it has said anything.
bool Wire::say_untaken(const std::vector<Reading>& others, bool all) {
    bool said = false;
    std::erase_if(posted_, [&](const Posted& posted) {
        if (posted.agreement.operation != Operation::message) return false;
        const bool lost = engine_->parting() == Parting::told &&
                          std::none_of(others.begin(), others.end(),
                                       [&](const Reading& one) { return one.rank == posted.to; });
        if (lost || all) {
            said = true;
            fmt::print(stderr, "adjoint: {} has left its group; {} has not taken its {}{}\n", who(rank()),
                       who(posted.to), to_string(posted.agreement), lost ? ", and has left, too" : " yet");
        }
        return lost;
    });
    return said;
}

void Wire::leave() noexcept {
    try {
        const Agreement farewell(Operation::leave);
        begin(farewell);
        tell_all(farewell);
        const bool together = engine_->parting() == Parting::together;
        std::vector<Agreement> last;
        std::vector<Reading> others;
        if (engine_->parting() != Parting::silent) others = read_up_to(Operation::leave, last);
        const auto notice = deadline_ - timeout_ + std::min(timeout_, untaken_notice);
        bool is_late = false, has_noticed = false;
        for (int round = 0;; ++round) {
            std::erase_if(others, [this](Reading& reading) { return is_over(reading); });
            // What comes after a message's head is no head for the next group.
            const bool in_between = std::any_of(others.begin(), others.end(),
                                                [](const Reading& one) { return !one.body.empty(); });
            if (!tend() && (together ? others.empty() : !in_between)) return;
            listen();
            const auto now = std::chrono::steady_clock::now();
            has_noticed = say_untaken(others, !has_noticed && now > notice) || has_noticed;
            if (!is_late && now > deadline_) {
                if (!together) return;
                is_late = true;
                if (!others.empty())
                    fmt::print(stderr, "adjoint: {} has left its group and waits for {} to do so, too\n",
                               who(rank()), who(others[0].rank));
            }
            engine_->idle(round);
        }
    } catch (...) {
        // Nobody is there to hear of it: the operation that failed has said so.
    }
}

void Wire::agree(const Agreement& agreement) {
    begin(agreement);
    std::vector<Agreement> others(static_cast<std::size_t>(size()), agreement);
    std::vector<Waiting> waiting;
    for (int i = 1; i < size(); ++i) {
        const int from = (rank() - i + size()) % size(), to = (rank() + i) % size();
        Agreement& other = others[static_cast<std::size_t>(from)];
        waiting.push_back({engine_->receive(&other, sizeof(Agreement), from, Lane::agreement), from, &other});
        waiting.push_back({engine_->send(&present_, sizeof(Agreement), to, Lane::agreement), to});
    }
    finish(waiting);
    for (int r = 0; r < size(); ++r)
        check<DistributedError>(others[static_cast<std::size_t>(r)] == agreement,
                                "{}: the ranks do not do the same: {} calls {}, {} calls {}",
                                name(agreement.operation), who(rank()), to_string(agreement), who(r),
                                to_string(others[static_cast<std::size_t>(r)]));
}

void Wire::exchange(std::span<const Piece> out, std::span<const Piece> in) {
    engine_->mark();
    std::vector<Waiting> waiting;
    for (int i = 1; i < size(); ++i) {
        const int from = (rank() - i + size()) % size();
        const Piece& piece = in[static_cast<std::size_t>(from)];
        if (piece.bytes > 0)
            waiting.push_back({engine_->receive(piece.data, piece.bytes, from, piece.lane), from});
    }
    for (int i = 1; i < size(); ++i) {
        const int to = (rank() + i) % size();
        const Piece& piece = out[static_cast<std::size_t>(to)];
        if (piece.bytes > 0) waiting.push_back({engine_->send(piece.data, piece.bytes, to, piece.lane), to});
    }
    finish(waiting);
}

void Wire::all_reduce(const Tensor& x, ReduceOp op) {
    std::vector<Waiting> waiting;
    waiting.push_back({engine_->all_reduce(x.impl().data, x.numel(), x.dtype(), op), rank()});
    check<DTypeError>(waiting[0].transfer != nullptr,
                      "all_reduce: the engine {} has no sum of its own for {}; Summation::by_rank has",
                      engine_->name(), name(x.dtype()));
    finish(waiting);
}

std::future<void> Wire::hand_over(const Agreement& agreement, std::vector<char> bytes, int to) {
    const std::scoped_lock lock(mutex_);
    Letter& letter = outbox_.emplace_back(Letter{agreement, std::move(bytes), to});
    std::future<void> posted = letter.posted.get_future();
    if (closed_) {
        letter.posted.set_exception(closed_);
        outbox_.pop_back();
    }
    return posted;
}

void Wire::close(const std::exception_ptr& fault) {
    const std::scoped_lock lock(mutex_);
    closed_ = fault;
    for (Letter& letter : outbox_) letter.posted.set_exception(fault);
    outbox_.clear();
}

void Wire::post(Letter& letter) {
    Posted& posted = posted_.emplace_back(Posted{letter.agreement, std::move(letter.bytes), letter.to});
    posted.head = engine_->send(&posted.agreement, sizeof(Agreement), posted.to, Lane::message);
    if (!posted.bytes.empty())
        posted.body = engine_->send(posted.bytes.data(), posted.bytes.size(), posted.to, Lane::message);
}

void Wire::post_all() {
    const std::scoped_lock lock(mutex_);
    while (!outbox_.empty()) {
        post(outbox_.front());
        outbox_.front().posted.set_value();
        outbox_.erase(outbox_.begin());
    }
}

void Wire::take(const Agreement& agreement, void* data, std::size_t bytes, int from) {
    begin(agreement);
    Agreement head;
    std::vector<Waiting> waiting;
    waiting.push_back({engine_->receive(&head, sizeof head, from, Lane::message), from, &head});
    finish(waiting);
    check<DistributedError>(head == agreement, "recv: {} waits for a {}, {} has sent a {}", who(rank()),
                            to_string(agreement), who(from), to_string(head));
    if (bytes > 0) waiting.push_back({engine_->receive(data, bytes, from, Lane::message), from});
    finish(waiting);
}

bool Wire::tend() {
    post_all();
    std::erase_if(posted_, [&](Posted& posted) {
        if (posted.head && engine_->done(*posted.head)) posted.head.reset();
        if (!posted.head && posted.body && engine_->done(*posted.body)) posted.body.reset();
        return !posted.head && !posted.body;
    });
    return !posted_.empty();
}

void Wire::listen() {
    if (const std::optional<std::string> fault = engine_->heard())
        fail<DistributedError>("{}: {} stops, because another has failed: {}", Wait(present_).name,
                               who(rank()), *fault);
}

bool Wire::is_over(const Waiting& waiting) {
    if (!engine_->done(*waiting.transfer)) return false;
    if (waiting.says && waiting.says->operation == Operation::leave) {
        listen();  // it may have left because of a fault
        fail<DistributedError>("{}: {} waits for {}, which has left the group: its last handle has ended",
                               Wait(present_).name, who(rank()), who(waiting.rank));
    }
    return true;
}

template <class Item> void Wire::finish(std::vector<Item>& items) {
    for (int round = 0;; ++round) {
        std::erase_if(items, [this](Item& item) { return is_over(item); });
        if (items.empty()) return;
        tend();
        listen();
        if (std::chrono::steady_clock::now() > deadline_) {
            std::vector<int> missing;
            for (const Item& item : items) missing.push_back(item.rank);
            time_out(std::move(missing));
        }
        engine_->idle(round);
    }
}

void Wire::time_out(std::vector<int> missing) const {
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    std::string names;
    for (const int rank : missing) names += (names.empty() ? "" : ", ") + who(rank);
    const Wait wait(present_);
    fail<DistributedError>(
        "{}: {} has waited {} s in {} over {}; nothing comes from {}: it has ended, hangs, or does not {} "
        "(GroupOptions::timeout)",
        wait.name, who(rank()), static_cast<double>(timeout_.count()) / 1000, wait.words, engine_->name(),
        names, wait.others);
}

}  // namespace adjoint::distributed
