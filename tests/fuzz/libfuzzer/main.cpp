// The targets under libFuzzer.
//
//     adjoint_fuzz                          the names of the targets
//     adjoint_fuzz npz FOLDER [options]     writes the seeds to the folder, then fuzzes from what is in it
//     adjoint_fuzz npz FILE                 what the target does with one input
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz/packing.h"
#include "fuzz/target.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

const adjoint::fuzz::Target* chosen = nullptr;

void write_seeds(const std::filesystem::path& folder) {
    int number = 0;
    for (const std::string& seed : chosen->seeds)
        std::ofstream(folder / ("seed-" + std::to_string(number++)), std::ios::binary) << seed;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
    const std::string wanted = *count > 1 ? (*arguments)[1] : "";
    for (const adjoint::fuzz::Target& target : adjoint::fuzz::targets()) {
        if (wanted.empty()) std::printf("%s\n", target.name.c_str());
        if (target.name == wanted) chosen = &target;
    }
    if (wanted.empty()) std::exit(0);
    if (chosen == nullptr) {
        std::fprintf(stderr, "adjoint_fuzz: no target %s; without arguments it lists them\n", wanted.c_str());
        std::exit(2);
    }
    if (*count > 2 && std::filesystem::is_directory((*arguments)[2])) write_seeds((*arguments)[2]);
    // In the place of the target's name, which libFuzzer would take for a file.
    static std::string longest = "-max_len=" + std::to_string(chosen->longest);
    (*arguments)[1] = longest.data();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    adjoint::fuzz::reads(*chosen, {reinterpret_cast<const char*>(data), size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned chance) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    adjoint::fuzz::mutate_with(bytes, chosen->repair, chance, [most](std::string& content) {
        const std::size_t before = std::min(content.size(), most);
        content.resize(most);
        const std::size_t after =
            LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(content.data()), before, most);
        content.resize(after);
    });
    const std::size_t length = std::min(bytes.size(), most);
    std::memcpy(data, bytes.data(), length);
    return length;
}
