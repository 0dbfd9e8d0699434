#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"

namespace twinbed::scenarios {
namespace {

using sim::Device;
using sim::DeviceKind;
using sim::GilbertElliott;
using sim::JitterDistribution;
using sim::LinkParams;

const Kind<JitterDistribution>& distribution_kind() {
  static const auto kind =
      enum_kind<JitterDistribution>("the distributions", {{"uniform", JitterDistribution::kUniform},
                                                          {"normal", JitterDistribution::kNormal},
                                                          {"pareto", JitterDistribution::kPareto},
                                                          {"table", JitterDistribution::kTable}});
  return kind;
}

const Kind<Device>& device_kind() {
  static const auto kinds = enum_kind<DeviceKind>("the kinds of device",
                                                  {{"host", DeviceKind::kHost},
                                                   {"switch", DeviceKind::kSwitch},
                                                   {"router", DeviceKind::kRouter},
                                                   {"nat", DeviceKind::kNat}});
  static const RecordKind<Device> kind = [] {
    RecordKind<Device> record("device", "A machine of the network");
    record.add("name", &Device::name, name_kind(),
               "the name by which nodes, links and faults call it").require();
    record.add("kind", &Device::kind, kinds,
               "host: runs nodes; switch: joins the hosts of a subnet; router: forwards; nat: "
               "forwards, and nobody outside can dial in");
    record.add("address", &Device::address, address_kind(),
               "IPv4 address of a host, or the outside address of a NAT; 0.0.0.0 has one assigned");
    return record;
  }();
  return kind;
}

const Kind<NetworkSpec::NamedLink>& named_link_kind() {
  using L = NetworkSpec::NamedLink;
  static const OptionalKind<LinkParams> params(link_kind());
  static const RecordKind<L> kind = [] {
    RecordKind<L> record("named_link", "A link between two devices");
    record.add("a", &L::a, text_kind(), "the device at one end").require();
    record.add("b", &L::b, text_kind(), "the device at the other end").require();
    record.add("params", &L::params, params,
               "what this link does to packets, instead of what network.link says");
    record.add("nat_inside", &L::nat_inside, bool_kind(),
               "the link leads to the inside of the NAT at one of its ends");
    return record;
  }();
  return kind;
}

}  // namespace

const Kind<GilbertElliott>& bursts_kind() {
  using G = GilbertElliott;
  static const RecordKind<G> kind = [] {
    RecordKind<G> record("bursts", "Losses in bursts: the two-state chain of Gilbert and Elliott");
    record.add("good_to_bad", &G::good_to_bad, probability_kind(),
               "probability per packet to enter the bad state; 0 switches the bursts off");
    record.add("bad_to_good", &G::bad_to_good, probability_kind(),
               "probability per packet to leave the bad state");
    record.add("loss_good", &G::loss_good, probability_kind(),
               "probability that a packet is lost in the good state");
    record.add("loss_bad", &G::loss_bad, probability_kind(),
               "probability that a packet is lost in the bad state");
    return record;
  }();
  return kind;
}

const Kind<LinkParams>& link_kind() {
  using L = LinkParams;
  static const ListKind<Duration> table("durations", duration_kind(), 1);
  static const RecordKind<L> kind = [] {
    RecordKind<L> record("link",
                         "What a link does to packets, in each direction; without any key it is "
                         "perfect: instant, endless and lossless");
    record.add("delay", &L::delay, duration_kind(), "propagation delay, one way");
    record.add("jitter", &L::jitter, duration_kind(), "spread of the delay, see distribution");
    record.add("distribution", &L::distribution, distribution_kind(),
               "how the delay is drawn: uniform within the jitter, normal with the jitter as "
               "standard deviation, pareto with a long upper tail, or drawn from jitter_table");
    record.add("jitter_table", &L::jitter_table, table,
               "delays added to the delay, each equally likely; for distribution table only");
    record.add("bandwidth", &L::bandwidth_bps, rate_kind(), "how much the link carries");
    record.add("queue", &L::queue_bytes, size_kind(),
               "room before the bandwidth; packets that find it full are dropped");
    record.add("loss", &L::loss, probability_kind(),
               "probability that a packet is lost, independently of the others");
    record.add("bursts", &L::bursts, bursts_kind(), "losses in bursts");
    record.add("duplicate", &L::duplicate, probability_kind(),
               "probability that a packet arrives twice");
    record.add("corrupt", &L::corrupt, probability_kind(),
               "probability that one bit of a packet is flipped");
    record.add("reorder", &L::reorder, probability_kind(),
               "probability that a packet is held back by reorder_delay");
    record.add("reorder_delay", &L::reorder_delay, duration_kind(),
               "how long a reordered packet is held back");
    record.add("trace", &L::traces, traces_kind(),
               "loss, delay and bandwidth that change with time, on top of those above");
    return record;
  }();
  return kind;
}

const Kind<std::vector<std::string>>& between_kind() {
  static const ListKind<std::string> kind("names", text_kind(), 2, 2);
  return kind;
}

const Kind<NetworkSpec>& network_kind() {
  using N = NetworkSpec;
  static const auto generators =
      word_kind("the generators", std::vector<std::string>(kGenerators.begin(), kGenerators.end()));
  static const ListKind<Device> devices("devices", device_kind());
  static const ListKind<N::NamedLink> links("links", named_link_kind());
  static const RecordKind<N> kind = [] {
    RecordKind<N> record("network",
                         "The devices and links between the nodes; hosts that are not among the "
                         "devices are added and joined to the first switch");
    record.add("generator", &N::generator, generators, "a shape that is made for the nodes");
    record.add("generator_options", &N::generator_options, options_kind(),
               "options of the generator: arity of a tree, rows and columns of a grid, radius of a "
               "random-geometric network; hosts (how many) and prefix (of their names) of all");
    record.add("file", &N::file, text_kind(),
               "a GraphML or GML file with the network, relative to the scenario file");
    record.add("link", &N::link, link_kind(), "what every link does that does not say otherwise");
    record.add("devices", &N::devices, devices, "machines of the network");
    record.add("links", &N::links, links, "links between the devices");
    return record;
  }();
  return kind;
}

}  // namespace twinbed::scenarios
