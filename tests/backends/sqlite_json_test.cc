// The fields of events as JSON, and the text that may enter a result store.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backends/sqlite/json_fields.h"
#include "backends/sqlite/text.h"
#include "core/base/random_stream.h"

namespace twinbed::backends {
namespace {

using Kind = std::variant<std::int64_t, double, std::string_view>;

std::string json_of(std::initializer_list<Field> fields) {
  std::string json;
  append_json(std::span<const Field>(fields.begin(), fields.size()), json);
  return json;
}

TEST(SqliteJson, WritesACompactObject) {
  EXPECT_EQ(json_of({}), "{}");
  EXPECT_EQ(json_of({{"role", "leader"}, {"term", std::int64_t{7}}, {"delay", 0.25}}),
            R"({"role":"leader","term":7,"delay":0.25})");
}

TEST(SqliteJson, KeepsIntegersAndDoublesApart) {
  EXPECT_EQ(json_of({{"i", std::int64_t{5}}, {"d", 5.0}, {"z", -0.0}, {"e", 1e300}}),
            R"({"i":5,"d":5.0,"z":-0.0,"e":1e+300})");
  EXPECT_EQ(json_of({{"low", std::numeric_limits<std::int64_t>::min()}}),
            R"({"low":-9223372036854775808})");
}

TEST(SqliteJson, WritesNumbersThatAreNotFiniteAsNull) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(json_of({{"nan", std::nan("")}, {"up", infinity}, {"down", -infinity}}),
            R"({"nan":null,"up":null,"down":null})");
}

TEST(SqliteJson, EscapesWhatJsonRequiresAndNothingElse) {
  EXPECT_EQ(json_of({{"a\"b", std::string_view("\\ \n\t\r\0\x1f / \x7f ü €", 18)}}),
            "{\"a\\\"b\":\"\\\\ \\n\\t\\r\\u0000\\u001f / \x7f ü €\"}");
}

TEST(SqliteJson, ReplacesInvalidUtf8ByteByByte) {
  const std::string bad = kReplacement.data();
  EXPECT_EQ(json_of({{"t", "a\xff" "b"}}), "{\"t\":\"a" + bad + "b\"}");
  EXPECT_EQ(json_of({{"overlong", "\xc0\x80"}}), "{\"overlong\":\"" + bad + bad + "\"}");
  EXPECT_EQ(json_of({{"surrogate", "\xed\xa0\x80"}}),
            "{\"surrogate\":\"" + bad + bad + bad + "\"}");
  EXPECT_EQ(json_of({{"cut", "\xe2\x82"}}), "{\"cut\":\"" + bad + bad + "\"}");
  EXPECT_EQ(json_of({{"high", "\xf4\x90\x80\x80"}}),
            "{\"high\":\"" + bad + bad + bad + bad + "\"}");
  EXPECT_EQ(json_of({{"last", "\xf4\x8f\xbf\xbf"}}), "{\"last\":\"\xf4\x8f\xbf\xbf\"}");
}

TEST(SqliteJson, ReadsBackWhatItWrote) {
  RandomStream random(1, "json");
  FieldsParser parser;
  for (int round = 0; round < 2000; ++round) {
    std::string text(random.below(12), '\0');
    for (char& character : text) character = static_cast<char>(random.below(128));
    const auto integer = static_cast<std::int64_t>(random.next());
    const double real = random.normal() * 1e10;
    const std::string json = json_of({{"t", text}, {text, integer}, {"d", real}});
    ASSERT_TRUE(parser.parse(json)) << json;
    ASSERT_EQ(parser.fields().size(), 3U);
    EXPECT_EQ(parser.fields()[0].value, Kind(text));
    EXPECT_EQ(parser.fields()[1].key, text);
    EXPECT_EQ(parser.fields()[1].value, Kind(integer));
    EXPECT_EQ(parser.fields()[2].value, Kind(real));
  }
}

TEST(SqliteJson, ReadsWhatOtherProgramsWrite) {
  FieldsParser parser;
  ASSERT_TRUE(parser.parse(
      " { \"a\\u00e9\\uD83D\\uDE00\\/\" : \"\\b\\f\" , \"n\" : null , \"x\" : -1.5E+3 } "));
  ASSERT_EQ(parser.fields().size(), 3U);
  EXPECT_EQ(parser.fields()[0].key, "aé😀/");
  EXPECT_EQ(parser.fields()[0].value, Kind("\b\f"));
  EXPECT_TRUE(std::isnan(std::get<double>(parser.fields()[1].value)));
  EXPECT_EQ(parser.fields()[2].value, Kind(-1500.0));
}

TEST(SqliteJson, RefusesAnythingElse) {
  FieldsParser parser;
  for (const char* json :
       {"", "{", "}", "[]", "1", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}",
        "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":true}", "{\"a\":1}x", "{\"a\":\"b}", "{\"a\":\"\\\"}",
        "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":+1}", "{\"a\":1e999}", "{\"a\":99999999999999999999}",
        "{\"a\":1-2}", "{\"a\":.}", "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", "{a:1}", "{\"a\":nul}"}) {
    EXPECT_FALSE(parser.parse(json)) << json;
    EXPECT_TRUE(parser.fields().empty());
  }
  EXPECT_EQ(parser.parse("{\"a\":?}").error(),
            "the fields of an event are no flat JSON object: the error is at character 6");
}

TEST(SqliteText, TellsCleanText) {
  EXPECT_TRUE(is_clean_text(""));
  EXPECT_TRUE(is_clean_text("plain, ü, €, 😀, and \x01"));
  EXPECT_FALSE(is_clean_text(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_clean_text("\x80"));
  EXPECT_FALSE(is_clean_text("\xe2\x82"));
}

TEST(SqliteText, CleansText) {
  EXPECT_EQ(clean_text("ok €"), "ok €");
  EXPECT_EQ(clean_text(std::string_view("a\0b\xff", 4)), "a\uFFFD" "b\uFFFD");
  RandomStream random(2, "text");
  for (int round = 0; round < 2000; ++round) {
    std::string text(random.below(20), '\0');
    for (char& character : text) character = static_cast<char>(random.below(256));
    EXPECT_TRUE(is_clean_text(clean_text(text)));
  }
}

}  // namespace
}  // namespace twinbed::backends
