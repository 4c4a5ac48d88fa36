// Checkpoints: all that a training needs to go on as if it had never been interrupted, in one file.
//
// fit writes them with the callback `checkpoint` and goes on from one with FitOptions::resume. A loop of
// one's own fills in and reads what it needs:
//
//     train::save_checkpoint("run.ckpt", {.model = model.state(),
//                                         .optimizer = optimizer.state(),
//                                         .generator = generator_state(),
//                                         .loader = loader.state()});
#pragma once

#include <map>
#include <string>
#include <vector>

#include <adjoint/core/contract/generator.h>
#include <adjoint/data/loader.h>
#include <adjoint/data/safetensors.h>
#include <adjoint/train/watch/history.h>

namespace adjoint::train {

/// What a run needs to go on.
struct Checkpoint {
    data::NamedTensors model = {}, optimizer = {};
    std::vector<data::NamedTensors> callbacks = {};  ///< of those that have a state, in their order
    data::NamedTensors epoch = {};                   ///< sums of the epoch under way
    data::NamedTensors run = {};                     ///< where fit stands, and what its options keep
    GeneratorState generator = {};
    data::LoaderState loader = {};
    History history = {};
    std::map<std::string, std::string> settings = {};  ///< what a resumed run must agree with
};

/// Writes a safetensors file with the tensors as "model.0.weight", "optimizer.0.exp_avg",
/// "callbacks.0.epoch" and so on. A reader finds the old file or the new one, never a part (atomic_write).
/// errors: IoError, the old file stays; ValueError for a name twice or not UTF-8.
ADJOINT_API void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Reads such a file.
/// errors: IoError for a file that is damaged or no checkpoint.
ADJOINT_API Checkpoint load_checkpoint(const std::string& path);

}  // namespace adjoint::train
