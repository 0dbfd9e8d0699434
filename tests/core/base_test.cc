// core/base: time, bytes, endpoints, hashes, random numbers, portable functions, results. Pinned
// values were found with a second implementation of the published algorithms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/portable_math.h"
#include "core/base/random_stream.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/endpoint.h"

namespace twinbed {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// --- time ---------------------------------------------------------------------------------------

TEST(Time, PrintsAllNineDigits) {
  EXPECT_EQ(format_time(Time{}), "0.000000000 s");
  EXPECT_EQ(format_time(time_from_ns(12'345'678'901)), "12.345678901 s");
  EXPECT_EQ(format_time(time_from_ns(1)), "0.000000001 s");
  EXPECT_EQ(format_time(time_from_ns(-1'500'000'000)), "-1.500000000 s");
  EXPECT_EQ(format_time(kNever), "9223372036.854775807 s");
}

TEST(Duration, PrintsTheShortestExactForm) {
  const std::map<std::int64_t, std::string> forms{
      {0, "0 s"},
      {7, "7 ns"},
      {1'000, "1 us"},
      {250'000, "250 us"},
      {1'001, "1.001 us"},
      {5'000'000, "5 ms"},
      {5'000'001, "5.000001 ms"},
      {1'500'000'000, "1.5 s"},
      {60'000'000'000, "60 s"},
      {1'000'000'001, "1.000000001 s"},
      {-2'500'000, "-2.5 ms"}};
  for (const auto& [ns, text] : forms) EXPECT_EQ(format_duration(Duration{ns}), text);
}

TEST(Time, ConvertsThereAndBack) {
  EXPECT_EQ(to_ns(time_from_ns(-5)), -5);
  EXPECT_EQ(to_ns(wall_from_ns(1'700'000'000'000'000'000)), 1'700'000'000'000'000'000);
  EXPECT_DOUBLE_EQ(to_seconds(1500ms), 1.5);
}

// --- bytes --------------------------------------------------------------------------------------

TEST(Hex, GoesThereAndBackForEveryByte) {
  Buffer all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
  const std::string text = to_hex(all);
  EXPECT_EQ(text.substr(0, 8), "00010203");
  EXPECT_EQ(text.substr(504), "fcfdfeff");
  Buffer back;
  ASSERT_TRUE(from_hex(text, back));
  EXPECT_EQ(back, all);
}

TEST(Hex, TakesEitherCaseAndNothingElse) {
  Buffer out;
  EXPECT_TRUE(from_hex("DEADbeef", out));
  EXPECT_EQ(to_hex(out), "deadbeef");
  EXPECT_TRUE(from_hex("", out));
  EXPECT_TRUE(out.empty());
  for (const std::string_view wrong : {"a", "abc", "0g", "g0", " 0", "0x12", "\xff\xff"}) {
    EXPECT_FALSE(from_hex(wrong, out)) << wrong;
  }
}

// --- endpoints ----------------------------------------------------------------------------------

TEST(Endpoint, IsReadAndWritten) {
  for (const std::string_view text : {"10.0.0.1:7001", "0.0.0.0:0", "255.255.255.255:65535"}) {
    const Result<Endpoint> endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint.ok()) << text;
    EXPECT_EQ(to_string(*endpoint), text);
  }
  EXPECT_EQ(parse_endpoint("127.0.0.1:80")->address, kLoopback);
  EXPECT_EQ(parse_endpoint("127.0.0.1:80")->port, 80);
  EXPECT_TRUE(parse_address("0.0.0.0")->is_any());
  EXPECT_LT(*parse_address("9.255.255.255"), *parse_address("10.0.0.0"));
}

TEST(Endpoint, WhatIsNoneIsRefusedInOneSentence) {
  for (const std::string_view wrong :
       {"", "10.0.0.1", ":7001", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:7 ",
        "10.0.0.1:07", "10.0.0:7001", "10.0.0.1.2:7001", "10.0.0.256:7001", "10.0.0.01:7001",
        "10..0.1:7001", "localhost:7001", "[::1]:7001", "10.0.0.1:4294967297"}) {
    const Result<Endpoint> endpoint = parse_endpoint(wrong);
    ASSERT_FALSE(endpoint.ok()) << wrong;
    EXPECT_THAT(endpoint.error(), HasSubstr("such as 10.0.0.1")) << wrong;
  }
}

// --- hashes -------------------------------------------------------------------------------------

TEST(Hash, IsTheSameEverywhere) {
  EXPECT_EQ(hash_bytes({}), 0xe41f'2fc0'193e'a76eULL);
  EXPECT_EQ(hash_bytes({}, 1), 0x54f1'3284'bbd1'9ab5ULL);
  EXPECT_EQ(hash_bytes(as_bytes("abc")), 0xfe1b'7f1d'469e'c364ULL);
  Buffer bytes;
  for (int i = 0; i < 100; ++i) bytes.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(hash_bytes(bytes, 7), 0x7675'748f'a03a'4a8fULL);
  EXPECT_EQ(hash_combine(1, 2), 0xc8b7'f534'790f'4c70ULL);
}

TEST(Hash, CopyingOnTheWayGivesTheSameHashAndTheSameBytes) {
  for (std::size_t size = 0; size < 200; ++size) {
    Buffer bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(i * 7 + size));
    Buffer copy(size + 64, std::byte{0xee});
    EXPECT_EQ(copy_and_hash(bytes, copy.data()), hash_bytes(bytes)) << size;
    bytes.resize(size + 64, std::byte{0xee});
    EXPECT_EQ(copy, bytes) << "of " << size << " bytes, nothing after them is touched";
  }
}

TEST(Hash, EveryInputBitFlipsAboutHalfOfTheOutput) {
  for (std::size_t size : {1U, 8U, 16U, 17U, 48U, 49U, 97U}) {
    Buffer bytes(size, std::byte{0x5a});
    const std::uint64_t before = hash_bytes(bytes);
    int total = 0;
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      const int flipped = std::popcount(before ^ hash_bytes(bytes));
      bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
      EXPECT_GE(flipped, 10) << "bit " << bit << " of " << size << " bytes";
      total += flipped;
    }
    // Each output bit flips with probability 1/2: the mean is 32 with standard error 4 / sqrt(n).
    const double inputs = static_cast<double>(size) * 8;
    EXPECT_NEAR(total / inputs, 32.0, 5 * 4 / std::sqrt(inputs)) << size << " bytes";
  }
}

TEST(Hash, DoesNotCollideOnManySmallInputs) {
  std::set<std::uint64_t> seen;
  std::size_t inputs = 0;
  for (std::uint32_t number = 0; number < 50'000; ++number, ++inputs) {
    seen.insert(hash_bytes(as_bytes(std::to_string(number))));
  }
  // Zeros of every length, and one seed after the other.
  for (std::size_t size = 0; size < 500; ++size, ++inputs) seen.insert(hash_bytes(Buffer(size)));
  for (std::uint64_t seed = 1; seed < 500; ++seed, ++inputs) seen.insert(hash_bytes({}, seed));
  EXPECT_EQ(seen.size(), inputs);
}

TEST(Hash, CombiningDependsOnTheOrder) {
  EXPECT_NE(hash_combine(hash_combine(0, 1), 2), hash_combine(hash_combine(0, 2), 1));
  EXPECT_NE(hash_combine(hash_combine(0, 0), 0), hash_combine(0, 0));
}

// --- random streams -----------------------------------------------------------------------------

TEST(RandomStream, IsTheSameEverywhere) {
  RandomStream stream(42, "jitter", 3);
  const std::array<std::uint64_t, 4> first{stream.next(), stream.next(), stream.next(),
                                           stream.next()};
  EXPECT_THAT(first, ElementsAre(0x6615'09e0'dec3'12d5ULL, 0x297d'c011'ad8e'adadULL,
                                 0x8171'3b3d'ac8c'0a82ULL, 0xa42d'8ad3'8e98'84edULL));
  RandomStream zero(0, "");
  EXPECT_EQ(zero.next(), 0x9757'7edc'c06b'683aULL);
}

TEST(RandomStream, EveryPartOfTheKeyGivesAStreamOfItsOwn) {
  constexpr int kDraws = 1000;
  const std::vector<std::function<RandomStream()>> others{
      [] { return RandomStream(2, "loss", 0); }, [] { return RandomStream(1, "delay", 0); },
      [] { return RandomStream(1, "loss", 1); }, [] { return RandomStream(1, "loss", 1ULL << 63); },
      [] { return RandomStream(0, "loss1", 0); }};
  for (const auto& make_other : others) {
    RandomStream one(1, "loss", 0);
    RandomStream other = make_other();
    int differing = 0;
    for (int i = 0; i < kDraws; ++i) differing += std::popcount(one.next() ^ other.next());
    // Independent streams differ in half of their bits.
    EXPECT_NEAR(differing, 32.0 * kDraws, 5 * 4 * std::sqrt(kDraws));
  }
}

// --- distributions ------------------------------------------------------------------------------

/// The mean of `count` draws must be within five standard errors of what it should be.
void expect_mean(double mean, double variance, const std::function<double(Random&)>& draw,
                 int count = 200'000) {
  RandomStream random(20'240'601, "distribution");
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += draw(random);
  EXPECT_NEAR(sum / count, mean, 5 * std::sqrt(variance / count));
}

TEST(Distribution, UniformHasItsMoments) {
  expect_mean(0.5, 1.0 / 12, [](Random& random) { return random.uniform(); });
  expect_mean(1.0 / 3, 4.0 / 45, [](Random& random) { return std::pow(random.uniform(), 2); });
}

TEST(Distribution, ExponentialHasItsMoments) {
  expect_mean(1, 1, [](Random& random) { return random.exponential(); });
  expect_mean(2, 20, [](Random& random) { return std::pow(random.exponential(), 2); });
}

TEST(Distribution, NormalHasItsMoments) {
  expect_mean(0, 1, [](Random& random) { return random.normal(); });
  expect_mean(1, 2, [](Random& random) { return std::pow(random.normal(), 2); });
  expect_mean(0, 15, [](Random& random) { return std::pow(random.normal(), 3); });
  expect_mean(3, 96, [](Random& random) { return std::pow(random.normal(), 4); });
}

TEST(Distribution, ParetoHasItsMeanAndTail) {
  // Shape 3: mean 3/2, variance 3/4, and P(X > 2) = 1/8.
  expect_mean(1.5, 0.75, [](Random& random) { return random.pareto(3); });
  expect_mean(0.125, 0.125 * 0.875, [](Random& random) {
    return random.pareto(3) > 2 ? 1.0 : 0.0;
  });
  expect_mean(0, 0, [](Random& random) { return random.pareto(3) < 1 ? 1.0 : 0.0; });
}

TEST(Distribution, ChanceHasItsProbability) {
  expect_mean(0.3, 0.21, [](Random& random) { return random.chance(0.3) ? 1.0 : 0.0; });
}

TEST(Distribution, CertainChancesDrawNothing) {
  RandomStream used(1, "chance");
  RandomStream fresh(1, "chance");
  EXPECT_FALSE(used.chance(0));
  EXPECT_FALSE(used.chance(-1));
  EXPECT_TRUE(used.chance(1));
  EXPECT_TRUE(used.chance(2));
  EXPECT_EQ(used.next(), fresh.next());
}

TEST(Distribution, BelowIsUnbiased) {
  // Three quarters of 2^64: taking the remainder would draw the first third twice as often.
  constexpr std::uint64_t kBound = 3ULL << 62;
  expect_mean(1.0 / 3, 2.0 / 9, [](Random& random) {
    return random.below(kBound) < kBound / 3 ? 1.0 : 0.0;
  });
  for (std::uint64_t value = 0; value < 7; ++value) {
    expect_mean(1.0 / 7, 6.0 / 49, [value](Random& random) {
      return random.below(7) == value ? 1.0 : 0.0;
    }, 50'000);
  }
}

TEST(Distribution, BelowStaysBelow) {
  RandomStream random(3, "below");
  for (std::uint64_t bound : {1ULL, 2ULL, 3ULL, 1000ULL, ~0ULL}) {
    for (int i = 0; i < 1000; ++i) ASSERT_LT(random.below(bound), bound);
  }
}

TEST(Distribution, BetweenReachesBothEnds) {
  RandomStream random(4, "between");
  std::set<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.between(-2ns, 2ns).count());
  EXPECT_THAT(seen, ElementsAre(-2, -1, 0, 1, 2));
  EXPECT_EQ(random.between(5ms, 5ms), 5ms);
}

TEST(Distribution, ShuffleFindsEveryOrderEquallyOften) {
  RandomStream random(5, "shuffle");
  constexpr int kRounds = 60'000;
  std::map<std::string, int> orders;
  for (int i = 0; i < kRounds; ++i) {
    std::string letters = "abc";
    shuffle(std::span<char>(letters), random);
    ++orders[letters];
  }
  ASSERT_EQ(orders.size(), 6U);
  const double error = std::sqrt(kRounds * (1.0 / 6) * (5.0 / 6));
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, kRounds / 6.0, 5 * error) << order;
}

TEST(Distribution, FillWritesTheBitsInOrder) {
  RandomStream filled(6, "fill");
  RandomStream drawn(6, "fill");
  Buffer bytes(11);
  filled.fill(bytes);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 8 == 0) word = drawn.next();
    EXPECT_EQ(std::to_integer<std::uint64_t>(bytes[i]), word >> (8 * (i % 8)) & 255) << i;
  }
}

// --- portable functions -------------------------------------------------------------------------

TEST(PortableMath, AgreesWithTheLibraryToFourteenDigits) {
  RandomStream random(7, "math");
  for (int i = 0; i < 20'000; ++i) {
    const double uniform = random.uniform();
    for (const double x : {1 - uniform, 1 + uniform, uniform * 1e6 + 1e-9,
                           std::ldexp(1 + uniform, static_cast<int>(random.below(2000)) - 1000)}) {
      const double expected = std::log(x);
      ASSERT_NEAR(portable_log(x), expected, 1e-14 * std::abs(expected)) << "log " << x;
    }
    for (const double x : {uniform, -uniform, 100 * uniform, 1400 * uniform - 700}) {
      const double expected = std::exp(x);
      ASSERT_NEAR(portable_exp(x), expected, 1e-14 * expected) << "exp " << x;
    }
  }
}

TEST(PortableMath, SineAndCosineAreTheCLibrarys) {
  RandomStream random(12, "angles");
  for (int i = 0; i < 100'000; ++i) {
    const double x = 200 * random.uniform() - 100;
    ASSERT_NEAR(portable_sin(x), std::sin(x), 1e-14) << x;
    ASSERT_NEAR(portable_cos(x), std::cos(x), 2e-14) << x;
    const double large = 1e4 * x;
    ASSERT_NEAR(portable_sin(large), std::sin(large), 1e-9) << large;
    ASSERT_NEAR(portable_cos(large), std::cos(large), 1e-9) << large;
  }
  EXPECT_EQ(portable_sin(0.0), 0.0);
  EXPECT_DOUBLE_EQ(portable_sin(1.5707963267948966), 1.0);
  EXPECT_DOUBLE_EQ(portable_cos(0.0), 1.0);
}

TEST(PortableMath, IsExactWhereItCanBe) {
  EXPECT_EQ(portable_log(1.0), 0.0);
  EXPECT_EQ(portable_exp(0.0), 1.0);
  EXPECT_EQ(portable_exp(1e9), portable_exp(700));
  EXPECT_EQ(portable_exp(-1e9), portable_exp(-700));
}

TEST(PortableMathDeathTest, ThereIsNoLogarithmOfZero) {
  EXPECT_DEATH(portable_log(0.0), "portable_log takes positive finite numbers");
  EXPECT_DEATH(portable_log(-1.0), "portable_log takes positive finite numbers");
}

// --- results and checks -------------------------------------------------------------------------

TEST(Result, HoldsAValueOrAReason) {
  const Result<std::string> value{std::string("here")};
  EXPECT_TRUE(value.ok());
  EXPECT_TRUE(static_cast<bool>(value));
  EXPECT_EQ(*value, "here");
  EXPECT_EQ(value->size(), 4U);
  const Result<std::string> none{Error{"there is nothing"}};
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.error(), "there is nothing");
}

TEST(Result, GivesItsValueAway) {
  Result<std::vector<int>> result{std::vector<int>{1, 2, 3}};
  const int* data = result->data();
  const std::vector<int> taken = *std::move(result);
  EXPECT_EQ(taken.data(), data);
}

TEST(ResultDeathTest, WhatIsNotThereMustNotBeAskedFor) {
  const Result<int> value{1};
  const Result<int> none{Error{"nothing"}};
  EXPECT_DEATH((void)*none, "the value of a result that holds an error");
  EXPECT_DEATH((void)value.error(), "the error of a result that holds a value");
}

TEST(CheckDeathTest, PrintsPlaceConditionSeedAndTime) {
  const auto fail_in_simulation = [] {
    check_context() = {99, 1234, true};
    TWINBED_CHECK(1 + 1 == 3, "sums are wrong");
  };
  EXPECT_DEATH(fail_in_simulation(),
               "base_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3: sums are wrong\n"
               "  in a simulation with seed 99 at 1234 ns");
}

}  // namespace
}  // namespace twinbed
