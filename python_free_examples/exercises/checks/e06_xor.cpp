// Checks of exercise 6: the hand-set net's outputs, one step by numbers, and that XOR is learnt.
#include "../exercise.h"

using namespace adjoint;

Tensor xor_outputs(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2);
Tensor xor_loss(const Tensor& y, const Tensor& t);
void xor_step(const Tensor& loss, std::vector<Tensor>& parameters, double rate);

int main() {
    return run_exercise([](Checks& check) {
        const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), t = unsqueeze(tensor({0, 1, 1, 0}), 1);
        // "at least one", "both", nothing; one without the other.
        check.equal("weights that are set by hand answer 0 1 1 0",
                    xor_outputs(x, tensor({{90, 90, 0}, {90, 90, 0}}), tensor({-45, -135, 0}),
                                unsqueeze(tensor({90, -90, 0}), 1), tensor({-45})),
                    t);
        check.equal("the loss of four halves is 1/2", xor_loss(full({4, 1}, 0.5), t), full({}, 0.5));

        std::vector<Tensor> one{tensor({3}, {.requires_grad = true})};
        for (int i = 0; i < 2; ++i) xor_step(sum(square(one[0])), one, 0.25);
        check.equal("two steps down x^2 at the rate 1/4, from 3 to 3/4", one[0].detach(), tensor({0.75}));

        std::vector<Tensor> p{tensor({{0.5, -0.7, 0.3}, {-0.4, 0.8, 0.2}}), tensor({0, 0.1, -0.1}),
                              unsqueeze(tensor({0.6, 0.9, -0.5}), 1), tensor({0.1})};
        for (Tensor& parameter : p) parameter.set_requires_grad();
        for (int epoch = 0; epoch < 5000; ++epoch)
            xor_step(xor_loss(xor_outputs(x, p[0], p[1], p[2], p[3]), t), p, 1);
        check.equal("after 5,000 steps the net answers like that, within 0.1",
                    xor_outputs(x, p[0], p[1], p[2], p[3]).detach(), t, 0.1);
    });
}
