// The control requests of a running WFB-NG transmitter, over UDP on the loopback interface:
//
//   request   number (4) | command (1) | body          reply   number (4) | errno (4) | body
//
//   1 set_fec     k, n                                      nothing
//   2 set_radio   the seven settings of the radio           nothing
//   3 get_fec     nothing                                   k, n
//   4 get_radio   nothing                                   the seven settings
//
// A body of another length and impossible values are answered with 22 (EINVAL), an unknown command
// with 95 (EOPNOTSUPP); what is too short for a command is not answered.
#pragma once

#include <optional>

#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

/// How frames are sent, in the bytes of set_radio.
struct RadioSettings {
  std::uint8_t stbc = 0;
  std::uint8_t ldpc = 0;
  std::uint8_t short_guard_interval = 0;
  std::uint8_t bandwidth_mhz = 20;  ///< 10, 20, 40, 80 or 160
  std::uint8_t mcs = 1;
  std::uint8_t vht_mode = 0;
  std::uint8_t spatial_streams = 1;

  bool operator==(const RadioSettings&) const = default;
};

/// The parameters of frames; VHT from 80 MHz on. Nothing where no header can carry them.
std::optional<TxParams> tx_params_of(const RadioSettings& settings);

class ControlTarget {
 public:
  virtual ~ControlTarget() = default;
  virtual FecParams fec() const = 0;
  /// Whether a session can begin now; a request is else answered with 11 (EAGAIN).
  virtual bool can_set_fec() const { return true; }
  /// The parameters are sound.
  virtual void set_fec(FecParams fec) = 0;
  virtual RadioSettings radio() const = 0;
  /// The settings have TxParams.
  virtual void set_radio(const RadioSettings& settings) = 0;
};

/// Carries out a request; the reply, or nothing where there is none.
std::optional<Buffer> answer_control(Bytes request, ControlTarget& target);

enum class ControlCommand : std::uint8_t {
  kSetFec = 1,
  kSetRadio = 2,
  kGetFec = 3,
  kGetRadio = 4,
};

/// The same seen from the other side: requests, and what comes back.
Buffer control_request(std::uint32_t number, ControlCommand command, Bytes body = {});
Buffer control_body(FecParams fec);
Buffer control_body(const RadioSettings& settings);

struct ControlReply {
  std::uint32_t number = 0;
  std::uint32_t error = 0;  ///< as errno
  std::optional<FecParams> fec;
  std::optional<RadioSettings> radio;
};
/// Nothing where the bytes are no reply.
std::optional<ControlReply> read_control_reply(Bytes bytes);

}  // namespace twinbed::wfb
