// WFB-NG's receiver as a process: the inside of `twinbed-node wfb-rx`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "scenarios/node/wfb_policy.h"

namespace twinbed::scenarios {

/// What the command line says, by the options' letters in WFB-NG.
struct WfbRxOptions {
  bool forwards = false;               ///< -f: send on what is heard, without a key
  std::uint16_t aggregator_port = 0;   ///< -a: hear forwarders; 0: the cards of this host
  std::string key_file = "rx.key";     ///< -K
  std::string client_address = "127.0.0.1";  ///< -c
  std::uint16_t client_port = 5600;    ///< -u
  std::string client_socket;           ///< -U: abstract local socket in place of -c and -u
  std::uint8_t radio_port = 0;         ///< -p
  std::uint32_t link_id = 0;           ///< -i
  std::uint64_t epoch = 0;             ///< -e: the least one that is accepted
  std::uint32_t log_interval_ms = 1000;  ///< -l
  int receive_buffer_bytes = 0;        ///< -R
  int send_buffer_bytes = 0;           ///< -s
  std::string init_digest;             ///< --init-digest: with -f, 64 hexadecimal digits
  WfbPolicy policy;
  std::vector<std::string> interfaces;
};

/// Checks what no option tells alone: that the mode has what it needs.
Result<std::monostate> check_wfb_rx(const WfbRxOptions& options);
/// Runs until SIGINT or SIGTERM, with the lines of statistics on standard output; the exit status.
/// The options must be sound.
Result<int> run_wfb_rx(const WfbRxOptions& options);

}  // namespace twinbed::scenarios
