// Rules for the names of tensors, for models whose parts are called otherwise in a file.
//
//     model.load("theirs.pth", {.rename = {{"module.", ""}, {"layers.*.fc.bias", "blocks.*.linear.bias"}}});
#pragma once

#include <span>
#include <string>

#include <adjoint/core/base/export.h>

namespace adjoint::data {

/// What begins with `from` begins with `to` instead. With stars in `from` it is the whole name: each star
/// stands for one part between dots, and those in `to` for the same parts in order.
struct Rename {
    std::string from, to;
};

/// The name by the first rule that fits it, or as it is.
/// errors: ValueError for a rule whose `to` has more stars than its `from`.
ADJOINT_API std::string renamed(const std::string& name, std::span<const Rename> rules);

}  // namespace adjoint::data
