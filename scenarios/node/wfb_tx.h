// WFB-NG's transmitter as a process: the inside of `twinbed-node wfb-tx`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/protocols/wfb/control.h"
#include "scenarios/node/wfb_policy.h"

namespace twinbed::scenarios {

/// What the command line says, by the options' letters in WFB-NG.
struct WfbTxOptions {
  bool distributes = false;                    ///< -d: outputs are ADDRESS:PORT,PORT,...
  std::optional<std::uint16_t> injector_port;  ///< -I: send what a distributor asks for
  std::optional<std::uint16_t> debug_port;     ///< -D: to an aggregator, without any radio
  bool mirrors = false;                        ///< -m
  std::string key_file = "tx.key";             ///< -K
  std::uint16_t input_port = 5600;             ///< -u: of the first output; 0: free ones, announced
  std::string input_socket;                    ///< -U: abstract local sockets in place of -u
  std::uint16_t control_port = 0;              ///< -C: 0: a free one, announced
  wfb::FecParams fec;                          ///< -k, -n
  std::uint32_t fec_timeout_ms = 0;            ///< -T
  std::uint32_t fec_delay_us = 0;              ///< -F
  wfb::RadioSettings radio;                    ///< -B, -G, -S, -L, -M, -N, -V
  wfb::FrameType frame_type = wfb::FrameType::kData;  ///< -f
  std::uint8_t radio_port = 0;                 ///< -p
  std::uint32_t link_id = 0;                   ///< -i
  std::uint64_t epoch = 0;                     ///< -e
  std::uint32_t log_interval_ms = 1000;        ///< -l
  int receive_buffer_bytes = 0;                ///< -R
  int send_buffer_bytes = 0;                   ///< -s
  int inject_retries = 0;                      ///< -J
  std::uint32_t inject_retry_delay_us = 5000;  ///< -E
  bool uses_qdisc = false;                     ///< -Q
  std::uint32_t fwmark = 0;                    ///< -P
  WfbPolicy policy;
  std::vector<std::string> outputs;            ///< interfaces; with -d, injectors
};

/// Checks what no option tells alone: that the mode has what it needs, and frames can be sent so.
Result<std::monostate> check_wfb_tx(const WfbTxOptions& options);
/// Runs until SIGINT or SIGTERM, with the lines of statistics on standard output; the exit status.
/// The options must be sound.
Result<int> run_wfb_tx(const WfbTxOptions& options);

}  // namespace twinbed::scenarios
