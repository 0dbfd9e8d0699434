#include "scenarios/wfb/defaults.h"

#include "core/base/check.h"
#include "scenarios/wfb/config_file.h"

namespace twinbed::scenarios {
namespace {

// What [path], [common] and [base] say is what the structs in cluster_config.h say, too, which a
// test compares: here a person finds it, and references in files do.
constexpr std::string_view kText = R"(# The configuration of WFB-NG where a file says nothing else.
# A later file replaces single keys: write only what differs.

[path]
conf_dir = '/etc'         # key files
bin_dir = '/usr/bin'
tmp_dir = '/tmp'
log_dir = '/var/log'

[common]
debug = False
version = None
commit = None
primary = True            # sets channels and power; False: another instance does
log_file = None           # None: standard output
binary_log_file = None    # such as 'wfb_%%s.log', with the profile's name for %%s
set_nm_unmanaged = True

radio_mtu = 1445          # bytes
tunnel_agg_timeout = 0.005
mavlink_agg_timeout = 0.1 # s
mavlink_err_rate = True

log_interval = 1000       # ms between statistics
tx_sel_rssi_delta = 3     # dB by which another card must be better
tx_sel_counter_abs_delta = 3
tx_sel_counter_rel_delta = 0.1
tx_rcv_buf_size = 2097152
rx_snd_buf_size = 2097152

wifi_channel = 165        # above 2000: MHz; or {'wlan0': 161, 'wlan1': 165}
wifi_region = 'BO'
wifi_txpower = None       # None: the driver's; 'off': only receives; or one for each card
temp_measurement_interval = 10
temp_overheat_warning = 60

[cluster]
# nodes = {'10.77.0.11': {'wlans': ['wlan0']},
#          '10.77.0.12': {'wlans': ['wlan0', 'wlan1'], 'wifi_txpower': 'off'}}
# Nodes may have a server_address, wifi_channel, wifi_txpower, ssh_user, ssh_port, ssh_key and
# custom_init_script of their own.
nodes = {}
server_address = None     # where nodes reach the central one, such as '10.77.0.1'
base_port_server = 10000
base_port_node = 11000
ssh_user = 'root'         # None: nodes are started by hand
ssh_port = 22
ssh_key = None            # None: as ssh itself finds one
custom_init_script = None # commands of bash that run first; a percent sign is written %%

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
stream_rx = None
stream_tx = None
keypair = None
mirror = False            # True: everything goes out through all cards
bandwidth = 20            # MHz
force_vht = False
short_gi = False
stbc = 1
ldpc = 1
mcs_index = 1
use_qdisc = False
fwmark = 0
control_port = 0          # 0: any
injection_retries = 0
injection_retry_delay = 5000

[drone_base]
keypair = 'drone.key'

[gs_base]
keypair = 'gs.key'

[bind_base]
keypair = 'bind.key'
stbc = 0    # every card can receive this
ldpc = 0

[radio_base]
frame_type = 'data'
fec_k = 1
fec_n = 2
fec_timeout = 0           # ms; 0: an open block stays open
fec_delay = 0             # us

[video]
frame_type = 'data'
fec_k = 8
fec_n = 12
fec_timeout = 0           # ms; 0: an open block stays open
fec_delay = 0             # us

[mavlink]
frame_type = 'data'
fec_k = 1
fec_n = 2
fec_timeout = 0           # ms; 0: an open block stays open
fec_delay = 0             # us
osd = None
osd_tcp = None
inject_rssi = True
mavlink_sys_id = 3
mavlink_comp_id = 68
call_on_arm = None
call_on_disarm = None
mavlink_tcp_port = None
log_messages = False

[tunnel]
frame_type = 'data'
fec_k = 1
fec_n = 2
fec_timeout = 0           # ms; 0: an open block stays open
fec_delay = 0             # us
default_route = False

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
