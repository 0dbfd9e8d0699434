// Words for error messages: what the user wrote, and what may have been meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace twinbed::scenarios {

/// How many letters must be added, removed, replaced or swapped with their neighbour to turn one
/// word into the other (optimal string alignment). Upper and lower case count as equal.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest candidate if it is near enough for a slip (a third of the word's letters, at least
/// one); empty otherwise. The first of equally near ones wins.
std::string_view nearest(std::string_view word, std::span<const std::string> candidates);

/// The tail of an error message about a word that is not among the candidates: ", did you mean
/// 'delay'?", or "; <noun> are delay, jitter and loss", or nothing where there are no candidates or
/// too many to list.
std::string suggestion(std::string_view word, std::span<const std::string> candidates,
                       std::string_view noun);

/// The text in single quotes, cut after some 60 bytes and without control characters.
std::string in_quotes(std::string_view text);

/// "a, b or c", with "or" for the last joint.
std::string join_words(std::span<const std::string> words, std::string_view last_joint);

}  // namespace twinbed::scenarios
