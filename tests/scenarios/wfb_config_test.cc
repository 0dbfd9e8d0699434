// The configuration of WFB-NG: files, defaults, merging, and what each mistake is answered with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/fields_yaml.h"
#include "scenarios/wfb/cluster_load.h"
#include "scenarios/wfb/config_kinds.h"
#include "scenarios/wfb/defaults.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kData = std::string(TWINBED_SOURCE_DIR) + "/tests/testdata/wfb_cluster/";

ClusterConfig config_of(const std::string& text) {
  auto config = read_cluster_texts({{"a.cfg", text}});
  EXPECT_TRUE(config) << config.error();
  return config ? *config : ClusterConfig();
}

std::string mistake(const std::string& text) {
  const auto config = read_cluster_texts({{"a.cfg", text}});
  EXPECT_FALSE(config.ok()) << "accepted: " << text;
  return config ? "" : config.error();
}

/// A cluster of one node with more keys in its section, and more sections.
std::string cluster(const std::string& node_keys, const std::string& more = "") {
  return "[cluster]\nserver_address = '10.77.0.1'\nnodes = {'10.77.0.11': {'wlans': ['wlan0']" +
         node_keys + "}}\n" + more;
}

TEST(WfbConfig, TheDefaultsAreThoseOfTheOriginal) {
  const ClusterConfig config = config_of("");
  ASSERT_EQ(config.profiles.size(), 4u);
  EXPECT_EQ(config.base_port_server, 10000u);
  EXPECT_EQ(config.base_port_node, 11000u);
  EXPECT_TRUE(config.nodes.empty());
  EXPECT_EQ(config.common.wifi_channel.all, 165u);
  EXPECT_EQ(config.common.tx_rcv_buf_size, 2097152u);

  EXPECT_EQ(config.path, PathConfig());
  EXPECT_EQ(config.common, CommonConfig());

  const ProfileConfig& gs = *config.profile("gs");
  EXPECT_EQ(gs.stats_port, 8003u);
  EXPECT_EQ(gs.api_port, 8103u);
  ASSERT_EQ(gs.streams.size(), 3u);
  StreamConfig video;  // what [base] says, and then:
  video.name = "video";
  video.service_type = ServiceType::kUdpDirectRx;
  video.stream_rx = 0;
  video.keypair = "gs.key";
  video.fec_k = 8;
  video.fec_n = 12;
  video.fwmark = 20;
  video.peer = Peer{Peer::Kind::kConnect, {kLoopback, 5600}, "", 0};
  EXPECT_EQ(gs.streams[0], video);
  EXPECT_EQ(gs.streams[1].stream_rx, 0x10u);
  EXPECT_EQ(gs.streams[1].stream_tx, 0x90u);
  EXPECT_EQ(gs.streams[2].ifaddr, "10.5.0.1/24");
  EXPECT_EQ(config.profile("drone")->streams[2].stream_rx, 0xa0u);
  EXPECT_EQ(config.profile("drone_bind")->streams[0].stbc, 0u);
}

TEST(WfbConfig, TheDefaultTextIsAFileLikeAnother) {
  EXPECT_EQ(config_of(std::string(default_config_text())), config_of(""));
}

TEST(WfbConfig, LaterFilesReplaceKeysOfEarlierOnes) {
  const auto config = load_cluster_files({kData + "gs_cluster.cfg", kData + "site.cfg"});
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->nodes.size(), 2u);
  const ClusterNode& first = config->nodes[0];
  EXPECT_EQ(to_string(first.address), "10.77.0.11");
  EXPECT_EQ(to_string(first.server_address), "10.77.0.1");  // of the first file
  EXPECT_EQ(first.wifi_channel.all, 36u);                   // of [common]
  EXPECT_EQ(first.ssh_port, 2222u);
  EXPECT_EQ(first.ssh_key, "/root/.ssh/wfb key");
  const ClusterNode& second = config->nodes[1];
  EXPECT_EQ(*second.wifi_channel.of("wlan1"), 5825u);
  EXPECT_EQ(second.wifi_txpower.of("wlan0")->value, -1500);
  EXPECT_EQ(second.wifi_txpower.of("wlan1")->mode, TxPower::Mode::kOff);
  EXPECT_FALSE(second.ssh_user);
  const StreamConfig& mavlink = config->profile("gs")->streams[1];
  EXPECT_TRUE(mavlink.use_qdisc);
  EXPECT_EQ(mavlink.bandwidth, 40u);
  EXPECT_EQ(mavlink.fwmark, 10u);  // of the defaults, in the same section
  EXPECT_EQ(mavlink.peer->endpoint.port, 8003);
}

