// Mistakes of models, optimizers and training.
#include <cmath>

#include "mistakes.h"

namespace adjoint {
namespace {

data::Dataset eight_samples() {
    manual_seed(1);
    return {.inputs = rand({8, 4}), .targets = randint(0, 2, {8})};
}

struct Forgetful : nn::Module {
    const nn::Linear hidden = child("hidden", nn::Linear(4, 8));
    const nn::Linear out = nn::Linear(8, 2);  // not registered
    Tensor operator()(const Tensor& x) const { return out(relu(hidden(x))); }
};

// Says how the training ended.
void trained(const data::Dataset& set, double lr) {
    manual_seed(1);
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = lr});
    const train::History history =
        train::fit(model, cross_entropy, optimizer, set, {.epochs = 3, .batch_size = 4, .verbose = false});
    if (!history.end.empty()) throw Told{"History::end: " + history.end};
}

}  // namespace

Topic mistakes_of_training() {
    using nn::Linear, optim::SGD, optim::Adam;
    return {
        "Models and training",
        {
            ADJOINT_MISTAKE("a layer that is no child(): it is not trained", manual_seed(1); const Forgetful model;
                            SGD optimizer(model.parameters(), {.lr = 0.1});
                            train::fit(model, cross_entropy, optimizer, eight_samples(), {.verbose = false})),
            ADJOINT_MISTAKE("no zero_grad()", manual_seed(1); const Linear model(4, 2);
                            SGD optimizer(model.parameters(), {.lr = 0.1}); for (int step = 0; step < 5; ++step) {
                                sum(square(model(ones({8, 4})))).backward();
                                optimizer.step();
                            }),
            ADJOINT_MISTAKE("a prediction in training mode", const nn::Sequential model(Linear(4, 4), nn::Dropout(0.5));
                            const NoGrad guard; model(ones({8, 4}))),
            ADJOINT_MISTAKE("a negative learning rate", Adam(Linear(4, 2).parameters(), {.lr = -1e-3})),
            ADJOINT_MISTAKE("a beta that is a percentage", Adam(Linear(4, 2).parameters(), {.betas = {90, 0.999}})),
            ADJOINT_MISTAKE("an optimizer without parameters", Adam(std::vector<Tensor>{}, {})),
            ADJOINT_MISTAKE("a parameter given twice", const Tensor w = rand({3}).set_requires_grad();
                            SGD({w, w}, {.lr = 0.1})),
            ADJOINT_MISTAKE("a learning rate far too high", trained(eight_samples(), 1e39)),
            ADJOINT_MISTAKE("NaN in the data", data::Dataset set = eight_samples(); set.inputs(5, 2) = NAN; trained(set, 0.1)),
            ADJOINT_MISTAKE("inputs and targets of different numbers", data::Dataset set = eight_samples();
                            set.targets = zeros({9}, {.dtype = i64}); trained(set, 0.1)),
            ADJOINT_MISTAKE("a batch size of 0", data::Loader(eight_samples(), {.batch_size = 0})),
            ADJOINT_MISTAKE("everything held out", const Linear model(4, 2); SGD optimizer(model.parameters(), {.lr = 0.1});
                            train::fit(model, cross_entropy, optimizer, eight_samples(), {.validation_split = 1})),
            ADJOINT_MISTAKE("a schedule of a run without an end", const Linear model(4, 2);
                            Adam adam(model.parameters(), {}); optim::OneCycleLR(adam, {.max_lr = 0.1})),
            ADJOINT_MISTAKE("a probability above 1", nn::Dropout(50)),
            ADJOINT_MISTAKE("a child by a name that is taken",
                            struct Twice : nn::Module {
                                const Linear a = child("fc", Linear(4, 2));
                                const Linear b = child("fc", Linear(4, 2));
                            } const model),
        },
    };
}

}  // namespace adjoint
