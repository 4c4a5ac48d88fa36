// The stacks of open spans, one a thread, and the sessions that hear of them.
#include <adjoint/core/contract/span_session.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include <adjoint/core/base/format.h>

namespace adjoint::detail {

constinit std::atomic<int> span_listeners = 0;

namespace {

std::int64_t now() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace

struct SpanFrame {
    SpanKind kind;
    std::string_view name, more, layer_before;
    std::int64_t start, inside;
    Work work;
};

// What a thread has open, and who hears of it alone. Never destroyed: objects of a thread may outlive it.
struct SpanThread {
    std::vector<SpanFrame> open;
    std::string_view layer;
    std::uint32_t number = 0;
    std::int64_t clock = 0;  // when it was last read: memory is taken too often to read it each time
    std::vector<SpanSession*> sessions;
    std::unordered_map<const void*, std::string_view> layer_of_node;
};

namespace {

constinit thread_local SpanThread* span_thread = nullptr;
constinit std::atomic<void (*)()> begin_traced_thread = nullptr;
constinit std::atomic<int> sessions_running = 0;
constinit std::atomic<int> sessions_of_all = 0;
constinit std::atomic<bool> process_is_traced = false;

}  // namespace

// What threads share. Never destroyed.
class SpanListeners {
  public:
    static SpanListeners& get() {
        static SpanListeners& all = *new SpanListeners;
        return all;
    }

    SpanThread& add_thread() {
        const std::scoped_lock lock(mutex_);
        SpanThread& thread = threads_.emplace_back();
        thread.number = static_cast<std::uint32_t>(threads_.size());
        return thread;
    }
    void add(SpanSession& session) {
        const std::scoped_lock lock(mutex_);
        sessions_.push_back(&session);
        ++sessions_of_all;
    }
    void remove(SpanSession& session) {
        const std::scoped_lock lock(mutex_);
        std::erase(sessions_, &session);
        --sessions_of_all;
    }
    std::string_view lasting(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        return *names_.insert(name).first;
    }

    /// Sessions of this thread take the event without a lock.
    template <class Event>
    static void tell(const SpanThread* thread, std::vector<Event> SpanSession::*list, const Event& event) {
        if (thread)
            for (SpanSession* session : thread->sessions) keep(*session, session->*list, event);
        if (sessions_of_all.load(std::memory_order_relaxed) == 0) return;
        SpanListeners& all = get();
        const std::scoped_lock lock(all.mutex_);
        for (SpanSession* session : all.sessions_) keep(*session, session->*list, event);
    }
    static void tell(const SpanThread* thread, const SpanEvent& event) {
        tell(thread, &SpanSession::spans_, event);
    }
    static void tell(const SpanThread* thread, const MemoryEvent& event) {
        tell(thread, &SpanSession::memory_, event);
    }

  private:
    template <class Event>
    static void keep(SpanSession& session, std::vector<Event>& list, const Event& event) {
        if (session.spans_.size() + session.memory_.size() < session.most_)
            list.push_back(event);
        else
            ++session.left_out_;
    }

