// The kernels of some files of PTX, by name.
#include "machine.h"

#include "memory.h"

namespace adjoint::ptx {

Kernels::Kernels(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
        Module& module = *modules_.emplace_back(read_module(file));
        for (const auto& [name, function] : module.functions)
            if (function->kernel) kernels_.try_emplace(name, function.get());
        for (auto& [name, bytes] : module.globals)
            memory().add(bytes.data(), bytes.size(), reinterpret_cast<char*>(bytes.data()), true);
    }
}

const Function* Kernels::find(const std::string& symbol) const {
    const auto found = kernels_.find(symbol);
    if (found == kernels_.end()) return nullptr;
    assemble(*found->second);
    return found->second;
}

std::vector<std::string> Kernels::symbols() const {
    std::vector<std::string> all;
    for (const auto& [symbol, function] : kernels_) all.push_back(symbol);
    return all;
}

std::string Kernels::place(const Function& function, const Instruction& at) {
    const auto file = function.module->files.find(at.detail->file);
    const std::string path = file == function.module->files.end() ? function.name : file->second;
    return path.substr(path.rfind('/') + 1) + ":" + std::to_string(at.detail->line);
}

int Kernels::change(const std::string& name, const std::function<std::string(std::string)>& edit) {
    int changed = 0;
    for (auto& [symbol, function] : kernels_) {
        if (symbol.find(name) == std::string::npos) continue;
        std::string body = edit(function->body);
        if (body == function->body) continue;
        // As it was before it was assembled.
        Function anew;
        anew.name = function->name;
        anew.module = function->module;
        anew.kernel = true;
        anew.parameters = function->parameters;
        anew.parameter_bytes = function->parameter_bytes;
        anew.body = std::move(body);
        *function = std::move(anew);
        ++changed;
    }
    return changed;
}

}  // namespace adjoint::ptx
