// The Korean of the programs: one table for each set of lectures, one for what they share, one for the rest.
#pragma once

#include <span>

/// A text in both languages. Numbers and printf's conversions are the same in both, in the same order.
struct Phrase {
    const char* english;
    const char* korean;
};

std::span<const Phrase> shared_phrases();
std::span<const Phrase> l0_phrases();
std::span<const Phrase> l1_phrases();
std::span<const Phrase> l2_phrases();
std::span<const Phrase> l3_phrases();
std::span<const Phrase> l4_phrases();
std::span<const Phrase> l5_phrases();
std::span<const Phrase> other_phrases();
/// Here a # stands for a number.
std::span<const Phrase> library_phrases();
