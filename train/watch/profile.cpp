// A step under a session of spans, and what is added up of them.
#include <adjoint/train/watch/profile.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/recording.h>
#include <adjoint/core/contract/span_session.h>

namespace adjoint {
namespace {

using detail::MemoryEvent;
using detail::SpanEvent;
using detail::SpanKind;

constexpr const char* rest = "(outside of operations)";

double seconds_of(const std::function<void()>& step) {
    const auto start = std::chrono::steady_clock::now();
    step();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Those of the faster half.
std::vector<std::size_t> faster(const std::vector<double>& seconds) {
    std::vector<std::size_t> order(seconds.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return seconds[a] < seconds[b]; });
    order.resize((order.size() + 1) / 2);
    return order;
}

double mean(const std::vector<double>& seconds, const std::vector<std::size_t>& which) {
    double sum = 0;
    for (const std::size_t i : which) sum += seconds[i];
    return sum / static_cast<double>(which.size());
}

std::string row_name(const SpanEvent& e) {
    switch (e.kind) {
        case SpanKind::layer:
            return "(modules)";
        case SpanKind::backward:
            return fmt::format("{} backward", e.name);
        default:
            return e.more.empty() ? std::string(e.name) : fmt::format("{} {}", e.name, e.more);
    }
}

using RowMap = std::map<std::pair<std::string, std::string>, ProfileRow>;

void add(RowMap& rows, const SpanEvent& e, double share) {
    if (e.within) return;
    const bool own = e.kind != SpanKind::layer && e.kind != SpanKind::part;
    const std::string layer(own ? e.layer : std::string_view());
    ProfileRow& row = rows[{row_name(e), layer}];
    row.calls += share;
    row.seconds += share * static_cast<double>(e.self) * 1e-9;
    row.bytes += share * e.work.bytes;
    row.flops += share * e.work.flops;
}

// The phase of a moment: by the spans of the parts of a step.
class Phases {
  public:
    explicit Phases(std::span<const SpanEvent> spans) {
        for (const SpanEvent& e : spans)
            if (e.name == "(backward pass)" || e.name == "(optimizer)")
                parts_.push_back({e.start, e.end, e.name == "(optimizer)" ? "optimizer" : "backward"});
    }
    const char* at(std::int64_t moment) const {
        bool after = false;
        for (const Part& part : parts_) {
            if (part.start <= moment && moment <= part.end) return part.name;
            after = after || part.end < moment;
        }
        return after ? "after" : "forward";
    }

  private:
    struct Part {
        std::int64_t start, end;
        const char* name;
    };
    std::vector<Part> parts_;
};

std::vector<ProfileMemory> timeline(std::span<const MemoryEvent> events, const Phases& phases) {
    std::vector<ProfileMemory> all;
    std::int64_t live = 0, least = 0;
    for (const MemoryEvent& e : events) {
        const char* const phase = phases.at(e.at);
        if (all.empty() || all.back().layer != e.layer || all.back().phase != phase)
            all.push_back({.phase = phase, .layer = std::string(e.layer), .highest = live});
        ProfileMemory& stretch = all.back();
        live += e.bytes;
        (e.bytes > 0 ? stretch.taken : stretch.given_back) += e.bytes > 0 ? e.bytes : -e.bytes;
        stretch.live = live;
        stretch.highest = std::max(stretch.highest, live);
        least = std::min(least, live);
    }
    for (ProfileMemory& stretch : all) {
        stretch.live -= least;
        stretch.highest -= least;
    }
    return all;
}

std::string megabytes(double bytes) { return fmt::format("{:.3f}", bytes / 1e6); }
std::string megabytes(std::int64_t bytes) { return megabytes(static_cast<double>(bytes)); }

// Columns, the first `left` of them flush left.
std::string table(const std::vector<std::vector<std::string>>& lines, std::size_t left) {
    std::vector<std::size_t> widths(lines.front().size(), 0);
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    std::string text;
    for (const auto& line : lines) {
        std::string one;
        for (std::size_t i = 0; i < line.size(); ++i)
            one += i < left ? fmt::format("{:<{}}  ", line[i], widths[i])
                            : fmt::format("{:>{}}  ", line[i], widths[i]);
        one.erase(one.find_last_not_of(' ') + 1);
        text += one + '\n';
    }
    return text;
}

std::string operations_of(const Profile& profile) {
    std::vector<std::vector<std::string>> lines{
        {"operation", "layer", "calls", "us", "share", "MB", "GB/s", "GFLOP/s"}};
    const auto rate = [](double amount, double seconds) {
        return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds / 1e9) : std::string();
    };
    for (const ProfileRow& row : profile.rows)
        lines.push_back({row.operation, row.layer, fmt::format("{:.4g}", row.calls),
                         fmt::format("{:.1f}", row.seconds * 1e6),
                         fmt::format("{:.1f} %", 100 * row.seconds / profile.profiled_seconds),
                         row.bytes > 0 ? megabytes(row.bytes) : "", rate(row.bytes, row.seconds),
                         rate(row.flops, row.seconds)});
    return table(lines, 2);
}

std::string layers_of(const Profile& profile) {
    std::map<std::string, double> layers;
    for (const ProfileRow& row : profile.rows)
        if (!row.layer.empty()) layers[row.layer] += row.seconds;
    if (layers.empty()) return "";
    std::vector<std::vector<std::string>> lines{{"layer", "us", "share"}};
    for (const auto& [layer, seconds] : layers)
        lines.push_back({layer, fmt::format("{:.1f}", seconds * 1e6),
                         fmt::format("{:.1f} %", 100 * seconds / profile.profiled_seconds)});
    return '\n' + table(lines, 1);
}

std::string memory_of(const Profile& profile) {
    if (profile.memory.empty()) return "";
    const auto highest = std::max_element(
        profile.memory.begin(), profile.memory.end(),
        [](const ProfileMemory& a, const ProfileMemory& b) { return a.highest < b.highest; });
    std::vector<std::vector<std::string>> lines{
        {"phase", "layer", "MB taken", "given back", "live", "highest", ""}};
    for (const ProfileMemory& m : profile.memory) {
        const auto length =
            highest->highest > 0 ? 30 * std::max<std::int64_t>(m.live, 0) / highest->highest : 0;
        lines.push_back({m.phase, m.layer, megabytes(m.taken), megabytes(m.given_back), megabytes(m.live),
                         megabytes(m.highest), std::string(static_cast<std::size_t>(length), '#')});
        std::string& bar = lines.back().back();
        bar.resize(30, ' ');
    }
    return fmt::format("\nmemory of tensors: at most {} MB over the least of the step, {}{}{}\n{}",
                       megabytes(highest->highest), highest->phase, highest->layer.empty() ? "" : " of ",
                       highest->layer, table(lines, 2));
}

}  // namespace

