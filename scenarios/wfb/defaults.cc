#include "scenarios/wfb/defaults.h"

#include "core/base/check.h"
#include "scenarios/wfb/config_file.h"

namespace twinbed::scenarios {
namespace {

// Sections [path], [common] and [base] are the defaults of the structs in cluster_config.h; they
// stand here so that a person sees the sections, and that streams may name base.
constexpr std::string_view kText = R"(# The configuration of WFB-NG where a file says nothing else.
# A later file replaces single keys: write only what differs.

[path]
[common]

[cluster]
# nodes = {'10.77.0.11': {'wlans': ['wlan0']},
#          '10.77.0.12': {'wlans': ['wlan0', 'wlan1'], 'wifi_txpower': 'off'}}
# server_address = '10.77.0.1'
nodes = {}

# Profiles: one side of a link each. Radio ports below 128 lead down to the ground, the others up;
# 0 to 15 carry video, 16 to 31 mavlink, 32 to 47 tunnels.

[drone]
link_domain = 'default'
stats_port = 8002
api_port = 8102
streams = [
  {'name': 'video', 'service_type': 'udp_direct_tx', 'stream_tx': 0x00,
   'profiles': ['base', 'drone_base', 'video', 'drone_video']},
  {'name': 'mavlink', 'service_type': 'mavlink', 'stream_rx': 0x90, 'stream_tx': 0x10,
   'profiles': ['base', 'drone_base', 'mavlink', 'drone_mavlink']},
  {'name': 'tunnel', 'service_type': 'tunnel', 'stream_rx': 0xa0, 'stream_tx': 0x20,
   'profiles': ['base', 'drone_base', 'tunnel', 'drone_tunnel']},
  ]

[gs]
link_domain = 'default'
stats_port = 8003
api_port = 8103
streams = [
  {'name': 'video', 'service_type': 'udp_direct_rx', 'stream_rx': 0x00,
   'profiles': ['base', 'gs_base', 'video', 'gs_video']},
  {'name': 'mavlink', 'service_type': 'mavlink', 'stream_rx': 0x10, 'stream_tx': 0x90,
   'profiles': ['base', 'gs_base', 'mavlink', 'gs_mavlink']},
  {'name': 'tunnel', 'service_type': 'tunnel', 'stream_rx': 0x20, 'stream_tx': 0xa0,
   'profiles': ['base', 'gs_base', 'tunnel', 'gs_tunnel']},
  ]

# The link by which a drone is given its keys.

[drone_bind]
link_domain = 'drone_bind'
stats_port = 8098
api_port = 8198
streams = [
  {'name': 'bind_tunnel', 'service_type': 'tunnel', 'stream_rx': 0xff, 'stream_tx': 0x7f,
   'profiles': ['base', 'bind_base', 'tunnel', 'drone_bind_tunnel']},
  ]

[gs_bind]
link_domain = 'drone_bind'
stats_port = 8099
api_port = 8199
streams = [
  {'name': 'bind_tunnel', 'service_type': 'tunnel', 'stream_rx': 0x7f, 'stream_tx': 0xff,
   'profiles': ['base', 'bind_base', 'tunnel', 'gs_bind_tunnel']},
  ]

# What streams have in common: each stream lists the sections whose keys it takes.

[base]

[drone_base]
keypair = 'drone.key'

[gs_base]
keypair = 'gs.key'

[bind_base]
keypair = 'bind.key'
stbc = 0    # every card can receive this
ldpc = 0

[radio_base]
fec_k = 1
fec_n = 2

[video]
fec_k = 8
fec_n = 12

[mavlink]
fec_k = 1
fec_n = 2

[tunnel]
fec_k = 1
fec_n = 2

[drone_video]
fwmark = 20
peer = 'listen://0.0.0.0:5602'

[drone_mavlink]
fwmark = 10
peer = 'listen://0.0.0.0:14560'

[drone_tunnel]
fwmark = 30
ifname = 'drone-wfb'
ifaddr = '10.5.0.2/24'

[drone_bind_tunnel]
fwmark = 30
ifname = 'drone-bind'
ifaddr = '10.5.99.2/24'

[gs_video]
fwmark = 20
peer = 'connect://127.0.0.1:5600'

[gs_mavlink]
fwmark = 10
peer = 'connect://127.0.0.1:14550'

[gs_tunnel]
fwmark = 30
ifname = 'gs-wfb'
ifaddr = '10.5.0.1/24'

[gs_bind_tunnel]
fwmark = 30
ifname = 'gs-bind'
ifaddr = '10.5.99.1/24'
)";

void forget_places(YamlNode& node) {
  node.place = {};
  for (YamlNode& item : node.items) forget_places(item);
  for (YamlEntry& entry : node.entries) {
    entry.place = {};
    forget_places(entry.value);
  }
}

}  // namespace

std::string_view default_config_text() { return kText; }

const YamlNode& default_config() {
  static const YamlNode document = [] {
    Parsed parsed = parse_config_file(kText, -1);
    TWINBED_CHECK(parsed.ok, parsed.problem.message);
    forget_places(parsed.root);
    return std::move(parsed.root);
  }();
  return document;
}

}  // namespace twinbed::scenarios
