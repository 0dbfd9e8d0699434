// What of others' text reaches a terminal.
#include "scenarios/node/wfb_terminal.h"

#include <gtest/gtest.h>

namespace twinbed::scenarios {
namespace {

TEST(VisibleText, LeavesTextAsItIs) {
  for (const char* text : {"", "plain text\twith tabs ~", "Flügel, мост, 橋, 🛩"}) {
    EXPECT_EQ(visible_text(text), text);
  }
}

TEST(VisibleText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(visible_text("\x1b[2J\x1b]0;title\a"), "\\x1b[2J\\x1b]0;title\\x07");
  EXPECT_EQ(visible_text("a\rb\nc\x7f"), "a\\x0db\\x0ac\\x7f");
  EXPECT_EQ(visible_text(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(visible_text("\u009b2J"), "\\xc2\\x9b2J") << "a control of eight bits";
  EXPECT_EQ(visible_text("\u202egnp.exe"), "\\xe2\\x80\\xaegnp.exe") << "right to left";
}

TEST(VisibleText, ShowsBytesThatAreNoText) {
  EXPECT_EQ(visible_text("\x9b\xff"), "\\x9b\\xff");
  EXPECT_EQ(visible_text("\xe2\x82"), "\\xe2\\x82") << "cut";
  EXPECT_EQ(visible_text("\xc3\x1b["), "\\xc3\\x1b[") << "what follows is no part of it";
  EXPECT_EQ(visible_text("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
}

}  // namespace
}  // namespace twinbed::scenarios
