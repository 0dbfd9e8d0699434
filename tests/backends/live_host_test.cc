// Live hosts over loopback: what the host contract does not cover.
#include "backends/live_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>

#include "backends/socket/posix.h"
#include "core/base/hash.h"
#include "core/base/random_stream.h"
#include "tests/support/live_world.h"
#include "tests/support/scripted_protocol.h"

namespace twinbed::backends {
namespace {

using testing::kLong;
using testing::kMs;
using testing::kNode0;
using testing::kNode1;
using testing::LiveWorld;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const BlockedPairs kCut = {{kNode0, kNode1}, {kNode1, kNode0}};

Buffer noise(std::size_t size) {
  Buffer bytes(size);
  RandomStream(1, "live_host_test").fill(bytes);
  return bytes;
}

/// Two scripted nodes; node 1 serves as a sink for streams and datagrams unless its script is
/// changed.
class LiveHostTest : public ::testing::Test {
 protected:
  LiveHostTest()
      : world(2, [this](NodeId node) {
          return std::make_unique<testing::ScriptedProtocol>(
              scripts[static_cast<std::size_t>(node)], watch);
        }) {
    scripts[1].start = [this](Context& c) {
      c.datagrams.bind(SocketId{1}, server());
      c.streams.listen(ListenerId{1}, server());
    };
    scripts[1].datagram = [this](Context&, const Datagram& d) {
      datagrams.emplace_back(as_text(d.payload));
    };
    scripts[1].stream = [this](Context&, const StreamEvent& e) {
      if (e.kind == StreamEventKind::kData) {
        received.insert(received.end(), e.data.begin(), e.data.end());
      } else {
        server_events.emplace_back(to_string(e.kind));
      }
    };
    scripts[0].start = [this](Context& c) { c.datagrams.bind(SocketId{1}, client()); };
    scripts[0].stream = [this](Context&, const StreamEvent& e) {
      events.emplace_back(to_string(e.kind));
    };
    scripts[0].command = [this](Context& c, Bytes command) { action(c, command); };
  }

  Endpoint client() const { return world.endpoint(kNode0); }
  Endpoint server() const { return world.endpoint(kNode1); }
  /// Runs code in a handler of node 0.
  void act(std::function<void(Context&)> code) {
    bool is_done = false;
    action = [&](Context& c, Bytes) {
      code(c);
      is_done = true;
    };
    world.command(kNode0, {});
    ASSERT_TRUE(world.run_until([&] { return is_done; }, kLong));
  }
  void open_stream() {
    world.run_for(kMs);
    act([this](Context& c) { c.streams.open(StreamId{1}, server()); });
    ASSERT_TRUE(world.run_until(
        [this] { return !events.empty() && !server_events.empty(); }, kLong));
    ASSERT_THAT(events, ElementsAre("opened"));
    ASSERT_THAT(server_events, ElementsAre("accepted"));
  }
  void write(Bytes bytes) {
    act([&](Context& c) { c.streams.write(StreamId{1}, bytes); });
  }
  void send(std::string_view text) {
    act([&](Context& c) { c.datagrams.send(SocketId{1}, server(), as_bytes(text)); });
  }
  bool receives(std::size_t bytes) {
    return world.run_until([&] { return received.size() >= bytes; }, kLong);
  }
  SocketCounters counters(NodeId node) { return world.host(node).counters().sockets; }

