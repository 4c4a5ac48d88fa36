// Which language a program speaks, and the look-up of its texts.
#include "language.h"

#include "korean/phrases.h"

#include <algorithm>
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

Language asked_for() {
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"})
        if (const char* value = std::getenv(name); value && *value)
            return std::string_view(value).starts_with("ko") ? Language::korean : Language::english;
    return Language::english;
}

Language& spoken() {
    static Language language = asked_for();
    return language;
}

// The Korean of a text; nullptr if there is none.
const char* korean_of(std::string_view english) {
    static const auto* const table = [] {
        auto* all = new std::unordered_map<std::string_view, const char*>;
        for (const auto phrases : {shared_phrases(), l0_phrases(), l1_phrases(), l2_phrases(), l3_phrases(),
                                   l4_phrases(), l5_phrases(), other_phrases(), library_phrases()})
            for (const Phrase& phrase : phrases) all->emplace(phrase.english, phrase.korean);
        return all;
    }();
    const auto found = table->find(english);
    return found == table->end() ? nullptr : found->second;
}

bool is(int (*kind)(int), char c) { return kind(static_cast<unsigned char>(c)) != 0; }

// The end of the number that begins at a place of a text; the place itself if none does.
std::size_t end_of_number(std::string_view text, std::size_t at) {
    if (at > 0 && is(std::isalpha, text[at - 1])) return at;
    for (const std::string_view word : {"nan", "inf"})
        if (text.substr(at, 3) == word && (at + 3 == text.size() || !is(std::isalpha, text[at + 3])))
            return at + 3;
    std::size_t end = at;
    if (text[end] == '-' && (at == 0 || text[at - 1] == ' ')) ++end;
    const std::size_t digits = end;
    const auto more = [&] {
        while (end < text.size() && is(std::isdigit, text[end])) ++end;
    };
    more();
    if (end == digits) return at;
    if (end + 1 < text.size() && text[end] == '.' && is(std::isdigit, text[end + 1])) ++end, more();
    if (end + 2 < text.size() && text[end] == 'e' && (text[end + 1] == '-' || text[end + 1] == '+')) {
        end += 2;
        more();
    }
    return end;
}

// In columns of a terminal.
int width_of(const std::string& text) {
    int columns = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);  // of UTF-8: what goes on with a letter has no width
        if (byte < 0x80 || byte >= 0xc0) columns += byte >= 0xe3 && byte <= 0xed ? 2 : 1;
    }
    return columns;
}

std::string printed(const char* format, std::va_list arguments) {
    std::va_list again;
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    std::string text(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
    std::vsnprintf(text.data(), text.size() + 1, format, arguments);
    return text;
}

}  // namespace

Language language() { return spoken(); }
void set_language(Language language) { spoken() = language; }

const char* tr(const char* english) {
    const char* const korean = language() == Language::korean ? korean_of(english) : nullptr;
    return korean ? korean : english;
}
std::string tr(const std::string& english) { return tr(english.c_str()); }

void say(const char* english, ...) {
    std::va_list arguments;
    va_start(arguments, english);
    std::vprintf(tr(english), arguments);
    va_end(arguments);
}

std::string text_of(const char* english, ...) {
    std::va_list arguments;
    va_start(arguments, english);
    std::string text = printed(tr(english), arguments);
    va_end(arguments);
    return text;
}

std::string tr_made(const std::string& english) {
    if (language() == Language::english) return english;
    std::string form;
    std::vector<std::string> numbers;
    for (std::size_t at = 0; at < english.size();) {
        const std::size_t end = end_of_number(english, at);
        if (end == at) {
            form += english[at++];
            continue;
        }
        form += '#';
        numbers.push_back(english.substr(at, end - at));
        at = end;
    }
    const char* const korean = korean_of(form);
    if (!korean) return english;
    std::string text;
    std::size_t used = 0;
    for (const char c : std::string_view(korean))
        if (c == '#' && used < numbers.size())
            text += numbers[used++];
        else
            text += c;
    return text;
}

std::string tr_page(const std::string& page) {
    if (language() == Language::english) return page;
    std::string result;
    for (std::size_t at = 0; at < page.size();) {
        const std::size_t tag = std::min(page.find('<', at), page.size());
        result += tr_made(page.substr(at, tag - at));
        const std::size_t end = std::min(page.find('>', tag), page.size() - 1);
        const std::string between = page.substr(tag, end + 1 - tag);
        result += between == "<html lang=\"en\">" ? "<html lang=\"ko\">" : between;
        at = end + 1;
    }
    return result;
}

std::string tr_table(const std::string& table) {
    if (language() == Language::english) return table;
    std::string result;
    for (std::size_t begin = 0; begin < table.size();) {
        const std::size_t end = std::min(table.find('\n', begin), table.size());
        std::string line;
        int cells = 0;
        for (std::size_t at = table.find_first_not_of(' ', begin); at < end; ++cells) {
            const std::size_t next = std::min(table.find("  ", at), end);
            const std::string cell = table.substr(at, next - at), said = tr_made(cell);
            // Names keep where they begin, numbers and what stands above them where they end.
            const bool is_name = cells < 2 && said != cell;
            const int to = static_cast<int>(is_name ? at - begin : next - begin) - width_of(line);
            line += is_name ? padded("", to) + said : padded(said, -std::max(to, 0));
            at = table.find_first_not_of(' ', next);
        }
        result += line + (end < table.size() ? "\n" : "");
        begin = end + 1;
    }
    return result;
}

std::string padded(const std::string& text, int columns) {
    const std::string blanks(static_cast<std::size_t>(std::max(0, std::abs(columns) - width_of(text))), ' ');
    return columns < 0 ? blanks + text : text + blanks;
}
