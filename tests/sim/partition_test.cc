// Partitions in a running simulation: who still hears whom, and what the fault rows say of it.
#include <algorithm>

#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::DeviceKind;
using sim::FaultAction;
using sim::PartitionKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

sim::Selector named(std::vector<std::string> nodes) { return {std::move(nodes), "", 0}; }

sim::FaultSpec partition_of(PartitionKind kind, std::vector<sim::Selector> groups,
                         Duration at = seconds(1), std::optional<Duration> lasts = seconds(1)) {
  sim::FaultSpec fault = fault_of(FaultAction::kPartition, at, {}, lasts);
  fault.partition = kind;
  fault.groups = std::move(groups);
  return fault;
}

sim::Topology star(std::initializer_list<const char*> names, Duration way = milliseconds(10)) {
  Net net;
  net.device("switch", DeviceKind::kSwitch).hosts(names);
  for (const char* name : names) net.link(name, "switch", link_of(way / 2));
  return net.build();
}

/// One node on each host, named as it with one letter; asks who hears whom.
class Hosts {
 public:
  explicit Hosts(sim::Topology topology, std::string names = "abcde")
      : world(std::move(topology)), names_(std::move(names)) {
    for (const char name : names_) nodes_.push_back(world.add(std::string(1, name)));
  }
  NodeId operator[](char name) const { return nodes_[names_.find(name)]; }

  /// All send to all at this time; then "a:bc" for each who heard from others, sorted by name.
  std::string heard_at(Duration when) {
    const std::string tag = std::to_string(when.count()) + " ";
    for (const char from : names_) {
      for (const char to : names_) {
        if (from != to) send(when, from, to, tag);
      }
    }
    world.run(when + milliseconds(200));
    std::string text;
    for (const char name : names_) {
      std::string from;
      for (const auto& item : world.received((*this)[name])) {
        if (item.text.starts_with(tag)) from += item.text.back();
      }
      std::sort(from.begin(), from.end());
      text += (text.empty() ? "" : " ") + std::string(1, name) + ":" + from;
    }
    return text;
  }
  void send(Duration when, char from, char to, const std::string& tag = "") {
    world.send_at(when, (*this)[from], world.endpoint((*this)[to]), tag + from);
  }

  NetWorld world;

 private:
  std::string names_;
  std::vector<NodeId> nodes_;
};

constexpr const char* kEverybody = "a:bcde b:acde c:abde d:abce e:abcd";
constexpr auto kFive = {"a", "b", "c", "d", "e"};
using Rows = std::vector<std::string>;

TEST(Partition, GroupsArePartedAndWhoIsInNoneReachesEverybody) {
  Hosts hosts(star(kFive));
  hosts.world.simulator.set_faults(
      {partition_of(PartitionKind::kGroups, {named({"a", "b"}), named({"c", "d"})})});
  EXPECT_EQ(hosts.heard_at(milliseconds(500)), kEverybody);
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a:be b:ae c:de d:ce e:abcd");
  EXPECT_EQ(hosts.heard_at(milliseconds(2000)), kEverybody);  // the end itself is open again
  EXPECT_EQ(hosts.world.sink.faults, (Rows{"partition begin a b | c d touched 0",
                                           "partition end a b | c d touched 8"}));
  EXPECT_EQ(hosts.world.drops().partition, 8U);
  EXPECT_EQ(hosts.world.simulator.payloads_in_use(), 0U);
}

TEST(Partition, OneWayLetsTheOtherDirectionPass) {
  Hosts hosts(star(kFive));
  hosts.world.simulator.set_faults(
      {partition_of(PartitionKind::kOneWay, {named({"a"}), named({"b", "c"})})});
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a:bcde b:cde c:bde d:abce e:abcd");
  EXPECT_EQ(hosts.heard_at(milliseconds(2500)), kEverybody);
  EXPECT_EQ(hosts.world.sink.faults.back(), "partition end a -> b c touched 2");
}

TEST(Partition, TheIsolatedReachNobodyEachOtherIncluded) {
  Hosts hosts(star(kFive));
  sim::FaultSpec isolate = partition_of(PartitionKind::kIsolate, {});
  isolate.select = named({"b", "d"});
  hosts.world.simulator.set_faults({isolate});
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a:ce b: c:ae d: e:ac");
  EXPECT_EQ(hosts.heard_at(milliseconds(2500)), kEverybody);
  EXPECT_EQ(hosts.world.sink.faults.back(), "partition end b d touched 14");
}

