// Messages, and what becomes of those that do not come.
#include <adjoint/distributed/group/wire.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <adjoint/core/base/format.h>

namespace adjoint::distributed {
namespace {

constexpr std::size_t host_name_size = 64;

std::string own_host() {
    char text[host_name_size] = {};
    return gethostname(text, sizeof text - 1) == 0 && text[0] ? text : "an unknown host";
}

}  // namespace

Wire::Wire(std::shared_ptr<Engine> engine, std::chrono::milliseconds timeout)
    : engine_(std::move(engine)), timeout_(timeout) {
    learn_hosts();
}

Wire::~Wire() {
    try {
        begin(Agreement(Operation::message));
        for (int round = 0; tend() && std::chrono::steady_clock::now() < deadline_; ++round) {
            listen();
            engine_->idle(round);
        }
    } catch (...) {
        // Nobody is there to hear of it: the operation that failed has said so.
    }
}

std::string Wire::who(int rank) const {
    return hosts_.empty() ? fmt::format("rank {}", rank)
                          : fmt::format("rank {} on {}", rank, hosts_[static_cast<std::size_t>(rank)]);
}

void Wire::begin(const Agreement& agreement) {
    present_ = agreement;
    deadline_ = std::chrono::steady_clock::now() + timeout_;
}

void Wire::learn_hosts() {
    begin(Agreement(Operation::join));
    const auto count = static_cast<std::size_t>(size());
    std::vector<char> own(host_name_size), all(count * host_name_size);
    std::strncpy(own.data(), own_host().c_str(), host_name_size - 1);
    std::vector<Waiting> waiting;
    for (int r = 0; r < size(); ++r)
        if (r != rank())
            waiting.push_back({engine_->receive(&all[static_cast<std::size_t>(r) * host_name_size],
                                                host_name_size, r, Lane::agreement),
                               r});
    for (int r = 0; r < size(); ++r)
        if (r != rank())
            waiting.push_back({engine_->send(own.data(), host_name_size, r, Lane::agreement), r});
    finish(waiting);
    std::copy(own.begin(), own.end(), all.begin() + rank() * static_cast<std::ptrdiff_t>(host_name_size));
    for (std::size_t r = 0; r < count; ++r) hosts_.emplace_back(&all[r * host_name_size]);
}

void Wire::agree(const Agreement& agreement) {
    begin(agreement);
    std::vector<Agreement> others(static_cast<std::size_t>(size()), agreement);
    std::vector<Waiting> waiting;
    for (int i = 1; i < size(); ++i) {
        const int from = (rank() - i + size()) % size(), to = (rank() + i) % size();
        waiting.push_back({engine_->receive(&others[static_cast<std::size_t>(from)], sizeof(Agreement), from,
                                            Lane::agreement),
                           from});
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

void Wire::post(const Agreement& agreement, const void* data, std::size_t bytes, int to) {
    Posted& posted = posted_.emplace_back();
    posted.agreement = agreement;
    posted.bytes.assign(static_cast<const char*>(data), static_cast<const char*>(data) + bytes);
    posted.head = engine_->send(&posted.agreement, sizeof(Agreement), to, Lane::message);
    if (bytes > 0) posted.body = engine_->send(posted.bytes.data(), bytes, to, Lane::message);
}

void Wire::take(const Agreement& agreement, void* data, std::size_t bytes, int from) {
    begin(agreement);
    Agreement head;
    std::vector<Waiting> waiting;
    waiting.push_back({engine_->receive(&head, sizeof head, from, Lane::message), from});
    finish(waiting);
    check<DistributedError>(head == agreement, "recv: {} waits for a {}, {} has sent a {}", who(rank()),
                            to_string(agreement), who(from), to_string(head));
    if (bytes > 0) waiting.push_back({engine_->receive(data, bytes, from, Lane::message), from});
    finish(waiting);
}

bool Wire::tend() {
    std::erase_if(posted_, [&](Posted& posted) {
        if (posted.head && engine_->done(*posted.head)) posted.head.reset();
        if (!posted.head && posted.body && engine_->done(*posted.body)) posted.body.reset();
        return !posted.head && !posted.body;
    });
    return !posted_.empty();
}

void Wire::listen() {
    if (const std::optional<std::string> fault = engine_->heard())
        fail<DistributedError>("{}: {} stops, because another has failed: {}", name(present_.operation),
                               who(rank()), *fault);
}

void Wire::finish(std::vector<Waiting>& waiting) {
    for (int round = 0;; ++round) {
        std::erase_if(waiting, [&](const Waiting& one) { return engine_->done(*one.transfer); });
        if (waiting.empty()) return;
        tend();
        listen();
        if (std::chrono::steady_clock::now() > deadline_) time_out(waiting);
        engine_->idle(round);
    }
}

void Wire::time_out(const std::vector<Waiting>& waiting) const {
    std::vector<int> missing;
    for (const Waiting& one : waiting) missing.push_back(one.rank);
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    std::string names;
    for (const int rank : missing) names += (names.empty() ? "" : ", ") + who(rank);
    fail<DistributedError>(
        "{}: {} has waited {} s in {} over {}; nothing comes from {}: it has ended, hangs, or does not "
        "call the operation (GroupOptions::timeout)",
        name(present_.operation), who(rank()), static_cast<double>(timeout_.count()) / 1000,
        to_string(present_), engine_->name(), names);
}

}  // namespace adjoint::distributed
