// The requests of a handler, kept in order with their data, and their fingerprint.
#include "core/io/request_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/random_stream.h"

namespace twinbed {
namespace {

using ::testing::ElementsAre;

constexpr Endpoint kHere{{0x0a00'0001}, 7001};
constexpr Endpoint kThere{{0x0a00'0002}, 7002};

std::vector<RequestKind> kinds_of(const RequestBuffer& buffer) {
  std::vector<RequestKind> kinds;
  for (const Request& request : buffer.requests()) kinds.push_back(request.kind);
  return kinds;
}

/// One request of every kind.
void request_everything(RequestBuffer& buffer) {
  Streams& streams = buffer;
  Datagrams& datagrams = buffer;
  Storage& storage = buffer;
  buffer.set(TimerId{1}, time_from_ns(-5));
  buffer.cancel(TimerId{2});
  buffer.transmit(InterfaceId{3}, as_bytes("frame"), {.mcs = 7});
  buffer.tune(InterfaceId{4}, ChannelMhz{2412});
  datagrams.bind(SocketId{5}, kHere);
  datagrams.send(SocketId{6}, kThere, as_bytes("datagram"));
  datagrams.close(SocketId{7});
  streams.listen(ListenerId{8}, kHere);
  streams.open(StreamId{9}, kThere);
  streams.write(StreamId{10}, as_bytes("stream"));
  streams.close(StreamId{11});
  storage.read(StorageToken{12}, "read/file", 100, 200);
  storage.write("written", 300, as_bytes("content"));
  storage.sync(StorageToken{13}, "synced");
  storage.rename("old", "new");
  storage.remove("removed");
  buffer.deliver(as_bytes("message"));
}

TEST(RequestBuffer, StartsEmpty) {
  const RequestBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_TRUE(buffer.requests().empty());
}

TEST(RequestBuffer, KeepsTheOrderOfTheCalls) {
  RequestBuffer buffer;
  request_everything(buffer);
  using enum RequestKind;
  EXPECT_THAT(kinds_of(buffer),
              ElementsAre(kTimerSet, kTimerCancel, kTransmit, kTune, kBind, kSend, kCloseSocket,
                          kListen, kOpen, kStreamWrite, kCloseStream, kRead, kFileWrite, kSync,
                          kRename, kRemove, kDeliver));
}

TEST(RequestBuffer, KeepsWhatEachRequestSays) {
  RequestBuffer buffer;
  request_everything(buffer);
  const std::span<const Request> all = buffer.requests();
  EXPECT_EQ(all[0].id, 1U);
  EXPECT_EQ(all[0].number, -5);
  EXPECT_EQ(all[1].id, 2U);
  EXPECT_EQ(all[2].id, 3U);
  EXPECT_EQ(all[2].tx.mcs, 7);
  EXPECT_EQ(as_text(buffer.data(all[2])), "frame");
  EXPECT_EQ(all[3].id, 4U);
  EXPECT_EQ(all[3].number, 2412);
  EXPECT_EQ(all[4].endpoint, kHere);
  EXPECT_EQ(all[5].id, 6U);
  EXPECT_EQ(all[5].endpoint, kThere);
  EXPECT_EQ(as_text(buffer.data(all[5])), "datagram");
  EXPECT_EQ(all[6].id, 7U);
  EXPECT_EQ(all[7].endpoint, kHere);
  EXPECT_EQ(all[8].endpoint, kThere);
  EXPECT_EQ(as_text(buffer.data(all[9])), "stream");
  EXPECT_EQ(all[10].id, 11U);
}

TEST(RequestBuffer, KeepsWhatEachStorageRequestSays) {
  RequestBuffer buffer;
  request_everything(buffer);
  const std::span<const Request> all = buffer.requests().subspan(11);
  EXPECT_EQ(all[0].token, 12U);
  EXPECT_EQ(all[0].number, 100);
  EXPECT_EQ(all[0].size, 200U);
  EXPECT_EQ(buffer.name(all[0]), "read/file");
  EXPECT_EQ(buffer.name(all[1]), "written");
  EXPECT_EQ(all[1].number, 300);
  EXPECT_EQ(as_text(buffer.data(all[1])), "content");
  EXPECT_EQ(all[2].token, 13U);
  EXPECT_EQ(buffer.name(all[2]), "synced");
  EXPECT_EQ(buffer.name(all[3]), "old");
  EXPECT_EQ(buffer.second_name(all[3]), "new");
  EXPECT_EQ(buffer.name(all[4]), "removed");
  EXPECT_EQ(as_text(buffer.data(all[5])), "message");
}

TEST(RequestBuffer, CopiesWhatItIsGiven) {
  RequestBuffer buffer;
  std::string text = "before";
  buffer.deliver(as_bytes(text));
  text = "after!";
  EXPECT_EQ(as_text(buffer.data(buffer.requests()[0])), "before");
}

TEST(RequestBuffer, TakesEmptyData) {
  RequestBuffer buffer;
  buffer.deliver({});
  buffer.deliver(as_bytes("x"));
  EXPECT_TRUE(buffer.data(buffer.requests()[0]).empty());
  EXPECT_EQ(as_text(buffer.data(buffer.requests()[1])), "x");
}

TEST(RequestBuffer, IsEveryFacilityOfTheContext) {
  RequestBuffer buffer;
  RandomStream random(1, "test");
  class Silent final : public Recorder {
    void sample(const Metric&, double) override {}
    void event(const EventType&, std::span<const Field>) override {}
  } recorder;
  Context context = buffer.context(time_from_ns(7), wall_from_ns(8), NodeId{9}, random, recorder);
  EXPECT_EQ(to_ns(context.now), 7);
  EXPECT_EQ(to_ns(context.wall), 8);
  EXPECT_EQ(context.self, NodeId{9});
  context.timers.cancel(TimerId{});
  context.radio.tune({}, {});
  context.datagrams.close(SocketId{});
  context.streams.close(StreamId{});
  context.storage.remove("file");
  context.application.deliver({});
  using enum RequestKind;
  EXPECT_THAT(kinds_of(buffer), ElementsAre(kTimerCancel, kTune, kCloseSocket, kCloseStream,
                                            kRemove, kDeliver));
}

TEST(RequestBuffer, IsReusedWithoutGrowing) {
  RequestBuffer buffer;
  request_everything(buffer);
  const Request* requests = buffer.requests().data();
  const std::byte* bytes = buffer.data(buffer.requests()[2]).data();
  const std::uint64_t fingerprint = buffer.fingerprint();
  for (int round = 0; round < 3; ++round) {
    buffer.clear();
    EXPECT_TRUE(buffer.empty());
    request_everything(buffer);
    EXPECT_EQ(buffer.requests().data(), requests);
    EXPECT_EQ(buffer.data(buffer.requests()[2]).data(), bytes);
    EXPECT_EQ(buffer.fingerprint(), fingerprint);
  }
}

// --- the fingerprint ----------------------------------------------------------------------------

using Requests = std::function<void(RequestBuffer&)>;

Requests transmit(const TxParams& params) {
  return [params](RequestBuffer& buffer) { buffer.transmit({}, as_bytes("f"), params); };
}

/// Behaviours that differ from each other in one thing each.
std::map<std::string, Requests> different_behaviours() {
  return {
      {"nothing", [](RequestBuffer&) {}},
      {"a timer", [](RequestBuffer& b) { b.set(TimerId{1}, time_from_ns(1)); }},
      {"another timer", [](RequestBuffer& b) { b.set(TimerId{2}, time_from_ns(1)); }},
      {"a later timer", [](RequestBuffer& b) { b.set(TimerId{1}, time_from_ns(2)); }},
      {"a cancelled timer", [](RequestBuffer& b) { b.cancel(TimerId{1}); }},
      {"a timer twice", [](RequestBuffer& b) {
         b.set(TimerId{1}, time_from_ns(1));
         b.set(TimerId{1}, time_from_ns(1));
       }},
      {"timers 1, 2", [](RequestBuffer& b) { b.cancel(TimerId{1}), b.cancel(TimerId{2}); }},
      {"timers 2, 1", [](RequestBuffer& b) { b.cancel(TimerId{2}), b.cancel(TimerId{1}); }},
      {"a bind", [](RequestBuffer& b) { b.bind(SocketId{1}, kHere); }},
      {"a bind elsewhere", [](RequestBuffer& b) { b.bind(SocketId{1}, kThere); }},
      {"a listen", [](RequestBuffer& b) { b.listen(ListenerId{1}, kHere); }},
      {"a message", [](RequestBuffer& b) { b.deliver(as_bytes("ab")); }},
      {"another message", [](RequestBuffer& b) { b.deliver(as_bytes("ac")); }},
      {"an empty message", [](RequestBuffer& b) { b.deliver({}); }},
      {"a read", [](RequestBuffer& b) { b.read(StorageToken{1}, "f", 0, 1); }},
      {"a read with another token", [](RequestBuffer& b) { b.read(StorageToken{2}, "f", 0, 1); }},
      {"a read further on", [](RequestBuffer& b) { b.read(StorageToken{1}, "f", 1, 1); }},
      {"a longer read", [](RequestBuffer& b) { b.read(StorageToken{1}, "f", 0, 2); }},
      {"a read of another file", [](RequestBuffer& b) { b.read(StorageToken{1}, "g", 0, 1); }},
      {"a rename", [](RequestBuffer& b) { b.rename("a", "b"); }},
      {"a rename back", [](RequestBuffer& b) { b.rename("b", "a"); }},
      {"a frame", transmit({})},
      {"VHT", transmit({.modulation = Modulation::kVht})},
      {"MCS 2", transmit({.mcs = 2})},
      {"two streams", transmit({.spatial_streams = 2})},
      {"STBC", transmit({.stbc_streams = 1})},
      {"40 MHz", transmit({.bandwidth = Bandwidth::k40Mhz})},
      {"a short guard interval", transmit({.short_guard_interval = true})},
      {"LDPC", transmit({.ldpc = true})},
  };
}

TEST(RequestBuffer, TheFingerprintDiffersWhereAnythingDiffers) {
  std::map<std::uint64_t, std::string> seen;
  for (const auto& [what, request] : different_behaviours()) {
    RequestBuffer buffer;
    request(buffer);
    const auto [first, fresh] = seen.emplace(buffer.fingerprint(), what);
    EXPECT_TRUE(fresh) << what << " has the fingerprint of " << first->second;
  }
}

TEST(RequestBuffer, TheFingerprintIsEqualForEqualRequests) {
  for (const auto& [what, request] : different_behaviours()) {
    RequestBuffer one;
    RequestBuffer other;
    // What a buffer held before must not show.
    request_everything(other);
    other.clear();
    request(one);
    request(other);
    EXPECT_EQ(one.fingerprint(), other.fingerprint()) << what;
  }
}

TEST(RequestBuffer, TheFingerprintKnowsWhereDataEnds) {
  RequestBuffer one;
  one.deliver(as_bytes("ab"));
  one.deliver(as_bytes("c"));
  RequestBuffer other;
  other.deliver(as_bytes("a"));
  other.deliver(as_bytes("bc"));
  EXPECT_NE(one.fingerprint(), other.fingerprint());
}

}  // namespace
}  // namespace twinbed
