#include "scenarios/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace twinbed::scenarios {
namespace {

const std::vector<std::string> kWords{"delay", "jitter", "loss", "reorder", "reorder_delay"};

TEST(SuggestTest, EditDistanceCountsSlips) {
  EXPECT_EQ(edit_distance("delay", "delay"), 0U);
  EXPECT_EQ(edit_distance("delay", "dealy"), 1U);   // two letters swapped
  EXPECT_EQ(edit_distance("delay", "dely"), 1U);    // one missing
  EXPECT_EQ(edit_distance("delay", "delayy"), 1U);  // one too many
  EXPECT_EQ(edit_distance("delay", "deley"), 1U);   // one wrong
  EXPECT_EQ(edit_distance("delay", "Delay"), 0U);
  EXPECT_EQ(edit_distance("", "delay"), 5U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("ca", "abc"), 3U);  // no letter is edited after its swap
}

TEST(SuggestTest, TheNearestWordIsMeant) {
  EXPECT_EQ(nearest("dealy", kWords), "delay");
  EXPECT_EQ(nearest("los", kWords), "loss");
  EXPECT_EQ(nearest("reorder_dely", kWords), "reorder_delay");
  EXPECT_EQ(nearest("reordr", kWords), "reorder");
}

TEST(SuggestTest, AFarWordIsNotMeant) {
  EXPECT_EQ(nearest("bandwidth", kWords), "");
  EXPECT_EQ(nearest("x", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest(std::string(1 << 20, 'x'), kWords), "");
  // All letters of a short word wrong is not a slip.
  EXPECT_EQ(nearest("q", std::vector<std::string>{"a", "b"}), "");
}

TEST(SuggestTest, Sentences) {
  EXPECT_EQ(suggestion("dealy", kWords, "the keys"), ", did you mean 'delay'?");
  EXPECT_EQ(suggestion("xyz", std::vector<std::string>{"a", "b", "c"}, "the keys"),
            "; the keys are a, b and c");
  EXPECT_EQ(suggestion("xyz", std::vector<std::string>{"a"}, "the nodes"), "; the only one is a");
  EXPECT_EQ(suggestion("xyz", {}, "the nodes"), "");
  EXPECT_EQ(suggestion("xyz", std::vector<std::string>(100, "name"), "the nodes"), "");
}

TEST(SuggestTest, QuotesAreShortAndPrintable) {
  EXPECT_EQ(in_quotes("abc"), "'abc'");
  EXPECT_EQ(in_quotes("a\nb\x1b[1m"), "'a b [1m'");
  EXPECT_EQ(in_quotes(std::string(61, 'x')), "'" + std::string(60, 'x') + "...'");
  // A character of three bytes across the limit is left out whole.
  EXPECT_EQ(in_quotes(std::string(59, 'x') + "✓yz"), "'" + std::string(59, 'x') + "...'");
}

TEST(SuggestTest, JoinedWords) {
  EXPECT_EQ(join_words({}, "or"), "");
  EXPECT_EQ(join_words(std::vector<std::string>{"a"}, "or"), "a");
  EXPECT_EQ(join_words(std::vector<std::string>{"a", "b"}, "or"), "a or b");
  EXPECT_EQ(join_words(std::vector<std::string>{"a", "b", "c"}, "and"), "a, b and c");
}

}  // namespace
}  // namespace twinbed::scenarios