    std::mutex mutex_;
    std::deque<SpanThread> threads_;
    std::vector<SpanSession*> sessions_;
    std::unordered_set<std::string> names_;
};

namespace {

SpanThread& this_thread() {
    if (!span_thread) span_thread = &SpanListeners::get().add_thread();
    return *span_thread;
}

bool has_work(SpanKind kind) { return kind != SpanKind::layer && kind != SpanKind::part; }

}  // namespace

SpanSession::SpanSession(Threads threads, std::size_t most) : threads_(threads), most_(most) {}
SpanSession::~SpanSession() { stop(); }

void SpanSession::start() {
    if (runs_) return;
    // Not while a step is watched.
    if (spans_.capacity() - spans_.size() < 256) spans_.reserve(2 * spans_.size() + 256);
    if (memory_.capacity() - memory_.size() < 256) memory_.reserve(2 * memory_.size() + 256);
    if (threads_ == Threads::own)
        this_thread().sessions.push_back(this);
    else
        SpanListeners::get().add(*this);
    runs_ = true;
    ++sessions_running;
    ++span_listeners;
}

void SpanSession::stop() noexcept {
    if (!runs_) return;
    --span_listeners;
    --sessions_running;
    if (threads_ == Threads::own)
        std::erase(span_thread->sessions, this);
    else
        SpanListeners::get().remove(*this);
    runs_ = false;
}

std::string_view lasting(const std::string& name) { return SpanListeners::get().lasting(name); }

void Span::begin(SpanKind kind, std::string_view name, std::string_view more, const Work& work) {
    SpanThread& thread = this_thread();
    if (thread.open.empty() && process_is_traced.load(std::memory_order_relaxed))
        if (const auto function = begin_traced_thread.load(std::memory_order_relaxed)) function();
    thread.clock = now();
    thread.open.push_back({kind, name, more, thread.layer, thread.clock, 0, work});
    if (kind == SpanKind::layer) thread.layer = name;
}

void Span::end() noexcept {
    SpanThread& thread = *span_thread;
    const SpanFrame frame = thread.open.back();
    thread.open.pop_back();
    const std::int64_t end = thread.clock = now();
    SpanEvent event{.kind = frame.kind,
                    .name = frame.name,
                    .more = frame.more,
                    .layer = thread.layer,
                    .start = frame.start,
                    .end = end,
                    .self = end - frame.start - frame.inside,
                    .work = frame.work,
                    .thread = thread.number,
                    .depth = static_cast<std::uint32_t>(thread.open.size())};
    thread.layer = frame.layer_before;
    if (!thread.open.empty()) {
        SpanFrame& around = thread.open.back();
        event.within =
            has_work(frame.kind) && (around.kind == SpanKind::operation || around.kind == SpanKind::backward);
        // The time of a call is its operation's.
        if (event.within) {
            around.work.bytes += frame.work.bytes;
            around.work.flops += frame.work.flops;
        } else {
            around.inside += end - frame.start;
        }
    }
    if (!is_profiled()) return;
    try {
        SpanListeners::tell(&thread, event);
    } catch (const std::bad_alloc&) {  // one event less
    }
}

InLayer::InLayer(std::string_view layer) noexcept : before_(current_layer()) {
    if (span_thread) span_thread->layer = layer;
}
InLayer::~InLayer() {
    if (span_thread) span_thread->layer = before_;
}
std::string_view current_layer() noexcept { return span_thread ? span_thread->layer : std::string_view(); }

void note_node(const void* node) noexcept {
    try {
        SpanThread& thread = this_thread();
        if (thread.layer.empty())
            thread.layer_of_node.erase(node);
        else
            thread.layer_of_node[node] = thread.layer;
    } catch (const std::bad_alloc&) {  // its backward pass has no layer
    }
}
std::string_view layer_of_node(const void* node) noexcept {
    if (!span_thread) return "";
    const auto found = span_thread->layer_of_node.find(node);
    return found == span_thread->layer_of_node.end() ? std::string_view() : found->second;
}

void note_memory(const void* memory, std::int64_t bytes, Device device) noexcept {
    if (!is_profiled() || bytes == 0) return;
    const bool inside = span_thread && !span_thread->open.empty();
    const MemoryEvent event{inside ? span_thread->clock : now(), memory, bytes, current_layer(), device};
    try {
        SpanListeners::tell(span_thread, event);
    } catch (const std::bad_alloc&) {  // one event less
    }
}

bool is_profiled() noexcept { return sessions_running.load(std::memory_order_relaxed) != 0; }

void on_traced_thread(void (*begin_thread)()) { begin_traced_thread = begin_thread; }

namespace {

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        if (static_cast<unsigned char>(c) < 0x20)
            result += fmt::format("\\u{:04x}", static_cast<int>(c));
        else
            result += c;
    }
    return result + '"';
}

const char* category(SpanKind kind) {
    switch (kind) {
        case SpanKind::layer:
            return "layer";
        case SpanKind::operation:
            return "operation";
        case SpanKind::backward:
            return "backward";
        case SpanKind::call:
            return "call";
        case SpanKind::transfer:
            return "transfer";
        case SpanKind::part:
            return "part";
    }
    return "";
}

}  // namespace

