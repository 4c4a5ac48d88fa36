// Modules as text.
#include <cxxabi.h>

#include <cstdlib>

#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

void print_below(std::string& out, const ModuleState& state, const std::string& kind, std::size_t indent) {
    out += kind + "(" + state.options;
    if (!state.children.empty()) {
        out += "\n";
        for (const ModuleState::Child& child : state.children) {
            out += std::string(indent + 2, ' ') + "(" + child.name + "): ";
            print_below(out, *child.state, child.state->kind, indent + 2);
            out += "\n";
        }
        out += std::string(indent, ' ');
    }
    out += ")";
}

}  // namespace

std::string print_tree(const ModuleState& state, const std::string& kind) {
    std::string out;
    print_below(out, state, kind, 0);
    return out;
}

std::string class_name(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    std::string name = text ? text.get() : type.name();
    name = name.substr(0, name.find('<'));
    const std::size_t scope = name.rfind(':');
    return scope == std::string::npos ? name : name.substr(scope + 1);
}

}  // namespace adjoint::nn
