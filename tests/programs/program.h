// Running a program as a user does.
#pragma once

#include <string>

#include "count.h"

namespace adjoint {

struct Outcome {
    int status = -1;   // -1: it was ended by a signal or could not be started
    std::string text;  // standard output and standard error together
};

/// "mnist --help": a program of python_free_examples/ with its arguments.
Outcome run(const std::string& command);

/// The number that follows the `nth` (from 0) occurrence of `key`; NaN if there is none.
double number_after(const std::string& text, const std::string& key, int nth = 0);

}  // namespace adjoint