  testing::ContractWatch watch;
  std::array<testing::Script, 2> scripts;
  std::function<void(Context&, Bytes)> action;
  LiveWorld world;
  std::vector<std::string> datagrams;       // at node 1
  Buffer received;                          // at node 1
  std::vector<std::string> server_events;   // at node 1
  std::vector<std::string> events;          // at node 0
};

// Streams

TEST_F(LiveHostTest, BigTransferArrivesWholeAndIsDrainedOnce) {
  const Buffer bytes = noise(16 * 1024 * 1024);
  open_stream();
  write(bytes);
  ASSERT_TRUE(receives(bytes.size()));
  ASSERT_TRUE(world.run_until([&] { return events.size() == 2; }, kLong));
  world.run_for(5 * kMs);
  EXPECT_EQ(hash_bytes(received), hash_bytes(bytes));
  EXPECT_THAT(events, ElementsAre("opened", "drained"));
  EXPECT_EQ(counters(kNode0).stream_bytes_sent, bytes.size());
  EXPECT_EQ(counters(kNode1).stream_bytes_received, bytes.size());
}

TEST_F(LiveHostTest, CloseSendsWhatWasWrittenFirst) {
  const Buffer bytes = noise(8 * 1024 * 1024);
  open_stream();
  act([&](Context& c) {
    c.streams.write(StreamId{1}, bytes);
    c.streams.close(StreamId{1});
  });
  ASSERT_TRUE(world.run_until([&] { return server_events.size() == 2; }, kLong));
  EXPECT_EQ(hash_bytes(received), hash_bytes(bytes));
  EXPECT_THAT(server_events, ElementsAre("accepted", "closed"));
  EXPECT_THAT(events, ElementsAre("opened"));
}

TEST_F(LiveHostTest, WhatWasWrittenIsStillSentAfterThePeerHasClosed) {
  // Node 1 gets a listener that closes its way out at once and goes on reading, as shutdown(2)
  // allows.
  const Socket listener = Socket::stream();
  const NodeId stranger{7};
  const Endpoint real{loopback_address(world.run_number(), stranger), 0};
  ASSERT_EQ(bind_socket(listener, real), 0);
  ASSERT_EQ(::listen(listener.number(), 1), 0);
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&bound), &size);
  const Buffer bytes = noise(4 * 1024 * 1024);
  act([&](Context& c) {
    c.streams.open(StreamId{1}, from_sockaddr(bound));
    c.streams.write(StreamId{1}, bytes);
  });
  ASSERT_TRUE(world.run_until([&] { return !events.empty(); }, kLong));
  const Socket accepted(::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK));
  ASSERT_TRUE(accepted.is_open());
  ::shutdown(accepted.number(), SHUT_WR);
  ASSERT_TRUE(world.run_until([&] { return events.back() == "closed"; }, kLong));
  Buffer got(bytes.size() + 1);
  std::size_t count = 0;
  const bool has_end = world.run_until(
      [&] {
        const ssize_t n = ::recv(accepted.number(), got.data() + count, got.size() - count, 0);
        if (n > 0) count += static_cast<std::size_t>(n);
        world.loop().post([] {});  // so that the question is asked again
        return n == 0;
      },
      kLong);
  EXPECT_TRUE(has_end);
  got.resize(count);
  EXPECT_EQ(hash_bytes(got), hash_bytes(bytes));
}

TEST_F(LiveHostTest, APeerThatDiesOverUnreadDataResetsTheStream) {
  open_stream();
  write(noise(16 * 1024 * 1024));
  ASSERT_TRUE(receives(1));
  world.crash(kNode1);
  ASSERT_TRUE(world.run_until([&] { return events.back() != "opened"; }, kLong));
  world.run_for(5 * kMs);
  EXPECT_THAT(events, ElementsAre("opened", "reset"));
  EXPECT_EQ(counters(kNode0).streams_reset, 1U);
  world.restart(kNode1);  // the port is free for the new process
  world.run_for(kMs);
  act([this](Context& c) { c.streams.open(StreamId{1}, server()); });
  ASSERT_TRUE(world.run_until([&] { return events.size() == 3; }, kLong));
  EXPECT_EQ(events.back(), "opened");
}

// Partitions

TEST_F(LiveHostTest, PartitionDropsDatagramsAtEitherEndUntilItHeals) {
  world.run_for(kMs);
  send("before");
  ASSERT_TRUE(world.run_until([&] { return datagrams.size() == 1; }, kLong));
  world.block(kCut);
  send("cut at the sender");
  world.host(kNode0).set_blocked({});  // node 0 has not heard of it
  send("cut at the receiver");
  ASSERT_TRUE(world.run_until([&] { return counters(kNode1).datagrams_blocked == 1; }, kLong));
  world.block({});
  send("after");
  ASSERT_TRUE(world.run_until([&] { return datagrams.size() == 2; }, kLong));
  EXPECT_THAT(datagrams, ElementsAre("before", "after"));
  EXPECT_EQ(counters(kNode0).datagrams_blocked, 1U);
}

