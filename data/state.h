// States side by side in one file: a model's, a vocabulary's, those of what prepares a table.
//
//     data::save_safetensors("model.safetensors", data::joined({{"model.", model.state()},
//                                                               {"text.", vocabulary.state()}}));
//     const data::NamedTensors file = data::load_safetensors("model.safetensors").tensors;
//     model.load(data::under(file, "model."));
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <adjoint/data/safetensors.h>

namespace adjoint::data {

/// The tensors of all states, each with its prefix in front of its name.
ADJOINT_API NamedTensors joined(const std::vector<std::pair<std::string, NamedTensors>>& states);

/// The tensors whose names begin with the prefix, without it.
/// errors: ValueError naming the prefixes that there are, if there is none.
ADJOINT_API NamedTensors under(const NamedTensors& tensors, std::string_view prefix);

}  // namespace adjoint::data
