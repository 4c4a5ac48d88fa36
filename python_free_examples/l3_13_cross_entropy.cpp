// Lecture L3.13: cross entropy by hand. Of a one-hot target only the probability of the right class counts:
// -ln 0.6 is 0.511. Two nets that are right as often differ in it, and scores give the same by softmax and
// in one function.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

using Row = std::vector<double>;

std::string text_of(const Row& row) {
    std::string text;
    for (const double p : row) text += (text.empty() ? "" : " ") + picture::label(p);
    return text;
}

// One row for each sample: what a net says, what is right, and the terms of the sum.
void table(const char* name, const std::vector<Row>& said, const std::vector<int>& right) {
    say("\n%s\n  probabilities   target  cross entropy        squared error  right?\n", tr(name));
    double entropy = 0, squares = 0;
    int hits = 0;
    for (std::size_t i = 0; i < said.size(); ++i) {
        const Tensor p = tensor(said[i], {1, 3}), t = one_hot(tensor({double(right[i])}, i64), 3).to(f64);
        const double of_one = neg(sum(t * log(p))).item(), square_sum = sum(square(p - t)).item();
        const bool hit = argmax(p, 1).item<int>() == right[i];
        std::printf("  %-14s  %-6s  -ln %-4s = %.3f       %.2f           %s\n", text_of(said[i]).c_str(),
                    text_of(t.to_vector<double>()).c_str(),
                    picture::label(said[i][static_cast<std::size_t>(right[i])]).c_str(), of_one, square_sum,
                    tr(hit ? "yes" : "no"));
        entropy += of_one;
        squares += square_sum;
        hits += hit;
    }
    const auto n = static_cast<double>(said.size());
    say("  mean cross entropy %.3f, mean squared error %.3f, accuracy %d of %d\n", entropy / n, squares / n,
        hits, static_cast<int>(n));
}

void one_number() {
    say("probability of the right class  ");
    const Row p{0.01, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.99, 1};
    for (const double at : p) std::printf("%7s", picture::label(at).c_str());
    say("\ncross entropy                   ");
    for (const double at : p) std::printf("%7.3f", std::abs(std::log(at)));
    std::printf("\n");
}

void from_scores() {
    const Tensor scores = tensor({{2, 1, 0.1}, {0.5, 2.5, 0}}).to(f64), labels = tensor({0, 1}, i64);
    const Tensor p = softmax(scores, 1);
    const double by_hand = mean(neg(log(gather(p, 1, unsqueeze(labels, 1))))).item(),
                 at_once = cross_entropy(scores, labels).item();
    const Row first = select(p, 0, 0).to_vector<double>();
    say("\nscores 2 1 0.1: softmax %.3f %.3f %.3f, -ln %.3f = %.3f\n", first[0], first[1], first[2], first[0],
        -std::log(first[0]));
    say("two samples: by softmax and logarithm %.6f, cross_entropy of the scores %.6f: %s\n", by_hand,
        at_once, std::abs(by_hand - at_once) < 1e-12 ? tr("equal") : tr("NOT equal"));
    const Tensor far = tensor({{1000, 0, 0}}).to(f64), wrong = tensor({1}, i64);
    say("scores 1000 0 0 of class 1: by softmax and logarithm %g, cross_entropy of the scores %g\n",
        neg(log(softmax(far, 1)(0, 1))).item(), cross_entropy(far, wrong).item());
}

void draw(const LectureOptions& options) {
    Row p, entropy, squared;
    for (double at = 0.01; at < 1.001; at += 0.01) {
        p.push_back(at);
        entropy.push_back(std::abs(std::log(at)));
        squared.push_back((1 - at) * (1 - at));
    }
    picture::Chart({.title = tr("What a sample costs"),
                    .x = {.label = tr("probability of the right class")},
                    .y = {.label = tr("loss")}})
        .line(tr("cross entropy, -ln p"), p, entropy)
        .line("(1 - p)^2", p, squared)
        .scatter("-ln 0.6 = 0.511", {0.6}, {-std::log(0.6)}, 6)
        .save(options.picture("l3_13_cross_entropy.svg"));
}

void lecture(const LectureOptions& options) {
    one_number();
    const std::vector<int> right{2, 1, 0};
    table("a net that is barely right", {{0.3, 0.3, 0.4}, {0.3, 0.4, 0.3}, {0.1, 0.2, 0.7}}, right);
    table("a net that is sure where it is right", {{0.1, 0.3, 0.6}, {0.1, 0.7, 0.2}, {0.3, 0.4, 0.3}}, right);
    from_scores();
    draw(options);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Cross entropy in worked tables.", lecture,
                       {.files = "l3_13_cross_entropy.svg", .quick = false, .seed = false});
}
