// Two sides of a WFB-NG link in the simulator, "drone" and "ground", each a central node whose
// cards are those of one node in between. That node is injector, air and forwarder at once: what
// one side has injected it hands to the other side's aggregators, as the test says.
//
//   drone ──► injectors ─┐             ┌─► aggregators of ground, 10000 + radio port
//                        ├── "air" ────┤
//   ground ─► injectors ─┘             └─► aggregators of drone
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "core/protocols/wfb/central_node.h"
#include "core/wire/radiotap.h"
#include "tests/support/net_world.h"

namespace twinbed::testing {

/// A frame in the air: the side and card that sent it, how, and on which radio port.
struct AirFrame {
  bool is_up = false;  ///< from ground to drone
  std::uint8_t sender_card = 0;
  TxParams rate;
  std::uint8_t radio_port = 0;
  Bytes packet;
};

class WfbAir final : public Protocol {
 public:
  static constexpr std::uint16_t kDroneInjectors = 11000;
  static constexpr std::uint16_t kGroundInjectors = 12000;
  static constexpr std::uint16_t kAggregators = 10000;
  static constexpr std::uint8_t kCards = 2;  ///< of each side

  /// The signal in dBm with which a card of the other side hears a frame; none: it does not. The
  /// noise is -95 dBm.
  using Hears =
      std::function<std::optional<int>(Context&, const AirFrame&, std::uint8_t receiver_card)>;

  WfbAir(IpAddress drone, IpAddress ground, const Hears& hears)
      : drone_(drone), ground_(ground), hears_(hears) {}

  void on_start(Context& context) override {
    for (std::uint32_t card = 0; card < kCards; ++card) {
      const auto offset = static_cast<std::uint16_t>(card);
      context.datagrams.bind(SocketId{card},
                             {kAnyAddress, static_cast<std::uint16_t>(kDroneInjectors + offset)});
      context.datagrams.bind(SocketId{kCards + card},
                             {kAnyAddress, static_cast<std::uint16_t>(kGroundInjectors + offset)});
    }
    context.datagrams.bind(SocketId{2 * kCards}, {kAnyAddress, 0});
  }
  void on_timer(Context&, TimerId) override {}
  void on_datagram(Context& context, const Datagram& datagram) override {
    constexpr std::size_t kMark = 4;
    constexpr std::size_t kPortAt = 15;  // the last byte of the second address
    const Bytes injection = datagram.payload.subspan(kMark);
    const auto header = read_radiotap_tx(injection);
    ASSERT_TRUE(header);
    const Bytes frame = injection.subspan(header->header_bytes);
    const auto socket = static_cast<std::uint32_t>(datagram.socket);
    const AirFrame sent{socket >= kCards, static_cast<std::uint8_t>(socket % kCards),
                        header->params, std::to_integer<std::uint8_t>(frame[kPortAt]),
                        frame.subspan(MacHeader::kBytes)};
    const Endpoint to{sent.is_up ? drone_ : ground_,
                      static_cast<std::uint16_t>(kAggregators + sent.radio_port)};
    for (std::uint8_t card = 0; card < kCards; ++card) {
      const std::optional<int> signal = hears_(context, sent, card);
      if (!signal) continue;
      wfb::Reception reception;
      reception.wlan = card;
      reception.readings.fill(kUnknownReading);
      reception.readings[0] = {0, static_cast<std::int8_t>(*signal), -95};
      reception.mcs = sent.rate.mcs;
      Buffer bytes;
      write_reception(reception, bytes);
      bytes.insert(bytes.end(), sent.packet.begin(), sent.packet.end());
      context.datagrams.send(SocketId{2 * kCards}, to, bytes);
    }
  }

 private:
  IpAddress drone_;
  IpAddress ground_;
  Hears hears_;
};

/// Drone, air and ground with the streams that the test adds.
class WfbLinkWorld {
 public:
  static constexpr std::uint32_t kLink = 7;