std::string SpanSession::trace() const {
    std::int64_t first = spans_.empty() && memory_.empty() ? 0 : std::numeric_limits<std::int64_t>::max();
    for (const SpanEvent& span : spans_) first = std::min(first, span.start);
    for (const MemoryEvent& event : memory_) first = std::min(first, event.at);
    const auto microseconds = [&](std::int64_t at) { return static_cast<double>(at - first) / 1e3; };

    std::string text = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    text += R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"adjoint"}})";
    for (const SpanEvent& s : spans_) {
        const std::string name = fmt::format("{}{}{}{}", s.name, s.more.empty() ? "" : " ", s.more,
                                             s.kind == SpanKind::backward ? " backward" : "");
        text += fmt::format(
            ",\n{{\"name\":{},\"cat\":\"{}\",\"ph\":\"X\",\"ts\":{:.3f},\"dur\":{:.3f},\"pid\":1,"
            "\"tid\":{},\"args\":{{\"layer\":{},\"bytes\":{:.0f},\"flops\":{:.0f}}}}}",
            quoted(name), category(s.kind), microseconds(s.start), static_cast<double>(s.end - s.start) / 1e3,
            s.thread, quoted(s.layer), s.work.bytes, s.work.flops);
    }
    std::unordered_map<std::string, std::int64_t> live;
    for (const MemoryEvent& e : memory_) {
        const std::string device = to_string(e.device);
        const std::int64_t bytes = live[device] += e.bytes;
        text += fmt::format(
            ",\n{{\"name\":\"memory of tensors on {}\",\"ph\":\"C\",\"ts\":{:.3f},\"pid\":1,"
            "\"args\":{{\"bytes\":{}}}}}",
            device, microseconds(e.at), bytes);
    }
    return text + "\n]}\n";
}

namespace {

// The trace of the whole process, written when it ends.
class ProcessTrace {
  public:
    explicit ProcessTrace(const char* path) : path_(path), session_(SpanSession::Threads::all) {
        // Of several processes each has a file of its own.
        if (const std::size_t at = path_.find("%p"); at != std::string::npos)
            path_.replace(at, 2, std::to_string(::getpid()));
        session_.start();
        process_is_traced = true;
    }

    void write() {
        process_is_traced = false;
        session_.stop();
        std::FILE* const file = std::fopen(path_.c_str(), "wb");
        const std::string text = session_.trace();
        const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
        if ((file && std::fclose(file) != 0) || !written) {
            std::fprintf(stderr, "adjoint: the trace could not be written to %s\n", path_.c_str());
            return;
        }
        std::fprintf(stderr, "adjoint: %zu spans in %s; open it with ui.perfetto.dev or chrome://tracing\n",
                     session_.spans().size(), path_.c_str());
        if (session_.left_out() > 0)
            std::fprintf(stderr, "adjoint: there was no room for %zu later events\n", session_.left_out());
    }

  private:
    std::string path_;
    SpanSession session_;
};

ProcessTrace* process_trace = nullptr;

[[maybe_unused]] const bool asked_for_trace = [] {
    const char* const path = std::getenv("ADJOINT_PROFILE");
    if (path == nullptr || *path == 0) return false;
    process_trace = new ProcessTrace(path);
    std::atexit([] { process_trace->write(); });
    return true;
}();

}  // namespace
}  // namespace adjoint::detail
