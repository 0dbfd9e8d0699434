// Asks a running WFB-NG transmitter for its settings, or changes them: the inside of
// `twinbed-node wfb-cmd`.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "core/protocols/wfb/control.h"

namespace twinbed::scenarios {

struct WfbRequest {
  wfb::ControlCommand command{};
  wfb::FecParams fec;        ///< of set_fec
  wfb::RadioSettings radio;  ///< of set_radio
};

/// Sends the request to the transmitter's control port on this host and waits 3 s for the reply;
/// what it tells, a line "name=value" for each setting. An error is one sentence: there is no
/// transmitter, or it refuses.
Result<std::string> ask_wfb_transmitter(std::uint16_t port, const WfbRequest& request);

}  // namespace twinbed::scenarios
