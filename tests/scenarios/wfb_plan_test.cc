// What follows from the configuration of a cluster: ports, names, command lines, digests.
#include "scenarios/wfb/cluster_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/wfb/cluster_commands.h"
#include "scenarios/wfb/cluster_load.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;

const std::string kData = std::string(TWINBED_SOURCE_DIR) + "/tests/testdata/wfb_cluster/";

ClusterConfig load(const std::vector<std::string>& names) {
  std::vector<std::string> paths;
  for (const std::string& name : names) paths.push_back(kData + name);
  const auto config = load_cluster_files(paths);
  EXPECT_TRUE(config) << config.error();
  return config ? *config : ClusterConfig();
}

IpAddress address(const char* text) { return *parse_address(text); }

/// "video 10000 10.77.0.11:11000 10.77.0.12:11000,11001"
std::vector<std::string> ports_of(const std::vector<StreamPlan>& plans) {
  std::vector<std::string> lines;
  for (const StreamPlan& plan : plans) {
    std::string line = plan.stream.name + " " + std::to_string(plan.aggregator_port);
    for (const InjectorPorts& injectors : plan.injectors) {
      line += " " + to_string(injectors.node);
      for (std::size_t i = 0; i < injectors.ports.size(); ++i) {
        line += (i == 0 ? ":" : ",") + std::to_string(injectors.ports[i]);
      }
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(WfbPlan, PortsAreThoseOfTheOriginal) {
  const auto plans = plan_cluster(load({"gs_cluster.cfg"}), {"gs"});
  ASSERT_TRUE(plans) << plans.error();
  EXPECT_EQ(ports_of(*plans),
            (std::vector<std::string>{"video 10000 10.77.0.11:11000 10.77.0.12:11000,11001",
                                      "mavlink 10001 10.77.0.11:11001 10.77.0.12:11002,11003",
                                      "tunnel 10002 10.77.0.11:11002 10.77.0.12:11004,11005"}));
  EXPECT_EQ((*plans)[0].link_id, 7669206u);
}

TEST(WfbPlan, ANodeThatIsAddedShiftsNothingAndACardShiftsWhatFollows) {
  ClusterConfig config = load({"gs_cluster.cfg"});
  const auto before = *plan_node(config, {"gs"}, address("10.77.0.12"));
  ClusterNode more = config.nodes[0];
  more.address = address("10.77.0.10");
  config.nodes.insert(config.nodes.begin(), more);
  EXPECT_EQ(*plan_node(config, {"gs"}, address("10.77.0.12")), before);
  config.nodes[2].wlans.push_back("wlan2");
  const auto after = *plan_node(config, {"gs"}, address("10.77.0.12"));
  EXPECT_EQ(before.streams[1].first_injector_port, 11002);
  EXPECT_EQ(after.streams[1].first_injector_port, 11003);
}

TEST(WfbPlan, ProfilesAreTakenInTheOrderOfTheirNames) {
  const ClusterConfig config = load({"gs_cluster.cfg"});
  const auto plans = plan_cluster(config, {"gs_bind", "gs"});
  ASSERT_TRUE(plans);
  EXPECT_EQ((*plans)[3].profile, "gs_bind");
  EXPECT_EQ((*plans)[3].aggregator_port, 10003);
  EXPECT_EQ(plan_cluster(config, {"gss"}).error(),
            "there is no profile 'gss', did you mean 'gs'?");
  EXPECT_THAT(plan_cluster(config, {"gs", "gs"}).error(), HasSubstr("is named twice"));
  EXPECT_THAT(plan_cluster(config, {}).error(),
              HasSubstr("the profiles are drone, drone_bind, gs and gs_bind"));
}

TEST(WfbPlan, WhatCannotRunIsRefused) {
  ClusterConfig config = load({"gs_cluster.cfg"});
  EXPECT_EQ(plan_cluster(config, {"drone"}).error(),
            "stream 'video' of profile 'drone' is udp_direct_tx, which sends through one card, but "
            "the cluster has 3; make it udp_proxy, or set mirror to send through all");
  EXPECT_EQ(plan_node(config, {"gs"}, address("10.77.0.13")).error(),
            "there is no node 10.77.0.13 in the cluster; its nodes are 10.77.0.11 and 10.77.0.12");
  EXPECT_EQ(find_node(config, "camera").error(),
            "there is no node 'camera' in the cluster; its nodes are 10.77.0.11 and 10.77.0.12");
  EXPECT_EQ(*find_node(config, "10.77.0.12"), address("10.77.0.12"));
  config.base_port_node = 65530;
  EXPECT_TRUE(plan_cluster(config, {"gs"}));  // six ports: the last one is 65535
  config.base_port_node = 65531;
  EXPECT_THAT(plan_cluster(config, {"gs"}).error(),
              HasSubstr("the ports from base_port_node on go beyond 65535"));
  config.nodes.clear();
  EXPECT_THAT(plan_cluster(config, {"gs"}).error(), HasSubstr("the cluster has no nodes"));
}

TEST(WfbPlan, CommandsOfTheCentralNode) {
  const ClusterConfig config = load({"gs_cluster.cfg"});
  const auto plans = *plan_cluster(config, {"gs"});
  EXPECT_EQ(shell_text(aggregator_command(config, plans[0], "0011aabb")),
            "twinbed-node wfb-rx -a 10000 -p 0 -c 127.0.0.1 -u 5600 -K /etc/gs.key -R 2097152 "
            "-s 2097152 -l 1000 -i 7669206");
  EXPECT_EQ(shell_text(aggregator_command(config, plans[1], "0011aabb")),
            "twinbed-node wfb-rx -a 10001 -p 16 -U mavlink-rx-0011aabb -K /etc/gs.key -R 2097152 "
            "-s 2097152 -l 1000 -i 7669206");
  EXPECT_EQ(shell_text(distributor_command(config, plans[1], "0011aabb")),
            "twinbed-node wfb-tx -d -f data -p 144 -U mavlink-tx-0011aabb -K /etc/gs.key -B 20 "
            "-G long -S 1 -L 1 -M 1 -k 1 -n 2 -T 0 -F 0 -i 7669206 -R 2097152 -s 2097152 -l 1000 "
            "-C 0 -J 0 -E 5000 10.77.0.11:11001 10.77.0.12:11002,11003");
}

TEST(WfbPlan, CommandsOfANode) {
  const ClusterConfig config = load({"gs_cluster.cfg", "site.cfg"});
  const NodePlan plan = *plan_node(config, {"gs"}, address("10.77.0.12"));
  const NodePlan::Stream& video = plan.streams[0];
  EXPECT_EQ(shell_text(*forwarder_command(plan, video, ClusterPolicy::kOriginal)),
            "twinbed-node wfb-rx -f -c 10.77.0.1 -u 10000 -p 0 -i 7669206 -R 2097152 wlan0 wlan1");
  EXPECT_THAT(shell_text(*forwarder_command(plan, video, ClusterPolicy::kRobust)),
              HasSubstr(" --init-digest " + init_digest(plan) + " wlan0 wlan1"));
  EXPECT_FALSE(injector_command(plan, video));
  const NodePlan reporting = *plan_node(config, {"gs"}, address("10.77.0.12"), true);
  EXPECT_EQ(shell_text(*injector_command(reporting, reporting.streams[0])),
            "twinbed-node wfb-tx -I 11000 -R 2097152 wlan0 wlan1");
  // Started on cards that only receive, too, as the original does.
  EXPECT_EQ(shell_text(*injector_command(plan, plan.streams[1])),
            "twinbed-node wfb-tx -I 11002 -R 2097152 -Q -P 10 wlan0 wlan1");
  EXPECT_EQ(plan.bandwidth, 40u);
}

TEST(WfbPlan, SshHonoursThePortUnderRobustAlone) {
  const ClusterConfig config = load({"gs_cluster.cfg", "site.cfg"});
  const std::string head =
      "ssh -o StrictHostKeyChecking=no -o KbdInteractiveAuthentication=no "
      "-o PasswordAuthentication=no -i '/root/.ssh/wfb key' -o IdentitiesOnly=yes ";
  EXPECT_EQ(shell_text(*ssh_command(config.nodes[0], ClusterPolicy::kOriginal)),
            head + "root@10.77.0.11 /bin/bash");
  EXPECT_EQ(shell_text(*ssh_command(config.nodes[0], ClusterPolicy::kRobust)),
            head + "-p 2222 root@10.77.0.11 /bin/bash");
  EXPECT_FALSE(ssh_command(config.nodes[1], ClusterPolicy::kRobust));  // its ssh_user is None
}

TEST(WfbPlan, TheDigestChangesWithWhatTheNodeDependsOnAlone) {
  ClusterConfig config = load({"gs_cluster.cfg", "site.cfg"});
  const IpAddress node = address("10.77.0.11");
  const std::string before = *init_digest(config, {"gs"}, node);
  EXPECT_EQ(before.size(), 64u);
  EXPECT_EQ(*init_digest(config, {"gs"}, node), before);

  const auto expected = expected_digests(config, {"gs"});
  ASSERT_TRUE(expected) << expected.error();
  EXPECT_EQ(expected->size(), 2u);
  EXPECT_EQ(to_hex(expected->at(node)), before);
  const auto reporting = expected_digests(config, {"gs"}, /*sends_reports=*/true);
  ASSERT_TRUE(reporting) << reporting.error();
  EXPECT_NE(reporting->at(node), expected->at(node));
  EXPECT_EQ(to_hex(reporting->at(node)), init_digest(*plan_node(config, {"gs"}, node, true)));

  // The other node's cards, keys and the central node's own settings are not this node's.
  ClusterConfig other = config;
  other.nodes[1].wlans.push_back("wlan2");
  other.nodes[1].wifi_channel = {36, {}};
  other.nodes[1].wifi_txpower = {};
  other.nodes[0].ssh_port = 22;
  other.common.log_interval = 500;
  for (ProfileConfig& profile : other.profiles) {
    for (StreamConfig& stream : profile.streams) stream.keypair = "other.key";
  }
  EXPECT_EQ(*init_digest(other, {"gs"}, node), before);

  const auto changed = [&](auto change) {
    ClusterConfig copy = config;
    change(copy);
    return *init_digest(copy, {"gs"}, node) != before;
  };
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.base_port_server = 10100; }));
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.base_port_node = 11100; }));
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.nodes[0].wlans.push_back("wlan1"); }));
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.nodes[0].wifi_channel.all = 40; }));
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.nodes[0].server_address.value += 1; }));
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.nodes[0].custom_init_script.reset(); }));
  EXPECT_TRUE(changed([](ClusterConfig& c) { c.common.wifi_region = "DE"; }));
  EXPECT_TRUE(changed([](ClusterConfig& c) {
    for (ProfileConfig& profile : c.profiles) profile.link_domain = "other";
  }));
  EXPECT_TRUE(changed([](ClusterConfig& c) {
    for (ProfileConfig& profile : c.profiles) profile.streams.resize(1);
  }));
  EXPECT_NE(*init_digest(config, {"gs", "gs_bind"}, node), before);
}

TEST(WfbPlan, NamesOfAntennas) {
  using twinbed::wfb::AntennaId;
  const std::uint32_t node = address("10.77.0.11").value;
  EXPECT_EQ(antenna_name(AntennaId::of(node, 0, 0), true), "0A4D000B:0:0");
  EXPECT_EQ(antenna_name(AntennaId::of(node, 1, 0xff), true), "0A4D000B:1:X");
  EXPECT_EQ(antenna_name(AntennaId::of(0, 1, 3), false), " 1:3");
}

}  // namespace
}  // namespace twinbed::scenarios
