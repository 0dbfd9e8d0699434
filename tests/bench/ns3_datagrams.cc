// ns-3's side of datagram_bench.cc, built with its helpers as its tutorial does.
#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <ns3/data-rate.h>
#include <ns3/inet-socket-address.h>
#include <ns3/internet-stack-helper.h>
#include <ns3/ipv4-address-generator.h>
#include <ns3/ipv4-address-helper.h>
#include <ns3/ipv4-global-routing-helper.h>
#include <ns3/mac48-address.h>
#include <ns3/node-container.h>
#include <ns3/nstime.h>
#include <ns3/packet.h>
#include <ns3/point-to-point-helper.h>
#include <ns3/simulator.h>
#include <ns3/socket.h>
#include <ns3/string.h>
#include <ns3/traffic-control-helper.h>
#include <ns3/udp-socket-factory.h>

#include "tests/bench/datagram_world.h"
#include "tests/bench/ns3_support.h"

namespace twinbed::bench {

struct Ns3Datagrams::State {
  /// One host's socket and its datagram, as a program has them.
  struct Host {
    State* state = nullptr;
    ns3::Ptr<ns3::Socket> socket;
    ns3::Address peer;
    std::array<std::uint8_t, kDatagramBytes> datagram{};
    std::uint64_t sent = 0;

    void send(const ns3::Address& to) {
      ++sent;
      std::memcpy(datagram.data(), &sent, sizeof sent);
      socket->SendTo(ns3::Create<ns3::Packet>(datagram.data(), kDatagramBytes), 0, to);
    }
    void receive(ns3::Ptr<ns3::Socket>) {
      ns3::Address from;
      while (const ns3::Ptr<ns3::Packet> packet = socket->RecvFrom(from)) {
        std::uint64_t number = 0;
        packet->CopyData(reinterpret_cast<std::uint8_t*>(&number), sizeof number);
        state->sum += number;
        if (--state->left == 0) ns3::Simulator::Stop();
        send(from);
      }
    }
  };

  Ns3Run run{"ns3::MapScheduler"};
  ns3::NodeContainer nodes;
  std::vector<Host> hosts;
  std::int64_t left = 0;
  std::uint64_t sum = 0;
};

namespace {

/// Links two nodes and gives their devices addresses of a network of their own.
ns3::Ipv4InterfaceContainer join(ns3::PointToPointHelper& links, ns3::Ipv4AddressHelper& addresses,
                                 const ns3::NodeContainer& ends, bool traffic_control) {
  const ns3::NetDeviceContainer devices = links.Install(ends);
  const ns3::Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
  addresses.NewNetwork();
  if (!traffic_control) ns3::TrafficControlHelper().Uninstall(devices);
  return interfaces;
}

/// The address of each host, by its number.
std::vector<ns3::Ipv4Address> build(const Exchange& exchange, bool traffic_control,
                                    ns3::NodeContainer& nodes) {
  ns3::PointToPointHelper links;
  links.SetDeviceAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(kLinkBps)));
  links.SetChannelAttribute("Delay", ns3::TimeValue(ns3::NanoSeconds(kLinkDelayNs)));
  links.SetQueue("ns3::DropTailQueue<Packet>", "MaxSize",
                 ns3::StringValue(std::to_string(kQueuePackets) + "p"));
  ns3::Ipv4AddressHelper addresses("10.1.0.0", "255.255.255.252");
  nodes.Create(exchange.hosts + (exchange.through_router ? 1 : 0));
  ns3::InternetStackHelper().Install(nodes);
  std::vector<ns3::Ipv4Address> found(exchange.hosts);
  if (exchange.through_router) {
    for (std::uint32_t i = 0; i < exchange.hosts; ++i) {
      const ns3::NodeContainer ends(nodes.Get(i), nodes.Get(exchange.hosts));
      found[i] = join(links, addresses, ends, traffic_control).GetAddress(0);
    }
    ns3::Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    return found;
  }
  const std::uint32_t pairs = exchange.hosts / 2;
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const ns3::NodeContainer ends(nodes.Get(i), nodes.Get(i + pairs));
    const ns3::Ipv4InterfaceContainer interfaces = join(links, addresses, ends, traffic_control);
    found[i] = interfaces.GetAddress(0);
    found[i + pairs] = interfaces.GetAddress(1);
  }
  return found;
}

}  // namespace

Ns3Datagrams::Ns3Datagrams(const Exchange& exchange, bool traffic_control)
    : state_(std::make_unique<State>()) {
  ns3::Ipv4AddressGenerator::Reset();
  ns3::Mac48Address::ResetAllocationIndex();
  const std::vector<ns3::Ipv4Address> addresses =
      build(exchange, traffic_control, state_->nodes);
  state_->hosts.resize(exchange.hosts);
  for (std::uint32_t i = 0; i < exchange.hosts; ++i) {
    State::Host& host = state_->hosts[i];
    const std::uint32_t peer = (i + exchange.hosts / 2) % exchange.hosts;
    host.state = state_.get();
    host.peer = ns3::InetSocketAddress(addresses[peer], kDatagramPort);
    host.socket = ns3::Socket::CreateSocket(state_->nodes.Get(i),
                                            ns3::UdpSocketFactory::GetTypeId());
    host.socket->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), kDatagramPort));
    host.socket->SetRecvCallback(ns3::MakeCallback(&State::Host::receive, &host));
    if (i >= exchange.hosts / 2) continue;
    ns3::Simulator::Schedule(ns3::Seconds(0), [&host] {
      for (std::uint32_t n = 0; n < kUnderWay; ++n) host.send(host.peer);
    });
  }
}

Ns3Datagrams::~Ns3Datagrams() = default;

void Ns3Datagrams::run(std::int64_t datagrams) {
  state_->left = datagrams;
  ns3::Simulator::Run();
}

std::int64_t Ns3Datagrams::now_ns() const { return ns3::Simulator::Now().GetNanoSeconds(); }

std::uint64_t Ns3Datagrams::events() const { return ns3::Simulator::GetEventCount(); }

std::uint64_t Ns3Datagrams::sum() const { return state_->sum; }

}  // namespace twinbed::bench
