// Divisions by a keyed shuffle: the same seed gives the same parts everywhere.
#include <adjoint/data/split.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/random.h>

namespace adjoint::data {
namespace {

using Numbers = std::vector<std::int64_t>;

// A round of the shuffle that no loader reaches with the same seed.
constexpr std::uint64_t split_epoch = std::numeric_limits<std::uint64_t>::max();

// All samples in the order in which they are dealt out.
Numbers arranged(std::int64_t n, const SplitOptions& options) {
    Numbers order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    if (!options.shuffle || n == 0) return order;
    const IndexShuffle shuffle(static_cast<std::uint64_t>(n), options.seed, split_epoch);
    for (std::int64_t& place : order)
        place = static_cast<std::int64_t>(shuffle(static_cast<std::uint64_t>(place)));
    return order;
}

// The same, cut by class, in the order of the class numbers.
std::map<std::int64_t, Numbers> by_class(const char* op, const Numbers& order, const Tensor& classes) {
    check<ShapeError>(classes.dim() == 1 && classes.numel() == static_cast<std::int64_t>(order.size()),
                      "{}: stratify has shape {}, expected one class number for each of {} samples", op,
                      classes.shape(), order.size());
    check<DTypeError>(!is_floating(classes.dtype()), "{}: stratify is {}, expected integers", op,
                      name(classes.dtype()));
    const Numbers of = classes.to(DType::i64).to_vector<std::int64_t>();
    std::map<std::int64_t, Numbers> members;
    for (const std::int64_t sample : order) members[of[static_cast<std::size_t>(sample)]].push_back(sample);
    return members;
}

// Which samples of [0, n) test, the others train.
Split divided(std::int64_t n, Numbers test) {
    std::sort(test.begin(), test.end());
    Split split;
    std::size_t next = 0;
    for (std::int64_t sample = 0; sample < n; ++sample)
        if (next < test.size() && test[next] == sample)
            ++next;
        else
            split.train.push_back(sample);
    split.test = std::move(test);
    return split;
}

// The last `count` of a list.
Numbers last(const Numbers& list, std::int64_t count) { return Numbers(list.end() - count, list.end()); }

// How many of each class test: its share, first rounded down; what is missing goes to the largest remainders.
std::map<std::int64_t, std::int64_t> shares(const std::map<std::int64_t, Numbers>& members, std::int64_t n,
                                            std::int64_t count) {
    std::map<std::int64_t, std::int64_t> shares;
    std::vector<std::pair<std::int64_t, std::int64_t>> remainders;  // negative, to sort them downwards
    std::int64_t missing = count;
    for (const auto& [label, samples] : members) {
        const std::int64_t product = static_cast<std::int64_t>(samples.size()) * count;
        missing -= shares[label] = product / n;
        remainders.emplace_back(-(product % n), label);
    }
    std::sort(remainders.begin(), remainders.end());
    for (std::size_t i = 0; i < static_cast<std::size_t>(missing); ++i) ++shares[remainders[i].second];
    return shares;
}

}  // namespace

Split train_test_split(std::int64_t n, double test_size, const SplitOptions& options) {
    check<ValueError>(test_size > 0 && test_size < 1,
                      "train_test_split: test_size {}, expected a fraction between 0 and 1", test_size);
    const std::int64_t count = std::llround(static_cast<double>(n) * test_size);
    check<ValueError>(count > 0 && count < n,
                      "train_test_split: {} of {} samples to test with leave a part empty", count, n);
    const Numbers order = arranged(n, options);
    if (!options.stratify.defined()) return divided(n, last(order, count));
    const auto members = by_class("train_test_split", order, options.stratify);
    Numbers test;
    for (const auto& [label, share] : shares(members, n, count)) {
        const Numbers part = last(members.at(label), share);
        test.insert(test.end(), part.begin(), part.end());
    }
    return divided(n, std::move(test));
}

TrainTest train_test_split(const Dataset& set, double test_size, const SplitOptions& options) {
    const Split split = train_test_split(set.size(), test_size, options);
    return {set.select(split.train), set.select(split.test)};
}

std::vector<Split> k_fold(std::int64_t n, std::int64_t k, const SplitOptions& options) {
    check<ValueError>(k >= 2 && k <= n, "k_fold: {} folds of {} samples, expected from 2 to that number", k,
                      n);
    std::vector<Numbers> tests(static_cast<std::size_t>(k));
    const Numbers order = arranged(n, options);
    if (options.stratify.defined()) {
        // Dealt out like cards, class after class.
        std::size_t turn = 0;
        for (const auto& [label, samples] : by_class("k_fold", order, options.stratify))
            for (const std::int64_t sample : samples) tests[turn++ % tests.size()].push_back(sample);
    } else {
        auto from = order.begin();
        for (std::int64_t fold = 0; fold < k; ++fold) {
            const auto to = from + n / k + (fold < n % k ? 1 : 0);
            tests[static_cast<std::size_t>(fold)].assign(from, to);
            from = to;
        }
    }
    std::vector<Split> folds;
    folds.reserve(tests.size());
    for (Numbers& test : tests) folds.push_back(divided(n, std::move(test)));
    return folds;
}

}  // namespace adjoint::data
