// The outer structure of a file of PTX.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>

#include "program.h"

namespace adjoint::ptx {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::size_t skip_blanks(std::string_view text, std::size_t at) {
    return std::min(text.find_first_not_of(blanks, at), text.size());
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> all;
    for (std::size_t at = skip_blanks(text, 0); at < text.size();) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        all.push_back(text.substr(at, end - at));
        at = skip_blanks(text, end);
    }
    return all;
}

std::uint32_t number(std::string_view text) {
    std::uint32_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
        cannot("read the number " + std::string(text));
    return value;
}

std::vector<Parameter> parameter_list(std::string_view text, std::uint32_t& bytes) {
    std::vector<Parameter> all;
    for (const std::string_view one : parts(text)) {
        const Declaration d = declaration(one);
        bytes = (bytes + d.alignment - 1) / d.alignment * d.alignment;
        all.push_back({d.name, d.bytes, d.alignment, bytes});
        bytes += d.bytes;
    }
    return all;
}

// "(...)" at `at`, or nothing; moves behind it.
std::string_view in_parentheses(std::string_view text, std::size_t& at) {
    at = skip_blanks(text, at);
    if (text[at] != '(') return {};
    const std::size_t first = at + 1, close = text.find(')', at);
    at = close + 1;
    return text.substr(first, close - first);
}

// From behind ".entry" or ".func" to the end of the function, which a mere declaration is not.
std::size_t read_function(Module& module, std::string_view text, std::size_t at, bool kernel) {
    auto function = std::make_unique<Function>();
    function->module = &module;
    function->kernel = kernel;
    function->results = parameter_list(in_parentheses(text, at), function->result_bytes);
    at = skip_blanks(text, at);
    const std::size_t name_end = text.find_first_of("( \t\r\n;{", at);
    function->name = text.substr(at, name_end - at);
    at = name_end;
    function->parameters = parameter_list(in_parentheses(text, at), function->parameter_bytes);
    const std::size_t open = text.find_first_of(";{", at);
    if (text[open] == ';') return open + 1;
    int depth = 0;
    std::size_t close = open;
    do {
        close = text.find_first_of("{}", close);
        depth += text[close++] == '{' ? 1 : -1;
    } while (depth > 0);
    function->body = text.substr(open + 1, close - open - 2);
    module.functions[function->name] = std::move(function);
    return close;
}

std::vector<std::uint8_t> initial_bytes(const Declaration& d, std::string_view value) {
    std::vector<std::uint8_t> bytes(d.bytes);
    const std::size_t open = value.find('{');
    if (open == std::string_view::npos) {
        if (!value.empty()) cannot("read the value of " + d.name);
        return bytes;
    }
    const auto list = parts(value.substr(open + 1, value.find('}') - open - 1));
    if (list.size() > bytes.size()) cannot("read the list of values of " + d.name + ": it is not of bytes");
    std::ranges::transform(list, bytes.begin(),
                           [](std::string_view one) { return static_cast<std::uint8_t>(number(one)); });
    return bytes;
}

void without_comments(std::string& text) {
    for (std::size_t at = 0; (at = text.find("//", at)) != std::string::npos;) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::fill(text.begin() + static_cast<std::ptrdiff_t>(at),
                  text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
        at = end;
    }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> parts(std::string_view text, char separator) {
    std::vector<std::string_view> all;
    int depth = 0;
    std::size_t first = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const char c = i < text.size() ? text[i] : separator;
        depth += c == '{' || c == '[' || c == '(' ? 1 : c == '}' || c == ']' || c == ')' ? -1 : 0;
        if (c != separator || depth != 0) continue;
        all.push_back(trimmed(text.substr(first, i - first)));
        first = i + 1;
    }
    if (all.back().empty()) all.pop_back();
    return all;
}

std::uint32_t type_bytes(std::string_view type) { return type == "pred" ? 1 : number(type.substr(1)) / 8; }

Declaration declaration(std::string_view text) {
    Declaration d;
    std::uint32_t unit = 1;
    const auto all = words(text);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string_view word = all[i];
        if (word == ".align") {
            d.alignment = number(all[++i]);
        } else if (word[0] != '.') {
            d.name = word;
            break;
        } else if (word.size() >= 3 && std::string_view("bfsu").find(word[1]) != std::string_view::npos &&
                   std::isdigit(static_cast<unsigned char>(word[2]))) {
            unit = type_bytes(word.substr(1));
        }
    }
    d.bytes = unit;
    if (const std::size_t open = d.name.find('['); open != std::string::npos) {
        const std::string count = d.name.substr(open + 1, d.name.find(']') - open - 1);
        d.bytes = count.empty() ? 0 : unit * number(count);
        d.name.resize(open);
    }
    if (d.alignment == 0) d.alignment = unit;
    return d;
}

std::unique_ptr<Module> read_module(const std::string& path) {
    std::ifstream in(path);
    if (!in) cannot("open " + path);
    std::string all{std::istreambuf_iterator<char>(in), {}};
    without_comments(all);
    auto module = std::make_unique<Module>();
    const std::string_view text = all;
    for (std::size_t at = skip_blanks(text, 0); at < text.size(); at = skip_blanks(text, at)) {
        const std::size_t line_end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, line_end - at);
        const auto says = [line](std::string_view what) { return line.find(what) != std::string_view::npos; };
        if (line.starts_with(".section")) {
            at = text.find('}', at) + 1;
        } else if (line.starts_with(".file")) {
            const auto quote = line.find('"');
            module->files[static_cast<int>(number(words(line)[1]))] =
                line.substr(quote + 1, line.rfind('"') - quote - 1);
            at = line_end;
        } else if (says(".entry ")) {
            at = read_function(*module, text, text.find(".entry", at) + 6, true);
        } else if (says(".func")) {
            at = read_function(*module, text, text.find(".func", at) + 5, false);
        } else if (says(".global") || says(".const") || says(".shared")) {
            const std::size_t end = text.find(';', at), equals = std::min(text.find('=', at), end);
            const Declaration d = declaration(text.substr(at, equals - at));
            if (says(".shared"))
                module->shared[d.name] = {d.bytes, d.alignment, d.bytes == 0};
            else
                module->globals[d.name] = initial_bytes(d, text.substr(equals, end - equals));
            at = end + 1;
        } else {
            at = line_end;  // .version, .target, .address_size
        }
    }
    return module;
}

}  // namespace adjoint::ptx