TEST(WfbConfig, TextsMayReferToDefaults) {
  const ClusterConfig config = config_of(
      "[common]\nlog_file = '%(path.log_dir)s/a%%b-%(common.log_interval)s-%(gs.api_port)s'\n");
  EXPECT_EQ(config.common.log_file, "/var/log/a%b-1000-8103");
}

TEST(WfbConfig, AllKeysOfTheFixedSectionsHaveDefaults) {
  Json definitions;
  const std::map<std::string, Json> schemas{
      {"path", wfb_path_kind().object_schema(definitions)},
      {"common", wfb_common_kind().object_schema(definitions)},
      {"cluster", wfb_cluster_kind().object_schema(definitions)}};
  for (const auto& [section, schema] : schemas) {
    for (const auto& [key, property] : schema["properties"].items()) {
      EXPECT_NE(default_config().find(section)->find(key), nullptr) << section << "." << key;
    }
  }
}

TEST(WfbConfig, AStreamsOwnKeysComeLast) {
  const ClusterConfig config = config_of(
      "[mine]\nmcs_index = 2\nfec_k = 2\n[other]\nmcs_index = 3\n"
      "[side_a]\nlink_domain = 'x'\nstats_port = None\napi_port = None\n"
      "streams = [{'name': 'audio', 'service_type': 'udp_proxy', 'stream_tx': 0x30,\n"
      "   'profiles': ['base', 'mine', 'other'], 'fec_k': 1, 'keypair': 'drone.key',\n"
      "   'peer': 'listen://127.0.0.1:1235'}]\n");
  const ProfileConfig* side = config.profile("side_a");
  ASSERT_NE(side, nullptr);
  EXPECT_EQ(side->streams[0].mcs_index, 3u);
  EXPECT_EQ(side->streams[0].fec_k, 1u);
  EXPECT_FALSE(side->stats_port);
}

TEST(WfbConfig, WhatYamlWritesReadsBackAsTheSame) {
  const auto config = load_cluster_files({kData + "gs_cluster.cfg", kData + "site.cfg"});
  ASSERT_TRUE(config);
  const std::string text = emit_yaml(cluster_config_kind().write(*config));
  const Parsed parsed = parse_yaml(text);
  ASSERT_TRUE(parsed.ok) << parsed.problem.message << "\n" << text;
  Reader reader;
  ClusterConfig again;
  ASSERT_TRUE(cluster_config_kind().read(reader, parsed.root, again))
      << reader.problem()->message << "\n" << text;
  EXPECT_EQ(again, *config) << text;
}

TEST(WfbConfig, TextsThatLookLikeSomethingElseSurviveYaml) {
  for (const char* text :
       {"8", "true", "null", "~", "1e3", "off", "a: b", "- a", "#", "5 ms", " x ", "a\nb\n"}) {
    ClusterConfig config = config_of("");
    config.common.log_file = text;
    const Parsed parsed = parse_yaml(emit_yaml(cluster_config_kind().write(config)));
    ASSERT_TRUE(parsed.ok) << parsed.problem.message;
    Reader reader;
    ClusterConfig again;
    ASSERT_TRUE(cluster_config_kind().read(reader, parsed.root, again))
        << reader.problem()->message;
    EXPECT_EQ(again.common.log_file, text);
  }
}

TEST(WfbConfig, YamlHasTheSameSectionsOverTheSameDefaults) {
  const Parsed parsed = parse_yaml(
      "cluster: {server_address: 10.77.0.1, nodes: {10.77.0.11: {wlans: [wlan0]}}}\n"
      "video: {fec_k: 4, fec_n: 6}\n");
  ASSERT_TRUE(parsed.ok);
  Reader reader;
  ClusterConfig config;
  ASSERT_TRUE(cluster_config_kind().read(reader, parsed.root, config))
      << reader.problem()->message;
  EXPECT_EQ(config, config_of(cluster("", "[video]\nfec_k = 4\nfec_n = 6\n")));

  const Parsed wrong = parse_yaml("cluster:\n  nodez: {}\n");
  Reader second;
  EXPECT_FALSE(cluster_config_kind().read(second, wrong.root, config));
  EXPECT_EQ(second.problem()->message, "unknown key 'nodez' in cluster, did you mean 'nodes'?");
  EXPECT_EQ(second.problem()->place.line, 2);
}

