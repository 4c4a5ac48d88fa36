// Running a program through the shell.
#include "programs/program.h"

#include <sys/wait.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace adjoint {
namespace {

// Programs speak English, until a test says another language.
[[maybe_unused]] const int english = ::setenv("LC_ALL", "C", 1);

}  // namespace

Outcome run(const std::string& command) {
    Outcome outcome;
    const std::string line = std::string(ADJOINT_PROGRAM_DIR) + "/" + command + " 2>&1";
    FILE* pipe = popen(line.c_str(), "r");
    if (!pipe) return outcome;
    std::array<char, 4096> buffer;
    for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        outcome.text.append(buffer.data(), n);
    const int status = pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

double number_after(const std::string& text, const std::string& key, int nth) {
    std::size_t at = text.find(key);
    while (nth-- > 0 && at != std::string::npos) at = text.find(key, at + 1);
    if (at == std::string::npos) return NAN;
    const char* start = text.c_str() + at + key.size();
    char* end = nullptr;
    const double value = std::strtod(start, &end);
    return end == start ? NAN : value;
}

}  // namespace adjoint
