// Rules for names: by prefix, by pattern, the first that fits.
#include <gtest/gtest.h>

#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/data/rename.h>

namespace adjoint::data {
namespace {

std::string by(const std::string& name, const std::vector<Rename>& rules) { return renamed(name, rules); }

TEST(Rename, ByPrefix) {
    EXPECT_EQ(by("module.fc.weight", {{"module.", ""}}), "fc.weight");
    EXPECT_EQ(by("fc.weight", {{"module.", ""}}), "fc.weight");
    EXPECT_EQ(by("a.w", {{"a.", "b."}, {"b.", "c."}}), "b.w");
    EXPECT_EQ(by("w", {{"", "net."}}), "net.w");
}

TEST(Rename, ByPattern) {
    const std::vector<Rename> rules{{"layers.*.attn.*", "blocks.*.attention.*"}};
    EXPECT_EQ(by("layers.12.attn.weight", rules), "blocks.12.attention.weight");
    EXPECT_EQ(by("layers.12.attn.q.weight", rules), "layers.12.attn.q.weight");  // a star is one part
    EXPECT_EQ(by("layers..attn.weight", rules), "layers..attn.weight");
    EXPECT_EQ(by("x.layers.1.attn.w", rules), "x.layers.1.attn.w");
    EXPECT_EQ(by("weight_ih_l0", {{"weight_*_l0", "*"}}), "ih");
    EXPECT_EQ(by("weight_ih_l1", {{"weight_*_l0", "*"}}), "weight_ih_l1");
    EXPECT_EQ(by("a.b", {{"*.b", "bs"}}), "bs");
}

TEST(Rename, ARuleWithMoreStarsThanItHasIsRefused) { EXPECT_THROW(by("a.b", {{"a.*", "*.*"}}), ValueError); }

}  // namespace
}  // namespace adjoint::data