TEST(WfbConfig, MistakesInTheFormOfAFile) {
  EXPECT_THAT(mistake("[gs\n"), StartsWith("a.cfg:1:1: a section is written [name]"));
  EXPECT_THAT(mistake("a = 1\n"), StartsWith("a.cfg:1:1: key 'a' stands before any section"));
  EXPECT_THAT(mistake("[common]\nhello\n"), StartsWith("a.cfg:2:1: a line is 'key = value'"));
  EXPECT_EQ(mistake("[video]\nfec_k = 1\nFEC_K = 2\n"),
            "a.cfg:3:1: key 'fec_k' is in this section already, at line 2; keep one of them");
  EXPECT_THAT(mistake("[cluster]\nnodes = {\n}\n"),
              StartsWith("a.cfg:2:9: this '{' is never closed; add '}', on a line that is "));
  EXPECT_THAT(mistake("[DEFAULT]\na = 1\n"), StartsWith("a.cfg:1:1: a section [DEFAULT] would"));
  EXPECT_THAT(mistake("[common]\n  log_file = 'a\xff'\n"),
              StartsWith("a.cfg:2:16: this is not UTF-8"));
  EXPECT_THAT(mistake("[common]\nlog_file = 'a\x01'\n"),
              StartsWith("a.cfg:2:14: there is a control character here"));
  EXPECT_THAT(mistake("[path]\nlog_dir = '100%'\n"),
              StartsWith("a.cfg:2:11: a '%' begins a reference"));
  EXPECT_THAT(mistake("[path]\nlog_dir = '%(path.nothing)s'\n"),
              StartsWith("a.cfg:2:11: there is no value 'path.nothing' to refer to"));
  EXPECT_THAT(mistake(std::string(300'000, '#')), HasSubstr("more than 256 KiB"));
  EXPECT_THAT(mistake(std::string(5000, '#')),
              StartsWith("a.cfg:1:1: this line has more than 4096 bytes"));
  EXPECT_THAT(load_cluster_files({"/nowhere/a.cfg"}).error(),
              StartsWith("/nowhere/a.cfg: the configuration cannot be opened (No such file"));
  EXPECT_THAT(load_cluster_files({kData}).error(), HasSubstr("this is a directory"));
}

TEST(WfbConfig, MistakesInSectionsAndKeys) {
  EXPECT_EQ(mistake("[clutser]\nnodes = {}\n"),
            "a.cfg:1:1: section 'clutser' has no streams and no stream names it among its "
            "profiles, did you mean 'cluster'?");
  EXPECT_EQ(mistake("[common]\nwifi_chanel = 1\n"),
            "a.cfg:2:1: unknown key 'wifi_chanel' in common, did you mean 'wifi_channel'?");
  EXPECT_EQ(mistake("[video]\nfec_kk = 1\n"),
            "a.cfg:2:1: unknown key 'fec_kk' in section 'video', did you mean 'fec_k'?");
  EXPECT_THAT(mistake("[video]\nfec_k = 13\n"),
              StartsWith("a.cfg:2:9: fec_k 13 is more than fec_n 12;"));
  EXPECT_THAT(mistake("[video]\nfec_n = 7\n"),
              StartsWith("a.cfg:2:9: fec_k 8 is more than fec_n 7;"));
  EXPECT_EQ(mistake("[video]\nfec_k = '8'\n"),
            "a.cfg:2:9: fec_k '8' is a text, write a whole number from 1 to 255 without quotes");
  EXPECT_EQ(mistake("[base]\nmirror = 1\n"),
            "a.cfg:2:10: mirror '1' is not a truth value, write True or False (in YAML true or "
            "false) without quotes");
  EXPECT_EQ(mistake("[base]\nbandwidth = 30\n"),
            "a.cfg:2:13: bandwidth '30' is not possible, write one of 5, 10, 20, 40, 80 or 160");
  EXPECT_EQ(mistake("[gs_base]\nkeypair = 5\n"),
            "a.cfg:2:11: keypair '5' is not a text, write a text in quotes");
  EXPECT_THAT(mistake("[gs_base]\nkeypair = None\n"),
              StartsWith("a.cfg:2:11: stream 'video' has no keypair; name its key file"));
  EXPECT_THAT(mistake("[gs_video]\npeer = 'http://127.0.0.1:80'\n"),
              StartsWith("a.cfg:2:8: peer 'http://127.0.0.1:80' is no peer, write listen://"));
  EXPECT_THAT(mistake("[gs_video]\npeer = 'listen://127.0.0.1:80'\n"),
              StartsWith("a.cfg:2:8: peer must be connect://"));
  const std::string head = "[side]\nlink_domain = 'x'\nstreams = ";
  EXPECT_THAT(mistake(head + "[]\n"), StartsWith("a.cfg:3:11: this list of streams is empty"));
  EXPECT_EQ(mistake(head + "[{'name': 'a', 'service_type': 'tunel'}]\n"),
            "a.cfg:3:42: service_type 'tunel' is unknown, did you mean 'tunnel'?");
  EXPECT_EQ(mistake(head + "[{'name': 'a', 'service_type': 'tunnel', 'profiles': ['bace']}]\n"),
            "a.cfg:3:65: there is no section 'bace' from which a stream could take keys, did you "
            "mean 'base'?");
  EXPECT_THAT(mistake(head + "[{'name': 'a', 'service_type': 'tunnel', 'stream_rx': 1}]\n"),
              StartsWith("a.cfg:3:12: stream 'a' has no stream_tx, but its service type sends"));
  EXPECT_THAT(mistake(head + "[{'name': 'a', 'service_type': 'tunnel', 'stream_rx': 256}]\n"),
              StartsWith("a.cfg:3:65: stream_rx '256' does not fit, write a whole number from 0"));
}

TEST(WfbConfig, MistakesInNodes) {
  EXPECT_EQ(mistake("[cluster]\nserver_address = '10.77.0.1'\n"
                    "nodes = {'camera.local': {'wlans': ['wlan0']}}\n"),
            "a.cfg:3:10: node 'camera.local' is not an IPv4 address, write one such as 10.77.0.1: "
            "names are not resolved, since the programs send to addresses alone and tell antennas "
            "apart by them");
  EXPECT_THAT(mistake("[cluster]\nserver_address = 'central'\nnodes = {}\n"),
              StartsWith("a.cfg:2:18: server_address 'central' is not an IPv4 address"));
  EXPECT_THAT(mistake("[cluster]\nnodes = {'10.77.0.11': {'wlans': ['wlan0']}}\n"),
              StartsWith("a.cfg:2:10: node '10.77.0.11' has no server_address; set it in "));
  EXPECT_THAT(mistake("[cluster]\nserver_address = '10.77.0.1'\nnodes = {'10.77.0.11': {}}\n"),
              HasSubstr("missing key 'wlans' in cluster_node"));
  EXPECT_THAT(mistake(cluster(", 'wlan': 1")),
              HasSubstr("unknown key 'wlan' in cluster_node, did you mean 'wlans'?"));
  EXPECT_THAT(mistake(cluster(", 'wifi_channel': {'wlan1': 36}")),
              HasSubstr("wifi_channel has no value for wlan0 of node 10.77.0.11; add one"));
  EXPECT_THAT(mistake(cluster(", 'wifi_txpower': 'of'")),
              HasSubstr("wifi_txpower 'of' is not a power, write None (the driver's own), 'off'"));
  EXPECT_THAT(mistake(cluster(", 'ssh_user': '-oProxyCommand=x'")),
              HasSubstr("is not the name of a user"));
  EXPECT_THAT(mistake("[cluster]\nserver_address = '10.77.0.1'\n"
                      "nodes = {'10.77.0.11': {'wlans': ['wlan0', 'wlan0']}}\n"),
              StartsWith("a.cfg:3:34: card wlan0 is twice in node 10.77.0.11"));
  // What a shell could misread is no interface.
  EXPECT_THAT(mistake("[cluster]\nserver_address = '10.77.0.1'\n"
                      "nodes = {'10.77.0.11': {'wlans': ['wlan0;reboot']}}\n"),
              HasSubstr("'wlan0;reboot' is not the name of a network interface"));
}

TEST(WfbConfig, APlaceIsThatOfTheFileThatWroteIt) {
  const auto config = read_cluster_texts({{"a.cfg", "\n[video]\nfec_k = 9\n"},
                                          {"b.cfg", "[video]\nfec_n = 10\n"},
                                          {"c.cfg", "[video]\n\nfec_k = 11\n"}});
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(config.error(), StartsWith("c.cfg:3:9: fec_k 11 is more than fec_n 10;"));
}

}  // namespace
}  // namespace twinbed::scenarios
