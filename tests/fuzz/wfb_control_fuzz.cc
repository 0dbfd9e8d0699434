// Fuzzes the control requests of a transmitter, and the replies that a client reads: a request
// changes the transmitter to sound settings or not at all, and every reply can be read.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/protocols/wfb/control.h"

namespace {

using namespace twinbed;

struct Transmitter final : wfb::ControlTarget {
  wfb::FecParams fec() const override { return now_fec; }
  bool can_set_fec() const override { return is_ready; }
  void set_fec(wfb::FecParams fec) override {
    TWINBED_CHECK(is_ready && fec.is_sound(), "an impossible code was set");
    now_fec = fec;
  }
  wfb::RadioSettings radio() const override { return now_radio; }
  void set_radio(const wfb::RadioSettings& settings) override {
    TWINBED_CHECK(wfb::tx_params_of(settings).has_value(), "no header can carry these settings");
    now_radio = settings;
  }
  bool is_ready = true;
  wfb::FecParams now_fec;
  wfb::RadioSettings now_radio;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  Transmitter transmitter;
  transmitter.is_ready = size % 2 == 0;
  const auto before_fec = transmitter.now_fec;
  const auto before_radio = transmitter.now_radio;
  const auto answer = wfb::answer_control(bytes, transmitter);
  TWINBED_CHECK(answer.has_value() == (size >= 5), "who is answered");
  if (answer) {
    const auto reply = wfb::read_control_reply(*answer);
    TWINBED_CHECK(reply.has_value(), "a reply cannot be read");
    TWINBED_CHECK(reply->error == 0 || (transmitter.now_fec == before_fec &&
                                        transmitter.now_radio == before_radio),
                  "a request that failed has changed something");
  }
  if (const auto reply = wfb::read_control_reply(bytes); reply && reply->radio) {
    wfb::tx_params_of(*reply->radio);
  }
  return 0;
}
