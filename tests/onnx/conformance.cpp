// Running conformance cases in this process.
#include "conformance.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include <adjoint/adjoint.h>
#include <adjoint/data/file.h>
#include <adjoint/onnx.h>

namespace adjoint::onnx {

namespace {

namespace fs = std::filesystem;

void put_length(std::string& bytes, std::size_t length) {
    for (; length >= 128; length /= 128) bytes += static_cast<char>(length % 128 + 128);
    bytes += static_cast<char>(length);
}

/// A message of one field that holds `content`.
std::string field_of(char number, const std::string& content) {
    std::string bytes{static_cast<char>(number << 3 | 2)};
    put_length(bytes, content.size());
    return bytes + content;
}

/// The tensor in a file of its own, read as the only one of a model.
TensorValue read_value(const std::string& path) {
    const auto bytes = data::read_file(path);
    const std::string model =
        field_of(7, field_of(5, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    return read(std::as_bytes(std::span(model)), path).graph.initializers.at(0);
}

struct Tolerance {
    double relative, absolute;
};

// As the runner of the cases compares them. These files cut where others round to bf16: one unit in the
// last place is left to that.
Tolerance tolerance_of(const std::string& name, DType type) {
    const bool is_bf16 = type == DType::bf16;
    Tolerance usual{is_bf16 ? 1.0 / 128 : 1e-3, 1e-7};
    // The scores of an attention are rounded in between, so that it is two units.
    if (name.starts_with("attention_") && size_of(type) == 2) usual.relative = is_bf16 ? 1.0 / 64 : 1.0 / 512;
    // What should be 0 is what is left of numbers of up to 100.
    if (name.starts_with("dft_inverse")) usual.absolute = 2e-7;
    return usual;
}

std::string difference(const std::string& name, const Tensor& ours, const Tensor& theirs) {
    std::ostringstream out;
    if (ours.shape() != theirs.shape()) {
        out << "shape " << to_string(ours.shape()) << ", expected " << to_string(theirs.shape());
        return out.str();
    }
    if (ours.dtype() != theirs.dtype()) {
        out << "type " << adjoint::name(ours.dtype()) << ", expected " << adjoint::name(theirs.dtype());
        return out.str();
    }
    const auto a = ours.to_vector<double>(), b = theirs.to_vector<double>();
    const auto [rtol, atol] = tolerance_of(name, theirs.dtype());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const bool equal = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
        if (equal || std::abs(a[i] - b[i]) <= atol + rtol * std::abs(b[i])) continue;
        out << a[i] << " at " << i << ", expected " << b[i];
        return out.str();
    }
    return "";
}

/// What numpy drew for these cases no other generator gives; shapes and types are compared.
bool is_random(const std::string& name) {
    if (name.find("zero_ratio") != std::string::npos) return false;
    for (const char* part : {"bernoulli", "training_dropout", "dropout_random"})
        if (name.find(part) != std::string::npos) return true;
    return false;
}

/// The value of an input or output. That of bf16 is in some files the bits, as uint16.
Tensor read_tensor(const ValueInfo& info, const fs::path& path) {
    TensorValue value = read_value(path);
    if (info.type.element == ElementType::bf16) value.type = ElementType::bf16;
    return to_tensor(value);
}

/// "" for a case that passes.
std::string run_set(const Network& network, const fs::path& set, const std::string& name) {
    const bool random = is_random(name);
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < network.inputs().size(); ++i)
        inputs.push_back(read_tensor(network.inputs()[i], set / ("input_" + std::to_string(i) + ".pb")));
    const NoGrad guard;
    const std::vector<Tensor> outputs = network(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const Tensor expected =
            read_tensor(network.outputs()[i], set / ("output_" + std::to_string(i) + ".pb"));
        Tensor ours = outputs[i];
        if (random && ours.shape() == expected.shape() && ours.dtype() == expected.dtype()) ours = expected;
        const std::string wrong = difference(name, ours, expected);
        if (!wrong.empty()) return network.outputs()[i].name + ": " + wrong;
    }
    return "";
}

CaseResult run_case(const fs::path& folder) {
    CaseResult result{
        folder.parent_path().filename(), folder.filename().string().substr(5), Outcome::passed, {}};
    try {
        Model model = read(folder / "model.onnx");
        // The inputs of some cases do not have the shape that the model declares.
        if (result.name.starts_with("castlike"))
            for (ValueInfo& info : model.graph.inputs) info.type.shape.reset();
        const Network network(model);
        for (const auto& entry : fs::directory_iterator(folder)) {
            if (!entry.is_directory()) continue;
            const std::string wrong = run_set(network, entry.path(), result.name);
            if (!wrong.empty()) result.outcome = Outcome::failed, result.reason = wrong;
        }
    } catch (const UnsupportedError& error) {
        result.outcome = Outcome::refused;
        for (const std::string& reason : error.reasons()) {
            // Without the names of nodes.
            result.reason += (result.reason.empty() ? "" : "; ") + reason.substr(0, reason.find(": \""));
        }
    } catch (const std::exception& error) {
        result.outcome = Outcome::failed;
        result.reason = error.what();
    }
    return result;
}

}  // namespace

std::vector<CaseResult> run_cases(const std::string& folder) {
    std::set<fs::path> cases;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.path().filename() == "model.onnx") cases.insert(entry.path().parent_path());
    std::vector<CaseResult> results;
    for (const fs::path& path : cases) results.push_back(run_case(path));
    return results;
}

std::string conformance_summary(const std::vector<CaseResult>& results) {
    std::map<std::string, std::size_t> refused;
    std::size_t counts[3] = {};
    for (const CaseResult& result : results) {
        ++counts[static_cast<std::size_t>(result.outcome)];
        // Whatever else a case of a newer version asks for.
        const bool newer = result.reason.find("is the newest supported") != std::string::npos;
        if (result.outcome == Outcome::refused)
            ++refused[newer ? "newer versions of the operators" : result.reason];
    }
    std::ostringstream out;
    out << counts[0] << " passed, " << counts[1] << " refused by name, " << counts[2] << " failed\n";
    for (const auto& [reason, count] : refused) out << "  refused " << count << ": " << reason << "\n";
    return out.str();
}

std::string conformance_table(const std::vector<CaseResult>& results) {
    struct Group {
        std::size_t counts[3] = {};
        std::string passed;
    };
    std::map<std::string, Group> groups;
    std::map<std::string, std::string> refused;
    std::string failed;
    for (const CaseResult& result : results) {
        Group& group = groups[result.group];
        ++group.counts[static_cast<std::size_t>(result.outcome)];
        if (result.outcome == Outcome::passed) group.passed += " " + result.name;
        if (result.outcome == Outcome::refused) refused[result.reason] += " " + result.name;
        if (result.outcome == Outcome::failed) failed += "- " + result.name + ": " + result.reason + "\n";
    }
    std::ostringstream out;
    out << "| cases | passed | refused by name | failed |\n|---|---|---|---|\n";
    for (const auto& [name, group] : groups)
        out << "| " << name << " | " << group.counts[0] << " | " << group.counts[1] << " | "
            << group.counts[2] << " |\n";
    out << "\nRefused:\n\n";
    for (const auto& [reason, names] : refused) out << "- " << reason << ":" << names << "\n";
    out << "\nPassed:\n\n";
    for (const auto& [name, group] : groups) out << "- " << name << ":" << group.passed << "\n";
    if (!failed.empty()) out << "\nFailed:\n\n" << failed;
    return out.str();
}

}  // namespace adjoint::onnx
