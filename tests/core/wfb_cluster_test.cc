// Which card transmits, and how small packets travel together: rules of WFB-NG's control plane.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/protocols/wfb/antenna_selection.h"
#include "core/protocols/wfb/batch.h"

namespace twinbed::wfb {
namespace {

using ::testing::ElementsAre;

// ---- Selection of the card that transmits ----------------------------------------------------

constexpr std::uint32_t kNear = 0x0a4d000b;
constexpr std::uint32_t kFar = 0x0a4d000c;

WlanId wlan(std::uint32_t node, std::uint8_t card = 0) {
  return AntennaId::of(node, card, 0).wlan();
}

/// An interval's packets, as antennas heard them.
class Interval {
 public:
  Interval& heard(std::uint32_t node, int packets, int signal_dbm, std::uint8_t antenna = 0,
                  std::uint8_t card = 0) {
    Reception reception;
    reception.wlan = card;
    reception.readings.fill({0xff, -128, 127});
    reception.readings[0] = {antenna, static_cast<std::int8_t>(signal_dbm), -95};
    for (int i = 0; i < packets; ++i) table_.add(node, reception);
    return *this;
  }
  std::vector<const AntennaTable*> streams() const { return {&table_}; }

 private:
  AntennaTable table_;
};

TEST(AntennaSelection, TakesTheStrongestAndThenNeedsThreeDecibels) {
  AntennaSelection selection;
  EXPECT_EQ(selection.choose({}), std::nullopt) << "nothing was heard yet";
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 100, -45).heard(kFar, 100, -60).streams()),
            wlan(kNear));
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 100, -80).heard(kFar, 100, -60).streams()),
            wlan(kFar));
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 100, -58).heard(kFar, 100, -60).streams()),
            wlan(kFar))
      << "2 dB are not enough";
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 100, -57).heard(kFar, 100, -60).streams()),
            wlan(kNear));
  EXPECT_EQ(selection.choose({}), wlan(kNear)) << "an interval without packets changes nothing";
}

TEST(AntennaSelection, LeavesACardThatHearsTooLittle) {
  AntennaSelection selection;
  selection.choose(Interval().heard(kFar, 100, -60).streams());
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 100, -58).heard(kFar, 90, -60).streams()),
            wlan(kFar))
      << "nine tenths are enough";
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 100, -58).heard(kFar, 89, -60).streams()),
            wlan(kNear));
  // Three packets fewer are always enough.
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 2, -60).heard(kFar, 5, -62).streams()),
            wlan(kNear));
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 1, -60).heard(kFar, 5, -62).streams()),
            wlan(kFar));
}

TEST(AntennaSelection, CountsTheBestAntennaOfACard) {
  AntennaSelection selection;
  EXPECT_EQ(selection.choose(Interval()
                                 .heard(kNear, 100, -70, 0)
                                 .heard(kNear, 20, -50, 1)
                                 .heard(kFar, 100, -60)
                                 .streams()),
            wlan(kNear));
}

TEST(AntennaSelection, PrefersTheLargerNumberAmongEquals) {
  AntennaSelection selection;
  EXPECT_EQ(selection.choose(Interval().heard(kNear, 9, -60).heard(kFar, 9, -60).streams()),
            wlan(kFar));
}

TEST(AntennaSelection, NeverTakesACardThatOnlyReceives) {
  AntennaSelection selection({wlan(kNear, 1)});
  EXPECT_EQ(selection.choose(Interval()
                                 .heard(kNear, 100, -30, 0, 1)
                                 .heard(kNear, 10, -70, 0, 0)
                                 .streams()),
            wlan(kNear, 0));
}

// ---- Batches ---------------------------------------------------------------------------------

TEST(Batch, PutsALengthBeforeEachPacketOfATunnel) {
  Batch batch(Framing::kLengths);
  batch.add(as_bytes("abc"));
  batch.add(as_bytes("defg"));
  EXPECT_FALSE(batch.empty());
  const Buffer payload = batch.take();
  EXPECT_EQ(to_hex(payload), "0003616263000464656667");
  EXPECT_TRUE(batch.empty());
  const auto packets = split_batch(payload);
  ASSERT_TRUE(packets);
  ASSERT_EQ(packets->size(), 2u);
  EXPECT_EQ(as_text((*packets)[1]), "defg");
}

// As recorded of wfb-server: datagrams of 1,300, 200 and 1,300 bytes, each in an IP packet.
TEST(Batch, IsSentBeforeAPacketThatDoesNotFit) {
  Batch batch(Framing::kLengths);
  std::vector<std::size_t> sent;
  for (const std::size_t bytes : {1328, 228, 1328}) {
    const Buffer packet(bytes);
    if (!batch.fits(packet)) sent.push_back(batch.take().size());
    batch.add(packet);
  }
  sent.push_back(batch.take().size());
  EXPECT_THAT(sent, ElementsAre(1330, 230, 1330));
}

TEST(Batch, LeavesTelemetryAsItIs) {
  Batch batch(Framing::kNone, 8);
  batch.add(as_bytes("abcd"));
  EXPECT_TRUE(batch.fits(as_bytes("efgh")));
  EXPECT_FALSE(batch.fits(as_bytes("efghi")));
  batch.add(as_bytes("efgh"));
  EXPECT_EQ(as_text(batch.take()), "abcdefgh");
}

TEST(Batch, RefusesALengthBeyondThePayload) {
  const Buffer good{std::byte{0}, std::byte{1}, std::byte{0x61}};
  EXPECT_TRUE(split_batch({})->empty()) << "a sign of life";
  EXPECT_FALSE(split_batch(Buffer(1)));
  EXPECT_FALSE(split_batch(Bytes(good).first(2)));
  EXPECT_TRUE(split_batch(good));
}

}  // namespace
}  // namespace twinbed::wfb
