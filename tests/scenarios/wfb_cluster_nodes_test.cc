// What the configuration of a cluster becomes: streams of a central node, jobs of its nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios/wfb/cluster_load.h"
#include "scenarios/wfb/cluster_nodes.h"

namespace twinbed::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr IpAddress kServer{0x0a4d0001};
constexpr IpAddress kNear{0x0a4d000b};
constexpr IpAddress kFar{0x0a4d000c};

/// A node of one card, and one of two, of which the second one only receives.
ClusterConfig config_with(const std::string& more = "") {
  const auto config = read_cluster_texts({{"site.cfg", R"([cluster]
server_address = '10.77.0.1'
nodes = {'10.77.0.11': {'wlans': ['wlan0']},
         '10.77.0.12': {'wlans': ['wlan0', 'wlan1'],
                        'wifi_txpower': {'wlan0': None, 'wlan1': 'off'}},
        }
)" + more}});
  EXPECT_TRUE(config) << config.error();
  return *config;
}

CentralSettings settings_at(IpAddress host) {
  CentralSettings settings;
  settings.this_host = host;
  return settings;
}

std::vector<Endpoint> injectors_of(const wfb::TransmitterOptions& transmit) {
  std::vector<Endpoint> endpoints;
  for (const wfb::TxOutput& output : transmit.outputs) {
    endpoints.push_back(std::get<wfb::InjectorAddress>(output).endpoint);
  }
  return endpoints;
}

TEST(CentralOfCluster, HasThePortsAndCardsOfThePlan) {
  const ClusterConfig config = config_with();
  const auto central = central_of_cluster(config, {"gs"}, settings_at(kServer));
  ASSERT_TRUE(central) << central.error();
  ASSERT_THAT(central->profiles, SizeIs(1));
  const wfb::ProfileOptions& gs = central->profiles[0];
  EXPECT_EQ(gs.log_interval, 1s);
  const auto card = [](IpAddress node, std::uint8_t number) {
    return wfb::AntennaId::of(node.value, number, 0).wlan();
  };
  EXPECT_THAT(gs.receive_only, ElementsAre(card(kFar, 1)));
  ASSERT_THAT(gs.streams, SizeIs(3));
  const wfb::StreamOptions& video = gs.streams[0];
  EXPECT_EQ(video.receive->listen_port, 10000);
  EXPECT_EQ(video.receive->decoder.channel, wfb::ChannelId::of(wfb::link_id_of("default"), 0));
  EXPECT_FALSE(video.transmit);
  EXPECT_EQ(video.peer, (Endpoint{kServer, 5600})) << "of the host, as 127.0.0.1 is";
  const wfb::StreamOptions& mavlink = gs.streams[1];
  EXPECT_EQ(mavlink.kind, wfb::StreamKind::kMavlink);
  EXPECT_EQ(mavlink.receive->listen_port, 10001);
  EXPECT_EQ(mavlink.batch_timeout, 100ms);
  EXPECT_EQ(mavlink.status_sender, (wfb::MavlinkSender{3, 68}));
  EXPECT_THAT(injectors_of(*mavlink.transmit),
              ElementsAre(Endpoint{kNear, 11001}, Endpoint{kFar, 11002}, Endpoint{kFar, 11003}));
  EXPECT_THAT(mavlink.cards, ElementsAre(card(kNear, 0), card(kFar, 0), card(kFar, 1)));
  EXPECT_EQ(gs.streams[2].kind, wfb::StreamKind::kTunnel);
  EXPECT_EQ(gs.streams[2].batch_timeout, 5ms);
  EXPECT_TRUE(video.receive->init_digests.empty());
}

TEST(CentralOfCluster, ExpectsTheDigestThatEachNodeTells) {
  const ClusterConfig config = config_with();
  CentralSettings settings = settings_at(kServer);
  settings.init_digest = true;
  const auto central = central_of_cluster(config, {"gs"}, settings);
  ASSERT_TRUE(central) << central.error();
  const auto digests = expected_digests(config, {"gs"});
  for (const wfb::StreamOptions& stream : central->profiles[0].streams) {
    EXPECT_EQ(stream.receive->init_digests, *digests) << stream.name;
  }
}

TEST(CentralOfCluster, TakesOverHowAStreamIsSent) {
  const ClusterConfig config = config_with(R"(
[gs_mavlink]
peer = 'listen://0.0.0.0:14550'
fec_k = 2
fec_n = 5
fec_timeout = 20
fec_delay = 300
frame_type = 'rts'
mirror = True
use_qdisc = True
fwmark = 7
mcs_index = 3
bandwidth = 40
short_gi = True
inject_rssi = False
)");
  const auto central = central_of_cluster(config, {"gs"}, settings_at(kServer));
  ASSERT_TRUE(central) << central.error();
  const wfb::StreamOptions& mavlink = central->profiles[0].streams[1];
  EXPECT_EQ(mavlink.input_port, 14550);
  EXPECT_FALSE(mavlink.status_sender);
  EXPECT_FALSE(mavlink.peer);
  EXPECT_EQ(mavlink.transmit->encoder.fec, (wfb::FecParams{2, 5}));
  EXPECT_EQ(mavlink.transmit->fec_timeout, 20ms);
  EXPECT_EQ(mavlink.transmit->fec_delay, 300us);
  EXPECT_EQ(mavlink.transmit->frame_type, wfb::FrameType::kRts);
  EXPECT_TRUE(mavlink.transmit->mirror);
  EXPECT_EQ(mavlink.transmit->fwmark, 7U);
  EXPECT_EQ(mavlink.transmit->radio, (wfb::RadioSettings{1, 1, 1, 40, 3, 0, 1}));
  const auto narrow = central_of_cluster(config_with("\n[gs_mavlink]\nbandwidth = 5\n"), {"gs"},
                                         settings_at(kServer));
  ASSERT_FALSE(narrow);
  EXPECT_THAT(narrow.error(), HasSubstr("stream 'mavlink' cannot be sent with a bandwidth of 5"));
}

TEST(CentralOfCards, UsesTheCardsOfItsHost) {
  const auto central = central_of_cards(config_with(), "drone", 2, settings_at(kNear));
  ASSERT_TRUE(central) << central.error();
  const wfb::StreamOptions& mavlink = central->profiles[0].streams[1];
  EXPECT_FALSE(mavlink.receive->listen_port) << "its own cards are heard";
  ASSERT_THAT(mavlink.transmit->outputs, SizeIs(2));
  EXPECT_EQ(std::get<InterfaceId>(mavlink.transmit->outputs[1]), InterfaceId{1});
  EXPECT_EQ(central->profiles[0].streams[0].input_port, 5602);
  EXPECT_EQ(central_of_cards(config_with(), "dron", 1, {}).error(),
            "there is no profile 'dron', did you mean 'drone'?");
}

TEST(CentralOfCluster, ReportsGoThroughTheInjectorsOfAStreamThatOnlyReceives) {
  const ClusterConfig config = config_with();
  CentralSettings settings = settings_at(kServer);
  settings.is_adaptive = true;
  const auto central = central_of_cluster(config, {"gs"}, settings);
  ASSERT_TRUE(central) << central.error();
  ASSERT_TRUE(central->profiles[0].streams[0].reporter);
  EXPECT_THAT(injectors_of(central->profiles[0].streams[0].reporter->transmit),
              ElementsAre(Endpoint{kNear, 11000}, Endpoint{kFar, 11000}, Endpoint{kFar, 11001}));
  EXPECT_FALSE(central->profiles[0].streams[1].reporter) << "telemetry stays as it is";
  const auto drone = central_of_cards(config, "drone", 1, settings);
  ASSERT_TRUE(drone) << drone.error();
  ASSERT_TRUE(drone->profiles[0].streams[0].adaptive);
}

TEST(ClusterNodeOf, HasTheJobsOfTheInitScript) {
  const auto plan = plan_node(config_with(), {"gs"}, kFar);
  ASSERT_TRUE(plan) << plan.error();
  const wfb::ClusterNodeOptions node = cluster_node_of(*plan, {});
  ASSERT_THAT(node.streams, SizeIs(3));
  EXPECT_EQ(node.streams[0].forwarder->aggregator, (Endpoint{kServer, 10000}));
  EXPECT_FALSE(node.streams[0].injector) << "video is only received";
  EXPECT_EQ(node.streams[1].injector->first_port, 11002);
  EXPECT_THAT(node.streams[1].injector->interfaces, ElementsAre(InterfaceId{0}, InterfaceId{1}));
  const auto with_reports = plan_node(config_with(), {"gs"}, kFar, /*sends_reports=*/true);
  ASSERT_TRUE(with_reports) << with_reports.error();
  const wfb::ClusterNodeOptions reporting = cluster_node_of(*with_reports, {Buffer(32)});
  EXPECT_EQ(reporting.streams[0].injector->first_port, 11000);
  EXPECT_EQ(reporting.streams[2].forwarder->init_digest, Buffer(32));
}

}  // namespace
}  // namespace twinbed::scenarios
