// What WFB-NG's stream costs on one core, without any system call: payloads of 1,400 bytes, 8/12.
//
//   wfb/transmit            a payload in; the data packet, and its share of parities, sealed
//   wfb/receive             a data or parity packet in, no loss: opened, counted, delivered
//   wfb/receive_erasures    the same with four of every twelve packets lost, data ones first
//   fec/encode, fec/recover the code alone: bytes of data a second
//
// Transmitting and receiving are to take at most 4 us a packet (250,000 a second). The cipher alone
// takes about half of that.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "core/base/random_stream.h"
#include "core/protocols/wfb/aggregator.h"
#include "core/protocols/wfb/encoder.h"
#include "tests/bench/goal_table.h"

namespace twinbed::bench {
namespace {

constexpr std::size_t kPayloadBytes = 1'400;
constexpr wfb::FecParams kFec{8, 12};
constexpr double kLimitNs = 4'000;

struct Dropped final : wfb::EncoderOwner {
  void on_packet(wfb::PacketKind, Bytes packet) override {
    ++packets;
    benchmark::DoNotOptimize(packet.data());
  }
  std::uint64_t packets = 0;
};

struct Kept final : wfb::EncoderOwner {
  void on_packet(wfb::PacketKind kind, Bytes packet) override {
    (kind == wfb::PacketKind::kSession ? session : packets.emplace_back()) = to_buffer(packet);
  }
  Buffer session;
  std::vector<Buffer> packets;
};

struct Counted final : wfb::DecoderOwner {
  void on_payload(Bytes payload) override { benchmark::DoNotOptimize(payload.data()); }
  void on_session(const wfb::Session&) override {}
};

struct Link {
  RandomStream random{1, "bench", 0};
  wfb::LinkKeys keys = wfb::make_link_keys(random);
  wfb::EncoderOptions sender{keys.drone, wfb::ChannelId::of(1, 0), 0, kFec,
                             std::chrono::hours(1)};
  Buffer payload = Buffer(kPayloadBytes);

  Link() { random.fill(payload); }
};

void transmit(benchmark::State& state) {
  Link link;
  Dropped dropped;
  wfb::Encoder encoder(link.sender, link.random, dropped);
  for (auto _ : state) encoder.send(Time{}, link.payload, link.random);
  state.counters["packets"] = benchmark::Counter(static_cast<double>(dropped.packets),
                                                 benchmark::Counter::kIsRate);
}

/// Every block's packets that are not lost, over and over: a new receiver takes each round.
void receive(benchmark::State& state, std::size_t lost) {
  constexpr std::size_t kBlocks = 2'000;
  Link link;
  Kept kept;
  wfb::Encoder encoder(link.sender, link.random, kept);
  for (std::size_t i = 0; i < kBlocks * kFec.k; ++i) {
    encoder.send(Time{}, link.payload, link.random);
  }
  std::vector<Bytes> heard;
  for (std::size_t i = 0; i < kept.packets.size(); ++i) {
    if (i % kFec.n >= lost) heard.push_back(kept.packets[i]);
  }
  wfb::Reception reception;
  reception.readings.fill({0xff, -128, 127});
  reception.readings[0] = {0, -50, -95};
  Counted counted;
  for (auto _ : state) {
    wfb::Aggregator receiver({link.keys.ground, link.sender.channel, 0}, counted);
    receiver.receive(0, reception, kept.session);
    for (const Bytes packet : heard) receiver.receive(0, reception, packet);
    if (receiver.counters().out != kBlocks * kFec.k) state.SkipWithError("payloads are missing");
  }
  const double packets =
      static_cast<double>(state.iterations()) * static_cast<double>(heard.size());
  state.counters["packets"] = benchmark::Counter(packets, benchmark::Counter::kIsRate);
}

/// A block's fragments, and the code.
struct Block {
  ReedSolomon code{kFec.k, kFec.n};
  std::vector<Buffer> fragments{kFec.n, Buffer(kPayloadBytes)};
  std::vector<std::byte*> places;
  std::vector<bool> is_there = std::vector<bool>(kFec.n, true);

  Block() {
    RandomStream random(1, "bench", 1);
    for (Buffer& fragment : fragments) {
      random.fill(fragment);
      places.push_back(fragment.data());
    }
  }
};

void set_data_rate(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(kFec.k * kPayloadBytes));
}

void encode(benchmark::State& state) {
  Block block;
  for (auto _ : state) {
    block.code.encode(block.places, kPayloadBytes);
    benchmark::ClobberMemory();
  }
  set_data_rate(state);
}

void recover(benchmark::State& state) {
  Block block;
  for (std::size_t i = 0; i < 4; ++i) block.is_there[i] = false;
  for (auto _ : state) {
    block.code.recover(block.places, block.is_there, kPayloadBytes);
    benchmark::ClobberMemory();
  }
  set_data_rate(state);
}

const bool kRegistered = [] {
  using benchmark::RegisterBenchmark;
  // 1.5 packets a payload; 12 and 8 packets a block.
  constexpr double kPackets = 2'000;
  RegisterBenchmark("wfb/transmit", transmit);
  RegisterBenchmark("wfb/receive", [](benchmark::State& state) { receive(state, 0); })
      ->Unit(benchmark::kMillisecond);
  RegisterBenchmark("wfb/receive_erasures", [](benchmark::State& state) { receive(state, 4); })
      ->Unit(benchmark::kMillisecond);
  RegisterBenchmark("fec/encode", encode);
  RegisterBenchmark("fec/recover", recover);
  add_goal({"wfb/transmit", {}, 1.5 * kLimitNs, GoalKind::kTimeBelow});
  add_goal({"wfb/receive", {}, 12 * kPackets * kLimitNs, GoalKind::kTimeBelow});
  add_goal({"wfb/receive_erasures", {}, 8 * kPackets * kLimitNs, GoalKind::kTimeBelow});
  // 4 GB of data a second.
  add_goal({"fec/encode", {}, kFec.k * kPayloadBytes / 4.0, GoalKind::kTimeBelow});
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
