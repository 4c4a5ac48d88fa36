// The headers of a fat binary, and the sections .nv.info of the ELF file in it. NVIDIA describes neither:
// what stands here is what can be seen in the files that nvcc writes.
#include "kernel_image.h"

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace adjoint::fake_cuda {
namespace {

template <class T> T read(const char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

// The first ELF file; null if there is none.
const char* elf_in(const char* fat) {
    const auto header = read<std::uint16_t>(fat + 6);
    const char *part = fat + header, *end = part + read<std::uint64_t>(fat + 8);
    while (part < end) {
        const char* const content = part + read<std::uint32_t>(part + 4);
        if (std::memcmp(content, ELFMAG, SELFMAG) == 0) return content;
        part = content + read<std::uint64_t>(part + 8);
    }
    return nullptr;
}

// Calls f(attribute, value, bytes) for each record of a section .nv.info.
void each_record(const char* section, std::size_t bytes,
                 const std::function<void(int, const char*, std::size_t)>& f) {
    constexpr char with_value_behind = 4;
    for (const char *at = section, *end = section + bytes; at < end;) {
        const char format = at[0];
        const auto attribute = read<std::uint8_t>(at + 1);
        const std::size_t size = format == with_value_behind ? read<std::uint16_t>(at + 2) : 0;
        f(attribute, size > 0 ? at + 4 : at + 2, size);
        at += 4 + size;
    }
}

constexpr int most_threads = 0x05, parameter = 0x17, register_count = 0x2f;
constexpr std::string_view info_of = ".nv.info.", shared_of = ".nv.shared.";

}  // namespace

std::map<std::string, KernelInfo> read_kernels(const void* fat_binary) {
    std::map<std::string, KernelInfo> kernels;
    const char* const elf = elf_in(static_cast<const char*>(fat_binary));
    if (!elf) return kernels;
    const auto header = read<Elf64_Ehdr>(elf);
    const auto section = [&](std::size_t i) {
        return read<Elf64_Shdr>(elf + header.e_shoff + i * sizeof(Elf64_Shdr));
    };
    const char* const names = elf + section(header.e_shstrndx).sh_offset;
    for (std::size_t i = 0; i < header.e_shnum; ++i) {
        const Elf64_Shdr at = section(i);
        const std::string_view name = names + at.sh_name;
        const auto kernel = [&](std::string_view prefix) -> KernelInfo& {
            return kernels[std::string(name.substr(prefix.size()))];
        };
        if (name.starts_with(shared_of) && name != ".nv.shared.reserved.0") {
            kernel(shared_of).shared_bytes = at.sh_size;
        } else if (name.starts_with(info_of)) {
            KernelInfo& info = kernel(info_of);
            each_record(elf + at.sh_offset, at.sh_size, [&](int attribute, const char* value, std::size_t) {
                if (attribute == parameter)
                    info.parameters.push_back(
                        {read<std::uint16_t>(value + 4), read<std::uint32_t>(value + 8) >> 18});
                else if (attribute == most_threads)
                    info.most_threads = read<std::uint32_t>(value);
            });
        } else if (name == ".nv.info") {
            const Elf64_Shdr symbols = section(at.sh_link), text = section(symbols.sh_link);
            each_record(elf + at.sh_offset, at.sh_size, [&](int attribute, const char* value, std::size_t) {
                if (attribute != register_count) return;
                const auto symbol =
                    read<Elf64_Sym>(elf + symbols.sh_offset + read<std::uint32_t>(value) * sizeof(Elf64_Sym));
                kernels[elf + text.sh_offset + symbol.st_name].registers = read<std::uint32_t>(value + 4);
            });
        }
    }
    return kernels;
}

}  // namespace adjoint::fake_cuda