Profile profile(const std::function<void()>& step, const ProfileOptions& options) {
    check<ValueError>(static_cast<bool>(step), "profile: there is no step, the function is empty");
    check<ValueError>(options.warmup >= 0 && options.steps >= 1,
                      "profile: {} steps after {} to warm up, expected at least 1 and 0", options.steps,
                      options.warmup);
    check_not_capturing("profile");
    for (int i = 0; i < options.warmup; ++i) step();

    detail::SpanSession session(detail::SpanSession::Threads::own);
    std::vector<double> plain, watched;
    std::vector<std::pair<std::size_t, std::size_t>> ends;  // of the steps in the session's two lists
    for (int i = 0; i < options.steps; ++i) {
        plain.push_back(seconds_of(step));
        session.start();
        watched.push_back(seconds_of([&] {
            const detail::Timed timed;
            const detail::Span whole(SpanKind::part, rest);
            step();
        }));
        session.stop();
        ends.emplace_back(session.spans().size(), session.memory().size());
    }
    check<ValueError>(session.left_out() == 0,
                      "profile: {} steps have too many operations for one profile; ask for fewer",
                      options.steps);

    Profile result;
    result.step_seconds = mean(plain, faster(plain));
    const std::vector<std::size_t> counted = faster(watched);
    result.profiled_seconds = result.unaccounted_seconds = mean(watched, counted);
    RowMap rows;
    for (const std::size_t i : counted)
        for (std::size_t e = i == 0 ? 0 : ends[i - 1].first; e < ends[i].first; ++e)
            add(rows, session.spans()[e], 1.0 / static_cast<double>(counted.size()));
    for (const auto& [key, row] : rows) {
        result.rows.push_back(row);
        std::tie(result.rows.back().operation, result.rows.back().layer) = key;
        result.unaccounted_seconds -= row.seconds;
    }
    std::stable_sort(result.rows.begin(), result.rows.end(),
                     [](const ProfileRow& a, const ProfileRow& b) { return a.seconds > b.seconds; });

    const std::size_t last = counted.front();
    const auto [first_span, first_event] = last == 0 ? std::pair<std::size_t, std::size_t>() : ends[last - 1];
    const std::span<const SpanEvent> spans(session.spans());
    const std::span<const MemoryEvent> events(session.memory());
    result.memory = timeline(events.subspan(first_event, ends[last].second - first_event),
                             Phases(spans.subspan(first_span, ends[last].first - first_span)));
    result.trace = session.trace();
    return result;
}

std::string to_string(const Profile& profile) {
    return fmt::format(
        "a step takes {:.1f} us; under the profile {:.1f} us ({:.1f} %), of which the rows have all but "
        "{:.1f} us\n"
        "\n{}{}{}",
        profile.step_seconds * 1e6, profile.profiled_seconds * 1e6,
        100 * profile.profiled_seconds / profile.step_seconds, profile.unaccounted_seconds * 1e6,
        operations_of(profile), layers_of(profile), memory_of(profile));
}

}  // namespace adjoint