TEST_F(LiveHostTest, OneWayPartitionLetsTheOtherDirectionPass) {
  scripts[0].datagram = [this](Context&, const Datagram& d) {
    events.emplace_back(as_text(d.payload));
  };
  scripts[1].command = [this](Context& c, Bytes command) {
    c.datagrams.send(SocketId{1}, client(), command);
  };
  world.run_for(kMs);
  world.block({{kNode0, kNode1}});
  send("lost");
  world.command(kNode1, as_bytes("passes"));
  ASSERT_TRUE(world.run_until([&] { return !events.empty(); }, kLong));
  EXPECT_THAT(events, ElementsAre("passes"));
  EXPECT_TRUE(datagrams.empty());
}

TEST_F(LiveHostTest, PartitionHoldsAStreamAndTheHealReleasesItInOrder) {
  open_stream();
  write(as_bytes("one "));
  ASSERT_TRUE(receives(4));
  world.block(kCut);
  write(as_bytes("two "));
  write(as_bytes("three"));
  act([](Context& c) { c.streams.close(StreamId{1}); });
  world.run_for(300 * kMs);
  EXPECT_EQ(as_text(received), "one ");
  EXPECT_THAT(server_events, ElementsAre("accepted"));
  world.block({});
  ASSERT_TRUE(world.run_until([&] { return server_events.size() == 2; }, kLong));
  EXPECT_EQ(as_text(received), "one two three");
  EXPECT_THAT(server_events, ElementsAre("accepted", "closed"));
  EXPECT_EQ(counters(kNode0).stream_bytes_held, 9U);
}

