// Checks of exercise 11: one batch, an epoch by the loader, the number of batches.
#include "../exercise.h"

using namespace adjoint;

data::Samples squares(std::int64_t n);
std::int64_t iterations(std::int64_t samples, std::int64_t batch_size);

int main() {
    return run_exercise([](Checks& check) {
        const data::Samples set = squares(10);
        check.equal("the number of samples", static_cast<double>(set.size()), 10);
        const std::vector<std::int64_t> numbers{5, 0, 2};
        const data::Batch batch = set.source()->get(numbers);
        check.equal("x of the samples 5, 0, 2", batch.x, unsqueeze(tensor({0.5, 0.0, 0.2}), 1));
        check.equal("y of the samples 5, 0, 2", batch.y, unsqueeze(tensor({0.25, 0.0, 0.04}), 1));

        data::Loader loader(set, {.batch_size = 4, .seed = 1});
        double sum_of_x = 0, batches = 0;
        for (const auto& [x, y] : loader) {
            sum_of_x += sum(x).item();
            ++batches;
        }
        check.equal("an epoch has each sample once", sum_of_x, 4.5);
        check.equal("in batches of 4 that is 3 of them", static_cast<double>(iterations(10, 4)), batches);
        check.equal("2000 samples in batches of 500", static_cast<double>(iterations(2000, 500)), 4);
    });
}
