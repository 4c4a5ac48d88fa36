// The language that a program speaks: English, or Korean with --lang ko or where the environment asks for it.
//
// Every text stands in the program in English; korean/ has the Korean ones. say() and tr() look them up:
//
//     say("test accuracy %.4f\n", accuracy);
//     picture::Chart({.title = tr("Loss with and without dropout")});
#pragma once

#include <string>

enum class Language { english, korean };

/// That of $LC_ALL, else $LC_MESSAGES, else $LANG, until it is set.
Language language();
void set_language(Language language);

/// The text in the language of the program; itself where it has no other form.
const char* tr(const char* english);
std::string tr(const std::string& english);

/// std::printf in the language of the program. The Korean text has the same conversions in the same order.
void say(const char* english, ...) __attribute__((format(printf, 1, 2)));
/// The same as a text.
std::string text_of(const char* english, ...) __attribute__((format(printf, 1, 2)));

/// A text that the library has made, in the language of the program: its numbers are kept, and the rest is
/// looked up with a # for each of them.
std::string tr_made(const std::string& english);
/// The same of each cell of a table; between cells lie two blanks at least.
std::string tr_table(const std::string& table);
/// The same of every text between the tags of an SVG or HTML page.
std::string tr_page(const std::string& page);

/// A text with blanks behind it up to so many columns of a terminal, in front of it where they are negative.
/// A Hangul syllable takes two columns.
std::string padded(const std::string& text, int columns);