  explicit WfbLinkWorld(WfbAir::Hears hears, std::uint64_t seed = 1)
      : simulator(seed, Net()
                            .hosts({"drone", "ground", "air", "user"})
                            .device("switch", sim::DeviceKind::kSwitch)
                            .link("drone", "switch", link_of(Duration{10'000}))
                            .link("ground", "switch", link_of(Duration{10'000}))
                            .link("air", "switch", link_of(Duration{10'000}))
                            .link("user", "switch", link_of(Duration{10'000}))
                            .build(),
                  sink) {
    RandomStream random(1, "keys", 0);
    keys = wfb::make_link_keys(random);
    add("air", [this, hears] {
      return std::make_unique<WfbAir>(address("drone"), address("ground"), hears);
    });
    simulator.on_deliver([this](NodeId node, Bytes message) {
      (node == drone ? at_drone : at_ground).emplace_back(as_text(message));
    });
  }

  /// A stream of one side; it receives and sends on these radio ports.
  wfb::StreamOptions stream(bool is_drone, std::string name, wfb::StreamKind kind,
                            std::optional<std::uint8_t> receive,
                            std::optional<std::uint8_t> transmit) {
    wfb::StreamOptions options;
    options.name = std::move(name);
    options.kind = kind;
    const wfb::KeyFile& key = is_drone ? keys.drone : keys.ground;
    if (receive) {
      options.receive.emplace();
      options.receive->decoder.keys = key;
      options.receive->decoder.channel = wfb::ChannelId::of(kLink, *receive);
      options.receive->listen_port = static_cast<std::uint16_t>(WfbAir::kAggregators + *receive);
    }
    if (!transmit) return options;
    options.transmit.emplace();
    options.transmit->encoder.keys = key;
    options.transmit->encoder.channel = wfb::ChannelId::of(kLink, *transmit);
    options.transmit->encoder.fec = {1, 2};
    for (std::uint8_t card = 0; card < WfbAir::kCards; ++card) {
      const auto port = static_cast<std::uint16_t>(
          (is_drone ? WfbAir::kDroneInjectors : WfbAir::kGroundInjectors) + card);
      options.transmit->outputs.push_back(wfb::InjectorAddress{{address("air"), port}});
      options.cards.push_back(card_of(card));
    }
    return options;
  }
  /// A card of the node in between.
  wfb::WlanId card_of(std::uint8_t card) {
    return wfb::AntennaId::of(address("air").value, card, 0).wlan();
  }

  void start(const wfb::CentralOptions& drone_options, const wfb::CentralOptions& ground_options) {
    drone = add("drone", [this, drone_options] { return central(drone_options, drone_node); });
    ground = add("ground", [this, ground_options] { return central(ground_options, ground_node); });
  }
  void command(Duration at, NodeId node, std::string_view text) {
    simulator.schedule_command(Time{at}, node, as_bytes(text));
  }
  void run(Duration until) {
    simulator.run_until(Time{until});
    ASSERT_FALSE(simulator.failure()) << *simulator.failure();
  }
  std::vector<std::string> lines(std::string_view type) const {
    std::vector<std::string> found;
    for (const std::string& line : sink.lines) {
      if (line.starts_with(std::string(type) + " ")) found.push_back(line);
    }
    return found;
  }
  IpAddress address(std::string_view host) {
    const sim::Topology& topology = simulator.network().topology();
    return topology.devices[sim::find_device(topology, host).value()].address;
  }
  template <class Factory>
  NodeId add(std::string_view host, Factory factory) {
    const auto device = sim::find_device(simulator.network().topology(), host).value();
    return simulator.add_node({std::string(host), std::string(host), device, {}, 0}, factory);
  }

  TextSink sink;
  sim::Simulator simulator;
  wfb::LinkKeys keys;
  NodeId drone{};
  NodeId ground{};
  const wfb::CentralNode* drone_node = nullptr;
  const wfb::CentralNode* ground_node = nullptr;
  std::vector<std::string> at_drone;
  std::vector<std::string> at_ground;

 private:
  static std::unique_ptr<wfb::CentralNode> central(const wfb::CentralOptions& options,
                                                   const wfb::CentralNode*& node) {
    auto made = std::make_unique<wfb::CentralNode>(options);
    node = made.get();
    return made;
  }
};

}  // namespace twinbed::testing
