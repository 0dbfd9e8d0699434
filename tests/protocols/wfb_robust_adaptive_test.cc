// An adaptive WFB-NG link over a channel whose signal rises and falls, beside links that stay as
// they are.
#include <gmock/gmock.h>

#include "tests/support/wfb_air.h"

namespace twinbed::wfb {
namespace {

using testing::AirFrame;
using testing::WfbLinkWorld;
using ::testing::Contains;
using ::testing::IsEmpty;
using enum StreamKind;
using namespace std::chrono_literals;

constexpr bool kDrone = true;
constexpr bool kGround = false;
constexpr Duration kEvery = 4ms;

/// What a frame needs above the table of sensitivities, and loses below it: steeper than what the
/// controller believes.
double frame_loss(int snr_db, std::uint8_t mcs) {
  constexpr std::array<int, 8> kNeeds{4, 7, 9, 12, 16, 20, 21, 22};
  const int above = snr_db - kNeeds[mcs];
  if (above < 0) return 1;
  return above >= 4 ? 0 : 0.3 / (1 << (2 * above));
}

/// Good, then bad, then good again.
int snr_at(Time now) { return now < Time{20s} || now >= Time{40s} ? 30 : 9; }

struct Outcome {
  std::size_t delivered = 0;
  Duration airtime{};  ///< of the downlink's bits alone
};

class AdaptiveLink {
 public:
  AdaptiveLink() : world_([this](Context& c, const AirFrame& sent, std::uint8_t card) {
    return hear(c, sent, card);
  }) {
    video_ = world_.stream(kDrone, "video", kPlain, std::nullopt, 0);
    video_.transmit->encoder.fec = {8, 12};
    ground_ = world_.stream(kGround, "video", kPlain, 0, std::nullopt);
  }

  void adapt() {
    video_.adaptive.emplace();
    video_.adaptive->receive.decoder.keys = world_.keys.drone;
    video_.adaptive->receive.listen_port = 10128;
    ground_.reporter.emplace();
    // The cards of what ground sends.
    const StreamOptions up = world_.stream(kGround, "up", kPlain, std::nullopt, 128);
    ground_.reporter->transmit = *up.transmit;
    ground_.cards = up.cards;
  }
  /// The ground is one that sends no reports.
  void keep_ground_silent() { ground_.reporter.reset(); }
  /// Every repair that a stream has.
  void repair() {
    video_.transmit->encoder.session_repeat = video_.transmit->encoder.refuse_replay = true;
    ground_.receive->decoder.refuse_replay = true;
    ground_.receive->decoder.flush_on_session = true;
    ground_.receive->decoder.ring_timeout = 100ms;
  }
  void fix(std::uint8_t mcs, FecParams fec) {
    video_.transmit->radio.mcs = mcs;
    video_.transmit->encoder.fec = fec;
  }

