// The simulated TCP against what RFC 6298, RFC 5681 and Linux say, in virtual time.
#include <gtest/gtest.h>

#include <cstring>

#include "core/base/hash.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr StreamId kStream{1};
constexpr ListenerId kListener{1};

/// Bytes that differ everywhere, so that a lost, doubled or swapped piece shows.
Buffer pattern(std::size_t size) {
  Buffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>(hash_combine(i / 7, i) & 255);
  }
  return bytes;
}

/// node 0 dials node 1 at the start and writes; both write down what happens to them.
class TcpPair {
 public:
  explicit TcpPair(const sim::LinkParams& link = {}, std::uint64_t seed = 1)
      : world(2, [this](NodeId node) { return make(node); }, link, seed) {}

  void partition(Duration from, Duration until) {
    sim::FaultSpec cut;
    cut.action = sim::FaultAction::kPartition;
    cut.at = {from, from};
    cut.lasts = sim::DurationRange{until - from, until - from};
    cut.groups = {{{"node1"}, "", 0}, {{"node2"}, "", 0}};
    world.simulator().set_faults({cut});
  }
  std::string text() const {
    std::string all;
    for (const std::string& line : events) all += (all.empty() ? "" : ", ") + line;
    return all;
  }

  Buffer to_write;
  bool listening = true;
  std::function<void(Context&)> on_dialled;   // runs once the stream is open
  std::vector<std::string> events;            // of the dialling side
  std::vector<Time> times;
  Buffer received;                            // at the listening side
  std::vector<Time> received_at;
  std::string listener_events;
  Endpoint target{IpAddress{0x0a00'0002}, 7001};
  SimWorld world;

 private:
  std::unique_ptr<Protocol> make(NodeId node) {
    Script script;
    if (node == kNode0) {
      script.start = [this](Context& c) {
        c.streams.open(kStream, target);
        if (!to_write.empty()) c.streams.write(kStream, to_write);
      };
      script.command = [](Context& c, Bytes data) { c.streams.write(kStream, data); };
      script.stream = [this](Context& c, const StreamEvent& event) {
        std::string line(to_string(event.kind));
        if (event.failure != StreamFailure::kNone) {
          line += " " + std::string(to_string(event.failure));
        }
        events.push_back(line);
        times.push_back(c.now);
        if (event.kind == StreamEventKind::kOpened && on_dialled) on_dialled(c);
      };
    } else {
      script.start = [this](Context& c) {
        if (listening) c.streams.listen(kListener, {kAnyAddress, 7001});
      };
      script.stream = [this](Context& c, const StreamEvent& event) {
        if (event.kind == StreamEventKind::kData) {
          received.insert(received.end(), event.data.begin(), event.data.end());
          received_at.push_back(c.now);
        } else {
          listener_events += std::string(to_string(event.kind)) + " ";
        }
      };
    }
    return std::make_unique<ScriptedProtocol>(std::move(script), watch_);
  }

  ContractWatch watch_;
};

sim::LinkParams delay_link(Duration one_way) {
  sim::LinkParams link;
  link.delay = one_way / 2;  // a way through the star crosses two links
  return link;
}

TEST(Tcp, TheHandshakeTakesOneRoundTrip) {
  TcpPair pair(delay_link(milliseconds(10)));
  pair.world.run_for(seconds(1));
  ASSERT_EQ(pair.text(), "opened");
  EXPECT_EQ(pair.times[0], Time{milliseconds(20)});
}

TEST(Tcp, RefusalTakesOneRoundTrip) {
  TcpPair pair(delay_link(milliseconds(10)));
  pair.listening = false;
  pair.world.run_for(seconds(1));
  ASSERT_EQ(pair.text(), "failed refused");
  EXPECT_EQ(pair.times[0], Time{milliseconds(20)});
}

TEST(Tcp, AnAddressThatDoesNotExistIsUnreachable) {
  TcpPair pair;
  pair.target = {IpAddress{0x0a0a'0a0a}, 7001};
  pair.world.run_for(seconds(1));
  EXPECT_EQ(pair.text(), "failed unreachable");
}

// Linux: SYN after 1, 3, 7, 15, 31 and 63 s, given up at 127 s (tcp_syn_retries = 6).
TEST(Tcp, ConnectionSetUpIsGivenUpAfterItsBackOff) {
  TcpPair pair;
  pair.partition(seconds(0), seconds(500));
  pair.world.run_for(seconds(200));
  ASSERT_EQ(pair.text(), "failed timed out");
  EXPECT_EQ(pair.times[0], Time{seconds(127)});
}

TEST(Tcp, ConnectionSetUpSucceedsAtTheRetryAfterTheHeal) {
  TcpPair pair;
  pair.partition(seconds(0), seconds(4));
  pair.world.run_for(seconds(20));
  ASSERT_EQ(pair.text(), "opened");
  EXPECT_EQ(pair.times[0], Time{seconds(7)});
}

TEST(Tcp, BytesArriveWholeAndInOrderOverALossyReorderingLink) {
  sim::LinkParams link = delay_link(milliseconds(4));
  link.loss = 0.02;
  link.jitter = milliseconds(1);
  link.duplicate = 0.02;
  link.corrupt = 0.01;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    TcpPair pair(link, seed);
    pair.to_write = pattern(2'000'000);
    pair.world.run_for(seconds(120));
    EXPECT_EQ(pair.received, pair.to_write) << "seed " << seed;
    EXPECT_GT(pair.world.simulator().network().drops().loss, 0U);
    EXPECT_GT(pair.world.simulator().network().drops().checksum, 0U);
  }
}

TEST(Tcp, ABulkTransferFillsTheLink) {
  sim::LinkParams link = delay_link(milliseconds(2));
  link.bandwidth_bps = 10'000'000;
  TcpPair pair(link);
  pair.to_write = pattern(1'250'000);  // one second of a 10 Mbit/s link
  pair.world.run_for(seconds(10));
  ASSERT_EQ(pair.received, pair.to_write);
  const Duration took = pair.received_at.back().time_since_epoch();
  EXPECT_GT(took, milliseconds(1000));
  EXPECT_LT(took, milliseconds(1100));  // headers of 40 in 1,500 bytes, and the slow start
}

// RFC 6298 with Linux's minimum: retransmissions 200, 600, 1400, 3000 ms after the first loss, ...
TEST(Tcp, ACutStallsTheStreamAndTheBackOffDecidesWhenItGoesOn) {
  TcpPair pair;
  pair.partition(seconds(1), seconds(3));
  const Buffer message = pattern(100);
  pair.world.simulator().schedule_command(Time{milliseconds(1100)}, kNode0, message);
  pair.world.run_for(seconds(20));
  ASSERT_EQ(pair.received, message);
  // Sent at 1.1 s; repeated at 1.3, 1.7, 2.5 and 4.1 s, the first after the heal.
  EXPECT_EQ(pair.received_at[0], Time{milliseconds(4100)});
  EXPECT_EQ(pair.text(), "opened, drained");
}

// tcp_retries2 = 15 with a maximum of 120 s: 924.6 s after the first transmission.
TEST(Tcp, AStreamThatNobodyAnswersIsGivenUp) {
  TcpPair pair;
  pair.partition(seconds(1), seconds(5000));
  pair.world.simulator().schedule_command(Time{seconds(2)}, kNode0, pattern(10));
  pair.world.run_for(seconds(2000));
  ASSERT_EQ(pair.text(), "opened, drained, reset");
  EXPECT_EQ(pair.times[2], Time{seconds(2)} + milliseconds(924'600));
}

TEST(Tcp, DrainedWaitsUntilTheSendBufferHasRoom) {
  sim::LinkParams link;
  link.bandwidth_bps = 8'000'000;  // 1 MB/s
  TcpPair pair(link);
  pair.to_write = pattern(1'000'000);
  pair.world.run_for(seconds(10));
  ASSERT_EQ(pair.text(), "opened, drained");
  EXPECT_GT(pair.times[1], Time{milliseconds(700)});  // all but the buffer of 256 KiB is on its way
  EXPECT_LT(pair.times[1], Time{milliseconds(850)});
}

TEST(Tcp, APausedReaderStopsTheSenderAndLosesNothing) {
  TcpPair pair;
  pair.to_write = pattern(1'000'000);
  sim::FaultSpec pause;
  pause.action = sim::FaultAction::kPause;
  pause.at = {milliseconds(0), milliseconds(0)};
  pause.lasts = sim::DurationRange{seconds(30), seconds(30)};
  pause.select.nodes = {"node2"};
  pair.on_dialled = [&](Context& c) { c.streams.write(kStream, pair.to_write); };
  const Buffer once = pair.to_write;
  pair.world.simulator().set_faults({pause});
  pair.world.run_for(seconds(29));
  EXPECT_TRUE(pair.received.empty());
  pair.world.run_for(seconds(120));
  ASSERT_EQ(pair.received.size(), 2 * once.size());
  EXPECT_TRUE(std::equal(once.begin(), once.end(), pair.received.begin()));
  EXPECT_TRUE(std::equal(once.begin(), once.end(), pair.received.begin() + 1'000'000));
}

TEST(Tcp, ACrashClosesTheStreamAndALaterWriteIsReset) {
  TcpPair pair;
  sim::FaultSpec crash;
  crash.action = sim::FaultAction::kCrash;
  crash.at = {seconds(1), seconds(1)};
  crash.select.nodes = {"node2"};
  pair.world.simulator().set_faults({crash});
  pair.world.run_for(seconds(5));
  EXPECT_EQ(pair.text(), "opened, closed");
}

TEST(Tcp, AllPayloadsAreReleasedInTheEnd) {
  sim::LinkParams link;
  link.loss = 0.05;
  TcpPair pair(link);
  pair.to_write = pattern(200'000);
  pair.on_dialled = [](Context& c) { c.streams.close(kStream); };
  pair.world.run_for(seconds(300));
  EXPECT_EQ(pair.received.size(), 200'000U);
  EXPECT_EQ(pair.listener_events, "accepted closed ");
  EXPECT_EQ(pair.world.simulator().network().tcp().open_connections(), 0U);
  EXPECT_EQ(pair.world.simulator().payloads_in_use(), 0U);
}

}  // namespace
}  // namespace twinbed::testing
