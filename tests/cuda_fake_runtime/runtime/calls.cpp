// Counts of calls, calls that are made to fail, and what a violation says.
#include <execinfo.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "state.h"

namespace adjoint::fake_cuda {
namespace {

struct Calls {
    Counts made;
    std::string to_fail, last;
    long after = 0;  // that many more of them
    bool failed = false;

    Calls() {
        if (const char* wanted = std::getenv("ADJOINT_FAKE_CUDA_FAIL")) {
            const std::string text = wanted;
            const std::size_t colon = text.find(':');
            to_fail = text.substr(0, colon);
            after = colon == std::string::npos ? 1 : std::atol(text.c_str() + colon + 1);
        }
        if (std::getenv("ADJOINT_FAKE_CUDA_REPORT")) std::atexit(report);
    }

    static void report() {
        for (const auto& [title, counts] : {std::pair("calls", calls()), std::pair("work", work())}) {
            std::fprintf(stderr, "fake CUDA: %s\n", title);
            for (const auto& [name, count] : counts) std::fprintf(stderr, "%9ld %s\n", count, name.c_str());
        }
    }
};

Calls& all_calls() {
    static auto* const all = new Calls;
    return *all;
}

cudaError_t error_of(const std::string& name) {
    return name.find("lloc") != std::string::npos ? cudaErrorMemoryAllocation : cudaErrorUnknown;
}

}  // namespace

std::recursive_mutex& mutex() {
    static auto* const one = new std::recursive_mutex;
    return *one;
}

void violation(const std::string& what) {
    std::fprintf(stderr,
                 "fake CUDA: VIOLATION: %s\n  in %s; from (addr2line -Cfpe PROGRAM +0x... says the lines)\n",
                 what.c_str(), all_calls().last.c_str());
    void* frames[64];
    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    std::abort();
}

Counts calls() {
    const Lock lock(mutex());
    return all_calls().made;
}

void fail(const std::string& name, long n) {
    const Lock lock(mutex());
    all_calls().to_fail = name;
    all_calls().after = n;
    all_calls().failed = false;
}

bool has_failed() {
    const Lock lock(mutex());
    return all_calls().failed;
}

bool begin_call(const char* name) {
    const Lock lock(mutex());
    Calls& all = all_calls();
    ++all.made[name];
    all.last = name;
    if (all.after == 0 || all.to_fail != name || --all.after > 0) return true;
    all.failed = true;
    return false;
}

cudaError_t answer(const char* name, const std::function<cudaError_t()>& body) {
    const Lock lock(mutex());
    const cudaError_t error = begin_call(name) ? body() : error_of(name);
    if (error != cudaSuccess) last_error() = error;
    return error;
}

}  // namespace adjoint::fake_cuda
