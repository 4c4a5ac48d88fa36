// Cutting text into symbols, and the two ways between symbols and numbers.
#include <adjoint/data/text.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/data/state_parts.h>

namespace adjoint::data {
namespace {

using Numbers = std::vector<std::int64_t>;

constexpr std::string_view blank_characters = " \t\n\r\v\f";

// Length of the code point at the front of the text, 0 if it is none: too long a form, a surrogate, beyond
// U+10FFFF, cut off.
// source: RFC 3629, section 4.
std::size_t code_point_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const unsigned char second = byte(1);
    const bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
    return bad ? 0 : length;
}

// f(symbol) for each symbol of the text.
template <class F> void for_each_symbol(std::string_view text, TextUnit unit, const F& f) {
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        std::size_t length = 1;
        if (unit == TextUnit::word) {
            const std::size_t blanks = rest.find_first_not_of(blank_characters);
            if (blanks == std::string_view::npos) return;
            const std::string_view word = rest.substr(blanks);
            length = std::min(word.find_first_of(blank_characters), word.size());
            f(word.substr(0, length));
            at += blanks + length;
            continue;
        }
        if (unit == TextUnit::character) {
            length = code_point_length(rest);
            check<ValueError>(length > 0, "Vocabulary: byte {} of the text is not UTF-8: {}", at,
                              excerpt(rest.substr(0, 1)));
        }
        f(rest.substr(0, length));
        at += length;
    }
}

std::vector<std::string> special_symbols(const VocabularyOptions& options) {
    check<ValueError>(options.min_count >= 1 && options.limit >= 0,
                      "Vocabulary: min_count {} and limit {}, expected at least 1, and 0 (all) or more",
                      options.min_count, options.limit);
    std::vector<std::string> symbols;
    if (options.padding) symbols.emplace_back();
    if (options.unknown) symbols.push_back(options.unknown_text);
    return symbols;
}

std::optional<std::int64_t> padding_number(const VocabularyOptions& options) {
    return options.padding ? std::optional<std::int64_t>(0) : std::nullopt;
}

std::optional<std::int64_t> unknown_number(const VocabularyOptions& options) {
    return options.unknown ? std::optional<std::int64_t>(options.padding ? 1 : 0) : std::nullopt;
}

}  // namespace

Vocabulary::Vocabulary(TextUnit unit, std::vector<std::string> symbols, std::optional<std::int64_t> padding,
                       std::optional<std::int64_t> unknown)
    : unit_(unit), symbols_(std::move(symbols)), padding_(padding), unknown_(unknown) {
    for (std::int64_t i = 0; i < size(); ++i) {
        if (i == padding_ || i == unknown_) continue;
        const std::string& symbol = symbols_[static_cast<std::size_t>(i)];
        std::size_t units = 0;
        for_each_symbol(symbol, unit_, [&](std::string_view part) { units += part == symbol ? 1 : 2; });
        check<ValueError>(units == 1, "Vocabulary: symbol {} is {}, expected one {}", i, excerpt(symbol),
                          unit_ == TextUnit::word   ? "word"
                          : unit_ == TextUnit::byte ? "byte"
                                                    : "character");
        check<ValueError>(numbers_.emplace(symbol, i).second, "Vocabulary: symbol {} is there twice: {}", i,
                          excerpt(symbol));
    }
    check<ValueError>(!numbers_.empty(), "Vocabulary: no symbols are left");
}

Vocabulary Vocabulary::fit(std::string_view text, const VocabularyOptions& options) {
    std::vector<std::string> symbols = special_symbols(options);
    std::map<std::string, std::int64_t, std::less<>> counts;
    for_each_symbol(text, options.unit, [&](std::string_view symbol) {
        const auto found = counts.find(symbol);
        if (found == counts.end())
            counts.emplace(symbol, 1);
        else
            ++found->second;
    });
    std::vector<std::pair<std::int64_t, std::string>> order;
    for (const auto& [symbol, count] : counts)
        if (count >= options.min_count) order.emplace_back(-count, symbol);
    std::sort(order.begin(), order.end());
    for (auto& [count, symbol] : order) {
        if (options.limit > 0 && static_cast<std::int64_t>(symbols.size()) >= options.limit) break;
        symbols.push_back(std::move(symbol));
    }
    return {options.unit, std::move(symbols), padding_number(options), unknown_number(options)};
}

Vocabulary Vocabulary::of(const std::vector<std::string>& symbols, const VocabularyOptions& options) {
    std::vector<std::string> all = special_symbols(options);
    all.insert(all.end(), symbols.begin(), symbols.end());
    return {options.unit, std::move(all), padding_number(options), unknown_number(options)};
}