TEST(Partition, ABridgeAloneReachesBothHalves) {
  Hosts hosts(star(kFive));
  sim::FaultSpec chosen = partition_of(PartitionKind::kBridge, {}, seconds(3));
  chosen.select = named({"a"});
  hosts.world.simulator.set_faults({partition_of(PartitionKind::kBridge, {}), chosen});
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a:bc b:ac c:abde d:ce e:cd");
  EXPECT_EQ(hosts.heard_at(milliseconds(2500)), kEverybody);
  EXPECT_EQ(hosts.heard_at(milliseconds(3500)), "a:bcde b:ac c:ab d:ae e:ad");
  EXPECT_EQ(hosts.world.sink.faults.front(), "partition begin a b | d e touched 0");
}

TEST(Partition, InTheRingEveryNodeHearsAMajorityAndNoTwoTheSame) {
  Hosts hosts(star(kFive));
  hosts.world.simulator.set_faults({partition_of(PartitionKind::kMajoritiesRing, {})});
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a:be b:ac c:bd d:ce e:ad");
  EXPECT_EQ(hosts.world.simulator.network().drops().partition, 10U);
  EXPECT_EQ(hosts.heard_at(milliseconds(2500)), kEverybody);
}

/// a and c behind r1, b and d behind r4, e between them on r2, which is on the shorter of two ways.
Hosts two_ways() {
  Net net;
  net.hosts({"a", "b", "c", "d", "e"});
  for (const char* name : {"r1", "r2", "r3", "r4"}) net.device(name, DeviceKind::kRouter);
  net.link("a", "r1").link("c", "r1").link("b", "r4").link("d", "r4").link("e", "r2");
  net.link("r1", "r2").link("r2", "r4");
  net.link("r1", "r3", link_of(milliseconds(5))).link("r3", "r4", link_of(milliseconds(5)));
  return Hosts(net.build());
}

TEST(Partition, AMinimumCutTakesTheFewestLinksBetweenTwoNodes) {
  Hosts hosts = two_ways();
  hosts.world.simulator.set_faults(
      {partition_of(PartitionKind::kMinCut, {named({"a"}), named({"b"})})});
  EXPECT_EQ(hosts.heard_at(milliseconds(500)), kEverybody);
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a:c b:de c:a d:be e:bd");
  EXPECT_EQ(hosts.heard_at(milliseconds(2500)), kEverybody);
  EXPECT_EQ(hosts.world.sink.faults, (Rows{"partition begin r1-r2 r1-r3 touched 0",
                                           "partition end r1-r2 r1-r3 touched 12"}));
}

