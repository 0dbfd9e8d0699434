#include "scenarios/wfb/node_script.h"

namespace twinbed::scenarios {
namespace {

constexpr const char* kFunctions = R"SCRIPT(
# -e: stop at the first error; -m: a process group for each job; -b: tell at once which job ended.
set -emb
export LC_ALL=C

stop_jobs() {
  local running
  mapfile -t running < <(jobs -p)
  if ((${#running[@]})); then
    kill -TERM "${running[@]}" 2>/dev/null || true
  fi
  exit 1
}
trap stop_jobs EXIT

need() {
  command -v "$1" >/dev/null && return
  echo "wfb: the program $1 is not installed on this node; $2" >&2
  exit 1
}

# Whether iw can set this card: false for a virtual one.
is_wireless() { [[ -e /sys/class/net/$1/phy80211 ]]; }

# ARPHRD_IEEE80211_RADIOTAP
is_monitor() { [[ $(cat "/sys/class/net/$1/type") == 803 ]]; }

set_region() {
  local card
  for card in "${@:2}"; do
    if is_wireless "$card"; then
      need iw "install it, it sets regions and channels"
      iw reg set "$1"
      return
    fi
  done
}

# init_card CARD channel|freq NUMBER MODE [POWER]
init_card() {
  if [[ ! -e /sys/class/net/$1 ]]; then
    echo "wfb: there is no network interface $1 on this node; plug it in, or correct wlans in the" \
      "configuration and make this script anew" >&2
    exit 1
  fi
  if ! is_monitor "$1"; then
    if command -v nmcli >/dev/null && ! nmcli device show "$1" | grep -q '(unmanaged)'; then
      nmcli device set "$1" managed no
      sleep 1
    fi
    need iw "install it, it puts cards into monitor mode"
    ip link set "$1" down
    iw dev "$1" set monitor otherbss
  fi
  ip link set "$1" up
  if is_wireless "$1"; then
    need iw "install it, it sets regions and channels"
    iw dev "$1" set "$2" "$3" "$4"
    if [[ -n ${5-} ]]; then
      iw dev "$1" set txpower fixed "$5"
    fi
  else
    echo "wfb: $1 is a virtual card and keeps its channel" >&2
  fi
}
)SCRIPT";

const char* channel_mode(std::uint32_t bandwidth) {
  switch (bandwidth) {
    case 5: return "5MHz";
    case 10: return "10MHz";
    case 40: return "HT40+";
    case 80: return "80MHz";
    case 160: return "160MHz";
    default: return "HT20";
  }
}

std::string init_card(const NodePlan::Card& card, std::uint32_t bandwidth) {
  CommandLine words{"init_card", card.name, card.channel > 2000 ? "freq" : "channel",
                    std::to_string(card.channel), channel_mode(bandwidth)};
  if (card.power.mode == TxPower::Mode::kFixed) words.push_back(std::to_string(card.power.value));
  return shell_text(words) + "\n";
}

}  // namespace

std::string node_script(const NodePlan& plan, const ScriptOptions& options) {
  const std::string address = to_string(plan.address);
  std::string script =
      "#!/bin/bash\n"
      "# Node " + address + " of a WFB-NG cluster, for the central node " +
      to_string(plan.server_address) + ".\n"
      "# Made by `twinbed wfb gen-init --node " + address + "`. When the cluster's configuration\n"
      "# changes, ports shift: make this script anew for every node, and start it again.\n"
      "# Digest of what it was made from: " + init_digest(plan) + "\n";
  script += kFunctions;
  if (plan.custom_init_script) {
    script += "\n# custom_init_script\n" + *plan.custom_init_script + "\n";
  }
  CommandLine region{"set_region", plan.region};
  for (const NodePlan::Card& card : plan.cards) region.push_back(card.name);
  script += "\nneed " + std::string(kNodeProgram) + " \"install it, it forwards and injects\"\n";
  script += shell_text(region) + "\n";
  for (const NodePlan::Card& card : plan.cards) script += init_card(card, plan.bandwidth);
  for (const NodePlan::Stream& stream : plan.streams) {
    const auto forwarder = forwarder_command(plan, stream, options.policy);
    const auto injector = injector_command(plan, stream);
    script += "\n# " + stream.profile + "_" + stream.name + "\n";
    if (forwarder) script += shell_text(*forwarder) + " &\n";
    if (injector) script += shell_text(*injector) + " &\n";
  }
  if (options.is_for_ssh) {
    script += "\n# Ends when the connection does.\n(sleep 1; exec cat >/dev/null) &\n";
  }
  return script + "\necho \"WFB-ng init done\"\nwait -n\n";
}

}  // namespace twinbed::scenarios
