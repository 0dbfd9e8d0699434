#include "scenarios/suggest.h"

#include <algorithm>
#include <vector>

namespace twinbed::scenarios {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// A message quotes no more than this of what the user wrote.
constexpr std::size_t kMaxQuoted = 60;

/// Beyond this many candidates a list helps nobody.
constexpr std::size_t kMaxListed = 20;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: the swap of neighbours looks two rows back.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(word.size(), candidate.size());
    const std::size_t shorter = std::min(word.size(), candidate.size());
    if (longer - shorter >= best_distance) continue;  // a cheap lower bound of the distance
    const std::size_t distance = edit_distance(word, candidate);
    // A distance of the whole word means that no letter was kept.
    if (distance < best_distance && distance < longer) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates,
                       std::string_view noun) {
  if (const std::string_view best = nearest(word, candidates); !best.empty()) {
    return ", did you mean " + in_quotes(best) + "?";
  }
  if (candidates.empty() || candidates.size() > kMaxListed) return "";
  if (candidates.size() == 1) return "; the only one is " + candidates.front();
  return "; " + std::string(noun) + " are " + join_words(candidates, "and");
}

std::string in_quotes(std::string_view text) {
  std::size_t size = std::min(text.size(), kMaxQuoted);
  // Never cut inside a character: continuation bytes of UTF-8 start with the bits 10.
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) >> 6) == 2) {
    --size;
  }
  std::string out = "'";
  for (const char c : text.substr(0, size)) out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return out + (size < text.size() ? "...'" : "'");
}

std::string join_words(std::span<const std::string> words, std::string_view last_joint) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " " + std::string(last_joint) + " " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace twinbed::scenarios
