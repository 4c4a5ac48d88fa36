// CMake's list of architectures, read.
#include <adjoint/cuda/runtime/architectures.h>

#include <charconv>
#include <vector>

namespace adjoint::cuda_backend {
namespace {

struct Architecture {
    int number = 0;         // 90 for compute capability 9.0; 0 for words such as "native"
    bool specific = false;  // 90a: that one card
    bool real = true, virtual_code = true;
    std::string_view spelling;  // "90", "90a", "native"
};

std::vector<Architecture> parse(std::string_view text) {
    std::vector<Architecture> all;
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(" ;");
        std::string_view word = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (word.empty()) continue;
        Architecture one;
        if (word.ends_with("-real")) {
            one.virtual_code = false;
            word.remove_suffix(5);
        } else if (word.ends_with("-virtual")) {
            one.real = false;
            word.remove_suffix(8);
        }
        one.spelling = word;
        const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), one.number);
        one.specific = error == std::errc() && rest != word.data() + word.size();
        all.push_back(one);
    }
    return all;
}

}  // namespace

bool covers(std::string_view architectures, int major, int minor) {
    const int card = major * 10 + minor;
    for (const Architecture& one : parse(architectures)) {
        if (one.number == 0 || one.number == card) return true;
        if (one.specific || one.number > card) continue;
        if (one.virtual_code || one.number / 10 == major) return true;
    }
    return false;
}

std::string architecture_names(std::string_view architectures) {
    std::string names;
    const auto add = [&](std::string_view prefix, std::string_view name) {
        if (!names.empty()) names += ' ';
        names += prefix;
        names += name;
    };
    for (const Architecture& one : parse(architectures)) {
        if (one.number == 0) {
            add("", one.spelling);
            continue;
        }
        if (one.real) add("sm_", one.spelling);
        if (one.virtual_code) add("compute_", one.spelling);
    }
    return names;
}

std::string_view built_architectures() { return ADJOINT_CUDA_ARCHITECTURES; }

}  // namespace adjoint::cuda_backend
