// What has been said, and to whom.
#include <adjoint/core/base/concern.h>
#include <adjoint/core/base/warning.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

namespace adjoint {
namespace {

struct Warnings {
    std::mutex mutex;  // of what follows; not held while the handler runs, which may warn or be replaced
    std::set<std::string> given;
    WarningHandler handler;
    std::recursive_mutex handling;
};

// Never destroyed: a static object's destructor may warn.
Warnings& warnings() {
    static auto* const all = new Warnings;
    return *all;
}

constinit thread_local bool warned_by_another = false;

std::atomic<bool>& enabled() {
    static std::atomic<bool> value = [] {
        const char* const text = std::getenv("ADJOINT_WARNINGS");
        return text == nullptr || std::string_view(text) != "0";
    }();
    return value;
}

}  // namespace

void set_warnings(bool wanted) noexcept { enabled() = wanted; }
bool warnings_enabled() noexcept { return enabled(); }

void set_warning_handler(WarningHandler handler) {
    Warnings& all = warnings();
    const std::scoped_lock lock(all.mutex);
    all.handler = std::move(handler);
    all.given.clear();
}

WarnedByAnother::WarnedByAnother(bool another) noexcept
    : before_(std::exchange(warned_by_another, warned_by_another || another)) {}
WarnedByAnother::~WarnedByAnother() { warned_by_another = before_; }

void warn_once(const std::string& topic, const std::string& message) {
    warn_once(topic, message, Concern::program);
}

void warn_once(const std::string& topic, const std::string& message, Concern concern) {
    if (!warnings_enabled() || (warned_by_another && concern == Concern::program)) return;
    Warnings& all = warnings();
    const std::scoped_lock one_at_a_time(all.handling);
    WarningHandler handler;
    {
        const std::scoped_lock lock(all.mutex);
        if (!all.given.insert(topic).second) return;
        handler = all.handler;
    }
    if (handler)
        handler(message);
    else
        std::fprintf(stderr, "adjoint: warning: %s (ADJOINT_WARNINGS=0 silences such hints)\n",
                     message.c_str());
}

}  // namespace adjoint
