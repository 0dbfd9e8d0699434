// What a frame costs in the table medium, with its event, the copy of its bytes and Nakagami
// fading: for each receiver on a circle, beside ns3::YansWifiPhy in the same run; and for each
// radio of a world of 1,000, of which some four hundred are near enough to be disturbed.
//
//   medium/N      a frame of 1,424 bytes at MCS 1 to N receivers
//   ns3phy/N      the same in ns-3 alone, frames sent by hand
//   ns3medium/N   the same in the medium that is made of it, with queue, bytes and deliveries
//   medium/world  a frame in a square of 1,000 radios, 100 m apart
#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <string>

#include "sim/medium/table_medium.h"
#include "sim/ns3/ns3_medium.h"
#include "tests/bench/goal_table.h"
#include "tests/bench/ns3_radios.h"

namespace twinbed::bench {
namespace {

sim::AirOptions air_options() {
  sim::AirOptions options;
  options.error_rate = sim::ErrorRateModel::kTable;
  options.path_loss.model = sim::PathLossModel::kLogDistance;
  options.fading.model = sim::FadingModel::kNakagami;
  return options;
}

template <class Medium>
class Air {
 public:
  Air() : medium_((world_.seed = 1, world_), air_options()) {}

  void add(double x, double y) {
    sim::RadioNode radio;
    radio.mobility = std::make_unique<sim::FixedPosition>(sim::Position{x, y, 1});
    radio.cards.emplace_back();
    radio.cards.back().carrier_sense = false;  // ns-3's phy has none either
    medium_.add_node(NodeId{radios_++}, std::move(radio));
  }
  void add_circle(std::size_t receivers) {
    add(0, 0);
    for (std::size_t i = 0; i < receivers; ++i) {
      const double angle = 6.283185307 * static_cast<double>(i) / static_cast<double>(receivers);
      add(kCircleM * std::cos(angle), kCircleM * std::sin(angle));
    }
  }

  /// Sends a frame and hands it to everybody who receives it.
  std::size_t send(std::uint32_t from) {
    medium_.transmit({NodeId{from}, InterfaceId{0}}, frame_, {});
    std::size_t received = 0;
    sim::EventQueue<sim::Event>::Popped popped;
    while (world_.queue.pop(popped)) {
      world_.now = popped.at;
      if (popped.event.kind == sim::EventKind::kFrameEnd) {
        medium_.on_frame_end(popped.event.first);
      } else {
        world_.ns3->execute(popped.event.first);
      }
      while (const sim::RadioDelivery* delivery = medium_.next_delivery()) {
        received += delivery->frame.frame.size() == kRadioFrameBytes ? 1 : 0;
      }
    }
    return received;
  }

 private:
  sim::World world_;
  Medium medium_;
  std::uint32_t radios_ = 0;
  Buffer frame_ = Buffer(kRadioFrameBytes, std::byte{0x5a});
};

void count(benchmark::State& state, std::size_t received, std::size_t receivers) {
  const auto frames = static_cast<double>(state.iterations());
  state.counters["ratio"] =
      static_cast<double>(received) / frames / static_cast<double>(receivers);
  state.counters["per_receiver"] =
      benchmark::Counter(frames * static_cast<double>(receivers),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class Medium>
void circle(benchmark::State& state, std::size_t receivers) {
  Air<Medium> air;
  air.add_circle(receivers);
  for (int i = 0; i < 100; ++i) air.send(0);
  std::size_t received = 0;
  for (auto _ : state) received += air.send(0);
  count(state, received, receivers);
}

void ns3_circle(benchmark::State& state, std::size_t receivers) {
  Ns3Radios radios(receivers);
  std::size_t received = 0;
  for (auto _ : state) received += radios.send();
  count(state, received, receivers);
}

void world(benchmark::State& state) {
  constexpr std::size_t kRadios = 1000, kRow = 32;
  Air<sim::TableMedium> air;
  for (std::size_t i = 0; i < kRadios; ++i) {
    air.add(100.0 * static_cast<double>(i % kRow), 100.0 * static_cast<double>(i / kRow));
  }
  constexpr std::uint32_t kMiddle = 16 * kRow + 16;
  for (int i = 0; i < 100; ++i) air.send(kMiddle);
  std::size_t received = 0;
  for (auto _ : state) received += air.send(kMiddle);
  count(state, received, kRadios - 1);
}

const bool registered = [] {
  for (const std::size_t receivers : {1, 4, 8, 15, 127, 999}) {
    const std::string number = std::to_string(receivers);
    benchmark::RegisterBenchmark(("medium/" + number).c_str(), circle<sim::TableMedium>,
                                 receivers);
    if (receivers > 15) continue;
    benchmark::RegisterBenchmark(("ns3phy/" + number).c_str(), ns3_circle, receivers);
    benchmark::RegisterBenchmark(("ns3medium/" + number).c_str(), circle<sim::Ns3Medium>,
                                 receivers);
    const double bound = receivers == 1 ? 150 : receivers <= 8 ? 250 : 0;
    add_goal({"medium/" + number, {"ns3phy/" + number}, bound});
    add_goal({"medium/" + number, {"ns3medium/" + number}, 0});
  }
  benchmark::RegisterBenchmark("medium/world", world);
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
