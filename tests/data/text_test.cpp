// Vocabularies, windows of a text, and states side by side in a file.
#include <adjoint/data/text.h>

#include <algorithm>
#include <numeric>
#include <span>

#include <adjoint/data/loader.h>
#include <adjoint/data/state.h>

#include "test_files.h"

namespace adjoint::data {
namespace {

using Numbers = std::vector<std::int64_t>;
using Symbols = std::vector<std::string>;

TEST(Vocabulary, CountsCharactersByFrequency) {
    const Vocabulary v = Vocabulary::fit("banana bé");
    EXPECT_EQ(v.symbols(), (Symbols{"a", "b", "n", " ", "é"}));
    const Tensor numbers = v.encode("bané");
    EXPECT_EQ(numbers.dtype(), DType::i64);
    EXPECT_EQ(numbers.to_vector<std::int64_t>(), (Numbers{1, 0, 2, 4}));
    EXPECT_EQ(v.decode(numbers), "bané");
    EXPECT_EQ(v.find("n"), 2);
    EXPECT_FALSE(v.find("x"));
    EXPECT_EQ(v.encode("").shape(), Shape{0});
    EXPECT_EQ(v.decode(v.encode("")), "");
}

TEST(Vocabulary, CutsCodePointsBytesAndWords) {
    const std::string text = "가 €😀\n가";
    const Vocabulary characters = Vocabulary::fit(text);
    EXPECT_EQ(characters.size(), 5);
    EXPECT_EQ(characters.encode(text).numel(), 6);
    EXPECT_EQ(characters.decode(characters.encode(text)), text);
    const Vocabulary bytes_of = Vocabulary::fit(text, {.unit = TextUnit::byte});
    EXPECT_EQ(bytes_of.encode(text).numel(), static_cast<std::int64_t>(text.size()));
    EXPECT_EQ(bytes_of.decode(bytes_of.encode(text)), text);
    const std::string any = bytes("\0\xff\0");
    EXPECT_EQ(Vocabulary::fit(any, {.unit = TextUnit::byte}).symbols(),
              (Symbols{std::string(1, '\0'), "\xff"}));
    const Vocabulary words = Vocabulary::fit("  the cat\n\tthe  dog ", {.unit = TextUnit::word});
    EXPECT_EQ(words.symbols(), (Symbols{"the", "cat", "dog"}));
    EXPECT_EQ(words.decode(words.encode("the dog\nthe cat")), "the dog the cat");
}

TEST(Vocabulary, LimitsWhatItKeeps) {
    EXPECT_EQ(Vocabulary::fit("aaabbc", {.min_count = 2}).symbols(), (Symbols{"a", "b"}));
    const Vocabulary v =
        Vocabulary::fit("aaabbc", {.limit = 3, .unknown = true, .unknown_text = "?", .padding = true});
    EXPECT_EQ(v.symbols(), (Symbols{"", "?", "a"}));
    EXPECT_EQ(v.padding(), 0);
    EXPECT_EQ(v.unknown(), 1);
    EXPECT_EQ(v.encode("abc").to_vector<std::int64_t>(), (Numbers{2, 1, 1}));
    EXPECT_EQ(v.decode(tensor<std::int64_t>({2, 0, 1, 0}, {4})), "a?");
    // What the text says of itself is no unknown symbol.
    EXPECT_EQ(Vocabulary::fit("<unk>x", {.unit = TextUnit::word, .unknown = true}).size(), 2);
}

TEST(Vocabulary, FillsShorterTextsUp) {
    const Vocabulary v = Vocabulary::of({"a", "b"}, {.padding = true});
    const Tensor rows = v.encode(Symbols{"ab", "", "bab"});
    EXPECT_EQ(rows.shape(), (Shape{3, 3}));
    EXPECT_EQ(rows.to_vector<std::int64_t>(), (Numbers{1, 2, 0, 0, 0, 0, 2, 1, 2}));
    expect_error<ValueError>(
        [] {
            Vocabulary::of({"a"}).encode(Symbols{"a", "aa"});
        },
        {"text 0 has 1", "longest 2", ".padding = true"});
    EXPECT_EQ(Vocabulary::of({"a"}).encode(Symbols{"aa", "aa"}).shape(), (Shape{2, 2}));
}

TEST(Vocabulary, RefusesWhatItDoesNotKnow) {
    const Vocabulary v = Vocabulary::fit("abc");
    expect_error<ValueError>([&] { v.encode("abxc"); }, {"\"x\"", "symbol 2", "3 symbols", ".unknown"});
    expect_error<IndexError>([&] { v.decode(tensor<std::int64_t>({0, 3}, {2})); }, {"no symbol 3"});
    EXPECT_THROW(v.decode(tensor<std::int64_t>({-1}, {1})), IndexError);
    EXPECT_THROW(v.decode(tensor({1})), DTypeError);
    EXPECT_THROW(v.decode(zeros({1, 1}, {.dtype = DType::i64})), ShapeError);
    EXPECT_THROW(Vocabulary::fit(""), ValueError);
    EXPECT_THROW(Vocabulary::fit("abc", {.min_count = 2}), ValueError);
    EXPECT_THROW(Vocabulary::fit("abc", {.min_count = 0}), ValueError);
    EXPECT_THROW(Vocabulary::fit("abc", {.limit = -1}), ValueError);
    EXPECT_THROW(Vocabulary::of({"a", "a"}), ValueError);
    EXPECT_THROW(Vocabulary::of({"ab"}), ValueError);
    EXPECT_THROW(Vocabulary::of({""}), ValueError);
    EXPECT_THROW(Vocabulary::of({"a b"}, {.unit = TextUnit::word}), ValueError);
    EXPECT_THROW(Vocabulary::of({"é"}, {.unit = TextUnit::byte}), ValueError);
}

TEST(Vocabulary, RefusesTextThatIsNotUtf8) {
    for (const char* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                            "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82"})
        expect_error<ValueError>([&] { Vocabulary::fit(std::string("ab") + bad); }, {"byte 2", "not UTF-8"});
    EXPECT_EQ(Vocabulary::fit("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80").size(), 3);
}

TEST(Vocabulary, IsSavedBesideAModelAndLoaded) {
    const TemporaryFolder folder;
    const std::string path = folder / "model.safetensors", text = "to be or not to be 가";
    for (const TextUnit unit : {TextUnit::character, TextUnit::byte, TextUnit::word}) {
        const Vocabulary saved = Vocabulary::fit(text, {.unit = unit, .unknown = true, .padding = true});
        save_safetensors(path, joined({{"model.", {{"weight", ones({2})}}}, {"text.", saved.state()}}));
        const NamedTensors file = load_safetensors(path).tensors;
        EXPECT_EQ(under(file, "model.").size(), 1u);
        const Vocabulary loaded = Vocabulary::load(under(file, "text."));
        EXPECT_EQ(loaded.symbols(), saved.symbols());
        EXPECT_EQ(loaded.unit(), unit);
        EXPECT_EQ(loaded.padding(), saved.padding());
        EXPECT_EQ(loaded.unknown(), saved.unknown());
        EXPECT_EQ(loaded.decode(loaded.encode(text)), text);
    }
    expect_error<ValueError>([&] { under(load_safetensors(path).tensors, "words."); },
                             {"words.", "model., text."});
}

TEST(Vocabulary, LoadsNothingElse) {
    const NamedTensors good = Vocabulary::fit("abc", {.padding = true}).state();
    const auto with = [&](const std::string& name, const Tensor& value) {
        NamedTensors state = good;
        for (auto& [own, tensor] : state)
            if (own == name) tensor = value;
        return state;
    };
    const auto integers = [](const Numbers& values) {
        return tensor(values, Shape{static_cast<std::int64_t>(values.size())});
    };
    EXPECT_NO_THROW(Vocabulary::load(good));
    expect_error<ValueError>([] { Vocabulary::load({}); }, {"Vocabulary::load", "unit is missing"});
    EXPECT_THROW(Vocabulary::load(with("unit", integers({3}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("unit", integers({-1}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("unit", tensor({0}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("special", integers({4, -1}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("special", integers({-2, -1}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("special", integers({0}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("symbols.ends", integers({0, 9}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("symbols.ends", integers({0, 2, 1}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("symbols.ends", integers({0, 1}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("symbols", tensor({1, 2, 3}))), ValueError);
    EXPECT_THROW(Vocabulary::load(with("symbols.ends", zeros({1, 4}, {.dtype = DType::i64}))), ValueError);
}

TEST(SequenceWindows, TargetsAreOnePlaceOn) {
    const Tensor text = arange(10);
    const SequenceWindows windows(text, {.length = 3});
    EXPECT_EQ(windows.size(), 3);
    const Batch batch = windows.get(Numbers{2, 0});
    EXPECT_EQ(batch.x.to_vector<std::int64_t>(), (Numbers{6, 7, 8, 0, 1, 2}));
    EXPECT_EQ(batch.y.to_vector<std::int64_t>(), (Numbers{7, 8, 9, 1, 2, 3}));
    EXPECT_EQ(batch.x.shape(), (Shape{2, 3}));
    const SequenceWindows all(text, {.length = 3, .stride = 1});
    EXPECT_EQ(all.size(), 7);
    EXPECT_EQ(all.get(Numbers{6}).y.to_vector<std::int64_t>(), (Numbers{7, 8, 9}));
    // What is left over at the end is no window.
    EXPECT_EQ(SequenceWindows(arange(9), {.length = 3}).size(), 2);
    EXPECT_EQ(SequenceWindows(arange(4), {.length = 3}).size(), 1);
    EXPECT_EQ(SequenceWindows(arange(5), {.length = 1, .stride = 3}).size(), 2);
}

TEST(SequenceWindows, ShareTheText) {
    const Tensor text = arange(6);
    const SequenceWindows windows(text, {.length = 2});
    text.mutable_data<std::int64_t>()[0] = 77;
    EXPECT_EQ(windows.get(Numbers{0}).x.to_vector<std::int64_t>(), (Numbers{77, 1}));
}

TEST(SequenceWindows, GoThroughALoader) {
    Loader loader(SequenceWindows(arange(101), {.length = 10}),
                  {.batch_size = 4, .shuffle = true, .seed = 3, .workers = 2});
    Numbers starts;
    for (const auto& [x, y] : loader) {
        const Numbers values = x.to_vector<std::int64_t>(), next = y.to_vector<std::int64_t>();
        for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i] + 1, next[i]);
        for (std::size_t i = 0; i < values.size(); i += 10) starts.push_back(values[i]);
    }
    std::sort(starts.begin(), starts.end());
    EXPECT_EQ(starts, (Numbers{0, 10, 20, 30, 40, 50, 60, 70, 80, 90}));
}

TEST(SequenceWindows, RefuseWhatIsNoText) {
    expect_error<ValueError>([] { SequenceWindows(arange(3), {.length = 3}); }, {"3 symbols", "window of 3"});
    EXPECT_THROW(SequenceWindows(arange(9), {.length = 0}), ValueError);
    EXPECT_THROW(SequenceWindows(arange(9), {.length = 2, .stride = -1}), ValueError);
    EXPECT_THROW(SequenceWindows(tensor({1, 2, 3}), {.length = 1}), DTypeError);
    EXPECT_THROW(SequenceWindows(zeros({3, 3}, {.dtype = DType::i64}), {.length = 1}), ShapeError);
    EXPECT_THROW(SequenceWindows(Tensor(), {.length = 1}), ValueError);
    const SequenceWindows windows(arange(9), {.length = 2});
    EXPECT_THROW(windows.get(Numbers{4}), IndexError);
    EXPECT_THROW(windows.get(Numbers{-1}), IndexError);
}

}  // namespace
}  // namespace adjoint::data
