// Checks of exercise 13: losses that fall, rise, stand still, and rise only for a while.
#include "../exercise.h"

std::pair<int, int> stop_at(const std::vector<double>& losses, int patience);

int main() {
    return run_exercise([](Checks& check) {
        const auto ends = [&](const char* what, const std::vector<double>& losses, int patience, int last,
                              int best) {
            const auto [epoch, best_epoch] = stop_at(losses, patience);
            check.holds(what, epoch == last && best_epoch == best,
                        "ended at " + std::to_string(epoch) + ", best " + std::to_string(best_epoch));
        };
        ends("while it falls nothing ends", {5, 4, 3, 2, 1}, 1, 4, 4);
        ends("it ends when patience does", {3, 2, 4, 5, 6, 1}, 2, 3, 1);
        ends("what stands still has not fallen", {2, 2, 2, 2}, 2, 2, 0);
        ends("a new best one begins anew", {3, 2, 4, 1, 5, 6, 7}, 3, 6, 3);
    });
}
