// Lecture L4.8: an activation goes element by element over a matrix: max(0, x) and tanh of one matrix, as
// the slides print them. The slides' max(0, x) has a 4 where the matrix has a 1; an element of max(0, x) is
// the element or 0.
#include <adjoint/adjoint.h>

#include <iostream>

#include "command_line.h"

using namespace adjoint;

namespace {

// Where an element is neither that of the matrix nor 0.
void check_slides(const Tensor& x, const Tensor& printed) {
    const Tensor wrong = nonzero(ne(printed, relu(x)));
    for (std::int64_t i = 0; i < wrong.size(0); ++i) {
        const auto row = wrong(i, 0).item<std::int64_t>(), column = wrong(i, 1).item<std::int64_t>();
        say("row %d, column %d: printed %g, but max(0, %g) = %g\n", static_cast<int>(row),
            static_cast<int>(column), printed(row, column).item(), x(row, column).item(),
            relu(x)(row, column).item());
    }
}

void run() {
    // A matrix like the slides'; what they say of it has their slip in the same place.
    const Tensor x = tensor({{1, -2}, {-3, 4}}), printed = tensor({{4, 0}, {0, 4}});
    std::cout << "x =\n" << x << "\n\nmax(0, x) =\n" << relu(x) << "\n\ntanh(x) =\n" << tanh(x) << "\n\n";
    std::cout << tr("max(0, x) with the slides' slip =\n") << printed << "\n";
    check_slides(x, printed);
    std::cout << tr("maximum(x, 0) is the same: ") << std::boolalpha
              << equal(maximum(x, zeros_like(x)), relu(x)) << "\n";
}

}  // namespace

int main(int argc, char** argv) {
    return run_program(argc, argv, {"max(0, x) and tanh of one matrix, element by element."}, {}, run);
}
