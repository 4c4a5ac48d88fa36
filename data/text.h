// Text for networks: symbols as numbers and back, and the windows of a long text as samples.
//
//     const data::Vocabulary vocabulary = data::Vocabulary::fit(text);
//     const data::SequenceWindows windows(vocabulary.encode(text), {.length = 64});
//     train::fit(model, loss, optimizer, windows, {.epochs = 5});
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <adjoint/data/dataset.h>
#include <adjoint/data/safetensors.h>

namespace adjoint::data {

/// What a symbol is: a code point of UTF-8, a byte, or what stands between blanks and ends of lines.
enum class TextUnit : std::uint8_t { character, byte, word };

struct VocabularyOptions {
    TextUnit unit = TextUnit::character;
    std::int64_t min_count = 1;  ///< a symbol that the text has fewer times is left out
    std::int64_t limit = 0;      ///< at most so many symbols, the most frequent, those below counted; 0: all
    bool unknown = false;        ///< a symbol for whatever is not in the vocabulary; else that is an error
    std::string unknown_text = "<unk>";  ///< as which it is decoded
    bool padding = false;                ///< a symbol that fills up shorter texts; it decodes to nothing
};

/// Symbols and their numbers: padding, unknown, then by falling frequency and, of equal ones, by their bytes.
class ADJOINT_API Vocabulary {
  public:
    /// The symbols of a text.
    /// errors: ValueError for options that make no sense, text that is not UTF-8 (a byte vocabulary takes
    /// any), and if nothing is left.
    static Vocabulary fit(std::string_view text, const VocabularyOptions& options = {});
    /// These symbols, numbered as they come behind padding and unknown; options.unit says how text is cut.
    /// errors: ValueError for one that is empty, twice there, or not one unit.
    static Vocabulary of(const std::vector<std::string>& symbols, const VocabularyOptions& options = {});

    std::int64_t size() const noexcept { return static_cast<std::int64_t>(symbols_.size()); }
    /// Characters or words.
    TextUnit unit() const noexcept { return unit_; }
    /// By number; padding is "".
    const std::vector<std::string>& symbols() const noexcept { return symbols_; }
    std::optional<std::int64_t> padding() const noexcept { return padding_; }
    std::optional<std::int64_t> unknown() const noexcept { return unknown_; }
    /// The number of a symbol, none if it is not there.
    std::optional<std::int64_t> find(std::string_view symbol) const;

    /// shapes: (symbols of the text), i64.
    /// errors: ValueError naming a symbol that is not there, with its place in the text, unless there is one
    /// for what is unknown; text that is not UTF-8.
    Tensor encode(std::string_view text) const;
    /// Each text as a row, filled up with padding to the longest.
    /// shapes: (texts, longest), i64.
    /// errors: as above; ValueError for texts of several lengths without a padding symbol.
    Tensor encode(const std::vector<std::string>& texts) const;
    /// The text of these numbers, words with a blank between them.
    /// shapes: (n), integers.
    /// errors: ShapeError; DTypeError; IndexError for a number that is not there.
    std::string decode(const Tensor& numbers) const;

    /// All of it as tensors, to be saved with a model (under(), data/state.h); load() makes one of them.
    /// errors of load: ValueError for what is no state of a vocabulary.
    NamedTensors state() const;
    static Vocabulary load(const NamedTensors& state);

  private:
    Vocabulary(TextUnit unit, std::vector<std::string> symbols, std::optional<std::int64_t> padding,
               std::optional<std::int64_t> unknown);

    TextUnit unit_;
    std::vector<std::string> symbols_;
    std::optional<std::int64_t> padding_, unknown_;
    std::map<std::string, std::int64_t, std::less<>> numbers_;
};

struct WindowOptions {
    std::int64_t length = 64;
    std::int64_t stride = 0;  ///< from the start of a window to that of the next; 0: the length
};

/// Windows of a long text: sample i is the symbols from place i stride on, its target the same one place on.
/// The text is shared, and a window copied when it is asked for.
/// shapes: text (T); a batch of n has x and y (n, length).
/// errors: ShapeError; DTypeError unless i64; DeviceError off the CPU; ValueError for a length or stride that
/// makes no sense, and for a text of fewer than length + 1 symbols.
class ADJOINT_API SequenceWindows : public Source {
  public:
    explicit SequenceWindows(const Tensor& text, const WindowOptions& options = {});
    std::int64_t size() const override { return count_; }
    /// errors: IndexError.
    Batch get(std::span<const std::int64_t> samples) const override;

  private:
    Tensor text_;
    std::int64_t length_, stride_, count_;
};

}  // namespace adjoint::data
