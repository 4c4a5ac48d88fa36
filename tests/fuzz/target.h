// A parser of bytes from outside as a target of fuzzing: it reads the bytes or refuses them with an error of
// the library, and what it reads holds what its header promises.
//
// The targets stand in the files of their topics; targets.cpp puts them together. libfuzzer/main.cpp feeds
// them without end, fuzz_test.cpp with a few thousand mutations in every run of the tests.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/data/safetensors.h>

#include "temporary_folder.h"

namespace adjoint::fuzz {

struct Target {
    std::string name = {};
    /// Gives the bytes to the parser. An adjoint::Error refuses them; any other exception is a finding.
    std::function<void(const std::string&)> read = {};
    std::vector<std::string> seeds = {};  ///< bytes that are read
    /// Makes right the checksums that a mutation made wrong; not every time, so that wrong ones come too.
    std::function<void(std::string&)> repair = {};
    std::size_t longest = 4096;  ///< bytes, for libFuzzer
};

/// All targets, made at the first call.
const std::vector<Target>& targets();
/// Whether the target reads the bytes; false if it refuses them.
bool reads(const Target& target, const std::string& bytes);

// For the targets
// -----------------------------------------------------------------------------

std::vector<Target> array_targets();
std::vector<Target> descriptor_targets();
std::vector<Target> image_targets();
std::vector<Target> model_targets();
std::vector<Target> onnx_targets();
std::vector<Target> table_targets();

/// The files that parsers read: in memory where the system has a folder for that, or in $TMPDIR if it is set.
const TemporaryFolder& place();
/// What a file of `place` holds.
std::string content_of(const std::string& name);

/// What a parser promised and did not keep. It is none of the library's errors,
/// so that nobody takes it for a refusal.
class Finding : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};
inline void expect(bool holds, const char* what) {
    if (!holds) throw Finding(what);
}

bool same_bits(const Tensor& a, const Tensor& b);
bool same_bits(const data::NamedTensors& a, const data::NamedTensors& b);

}  // namespace adjoint::fuzz
