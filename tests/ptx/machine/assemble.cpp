// The body of a function as instructions.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

#include "program.h"

namespace adjoint::ptx {
namespace {

using Kind = Instruction::Kind;
using Space = Instruction::Space;

class Assembler {
  public:
    explicit Assembler(Function& function) : function_(function), module_(*function.module) {}

    void run() {
        const std::string_view text = function_.body;
        for (std::size_t at = 0; (at = text.find_first_not_of(" \t\r\n{}", at)) != std::string_view::npos;) {
            const std::size_t line_end = std::min(text.find('\n', at), text.size());
            if (text.substr(at).starts_with(".loc\t") || text.substr(at).starts_with(".loc ")) {
                place(text.substr(at + 4, line_end - at - 4));
                at = line_end;
                continue;
            }
            const std::size_t end = std::min(text.find_first_of(":;", at), text.size());
            if (end < text.size() && text[end] == ':' && text[at] != '@') {
                labels_[std::string(text.substr(at, end - at))] =
                    static_cast<std::uint32_t>(function_.code.size());
                at = end + 1;
                continue;
            }
            const std::size_t stop = std::min(text.find(';', at), text.size());
            statement(trimmed(text.substr(at, stop - at)));
            at = std::min(stop + 1, text.size());
        }
        for (const auto& [which, label] : jumps_) {
            if (!labels_.contains(label)) cannot("find the label " + label + " of " + function_.name);
            function_.code[which].target = labels_[label];
        }
        add(Kind::end, "the end");
    }

  private:
    // ".loc 3 120 9"
    void place(std::string_view numbers) {
        numbers = trimmed(numbers);
        const char *at = numbers.data(), *end = at + numbers.size();
        at = std::from_chars(at, end, file_).ptr;
        std::from_chars(std::min(at + 1, end), end, line_);
    }