  Outcome run(Duration until) {
    ProfileOptions drone{"drone", {video_}, {}, 1s};
    ProfileOptions ground{"ground", {ground_}, {}, 1s};
    world_.start({{drone}}, {{ground}});
    for (Duration at = video_from; at < until - 1s; at += video_every) {
      world_.command(at, world_.drone, "video " + std::string(1'000, 'x'));
    }
    world_.run(until);
    return {world_.at_ground.size(), airtime_};
  }
  WfbLinkWorld& world() { return world_; }
  bool is_uplink_cut = false;  ///< from 10 s on
  Duration video_from = 1s;
  Duration video_every = kEvery;
  Duration session_loss{};  ///< of each new session, so long nothing is heard
  std::function<int(Time)> snr = snr_at;

 private:
  std::optional<int> hear(Context& context, const AirFrame& sent, std::uint8_t card) {
    if (card != 0) return std::nullopt;
    if (sent.is_up) {
      if (is_uplink_cut && context.now > Time{10s}) return std::nullopt;
      return context.random.chance(0.2) ? std::nullopt : std::optional(-65);
    }
    constexpr std::array<int, 8> kMbit{6'500, 13'000, 19'500, 26'000, 39'000, 52'000, 58'500,
                                       65'000};
    airtime_ += Duration{static_cast<std::int64_t>(sent.packet.size()) * 8 * 1'000'000 /
                         kMbit[sent.rate.mcs]};
    const int snr_db = snr(context.now);
    if (is_lost_session(context.now, sent.packet)) return std::nullopt;
    if (context.random.chance(frame_loss(snr_db, sent.rate.mcs))) return std::nullopt;
    return snr_db - 95;
  }

  bool is_lost_session(Time now, Bytes packet) {
    if (packet[0] != static_cast<std::byte>(PacketType::kSession)) return false;
    if (!std::ranges::equal(packet, session_)) {
      session_ = to_buffer(packet);
      session_since_ = now;
    }
    return now - session_since_ < session_loss;
  }

  WfbLinkWorld world_;
  Buffer session_;
  Time session_since_{};
  StreamOptions video_;
  StreamOptions ground_;
  Duration airtime_{};
};

constexpr std::size_t kPayloads = 14'500;  // of a minute, but for a second at each end

TEST(AdaptiveLinkTest, LosesNextToNothingAndTakesLessTimeOnTheAirThanWhatNeverFails) {
  AdaptiveLink fast;
  fast.fix(5, {8, 12});
  const Outcome of_fast = fast.run(60s);
  AdaptiveLink safe;
  safe.fix(0, {8, 16});
  const Outcome of_safe = safe.run(60s);
  AdaptiveLink adaptive;
  adaptive.adapt();
  adaptive.repair();
  const Outcome of_adaptive = adaptive.run(60s);
  std::printf("of %zu payloads delivered, and seconds on the air: fast %zu, %.2f; safe %zu, %.2f; "
              "adaptive %zu, %.2f\n",
              kPayloads, of_fast.delivered, to_seconds(of_fast.airtime), of_safe.delivered,
              to_seconds(of_safe.airtime), of_adaptive.delivered, to_seconds(of_adaptive.airtime));
  EXPECT_LT(of_fast.delivered, kPayloads * 7 / 10) << "nothing comes through for twenty seconds";
  EXPECT_EQ(of_safe.delivered, kPayloads);
  EXPECT_GT(of_adaptive.delivered, kPayloads * 98 / 100) << "half a second until it has come down";
  EXPECT_LT(of_adaptive.airtime, of_safe.airtime / 2);
}

TEST(AdaptiveLinkTest, RecordsEachChange) {
  AdaptiveLink link;
  link.adapt();
  link.repair();
  link.run(30s);
  const auto changes = link.world().lines("wfb.link");
  ASSERT_GT(changes.size(), 7u);
  EXPECT_THAT(changes, Contains(::testing::HasSubstr("stream=video k=8 n=9 mcs=7")));
  EXPECT_THAT(changes.back(), ::testing::HasSubstr("n=9 mcs=0"))
      << "of 9 dB, MCS 1 needs 7 and the margin takes 2";
  EXPECT_LT(changes.size(), 20u) << "it does not swing";
}

TEST(AdaptiveLinkTest, AnnouncesASessionAgainThatTheReceiverHasNotHeard) {
  AdaptiveLink link;
  link.adapt();
  link.repair();
  link.session_loss = 50ms;
  link.snr = [](Time) { return 40; };
  const Outcome outcome = link.run(60s);
  const auto sessions = static_cast<std::size_t>(link.world().lines("wfb.session").size());
  ASSERT_GT(sessions, 2u) << "of video and of its reports";
  EXPECT_LT(outcome.delivered, kPayloads) << "every session's first announcement was lost";
  // A report comes every 200 ms; without it a second's worth would be lost.
  EXPECT_GT(outcome.delivered, kPayloads - 150u * (sessions - 2));
}

TEST(AdaptiveLinkTest, StaysAsItIsWhereTheOtherSideSendsNoReports) {
  AdaptiveLink link;
  link.adapt();
  link.repair();
  link.keep_ground_silent();
  link.fix(2, {8, 12});
  AdaptiveLink fixed;
  fixed.repair();
  fixed.fix(2, {8, 12});
  const Outcome outcome = link.run(30s);
  EXPECT_THAT(link.world().lines("wfb.link"), IsEmpty());
  EXPECT_EQ(outcome.airtime, fixed.run(30s).airtime);
}

TEST(AdaptiveLinkTest, IsMostRobustWhenReportsStop) {
  AdaptiveLink link;
  link.adapt();
  link.repair();
  link.is_uplink_cut = true;
  link.run(13s);
  EXPECT_THAT(link.world().lines("wfb.link").back(),
              ::testing::AllOf(::testing::HasSubstr("n=16 mcs=0"),
                               ::testing::HasSubstr("reason=silence")));
}

TEST(AdaptiveLinkTest, CarriesTheVideoThatBeginsInSilence) {
  AdaptiveLink link;
  link.adapt();
  link.repair();
  link.is_uplink_cut = true;
  link.video_from = 14s;
  link.video_every = 1ms;
  link.run(20s);
  const auto changes = link.world().lines("wfb.link");
  ASSERT_FALSE(changes.empty());
  EXPECT_THAT(changes.back(), ::testing::HasSubstr("reason=silence"));
  EXPECT_THAT(changes.back(), ::testing::Not(::testing::HasSubstr("mcs=0")))
      << "8 Mbit/s have no room there";
}

TEST(AdaptiveLinkTest, IsOffUnlessAskedFor) {
  AdaptiveLink link;
  link.fix(1, {8, 12});
  link.run(5s);
  EXPECT_THAT(link.world().lines("wfb.link"), IsEmpty());
  for (const std::string& line : link.world().lines("wfb.stream")) {
    EXPECT_EQ(line.find("report"), std::string::npos);
  }
}

}  // namespace
}  // namespace twinbed::wfb
