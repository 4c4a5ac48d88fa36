// The C++ program that does what the playground does with its settings.
#pragma once

#include <string>

#include <adjoint/playground/settings.h>

namespace adjoint::playground {

/// A whole program for the library: draws the same points and weights, trains for so many epochs, and prints
/// the losses of each, to six digits behind the point, as a Session has them.
std::string program(const Settings& settings, int epochs);

}  // namespace adjoint::playground
