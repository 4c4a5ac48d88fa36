// What a program says that imports the library.
import adjoint;

int main() {
    using namespace adjoint;
    const Tensor x = tensor({1, 2, 3}, {.requires_grad = true});
    sum(x * x).backward();
    const bool right = all(eq(x.grad(), tensor({2, 4, 6}))).item<bool>();
    const nn::Linear layer(3, 2);
    optim::SGD optimizer(layer.parameters(), {.lr = 0.1});
    mse_loss(layer(x), zeros({2})).backward();
    optimizer.step();
    return right && layer(x).numel() == 2 ? 0 : 1;
}