TEST_F(LiveHostTest, PartitionInTheMiddleOfABigTransferLosesNothing) {
  const Buffer bytes = noise(16 * 1024 * 1024);
  open_stream();
  write(bytes);
  ASSERT_TRUE(receives(100'000));
  world.block(kCut);
  world.run_for(50 * kMs);
  const std::size_t before = received.size();
  world.run_for(50 * kMs);
  EXPECT_EQ(received.size(), before);
  EXPECT_LT(before, bytes.size());
  world.block({});
  ASSERT_TRUE(receives(bytes.size()));
  EXPECT_EQ(hash_bytes(received), hash_bytes(bytes));
}

TEST_F(LiveHostTest, APeerThatDiesBehindAPartitionIsNoticedAtTheHeal) {
  open_stream();
  world.block(kCut);
  world.crash(kNode1);
  world.run_for(50 * kMs);
  EXPECT_THAT(events, ElementsAre("opened"));
  world.block({});
  ASSERT_TRUE(world.run_until([&] { return events.size() == 2; }, kLong));
  EXPECT_THAT(events.back(), ::testing::AnyOf("closed", "reset"));
}

TEST_F(LiveHostTest, ConnectingInAPartitionSucceedsAtTheFirstRepetitionAfterTheHeal) {
  world.run_for(kMs);
  world.block({{kNode1, kNode0}});  // the answer could not come back
  Time opened_at{};
  Time started_at{};
  scripts[0].stream = nullptr;
  act([&](Context& c) {
    started_at = c.now;
    c.streams.open(StreamId{1}, server());
    c.streams.write(StreamId{1}, as_bytes("hello"));
  });
  world.run_for(20 * kMs);
  EXPECT_TRUE(server_events.empty());
  world.block({});
  ASSERT_TRUE(receives(5));
  opened_at = world.host(kNode0).run_now();
  EXPECT_GE(opened_at - started_at, std::chrono::seconds(1));
  EXPECT_EQ(counters(kNode0).connects_held, 1U);
}

TEST_F(LiveHostTest, AStreamFromABlockedPeerIsAnnouncedAtTheHeal) {
  world.run_for(kMs);
  world.host(kNode1).set_blocked(kCut);  // node 0 has not heard of it
  act([&](Context& c) {
    c.streams.open(StreamId{1}, server());
    c.streams.write(StreamId{1}, as_bytes("hello"));
  });
  world.run_for(50 * kMs);
  EXPECT_TRUE(server_events.empty());
  world.block({});
  ASSERT_TRUE(receives(5));
  EXPECT_THAT(server_events, ElementsAre("accepted"));
}

// Emulated links

TEST_F(LiveHostTest, LinkDelaysDatagrams) {
  world.run_for(kMs);
  sim::LinkParams slow;
  slow.delay = 60 * kMs;
  world.host(kNode0).set_link(kNode1, slow);
  Time arrived_at{};
  scripts[1].datagram = nullptr;
  const Time sent_at = world.host(kNode0).run_now();
  send("x");
  ASSERT_TRUE(world.run_until([&] { return counters(kNode1).datagrams_received == 1; }, kLong));
  arrived_at = world.host(kNode0).run_now();
  EXPECT_GE(arrived_at - sent_at, slow.delay);
  EXPECT_EQ(world.host(kNode0).lateness().summary(LatenessKind::kRelease).count, 1U);
}

TEST_F(LiveHostTest, LinkLosesDuplicatesAndCorruptsDatagrams) {
  world.run_for(kMs);
  sim::LinkParams params;
  params.loss = 1;
  world.host(kNode0).set_link(kNode1, params);
  send("lost");
  params = {};
  params.duplicate = 1;
  params.corrupt = 1;
  world.host(kNode0).set_link(kNode1, params);
  send("abcd");
  world.host(kNode0).set_link(kNode1, {});
  ASSERT_TRUE(world.run_until([&] { return datagrams.size() == 2; }, kLong));
  EXPECT_EQ(datagrams[0], datagrams[1]);
  int flipped = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int difference = datagrams[0].at(i) ^ "abcd"[i];
    flipped += __builtin_popcount(static_cast<unsigned>(difference));
  }
  EXPECT_EQ(flipped, 1);
  EXPECT_EQ(counters(kNode0).datagrams_lost_on_link, 1U);
}

TEST_F(LiveHostTest, AStreamOverALossyLinkLosesNothing) {
  const Buffer bytes = noise(20'000);
  open_stream();
  sim::LinkParams params;
  params.delay = kMs;
  params.loss = 0.2;
  world.host(kNode0).set_link(kNode1, params);
  act([&](Context& c) {
    c.streams.write(StreamId{1}, bytes);
    c.streams.close(StreamId{1});
  });
  ASSERT_TRUE(world.run_until([&] { return server_events.size() == 2; }, 3 * kLong));
  EXPECT_EQ(hash_bytes(received), hash_bytes(bytes));
}

// Starting, stopping, failing

TEST_F(LiveHostTest, AnEndpointInUseEndsTheHostWithASentence) {
  // Another process sits on node 1's endpoint.
  world.run_for(kMs);
  std::vector<std::string> errors;
  LiveHostOptions options;
  options.self = kNode1;
  options.name = "twin";
  options.addresses = world.addresses();
  options.on_error = [&](const std::string& sentence) { errors.push_back(sentence); };
  testing::TextSink sink;
  testing::ContractWatch twin_watch;
  LiveHost twin(world.loop(), options, sink, [&] {
    return std::make_unique<testing::ScriptedProtocol>(scripts[1], twin_watch);
  });
  twin.start();
  EXPECT_FALSE(twin.run());
  EXPECT_TRUE(twin.stopped());
  EXPECT_THAT(errors, ElementsAre(twin.error()));
  EXPECT_THAT(twin.error(), HasSubstr("node 'twin' cannot bind UDP at 127."));
  EXPECT_THAT(twin.error(), HasSubstr("(10.0.0.2:7001 in the scenario)"));
  EXPECT_THAT(twin.error(), HasSubstr("another port"));
}

TEST_F(LiveHostTest, StopSendsWhatOnStopHasWritten) {
  const Buffer bytes = noise(4 * 1024 * 1024);
  open_stream();
  scripts[0].stop = nullptr;
  bool was_asked = false;
  testing::Script stopping = scripts[0];
  stopping.start = [this](Context& c) { c.streams.open(StreamId{1}, server()); };
  stopping.stop = [&](Context& c) {
    was_asked = true;
    c.streams.write(StreamId{1}, bytes);
  };
  world.crash(kNode0);
  scripts[0] = stopping;
  events.clear();
  world.restart(kNode0);
  ASSERT_TRUE(world.run_until([&] { return !events.empty(); }, kLong));
  received.clear();
  world.stop(kNode0);
  EXPECT_TRUE(world.host(kNode0).run());
  EXPECT_TRUE(was_asked);
  ASSERT_TRUE(receives(bytes.size()));
  EXPECT_EQ(hash_bytes(received), hash_bytes(bytes));
}

TEST_F(LiveHostTest, StopDoesNotWaitForeverForABlockedPeer) {
  open_stream();
  world.block(kCut);
  write(as_bytes("stays here"));
  world.stop(kNode0);
  EXPECT_TRUE(world.run_until([&] { return world.host(kNode0).stopped(); }, kLong));
  EXPECT_TRUE(received.empty());
}

TEST_F(LiveHostTest, TheProtocolStartsWithTheRunAndCommandsWaitForIt) {
  EventLoop loop;
  testing::TextSink sink;
  std::vector<std::string> trace;
  testing::Script script;
  script.start = [&](Context& c) {
    EXPECT_GE(c.now, Time{});
    trace.push_back("start");
  };
  script.command = [&](Context&, Bytes command) { trace.emplace_back(as_text(command)); };
  LiveHostOptions options;
  options.run_start_monotonic_ns = monotonic_now_ns() + 50'000'000;
  LiveHost host(loop, options, sink, [&] {
    return std::make_unique<testing::ScriptedProtocol>(script, watch);
  });
  host.start();
  host.command(as_bytes("early"));
  ASSERT_TRUE(loop.run_until([&] { return trace.size() == 2; }, kLong));
  EXPECT_GE(host.run_now(), Time{});
  EXPECT_THAT(trace, ElementsAre("start", "early"));
}

TEST_F(LiveHostTest, SignalsArriveInTheLoop) {
  std::vector<int> numbers;
  world.loop().on_signals({SIGUSR1, SIGUSR2}, [&](int number) { numbers.push_back(number); });
  std::raise(SIGUSR2);
  ASSERT_TRUE(world.run_until([&] { return numbers.size() == 1; }, kLong));
  std::raise(SIGUSR1);
  ASSERT_TRUE(world.run_until([&] { return numbers.size() == 2; }, kLong));
  EXPECT_THAT(numbers, ElementsAre(SIGUSR2, SIGUSR1));
}

// Addresses, clocks, disks, radios

TEST_F(LiveHostTest, AStrangerAppearsWithItsRealAddress) {
  Endpoint sender;
  scripts[1].datagram = [&](Context& c, const Datagram& d) {
    sender = d.from;
    c.datagrams.send(d.socket, d.from, as_bytes("answer"));
  };
  world.run_for(kMs);
  const Socket socket = Socket::datagram();
  ASSERT_EQ(bind_socket(socket, {kLoopback, 0}), 0);
  sockaddr_in own{};
  socklen_t size = sizeof(own);
  ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&own), &size);
  const sockaddr_in to = to_sockaddr(world.addresses().to_real(server(), kNode1));
  world.block(kCut);  // does not concern it
  ::sendto(socket.number(), "hi", 2, 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  ASSERT_TRUE(world.run_until([&] { return sender.port != 0; }, kLong));
  EXPECT_EQ(sender, from_sockaddr(own));
  char answer[16];
  EXPECT_EQ(::recv(socket.number(), answer, sizeof(answer), 0), 6);
}

TEST_F(LiveHostTest, ClockFaultsReachTheHandlers) {
  world.adjust = [](NodeId node, LiveHostOptions& options) {
    if (node == kNode0) options.clock = {std::chrono::hours(1), 1'000'000.0};  // twice as fast
  };
  world.run_for(20 * kMs);
  Time fast{};
  WallTime wall{};
  act([&](Context& c) {
    fast = c.now;
    wall = c.wall;
  });
  EXPECT_GT(fast, world.host(kNode0).run_now());
  const auto machine = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_GT(wall.time_since_epoch(), machine + std::chrono::minutes(59));
  world.host(kNode0).apply_clock_fault({-std::chrono::hours(2), 0});
  act([&](Context& c) { wall = c.wall; });
  EXPECT_LT(wall.time_since_epoch(), machine - std::chrono::minutes(59));
}

TEST_F(LiveHostTest, DiskFaultsDelaySyncsAndFillTheDisk) {
  std::vector<std::string> answers;
  Time answered_at{};
  scripts[0].storage = [&](Context& c, const StorageResult& r) {
    answers.emplace_back(to_string(r.status));
    answered_at = c.now;
  };
  world.run_for(kMs);
  Time asked_at{};
  const auto write_and_sync = [&](Context& c) {
    asked_at = c.now;
    c.storage.write("f", 0, as_bytes("x"));
    c.storage.sync(StorageToken{1}, "f");
  };
  sim::DiskFault fault;
  fault.full = true;
  world.host(kNode0).set_disk_fault(fault);
  act(write_and_sync);
  ASSERT_TRUE(world.run_until([&] { return answers.size() == 1; }, kLong));
  fault = {};
  fault.sync_delay = 40 * kMs;
  world.host(kNode0).set_disk_fault(fault);
  act(write_and_sync);
  ASSERT_TRUE(world.run_until([&] { return answers.size() == 2; }, kLong));
  EXPECT_THAT(answers, ElementsAre("no space", "ok"));
  EXPECT_GE(answered_at - asked_at, fault.sync_delay);
}

/// A radio whose air is a pair of sockets: what is transmitted comes out at the other end.
class SocketRadio final : public RadioBackend {
 public:
  SocketRadio() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
  }
  ~SocketRadio() override {
    for (const int end : ends_) ::close(end);
  }
  void transmit(InterfaceId, Bytes frame, const TxParams& params) override {
    EXPECT_EQ(params.mcs, 3);
    EXPECT_GT(::send(ends_[0], frame.data(), frame.size(), 0), 0);
  }
  void tune(InterfaceId, ChannelMhz channel) override { tuned = channel; }
  std::vector<int> descriptors() const override { return {ends_[1]}; }
  bool receive(int descriptor, const FrameHandler& handler) override {
    std::array<std::byte, 100> buffer;
    const ssize_t got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
    if (got < 0) return true;
    RxFrame frame;
    frame.channel = tuned;
    frame.frame = Bytes(buffer).first(static_cast<std::size_t>(got));
    handler(frame);
    return as_text(frame.frame) != "last";
  }
  ChannelMhz tuned{};

 private:
  std::array<int, 2> ends_{};
};