    Instruction& add(Kind kind, std::string_view text) {
        auto detail = std::make_unique<Detail>();
        detail->text = text;
        std::ranges::replace_if(
            detail->text, [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
        detail->file = file_;
        detail->line = line_;
        detail_ = detail.get();
        module_.details.push_back(std::move(detail));
        Instruction& instruction = function_.code.emplace_back();
        instruction.kind = kind;
        instruction.detail = detail_;
        return instruction;
    }

    // Operands
    // -----------------------------------------------------------------------------

    std::uint32_t new_register() { return function_.registers++; }

    // ".reg .b32 %r<5>, %x"
    void declare_registers(std::string_view text) {
        const std::size_t type_end = text.find_first_of(" \t", 6);
        const std::string_view type = trimmed(text.substr(5, type_end - 5)).substr(1);
        const auto width = static_cast<std::uint8_t>(type == "pred" ? 1 : type_bytes(type) * 8);
        for (const std::string_view one : parts(text.substr(type_end))) {
            const std::size_t open = one.find('<');
            const std::string base(one.substr(0, open));
            if (open == std::string_view::npos) {
                registers_[base] = {new_register(), width};
                continue;
            }
            int count = 0;
            std::from_chars(one.data() + open + 1, one.data() + one.size(), count);
            for (int k = 0; k < count; ++k) registers_[base + std::to_string(k)] = {new_register(), width};
        }
    }

    std::uint32_t constant(const Constant& value) {
        const auto [found, added] = constants_.try_emplace(value, 0);
        if (added) {
            found->second = new_register();
            function_.constants.emplace_back(found->second, value);
        }
        return found->second;
    }

    // The address of a name as a constant.
    std::uint32_t symbol(const std::string& name) {
        using enum Constant::Kind;
        for (const Parameter& p : function_.parameters)
            if (p.name == name) return constant({parameter, p.offset});
        for (const Parameter& p : function_.results)
            if (p.name == name) return constant({result, p.offset});
        if (const auto at = call_parameters_.find(name); at != call_parameters_.end())
            return constant({call_parameter, at->second});
        if (const auto at = locals_.find(name); at != locals_.end()) return constant({local, at->second});
        if (module_.shared.contains(name)) {
            function_.shared.insert(name);
            return constant({shared, 0, name});
        }
        if (module_.globals.contains(name)) return constant({global, 0, name});
        cannot("find " + name + ", which " + function_.name + " uses");
    }

    std::uint32_t operand(std::string_view text) {
        const std::string name(trimmed(text));
        if (const auto found = registers_.find(name); found != registers_.end()) return found->second.number;
        if (name == "_") return new_register();
        if (name.empty()) cannot("read an operand in " + function_.name);
        if (name[0] == '%') {
            const auto* const found = std::ranges::find(special_registers, name);
            if (found == std::end(special_registers)) cannot("know the register " + name);
            return constant(
                {Constant::Kind::special, static_cast<std::uint64_t>(found - std::begin(special_registers))});
        }
        const bool bits = name.size() > 2 && name[0] == '0' &&
                          std::string_view("fFdD").find(name[1]) != std::string_view::npos;
        if (bits) return constant({Constant::Kind::number, std::stoull(name.substr(2), nullptr, 16)});
        if (name[0] == '-')
            return constant(
                {Constant::Kind::number, static_cast<std::uint64_t>(std::stoll(name, nullptr, 0))});
        if (std::isdigit(static_cast<unsigned char>(name[0])))
            return constant({Constant::Kind::number, std::stoull(name, nullptr, 0)});
        return symbol(name);
    }

    // "[%rd1+-8]"
    void address(std::string_view text, Instruction& instruction) {
        text = trimmed(text);
        text = text.substr(1, text.size() - 2);
        const std::size_t plus = text.find('+');
        instruction.offset =
            plus == std::string_view::npos ? 0 : std::stoll(std::string(text.substr(plus + 1)), nullptr, 0);
        instruction.from[0] = operand(text.substr(0, plus));
    }

    // "{%f1, %f2}", "%r1|%p1", "%f1"
    static std::vector<std::string_view> group(std::string_view text) {
        return text[0] == '{' ? parts(text.substr(1, text.size() - 2)) : parts(text, '|');
    }

    std::uint8_t width_of(std::string_view name) const {
        const auto found = registers_.find(std::string(name));
        return found == registers_.end() ? 64 : found->second.width;
    }

    // Statements
    // -----------------------------------------------------------------------------

    static std::uint32_t take(std::uint32_t& used, std::uint32_t bytes) {
        const std::uint32_t at = Function::rounded(used);
        used = at + bytes;
        return at;
    }

    void statement(std::string_view text) {
        if (text.empty() || text.starts_with(".pragma")) return;
        if (text.starts_with(".reg")) return declare_registers(text);
        if (text.starts_with(".shared")) {
            const Declaration d = declaration(text);
            module_.shared[d.name] = {d.bytes, d.alignment, false};
        } else if (text.starts_with(".local")) {
            const Declaration d = declaration(text);
            locals_[d.name] = take(function_.local_bytes, d.bytes);
        } else if (text.starts_with(".param")) {
            const Declaration d = declaration(text);
            call_parameters_[d.name] = take(function_.call_parameter_bytes, d.bytes);
        } else {
            instruction(text);
        }
    }

    void instruction(std::string_view text) {
        Instruction& added = add(Kind::compute, text);
        if (text[0] == '@') {
            const std::size_t blank = text.find_first_of(" \t");
            added.unless = text[1] == '!';
            const std::size_t first = added.unless ? 2 : 1;
            added.predicate = static_cast<int>(operand(text.substr(first, blank - first)));
            text = trimmed(text.substr(blank));
        }
        const std::size_t blank = std::min(text.find_first_of(" \t\n"), text.size());
        const std::string opcode(text.substr(0, blank));
        const std::string_view rest = trimmed(text.substr(blank));
        const std::vector<std::string_view> names = parts(opcode, '.'), operands = parts(rest);
        const std::string_view verb = names[0];
        if (verb == "bra") {
            added.kind = Kind::branch;
            jumps_.emplace_back(static_cast<std::uint32_t>(function_.code.size() - 1), rest);
        } else if (verb == "ret" || verb == "exit") {
            added.kind = Kind::end;
        } else if (opcode == "bar.sync" || opcode == "barrier.sync") {
            if (rest != "0") cannot("do a barrier of some threads: " + std::string(text));
            added.kind = Kind::barrier;
        } else if (opcode == "griddepcontrol.wait") {
            added.kind = Kind::wait_for_earlier;
        } else if (opcode == "griddepcontrol.launch_dependents") {
            function_.code.pop_back();  // launches behind this one begin when it has ended
        } else if (verb == "call") {
            call(added, operands);
        } else if (verb == "ld" || verb == "st") {
            access(added, opcode, names, operands);
        } else if (opcode == "atom.global.cas.b64" || opcode == "atom.global.cas.b32") {
            added.kind = Kind::swap_if_equal;
            added.element = static_cast<std::uint8_t>(type_bytes(names.back()));
            added.to[0] = operand(operands[0]);
            address(operands[1], added);
            added.from[1] = operand(operands[2]);
            added.from[2] = operand(operands[3]);
        } else if (opcode == "shfl.sync.bfly.b32") {
            added.kind = Kind::exchange;
            const auto to = group(operands[0]);
            added.to[0] = operand(to[0]);
            added.to[1] = to.size() > 1 ? operand(to[1]) : new_register();
            for (int k = 0; k < 4; ++k) added.from[k] = operand(operands[static_cast<std::size_t>(k) + 1]);
        } else if (verb == "mov" && (operands[0][0] == '{' || operands[1][0] == '{')) {
            repack(added, std::string(names.back()), operands);
        } else {
            added.operation = find_operation(opcode);
            if (!added.operation || operands.size() > 1 + std::size(added.from))
                cannot("do the opcode " + opcode + ": " + std::string(text));
            added.to[0] = operand(operands[0]);
            added.width = width_of(operands[0]);
            for (std::size_t k = 1; k < operands.size(); ++k) added.from[k - 1] = operand(operands[k]);
        }
    }

    void access(Instruction& added, const std::string& opcode, const std::vector<std::string_view>& names,
                const std::vector<std::string_view>& operands) {
        const bool load = names[0] == "ld";
        const std::string_view space = names[1], type = names.back();
        added.kind = load ? Kind::load : Kind::store;
        if (space == "global")
            added.space = Space::device;
        else if (space == "shared")
            added.space = Space::shared;
        else if (space == type || space == "v2" || space == "v4")
            added.space = Space::generic;
        else if (space != "local" && space != "param")
            cannot("access memory by " + opcode);
        const auto values = group(operands[load ? 0 : 1]);
        added.element = static_cast<std::uint8_t>(type_bytes(type));
        added.elements = static_cast<std::uint8_t>(values.size());
        added.extend_sign = type[0] == 's';
        for (std::size_t k = 0; k < values.size(); ++k)
            (load ? added.to[k] : added.from[k + 1]) = operand(values[k]);
        if (load) added.width = width_of(values[0]);
        address(operands[load ? 1 : 0], added);
    }

    void repack(Instruction& added, const std::string& type, const std::vector<std::string_view>& operands) {
        const bool apart = operands[0][0] == '{';
        const auto values = group(operands[apart ? 0 : 1]);
        for (std::size_t k = 0; k < values.size(); ++k)
            (apart ? added.to[k] : added.from[k]) = operand(values[k]);
        (apart ? added.from[0] : added.to[0]) = operand(operands[apart ? 1 : 0]);
        const std::string name = (apart ? "unpack." : "pack.") + std::to_string(values.size()) + "." + type;
        added.operation = find_operation(name);
        if (!added.operation) cannot("do " + name);
    }

    // "(result), function, (arguments)"
    void call(Instruction& added, const std::vector<std::string_view>& operands) {
        added.kind = Kind::call;
        const auto list = [this](std::string_view text) {
            std::vector<std::uint32_t> places;
            for (const std::string_view one : parts(text.substr(1, text.size() - 2)))
                places.push_back(call_parameters_.at(std::string(one)));
            return places;
        };
        Detail& detail = *detail_;
        std::size_t next = 0;
        if (operands[next][0] == '(') detail.results = list(operands[next++]);
        const std::string name(operands[next++]);
        if (next < operands.size()) detail.arguments = list(operands[next]);
        const auto callee = module_.functions.find(name);
        if (callee == module_.functions.end()) cannot("find the function " + name);
        detail.callee = callee->second.get();
        assemble(*callee->second);
        function_.shared.insert(callee->second->shared.begin(), callee->second->shared.end());
    }

    struct Register {
        std::uint32_t number = 0;
        std::uint8_t width = 64;
    };

    Function& function_;
    Module& module_;
    Detail* detail_ = nullptr;  // of the last instruction
    std::map<std::string, Register> registers_;
    std::map<Constant, std::uint32_t> constants_;
    std::map<std::string, std::uint32_t> labels_, locals_, call_parameters_;
    std::vector<std::pair<std::uint32_t, std::string>> jumps_;
    int file_ = 0, line_ = 0;
};

// Arrays lie apart, so that one is not reached from another; at offset 0 there is none.
void lay_out_shared(Function& function) {
    constexpr std::uint32_t gap = 64;
    std::uint32_t used = 2 * gap;
    std::string dynamic;
    for (const std::string& name : function.shared) {
        const SharedArray& array = function.module->shared.at(name);
        if (array.dynamic) {
            dynamic = name;
            continue;
        }
        used = (used + array.alignment - 1) / array.alignment * array.alignment;
        function.shared_offsets[name] = used;
        used += array.bytes + gap;
    }
    function.shared_bytes = Function::rounded(used);
    if (!dynamic.empty()) function.shared_offsets[dynamic] = function.shared_bytes;
}

}  // namespace

void assemble(Function& function) {
    if (function.assembled) return;
    function.assembled = true;
    Assembler(function).run();
    if (function.kernel) lay_out_shared(function);
}

}  // namespace adjoint::ptx
