// The usual mistakes, each as the code that makes it: what the library says of them is docs/errors.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {

/// Thrown by what notes something else than an error or a warning.
struct Told {
    std::string text;
};

struct Mistake {
    const char* what;
    std::string code;
    std::function<void()> make;
};
struct Topic {
    const char* title;
    std::vector<Mistake> mistakes;
};

// What the page shows is what runs.
#define ADJOINT_MISTAKE(what, ...)              \
    {                                           \
        what, #__VA_ARGS__, [] { __VA_ARGS__; } \
    }

Topic mistakes_of_shapes();
Topic mistakes_of_types();
Topic mistakes_of_losses();
Topic mistakes_of_gradients();
Topic mistakes_of_training();
Topic mistakes_of_data();
Topic mistakes_of_files();

}  // namespace adjoint
