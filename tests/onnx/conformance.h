// The conformance cases of ONNX: a model, inputs, and what it has to give.
#pragma once

#include <string>
#include <vector>

namespace adjoint::onnx {

enum class Outcome { passed, refused, failed };

struct CaseResult {
    std::string group, name;  // the folder, and the case without "test_"
    Outcome outcome;
    std::string reason;  // of what did not pass
};

/// Runs every case below `folder`; those of a group lie in a folder of its own.
std::vector<CaseResult> run_cases(const std::string& folder);

/// How many passed, and were refused and failed for which reasons.
std::string conformance_summary(const std::vector<CaseResult>& results);

/// The results as a page shows them.
std::string conformance_table(const std::vector<CaseResult>& results);

}  // namespace adjoint::onnx
