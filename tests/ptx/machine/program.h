// What `nvcc -ptx` writes, as the machine runs it: functions of instructions whose operands
// are numbers of registers.
//
// source: Parallel Thread Execution ISA, NVIDIA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace adjoint::ptx {

struct Function;
struct Instruction;
struct Region;

/// What an instruction does that touches nothing but registers of its thread.
using Operation = void (*)(std::uint64_t* registers, const Instruction& at);

/// What only calls and reports need of an instruction.
struct Detail {
    std::string text;
    int file = 0, line = 0;  // in the source
    const Function* callee = nullptr;
    std::vector<std::uint32_t> arguments, results;  // places among the parameters of calls
};

struct Instruction {
    enum class Kind : std::uint8_t {
        compute,
        branch,
        load,
        store,
        swap_if_equal,
        wait_for_earlier,  // launches
        barrier,
        exchange,
        call,
        end
    };
    /// `own`: local memory and parameters; `generic`: those or the device's, by the address.
    enum class Space : std::uint8_t { device, shared, own, generic };

    Kind kind = Kind::compute;
    Space space = Space::own;
    bool unless = false;        // of the predicate
    bool extend_sign = false;   // of what is loaded
    std::uint8_t element = 0;   // bytes
    std::uint8_t elements = 1;  // of a vector
    std::uint8_t width = 64;    // bits of the register that is written
    int predicate = -1;         // a register; -1: none
    std::uint32_t to[4] = {}, from[5] = {};
    std::int64_t offset = 0;
    std::uint32_t target = 0;  // of a branch
    Operation operation = nullptr;
    const Detail* detail = nullptr;
    mutable const Region* met = nullptr;  // where it went the last time, while memory is what it was
    mutable std::uint64_t met_in = 0;

    std::size_t bytes() const { return std::size_t{element} * elements; }
};

struct Parameter {
    std::string name;
    std::uint32_t bytes, alignment, offset;
};

/// A register that is set when its function begins.
struct Constant {
    enum class Kind : std::uint8_t {
        number,
        special,
        shared,
        global,
        parameter,
        result,
        local,
        call_parameter
    };
    Kind kind;
    std::uint64_t value;  // the number, or an offset
    std::string name = {};
    auto operator<=>(const Constant&) const = default;
};

/// The special registers, by their number in a constant.
inline constexpr const char* special_registers[] = {
    "%tid.x",   "%tid.y",   "%tid.z",    "%ntid.x",   "%ntid.y",   "%ntid.z", "%ctaid.x",
    "%ctaid.y", "%ctaid.z", "%nctaid.x", "%nctaid.y", "%nctaid.z", "%laneid",
};

struct SharedArray {
    std::uint32_t bytes, alignment;
    bool dynamic;  // as large as the launch says
};

struct Module {
    std::map<std::string, SharedArray> shared;
    std::map<std::string, std::vector<std::uint8_t>> globals;
    std::map<int, std::string> files;
    std::map<std::string, std::unique_ptr<Function>> functions;
    std::vector<std::unique_ptr<Detail>> details;
};

struct Function {
    std::string name, body;  // the text between its braces
    Module* module = nullptr;
    bool kernel = false;
    std::vector<Parameter> parameters, results;
    std::uint32_t parameter_bytes = 0, result_bytes = 0;

    // Of the body, once it is assembled:
    bool assembled = false;
    std::vector<Instruction> code;
    std::uint32_t registers = 1;  // number 0 is the carry
    std::vector<std::pair<std::uint32_t, Constant>> constants;
    std::uint32_t local_bytes = 0, call_parameter_bytes = 0;
    std::set<std::string> shared;                         // arrays, those of functions that it calls included
    std::map<std::string, std::uint32_t> shared_offsets;  // of a kernel
    std::uint32_t shared_bytes = 0;                       // up to the dynamic part

    // A frame of its own memory: parameters and results (a kernel's lie elsewhere), local
    // arrays, parameters of calls.
    static std::uint32_t rounded(std::uint32_t bytes) { return (bytes + 15) / 16 * 16; }
    std::uint32_t results_at() const { return rounded(parameter_bytes); }
    std::uint32_t local_at() const { return kernel ? 0 : results_at() + rounded(result_bytes); }
    std::uint32_t call_parameters_at() const { return local_at() + rounded(local_bytes); }
    std::uint32_t frame_bytes() const { return call_parameters_at() + rounded(call_parameter_bytes); }
};

[[noreturn]] void cannot(const std::string& what);

/// The functions of a file, their bodies as text.
std::unique_ptr<Module> read_module(const std::string& path);
/// Makes instructions of the body, and of what it calls.
void assemble(Function& function);
/// Null if there is no such opcode.
Operation find_operation(const std::string& opcode);

// Text:
std::string_view trimmed(std::string_view text);
/// Parts between commas that stand outside of braces and brackets.
std::vector<std::string_view> parts(std::string_view text, char separator = ',');
/// ".align 8 .b8 name[16]", ".u64 name"
struct Declaration {
    std::string name;
    std::uint32_t bytes = 0, alignment = 0;
};
Declaration declaration(std::string_view text);
/// Of a type without its dot: 4 for "f32".
std::uint32_t type_bytes(std::string_view type);

}  // namespace adjoint::ptx
