#include "scenarios/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "core/base/random_stream.h"

namespace twinbed::scenarios {
namespace {

std::int64_t ns_of(const std::string& text) {
  const Result<Duration> duration = parse_duration(text);
  EXPECT_TRUE(duration) << text << ": " << (duration ? "" : duration.error());
  return duration ? to_ns(*duration) : -1;
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "accepted" : result.error();
}

TEST(UnitsTest, DurationsAreExact) {
  EXPECT_EQ(ns_of("7 ns"), 7);
  EXPECT_EQ(ns_of("250 us"), 250'000);
  EXPECT_EQ(ns_of("0.1 us"), 100);
  EXPECT_EQ(ns_of("5 ms"), 5'000'000);
  EXPECT_EQ(ns_of("1.5 s"), 1'500'000'000);
  EXPECT_EQ(ns_of("2 min"), 120'000'000'000);
  EXPECT_EQ(ns_of("1 h"), 3'600'000'000'000);
  EXPECT_EQ(ns_of("0.000000001 s"), 1);
  EXPECT_EQ(ns_of("1.123456789 s"), 1'123'456'789);
  EXPECT_EQ(ns_of("-2.5 us"), -2'500);
  EXPECT_EQ(ns_of("0 h"), 0);
  // 0.1 has no exact binary form; the result is exact all the same.
  EXPECT_EQ(ns_of("0.3 s") - ns_of("0.1 s") - ns_of("0.2 s"), 0);
}

TEST(UnitsTest, DurationsAreReadAsPeopleWriteThem) {
  EXPECT_EQ(ns_of("5ms"), 5'000'000);
  EXPECT_EQ(ns_of("007 ns"), 7);
  EXPECT_EQ(ns_of("1.50000000000000000000 s"), 1'500'000'000);
  EXPECT_EQ(ns_of("0.0000000000000000 s"), 0);
}

TEST(UnitsTest, LongFractionsOfLargeUnitsAreExact) {
  EXPECT_EQ(ns_of("0.0000000000025 h"), 9);
  EXPECT_EQ(error_of(parse_duration("0.00000000000025 h")),  // 0.9 ns
            "'0.00000000000025 h' is finer than 1 ns, round it to whole ns");
}

TEST(UnitsTest, NothingIsRounded) {
  EXPECT_EQ(error_of(parse_duration("1.0000000001 s")),
            "'1.0000000001 s' is finer than 1 ns, round it to whole ns");
  EXPECT_EQ(error_of(parse_duration("0.5 ns")),
            "'0.5 ns' is finer than 1 ns, round it to whole ns");
  EXPECT_EQ(error_of(parse_duration("0.1234567890123456789 h")),
            "'0.1234567890123456789 h' is finer than 1 ns, round it to whole ns");
  EXPECT_EQ(error_of(parse_rate("0.0015 kbit/s")),
            "'0.0015 kbit/s' is finer than 1 bit/s, round it to whole bit/s");
}

TEST(UnitsTest, DurationsEndWhere64BitsEnd) {
  EXPECT_EQ(ns_of("9223372036854775807 ns"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ns_of("9223372036.854775807 s"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ns_of("-9223372036854775807 ns"), -std::numeric_limits<std::int64_t>::max());
  const std::string limit = " is too large, the limit is 9223372036854775807 ns";
  EXPECT_EQ(error_of(parse_duration("9223372036854775808 ns")), "'9223372036854775808 ns'" + limit);
  EXPECT_EQ(error_of(parse_duration("9999999999999999999 h")), "'9999999999999999999 h'" + limit);
  EXPECT_EQ(error_of(parse_duration("10000000000000000000000000000000000000000 ns")),
            "'10000000000000000000000000000000000000000 ns'" + limit);
}

TEST(UnitsTest, WhatIsNoDuration) {
  EXPECT_EQ(error_of(parse_duration("5")), "'5' has no unit, write for example '5 s'");
  EXPECT_EQ(error_of(parse_duration("5 m")),
            "'5 m' has the unknown unit 'm'; the units are ns, us, ms, s, min and h");
  for (const char* text : {"", "ms", "- 5 ms", "five ms", ".5 s", "+5 s", "--5 s"}) {
    EXPECT_EQ(error_of(parse_duration(text)),
              "'" + std::string(text) + "' is not a duration, write for example '5 ms'");
  }
  for (const char* text : {"5. s", "5  ms", "5 ms ", "1e3 s", "5,5 s", "5\tms", "5 MS", "0x5 s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(UnitsTest, LooksLikeDuration) {
  for (const char* text : {"5 ms", "5ms", "-1.5 h", "99999999999999999999 s", "0.1 ns"}) {
    EXPECT_TRUE(looks_like_duration(text)) << text;
  }
  for (const char* text : {"5", "5 m", "ms", "67dc5ff", "", "5 ms 3", "1 s .. 2 s"}) {
    EXPECT_FALSE(looks_like_duration(text)) << text;
  }
}

TEST(UnitsTest, Ranges) {
  const Result<sim::DurationRange> range = parse_duration_range("20 s .. 21.5 s");
  ASSERT_TRUE(range) << range.error();
  EXPECT_EQ(to_ns(range->low), 20'000'000'000);
  EXPECT_EQ(to_ns(range->high), 21'500'000'000);
  EXPECT_EQ(*parse_duration_range("20 s..21500 ms"), *range);
  EXPECT_EQ(format_duration_range(*range), "20 s .. 21.5 s");
  EXPECT_EQ(*parse_duration_range("3 ms"), (sim::DurationRange{Duration{3'000'000},
                                                               Duration{3'000'000}}));
  EXPECT_EQ(format_duration_range(*parse_duration_range("3 ms .. 3 ms")), "3 ms");
  EXPECT_EQ(error_of(parse_duration_range("2 s .. 1 s")),
            "'2 s .. 1 s' runs backwards, write the earlier time first");
  EXPECT_FALSE(parse_duration_range("1 s .. 2 s .. 3 s"));
  EXPECT_FALSE(parse_duration_range("1 s .. "));
  EXPECT_FALSE(parse_duration_range(".."));
}

TEST(UnitsTest, Rates) {
  EXPECT_EQ(*parse_rate("300 bit/s"), 300U);
  EXPECT_EQ(*parse_rate("1.5 kbit/s"), 1'500U);
  EXPECT_EQ(*parse_rate("10 Mbit/s"), 10'000'000U);
  EXPECT_EQ(*parse_rate("2.5Gbit/s"), 2'500'000'000U);
  EXPECT_EQ(*parse_rate("1 Tbit/s"), 1'000'000'000'000U);
  EXPECT_EQ(*parse_rate("unlimited"), 0U);
  EXPECT_EQ(format_rate(10'000'000), "10 Mbit/s");
  EXPECT_EQ(format_rate(1'500), "1500 bit/s");
  EXPECT_EQ(format_rate(0), "unlimited");
  EXPECT_FALSE(parse_rate("-1 bit/s"));
  EXPECT_FALSE(parse_rate("10 mbit/s"));
  EXPECT_FALSE(parse_rate("10 Mbps"));
}

TEST(UnitsTest, Sizes) {
  EXPECT_EQ(*parse_size("1500 B"), 1'500U);
  EXPECT_EQ(*parse_size("9 kB"), 9'000U);
  EXPECT_EQ(*parse_size("64 KiB"), 65'536U);
  EXPECT_EQ(*parse_size("0.5 KiB"), 512U);
  EXPECT_EQ(*parse_size("3 GiB"), 3U << 30);
  EXPECT_EQ(format_size(65'536), "64 KiB");
  EXPECT_EQ(format_size(1'500), "1500 B");
  EXPECT_EQ(format_size(9'000), "9 kB");
  EXPECT_FALSE(parse_size("64 KB"));  // 1000 or 1024? the writer must say
  EXPECT_FALSE(parse_size("0 B"));
}

TEST(UnitsTest, ProbabilitiesAreTheSameDoubleInBothForms) {
  for (int i = 0; i <= 1000; ++i) {
    const std::string digits = std::to_string(i);
    const std::string percent = digits.size() < 2 ? "0." + digits
                                                  : digits.substr(0, digits.size() - 1) + "." +
                                                        digits.substr(digits.size() - 1);
    const std::string padded = std::string(4 - digits.size(), '0') + digits;
    const std::string plain = padded.substr(0, 1) + "." + padded.substr(1);
    EXPECT_EQ(*parse_probability(percent + " %"), *parse_probability(plain)) << plain;
  }
  EXPECT_EQ(*parse_probability("2 %"), 0.02);
  EXPECT_EQ(*parse_probability("100%"), 1.0);
  EXPECT_EQ(*parse_probability("1e-6"), 1e-6);
  EXPECT_FALSE(parse_probability("100.0001 %"));
  EXPECT_FALSE(parse_probability("-1e-9"));
  EXPECT_FALSE(parse_probability("nan"));
  EXPECT_FALSE(parse_probability("inf"));
  EXPECT_FALSE(parse_probability("2 percent"));
}

TEST(UnitsTest, PartsPerMillion) {
  EXPECT_EQ(*parse_ppm("20 ppm"), 20.0);
  EXPECT_EQ(*parse_ppm("-0.5 ppm"), -0.5);
  EXPECT_EQ(format_ppm(-0.5), "-0.5 ppm");
  EXPECT_EQ(*parse_ppm(format_ppm(1e-12)), 1e-12);  // no exponent in what is written
  EXPECT_EQ(error_of(parse_ppm("20")), "'20' has no unit, write for example '20 ppm'");
  EXPECT_FALSE(parse_ppm("2 %"));
}

TEST(UnitsTest, WhatIsWrittenReadsBackEqual) {
  RandomStream random(1, "units");
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t bits = random.next() >> (1 + random.below(62));
    if (bits == 0) continue;
    const Duration duration{static_cast<std::int64_t>(bits)};
    EXPECT_EQ(*parse_duration(format_duration(duration)), duration);
    EXPECT_EQ(*parse_duration(format_duration(-duration)), -duration);
    EXPECT_EQ(*parse_rate(format_rate(bits)), bits);
    EXPECT_EQ(*parse_size(format_size(bits)), bits);
    const double share = static_cast<double>(bits) * 0x1p-63;
    EXPECT_EQ(*parse_probability(format_number(share)), share);
    EXPECT_EQ(*parse_ppm(format_ppm(share)), share);
  }
}

}  // namespace
}  // namespace twinbed::scenarios