class RadioProtocol final : public Protocol {
 public:
  explicit RadioProtocol(std::vector<std::string>& trace) : trace_(trace) {}
  void on_start(Context& c) override {
    TxParams params;
    params.mcs = 3;
    c.radio.tune(InterfaceId{0}, ChannelMhz{5180});
    for (const char* text : {"first", "last", "unheard"}) {
      c.radio.transmit(InterfaceId{0}, as_bytes(text), params);
    }
  }
  void on_timer(Context&, TimerId) override {}
  void on_frame(Context&, const RxFrame& frame) override {
    EXPECT_EQ(frame.channel, ChannelMhz{5180});
    trace_.emplace_back(as_text(frame.frame));
  }

 private:
  std::vector<std::string>& trace_;
};

TEST(LiveRadioTest, FramesGoOutAndComeInUntilTheRadioEnds) {
  EventLoop loop;
  testing::TextSink sink;
  SocketRadio radio;
  std::vector<std::string> trace;
  LiveHostOptions options;
  options.radio = &radio;
  LiveHost host(loop, options, sink, [&] { return std::make_unique<RadioProtocol>(trace); });
  host.start();
  ASSERT_TRUE(loop.run_until([&] { return trace.size() == 2; }, kLong));
  loop.run_until([] { return false; }, 5 * kMs);
  EXPECT_THAT(trace, ElementsAre("first", "last"));
  EXPECT_EQ(host.counters().frames_sent, 3U);
  EXPECT_EQ(host.counters().frames_received, 2U);
}

}  // namespace
}  // namespace twinbed::backends
