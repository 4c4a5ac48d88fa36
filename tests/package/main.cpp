// The program that each way of using the package builds and runs: y = sum(x * x), whose gradient is 2 x.
#include <adjoint/adjoint.h>

#include <iostream>
#include <vector>

int main() {
    const adjoint::Tensor x = adjoint::tensor({1, 2, 3}, {.requires_grad = true});
    adjoint::sum(x * x).backward();
    std::cout << "adjoint " << adjoint::version << ": " << x.grad().to_string() << '\n';
    return x.grad().to_vector<double>() == std::vector<double>{2, 4, 6} ? 0 : 1;
}
