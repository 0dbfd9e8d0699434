// The epochs that outlive a transmitter, on a disk that fails when it is told to; and what a packet
// costs in a central node.
#include <gmock/gmock.h>

#include <map>

#include "core/protocols/wfb/central_node.h"
#include "core/protocols/wfb/epoch_reserve.h"
#include "tests/support/counting_new.h"
#include "tests/support/fake_context.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::FakeContext;
using namespace std::chrono_literals;
using enum EpochReserve::Outcome;

const ChannelId kChannel = ChannelId::of(7669206, 0);
constexpr std::string_view kFile = "wfb-tx-7505d600.epoch";
constexpr std::uint64_t kWallMs = 1'700'000'000'000;  // of the fake context

/// Carries storage requests out; a crash loses nothing, as all is synced before it counts.
struct EpochTest : ::testing::Test {
  FakeContext fake;
  std::map<std::string, Buffer> files;
  StorageStatus of_syncs = StorageStatus::kOk;

  /// Answers what the reserve asks for until it asks for nothing more; its last outcome.
  EpochReserve::Outcome answer(EpochReserve& reserve, std::uint64_t least = 0) {
    auto outcome = kNotMine;
    for (std::size_t i = 0; i < fake.requests.requests().size(); ++i) {
      const Request request = fake.requests.requests()[i];
      const std::string name(fake.requests.name(request));
      StorageResult result{StorageToken{request.token}, of_syncs, {}};
      if (request.kind == RequestKind::kFileWrite) {
        files[name] = to_buffer(fake.requests.data(request));
      } else if (request.kind == RequestKind::kRename) {
        files[std::string(fake.requests.second_name(request))] = files[name];
        files.erase(name);
      } else if (request.kind == RequestKind::kRead) {
        const auto file = files.find(name);
        if (file == files.end()) result.status = StorageStatus::kNotFound;
        else result.data = file->second;
      }
      if (request.kind != RequestKind::kRead && request.kind != RequestKind::kSync) continue;
      fake.run([&](Context& c) { outcome = reserve.on_storage(c, result, least); });
    }
    fake.requests.clear();
    return outcome;
  }
  EpochReserve started(std::uint64_t least = 0) {
    EpochReserve reserve(kChannel, 1);
    fake.run([&](Context& c) { reserve.start(c); });
    EXPECT_EQ(answer(reserve, least), kReady);
    return reserve;
  }
};

TEST_F(EpochTest, IsTheWallClockInMillisecondsAndAboveEveryOneThatWasUsed) {
  EpochReserve first = started();
  EXPECT_EQ(first.first(), kWallMs);
  EXPECT_TRUE(files.contains(std::string(kFile)));
  EpochReserve second = started();
  EXPECT_EQ(second.first(), kWallMs + EpochReserve::kAhead + 1) << "within the same millisecond";
  fake.wall -= 24h;
  EXPECT_GT(started().first(), second.first()) << "a clock that was set back";
  fake.wall += 48h;
  EXPECT_EQ(started().first(), kWallMs + 24 * 3'600'000) << "the clock has caught up";
  EXPECT_EQ(started(kWallMs * 2).first(), kWallMs * 2) << "as the options ask for";
}

TEST_F(EpochTest, IsReservedAheadOfItsUse) {
  EpochReserve reserve = started();
  EXPECT_TRUE(reserve.allows(kWallMs + EpochReserve::kAhead));
  EXPECT_FALSE(reserve.allows(kWallMs + EpochReserve::kAhead + 1));
  fake.run([&](Context& c) { reserve.note(c, kWallMs + 500); });
  EXPECT_TRUE(fake.requests.empty()) << "half of them are left";
  fake.run([&](Context& c) { reserve.note(c, kWallMs + 501); });
  EXPECT_FALSE(reserve.allows(kWallMs + EpochReserve::kAhead + 1)) << "not durable yet";
  EXPECT_EQ(answer(reserve), kReady);
  EXPECT_TRUE(reserve.allows(kWallMs + EpochReserve::kAhead + 501));
  EXPECT_GT(started().first(), kWallMs + EpochReserve::kAhead + 501);
}

TEST_F(EpochTest, IsNotUsedBeforeItIsDurable) {
  of_syncs = StorageStatus::kNoSpace;
  EpochReserve reserve(kChannel, 1);
  fake.run([&](Context& c) { reserve.start(c); });
  EXPECT_EQ(answer(reserve), kFailed);
  EXPECT_FALSE(reserve.allows(reserve.first()));
  EXPECT_FALSE(files.contains(std::string(kFile)));
  of_syncs = StorageStatus::kOk;
  fake.run([&](Context& c) { reserve.retry(c); });
  EXPECT_EQ(answer(reserve), kReady);
  EXPECT_TRUE(reserve.allows(reserve.first()));
}

TEST_F(EpochTest, OfADamagedFileIsNotBelieved) {
  started();
  files[std::string(kFile)][3] ^= std::byte{1};
  EXPECT_EQ(started().first(), kWallMs);
  EXPECT_EQ(fake.recorder.lines_with("wfb-tx-7505d600.epoch is damaged"), 1u);
  files[std::string(kFile)].clear();
  EXPECT_EQ(started().first(), kWallMs);
  EXPECT_EQ(fake.recorder.lines_with("wfb-tx-7505d600.epoch is damaged"), 2u);
}

// ---- Cost ------------------------------------------------------------------------------------

TEST(CentralNodeCost, IsNoAllocationForAPacket) {
  if (!testing::kCountsAllocations) GTEST_SKIP() << "a sanitizer has the allocator";
  StreamOptions sender;
  sender.name = "video";
  sender.transmit.emplace();
  sender.transmit->encoder = {testing::wfb_link_keys().drone, kChannel, 0, {8, 12}, 1h};
  sender.transmit->outputs = {InterfaceId{0}};
  sender.cards = {0};
  StreamOptions receiver;
  receiver.name = "video";
  receiver.receive.emplace();
  receiver.receive->decoder.keys = testing::wfb_link_keys().ground;
  receiver.receive->decoder.channel = kChannel;
  receiver.receive->decoder.ring_timeout = 100ms;
  receiver.reporter.emplace();
  receiver.reporter->transmit = *sender.transmit;
  CentralNode drone({{ProfileOptions{"drone", {sender}, {}, 1h}}});
  CentralNode ground({{ProfileOptions{"ground", {receiver}, {}, 1h}}});
  FakeContext in_air;
  FakeContext on_ground;
  in_air.run([&](Context& c) { drone.on_start(c); });
  on_ground.run([&](Context& c) { ground.on_start(c); });
  Buffer command = to_buffer("video ");
  command.resize(1'000);
  const auto carry_payloads = [&] {
    for (int i = 0; i < 800; ++i) {
      in_air.run([&](Context& c) { drone.on_command(c, command); });
      for (const Request& request : in_air.requests.requests()) {
        if (request.kind != RequestKind::kTransmit) continue;
        RxFrame heard;
        heard.frame = in_air.requests.data(request);
        on_ground.run([&](Context& c) { ground.on_frame(c, heard); });
      }
      in_air.requests.clear();
      on_ground.requests.clear();
    }
  };
  carry_payloads();
  carry_payloads();
  const std::uint64_t before = testing::allocations();
  const std::uint64_t out = ground.stream("video")->aggregator()->counters().out;
  carry_payloads();
  EXPECT_LE(testing::allocations() - before, 2u) << "the set of an interval's packets may grow";
  EXPECT_EQ(ground.stream("video")->aggregator()->counters().out - out, 800u);
}

}  // namespace
}  // namespace twinbed::wfb
