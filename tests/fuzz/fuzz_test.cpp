// Each target over its seeds and a few thousand mutations of them, the same ones in every run.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <span>

#include "packing.h"
#include "target.h"

namespace adjoint::fuzz {
namespace {

/// Changes that parsers are known to trip over: bits, numbers at borders, cuts, pieces of another file.
class Mutator {
  public:
    explicit Mutator(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    unsigned chance() { return static_cast<unsigned>(random_()); }

    void change(std::string& bytes, const std::string& other) {
        for (std::size_t count = 1 + below(3); count-- > 0;) change_once(bytes, other);
    }

  private:
    void change_once(std::string& bytes, const std::string& other) {
        const std::size_t at = below(bytes.size()), length = 1 + below(16);
        switch (below(7)) {
            case 0:
                if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
                break;
            case 1:
                put_border_number(bytes, at);
                break;
            case 2:
                bytes.resize(at);
                break;
            case 3:
                bytes.erase(at, length);
                break;
            case 4:
                bytes.insert(at, bytes.substr(below(bytes.size()), length));
                break;
            case 5:
                bytes = bytes.substr(0, at) + other.substr(std::min(other.size(), below(other.size())));
                break;
            default:
                if (!bytes.empty()) bytes[at] = "\0\1\x7f\xff\"\\,\n{[]}0-9e "[below(17)];
        }
    }

    void put_border_number(std::string& bytes, std::size_t at) {
        constexpr std::int64_t borders[] = {0,
                                            -1,
                                            std::numeric_limits<std::int16_t>::max(),
                                            std::numeric_limits<std::int32_t>::max(),
                                            std::numeric_limits<std::int32_t>::min(),
                                            std::int64_t{1} << 32,
                                            std::numeric_limits<std::int64_t>::max(),
                                            std::numeric_limits<std::int64_t>::min()};
        const std::int64_t value = borders[below(std::size(borders))];
        const std::size_t size = std::size_t{1} << below(4);
        if (at + size <= bytes.size()) std::memcpy(bytes.data() + at, &value, size);
    }

    std::mt19937 random_;
};

class Fuzz : public testing::TestWithParam<std::string> {
  protected:
    const Target& target() const {
        for (const Target& one : targets())
            if (one.name == GetParam()) return one;
        throw std::logic_error("no target " + GetParam());
    }
};

std::vector<std::string> target_names() {
    std::vector<std::string> names;
    for (const Target& one : targets()) names.push_back(one.name);
    return names;
}

TEST_P(Fuzz, SeedsAreRead) {
    // Of the conformance models some are refused, by name.
    std::size_t refused = 0;
    for (const std::string& seed : target().seeds) refused += !reads(target(), seed);
    EXPECT_LE(refused, GetParam() == "onnx" ? target().seeds.size() / 3 : 0U);
    EXPECT_FALSE(target().seeds.empty());
}

TEST_P(Fuzz, MutationsAreReadOrRefused) {
    constexpr int mutations = 2000;
    Mutator mutator(20);
    int refused = 0;
    for (int i = 0; i < mutations; ++i) {
        const auto& seeds = target().seeds;
        std::string bytes = seeds[static_cast<std::size_t>(i) % seeds.size()];
        const std::string& other = seeds[mutator.below(seeds.size())];
        mutate_with(bytes, target().repair, mutator.chance(),
                    [&](std::string& content) { mutator.change(content, other); });
        ASSERT_NO_THROW(refused += !reads(target(), bytes)) << "mutation " << i;
    }
    EXPECT_GT(refused, 0);
    EXPECT_LT(refused, mutations);
}

TEST(FuzzTargets, WhatIsNoErrorOfTheLibraryGoesThrough) {
    const Target broken{.name = "broken", .read = [](const std::string& bytes) {
                            expect(bytes.empty(), "a promise");
                            throw std::bad_alloc();
                        }};
    EXPECT_THROW(reads(broken, "x"), Finding);
    EXPECT_THROW(reads(broken, ""), std::bad_alloc);
}

INSTANTIATE_TEST_SUITE_P(, Fuzz, testing::ValuesIn(target_names()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace adjoint::fuzz
