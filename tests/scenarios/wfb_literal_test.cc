// Values as Python writes them. tests/bindings/test_wfb_config.py lays them beside Python's own
// reading.
#include "scenarios/wfb/literal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/fields_kinds.h"

namespace twinbed::scenarios {
namespace {

Parsed parse_lines(const std::vector<std::string>& lines) {
  JoinedText text;
  int number = 1;
  for (const std::string& line : lines) text.add_line(line, {number++, 5, 0});
  std::size_t values = 100;
  return parse_literal(text, values);
}

std::string json_of(const std::vector<std::string>& lines) {
  const Parsed parsed = parse_lines(lines);
  EXPECT_TRUE(parsed.ok) << parsed.problem.message;
  return to_json(parsed.root).dump();
}

/// "LINE:COLUMN message"
std::string mistake(const std::vector<std::string>& lines) {
  const Parsed parsed = parse_lines(lines);
  EXPECT_FALSE(parsed.ok) << to_json(parsed.root).dump();
  return std::to_string(parsed.problem.place.line) + ":" +
         std::to_string(parsed.problem.place.column) + " " + parsed.problem.message;
}

TEST(WfbLiteral, NumbersOfAllForms) {
  EXPECT_EQ(json_of({"8"}), "8");
  EXPECT_EQ(json_of({"-0x10"}), "-16");
  EXPECT_EQ(json_of({"0o17"}), "15");
  EXPECT_EQ(json_of({"0B101"}), "5");
  EXPECT_EQ(json_of({"2_097_152"}), "2097152");
  EXPECT_EQ(json_of({"0xE"}), "14");
  EXPECT_EQ(json_of({".5"}), "0.5");
  EXPECT_EQ(json_of({"5."}), "5.0");
  EXPECT_EQ(json_of({"1e-3"}), "0.001");
  EXPECT_EQ(json_of({"9223372036854775807"}), "9223372036854775807");
}

TEST(WfbLiteral, TextsWithEscapesPrefixesAndNeighbours) {
  EXPECT_EQ(json_of({R"('a"b')"}), R"("a\"b")");
  EXPECT_EQ(json_of({R"("\t\x41\u00e9\101\'\q")"}), R"("\tAéA'\\q")");
  EXPECT_EQ(json_of({R"(r'\n')"}), R"("\\n")");
  EXPECT_EQ(json_of({R"('a' "b")"}), R"("ab")");
  EXPECT_EQ(json_of({"'''one", "two'''"}), R"("one\ntwo")");
  EXPECT_EQ(json_of({"'8'"}), R"("8")");  // a text whatever its form
}

TEST(WfbLiteral, ListsTuplesDictionariesOverLines) {
  EXPECT_EQ(json_of({"{'a': [1, (2,), ()],  # one", "'b': {'c': None}, 'd': (True)", "}"}),
            R"({"a":[1,[2],[]],"b":{"c":null},"d":true})");
  EXPECT_EQ(json_of({"", "# above", "5"}), "5");
  EXPECT_EQ(json_of({"1, 'x'"}), R"([1,"x"])");
  EXPECT_EQ(json_of({"['a'", "'b']"}), R"(["ab"])");
}

TEST(WfbLiteral, EachValueKnowsItsPlace) {
  const Parsed parsed = parse_lines({"{'é': 1,", "'b': [2]}"});
  ASSERT_TRUE(parsed.ok);
  EXPECT_EQ(parsed.root.entries[0].value.place.column, 5 + 6);  // counted in characters
  const YamlNode& two = parsed.root.entries[1].value.items[0];
  EXPECT_EQ(two.place.line, 2);
  EXPECT_EQ(two.place.column, 5 + 6);
}

TEST(WfbLiteral, MistakesSayWhereAndWhat) {
  using ::testing::HasSubstr;
  EXPECT_THAT(mistake({"True,", "tru"}), HasSubstr("2:5 the value has ended before this"));
  EXPECT_EQ(mistake({"tru"}), "1:5 'tru' is no value, did you mean True?");
  EXPECT_EQ(mistake({"data"}), "1:5 'data' is no value; put a text into quotes");
  EXPECT_THAT(mistake({"'abc"}), HasSubstr("1:5 this text has no closing quote"));
  EXPECT_THAT(mistake({"[1,", "2"}), HasSubstr("1:5 this '[' is never closed; add ']'"));
  EXPECT_EQ(mistake({"[1 2]"}), "1:8 ',' or ']' was expected here");
  EXPECT_EQ(mistake({"{'a' 1}"}), "1:10 ':' and a value were expected after the key 'a'");
  EXPECT_EQ(mistake({"{'a': 1, 'a': 2}"}),
            "1:14 key 'a' is already in this dictionary; keep one");
  EXPECT_THAT(mistake({"{1: 2}"}), HasSubstr("1:6 a key of a dictionary must be a text"));
  EXPECT_THAT(mistake({"{1}"}), HasSubstr("1:6 a key of a dictionary must be a text"));
  EXPECT_THAT(mistake({""}), HasSubstr("this key has no value; write None"));
  EXPECT_THAT(mistake({"010"}), HasSubstr("begins with 0; leave it out"));
  for (const char* bad :
       {"1__0", "_1", "1_", "0x", "1e999", "9223372036854775808", "1.2.3", "3j"}) {
    EXPECT_THAT(mistake({bad}), HasSubstr("1:5 ")) << bad;
  }
  EXPECT_THAT(mistake({"b'x'"}), HasSubstr("only r and u may stand before a quote"));
  EXPECT_THAT(mistake({R"('\x4')"}), HasSubstr("1:6 two hexadecimal digits must follow"));
  EXPECT_THAT(mistake({R"('\0')"}), HasSubstr("a control character"));
  EXPECT_THAT(mistake({R"('\ud800')"}), HasSubstr("a control character or none at all"));
}

TEST(WfbLiteral, LevelsAndValuesAreBounded) {
  EXPECT_EQ(json_of({std::string(32, '[') + std::string(32, ']')}),
            std::string(32, '[') + std::string(32, ']'));
  EXPECT_THAT(mistake({std::string(100'000, '[')}),
              ::testing::HasSubstr("1:38 there are more than 32 levels of brackets"));
  std::string many = "[";
  for (int i = 0; i < 100; ++i) many += "1,";
  EXPECT_THAT(mistake({many + "]"}), ::testing::HasSubstr("there are too many values up to here"));
}

}  // namespace
}  // namespace twinbed::scenarios