std::optional<std::int64_t> Vocabulary::find(std::string_view symbol) const {
    const auto found = numbers_.find(symbol);
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

Tensor Vocabulary::encode(std::string_view text) const {
    Numbers out;
    for_each_symbol(text, unit_, [&](std::string_view symbol) {
        const auto number = find(symbol);
        check<ValueError>(
            number || unknown_,
            "Vocabulary: {} (symbol {} of the text) is not among the {} symbols; fit it on more "
            "text, or with {{.unknown = true}}",
            excerpt(symbol), out.size(), size());
        out.push_back(number ? *number : *unknown_);
    });
    return tensor(out, Shape{static_cast<std::int64_t>(out.size())}, Device::cpu());
}

Tensor Vocabulary::encode(const std::vector<std::string>& texts) const {
    std::vector<Numbers> rows;
    std::size_t longest = 0;
    for (const std::string& text : texts) {
        rows.push_back(encode(text).to_vector<std::int64_t>());
        longest = std::max(longest, rows.back().size());
    }
    Numbers out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        check<ValueError>(padding_ || rows[i].size() == longest,
                          "Vocabulary: text {} has {} symbols, the longest {}, and there is no padding; make "
                          "the vocabulary with {{.padding = true}}",
                          i, rows[i].size(), longest);
        rows[i].resize(longest, padding_.value_or(0));
        out.insert(out.end(), rows[i].begin(), rows[i].end());
    }
    return tensor(out, {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)},
                  Device::cpu());
}

std::string Vocabulary::decode(const Tensor& numbers) const {
    check<DTypeError>(!is_floating(numbers.dtype()) && numbers.dtype() != DType::boolean,
                      "Vocabulary: decoding {}, expected integers", name(numbers.dtype()));
    check<ShapeError>(numbers.dim() == 1, "Vocabulary: decoding a tensor of shape {}, expected (n)",
                      numbers.shape());
    std::string text;
    for (const std::int64_t number : numbers.to_vector<std::int64_t>()) {
        check<IndexError>(number >= 0 && number < size(), "Vocabulary: no symbol {}, there are {}", number,
                          size());
        if (number == padding_) continue;
        if (unit_ == TextUnit::word && !text.empty()) text += ' ';
        text += symbols_[static_cast<std::size_t>(number)];
    }
    return text;
}

NamedTensors Vocabulary::state() const {
    NamedTensors state;
    append_strings(state, "symbols", symbols_);
    state.emplace_back("unit", tensor<std::int64_t>({static_cast<std::int64_t>(unit_)}, {1}));
    state.emplace_back("special", tensor<std::int64_t>({padding_.value_or(-1), unknown_.value_or(-1)}, {2}));
    return state;
}

Vocabulary Vocabulary::load(const NamedTensors& state) {
    const StateReader reader(state, "Vocabulary::load");
    const Numbers unit = reader.integers("unit"), special = reader.integers("special");
    std::vector<std::string> symbols = reader.strings("symbols");
    const auto count = static_cast<std::int64_t>(symbols.size());
    if (unit.size() != 1 || unit[0] < 0 || unit[0] > static_cast<std::int64_t>(TextUnit::word))
        reader.refuse("its unit is none of characters, bytes and words");
    if (special.size() != 2 || std::max(special[0], special[1]) >= count ||
        std::min(special[0], special[1]) < -1)
        reader.refuse("its padding or unknown symbol is not there");
    const auto number = [](std::int64_t i) { return i < 0 ? std::nullopt : std::optional(i); };
    return {static_cast<TextUnit>(unit[0]), std::move(symbols), number(special[0]), number(special[1])};
}

SequenceWindows::SequenceWindows(const Tensor& text, const WindowOptions& options)
    : length_(options.length), stride_(options.stride == 0 ? options.length : options.stride) {
    check<ValueError>(text.defined(), "SequenceWindows: the text is undefined");
    check<DTypeError>(text.dtype() == DType::i64,
                      "SequenceWindows: a text of {}, expected numbers of symbols (i64)", name(text.dtype()));
    check<ShapeError>(text.dim() == 1, "SequenceWindows: a text of shape {}, expected (symbols)",
                      text.shape());
    check<DeviceError>(text.device().is_cpu(), "SequenceWindows: the text is on {}, expected the CPU",
                       text.device());
    check<ValueError>(length_ > 0 && stride_ > 0, "SequenceWindows: length {} and stride {}", options.length,
                      options.stride);
    check<ValueError>(
        text.numel() > length_,
        "SequenceWindows: a text of {} symbols has no window of {} with its target one place on",
        text.numel(), length_);
    text_ = text.contiguous();
    count_ = (text.numel() - 1 - length_) / stride_ + 1;
}

Batch SequenceWindows::get(std::span<const std::int64_t> samples) const {
    const Shape shape{static_cast<std::int64_t>(samples.size()), length_};
    Batch batch{empty(shape, DType::i64, Device::cpu()), empty(shape, DType::i64, Device::cpu())};
    const auto* text = text_.data<std::int64_t>();
    auto *x = batch.x.mutable_data<std::int64_t>(), *y = batch.y.mutable_data<std::int64_t>();
    for (const std::int64_t sample : samples) {
        check<IndexError>(sample >= 0 && sample < count_, "SequenceWindows: window {} of {}", sample, count_);
        x = std::copy_n(text + sample * stride_, length_, x);
        y = std::copy_n(text + sample * stride_ + 1, length_, y);
    }
    return batch;
}

}  // namespace adjoint::data