TEST(Partition, AMinimumCutIsNotTouchedByTrafficThatItDoesNotConcern) {
  Hosts hosts = two_ways();
  hosts.world.simulator.set_faults(
      {partition_of(PartitionKind::kMinCut, {named({"a"}), named({"b"})})});
  hosts.send(milliseconds(1500), 'a', 'c');
  hosts.send(milliseconds(1500), 'b', 'e');
  hosts.world.send_at(milliseconds(1500), hosts['a'], {IpAddress{0x0b00'0001}, 1}, "no such host");
  hosts.world.run(seconds(3));
  EXPECT_EQ(hosts.world.drops().no_route, 1U);
  EXPECT_EQ(hosts.world.sink.faults.back(), "partition end r1-r2 r1-r3 touched 0");
}

TEST(Partition, OverlappingCutsOfOneLinkOpenWhenTheLastEnds) {
  Hosts hosts = two_ways();
  const auto cut = [&](Duration at) {
    return partition_of(PartitionKind::kMinCut, {named({"a"}), named({"b"})}, at, seconds(2));
  };
  hosts.world.simulator.set_faults({cut(seconds(1)), cut(seconds(2))});
  EXPECT_EQ(hosts.heard_at(milliseconds(3500)), "a:c b:de c:a d:be e:bd");
  EXPECT_EQ(hosts.heard_at(milliseconds(4500)), kEverybody);
}

TEST(Partition, OverlappingPartitionsOpenAPairWhenTheLastEnds) {
  Hosts hosts(star({"a", "b", "c"}), "abc");
  const auto apart = [](std::vector<std::string> one, std::vector<std::string> two, Duration at) {
    return partition_of(PartitionKind::kGroups, {named(one), named(two)}, at, seconds(2));
  };
  hosts.world.simulator.set_faults(
      {apart({"a"}, {"b", "c"}, seconds(1)), apart({"a", "c"}, {"b"}, seconds(2))});
  EXPECT_EQ(hosts.heard_at(milliseconds(1500)), "a: b:c c:b");
  EXPECT_EQ(hosts.heard_at(milliseconds(2500)), "a: b: c:");
  EXPECT_EQ(hosts.heard_at(milliseconds(3500)), "a:c b: c:a");
  EXPECT_EQ(hosts.heard_at(milliseconds(4500)), "a:bc b:ac c:ab");
  // Each counts what it stopped: the first 4 and 4, the second 4 and 4 of a-b and b-c.
  EXPECT_EQ(hosts.world.sink.faults[2], "partition end a | b c touched 8");
  EXPECT_EQ(hosts.world.sink.faults[3], "partition end a c | b touched 8");
}

TEST(Partition, AShortCutLosesWhatIsUnderWayAndCountsIt) {
  Hosts hosts(star({"a", "b"}, milliseconds(100)), "ab");
  hosts.world.simulator.set_faults({partition_of(
      PartitionKind::kGroups, {named({"a"}), named({"b"})}, seconds(1), milliseconds(10))});
  hosts.send(milliseconds(900), 'a', 'b', "arrives with the cut ");
  hosts.send(milliseconds(899), 'a', 'b', "before the cut ");
  hosts.send(milliseconds(950), 'a', 'b', "in flight over all of it ");
  hosts.send(milliseconds(1005), 'a', 'b', "sent during the cut ");
  hosts.send(milliseconds(1010), 'a', 'b', "sent at its end ");
  hosts.world.run(seconds(2));
  std::vector<std::string> texts;
  for (const auto& item : hosts.world.received(hosts['b'])) texts.push_back(item.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"before the cut a", "sent at its end a"}));
  EXPECT_EQ(hosts.world.drops().partition, 3U);
  EXPECT_EQ(hosts.world.sink.faults.back(), "partition end a | b touched 3");
}

TEST(Partition, APartitionThatNothingCrossedTouchedNothing) {
  Hosts hosts(star(kFive));
  hosts.world.simulator.set_faults(
      {partition_of(PartitionKind::kGroups, {named({"a"}), named({"b"})}),
       partition_of(PartitionKind::kGroups, {named({"c"}), named({"d"})})});
  hosts.send(milliseconds(1500), 'a', 'b');
  hosts.send(milliseconds(1500), 'c', 'e');
  hosts.world.run(seconds(3));
  EXPECT_EQ(hosts.world.sink.faults[2], "partition end a | b touched 1");
  EXPECT_EQ(hosts.world.sink.faults[3], "partition end c | d touched 0");
}

TEST(Partition, NodesOfOneHostAlwaysReachEachOther) {
  NetWorld world(star({"a", "b"}));
  const NodeId first = world.add("a", "first", "server");
  const NodeId second = world.add("a", "second", "server");
  const NodeId other = world.add("b", "other", "server");
  world.script(second).start = [](Context& c) {
    c.datagrams.bind(SocketId{1}, {kAnyAddress, 7002});
  };
  sim::FaultSpec isolate = partition_of(PartitionKind::kIsolate, {});
  isolate.select = named({"first", "second"});
  world.simulator.set_faults({isolate});
  world.send_at(milliseconds(1500), first, world.endpoint(second, 7002), "same host");
  world.send_at(milliseconds(1500), first, world.endpoint(other), "other host");
  world.run(seconds(3));
  EXPECT_EQ(world.received(second).size(), 1U);
  EXPECT_TRUE(world.received(other).empty());
  EXPECT_EQ(world.sink.faults.back(), "partition end first second touched 1");
}

TEST(Partition, APartitionThatLastsIsRecordedWhenTheRunIsFinished) {
  Hosts hosts(star({"a", "b"}), "ab");
  hosts.world.simulator.set_faults({partition_of(
      PartitionKind::kGroups, {named({"a"}), named({"b"})}, seconds(1), std::nullopt)});
  hosts.send(milliseconds(1500), 'a', 'b');
  hosts.world.run(seconds(100));
  EXPECT_EQ(hosts.world.sink.faults.size(), 1U);
  hosts.world.simulator.finish();
  hosts.world.simulator.finish();
  EXPECT_EQ(hosts.world.sink.faults,
            (Rows{"partition begin a | b touched 0", "partition end a | b touched 1"}));
}

}  // namespace
}  // namespace twinbed::testing
