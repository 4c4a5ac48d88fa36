// The program that each way of using the package builds and runs: y = sum(x * x), whose gradient is 2 x, by
// functions of the library and by one of its own, which takes more of the library's names.
#include <adjoint/adjoint.h>

#include <iostream>
#include <vector>

struct OwnSquare : adjoint::Function {
    static constexpr auto name = "own_square";
    adjoint::Saved x;
    adjoint::Tensor forward(const adjoint::Tensor& input) {
        x = input;
        return input * input;
    }
    adjoint::Grads backward(const adjoint::Tensor& g) { return {g * 2.0 * x.get()}; }
};

int main() {
    const adjoint::Tensor x = adjoint::tensor({1, 2, 3}, {.requires_grad = true});
    adjoint::sum(x * x).backward();
    std::cout << "adjoint " << adjoint::version << ": " << x.grad().to_string() << '\n';
    const adjoint::Tensor z = adjoint::tensor({1, 2, 3}, {.requires_grad = true});
    adjoint::sum(adjoint::record(OwnSquare{}, z)).backward();
    const std::vector<double> expected{2, 4, 6};
    return x.grad().to_vector<double>() == expected && z.grad().to_vector<double>() == expected ? 0 : 1;
}
