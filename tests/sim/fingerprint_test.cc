#include "sim/fingerprint.h"

#include <gtest/gtest.h>

#include <set>

namespace twinbed::sim {
namespace {

Fingerprint of(std::int64_t at_ns, std::uint32_t node, std::uint32_t kind, std::uint64_t payload) {
  Fingerprint fingerprint;
  fingerprint.add(time_from_ns(at_ns), node, kind, payload);
  return fingerprint;
}

TEST(Fingerprint, IsTheSameEverywhere) {
  // Found with a second implementation of the same arithmetic.
  Fingerprint fingerprint;
  EXPECT_EQ(fingerprint.hex(), "0000000000000000");
  fingerprint.add(time_from_ns(1000), 2, 3, 4);
  EXPECT_EQ(fingerprint.hex(), "cdc7258db4baf017");
  fingerprint.add(time_from_ns(1000), 0, 7, 0);
  EXPECT_EQ(fingerprint.value(), 0x5cae'e26b'90bc'904fULL);
}

TEST(Fingerprint, DependsOnEveryMember) {
  const std::set<std::uint64_t> values{
      of(1, 2, 3, 4).value(), of(9, 2, 3, 4).value(), of(1, 9, 3, 4).value(),
      of(1, 2, 9, 4).value(), of(1, 2, 3, 9).value(), of(1, 3, 2, 4).value()};
  EXPECT_EQ(values.size(), 6U);
}

TEST(Fingerprint, DependsOnTheOrder) {
  Fingerprint forward = of(1, 2, 3, 4);
  forward.add(time_from_ns(1), 3, 3, 4);
  Fingerprint backward = of(1, 3, 3, 4);
  backward.add(time_from_ns(1), 2, 3, 4);
  EXPECT_NE(forward, backward);
}

TEST(Fingerprint, ADifferenceStays) {
  Fingerprint one = of(1, 2, 3, 4);
  Fingerprint other = of(1, 2, 3, 5);
  for (std::int64_t i = 0; i < 10'000; ++i) {
    one.add(time_from_ns(i), 1, 1, 0);
    other.add(time_from_ns(i), 1, 1, 0);
    ASSERT_NE(one, other) << "after " << i + 1 << " more events";
  }
}

}  // namespace
}  // namespace twinbed::sim
