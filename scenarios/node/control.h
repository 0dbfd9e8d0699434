// What the runner of mode real and its processes, the nodes and the air (scenarios/air), say to
// each other: lines of JSON.
//
//   runner to node   {"say":"start","at":NS}        CLOCK_MONOTONIC instant of the run's start
//                    {"say":"command","text":T}     for the protocol's on_command
//                    {"say":"blocked","pairs":[[FROM,TO],...],"off":[NODE,...]}
//                                                   all that is blocked from now on, and the nodes
//                                                   whose hosts are without power
//                    {"say":"fault","index":I,"phase":"begin"|"end"}   a link, clock or disk fault
//                                                   or a hang of the plan, for this node
//                    {"say":"report"}               asks for the counters
//                    {"say":"watch","faults":[I,...]}   the faults of the plan that wait for an
//                                                   event; before the start and when they change
//                    {"say":"go_on"}                the answer to "recorded" with a crash in it
//   runner to air    "start", and "fault" with "nodes":[NODE,...], a fault of radios for them
//   air to runner    "failed", "touched" as the answer to the end of a fault, and
//                    {"say":"cards","cards":[[NODE,NAME],...]}   all is set up; where each node
//                                                   attaches to its cards, in their order
//   node to runner   {"say":"ready"}                all is set up, waiting for the start
//                    {"say":"role","role":R}        the protocol recorded a role
//                    {"say":"recorded","faults":[I,...]}   the protocol recorded the event for
//                                                   which these faults wait. If one of them is a
//                                                   crash, the node stands still within the
//                                                   recording until told to go on or killed
//                    {"say":"touched","count":N}    what partitions have held or dropped so far
//                    {"say":"failed","why":S}       one sentence; the process ends
//
// When the channel closes the node stops: nobody is left to end it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace twinbed::scenarios {

struct ControlMessage {
  enum class Kind : std::uint8_t {
    kStart, kCommand, kBlocked, kFault, kReport, kWatch, kGoOn,
    kReady, kRole, kRecorded, kTouched, kFailed, kCards,
  };
  Kind kind{};
  std::int64_t number = 0;  ///< kStart: ns; kFault: index; kTouched: count
  bool begins = false;      ///< kFault
  std::string text;         ///< kCommand, kRole, kFailed
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;  ///< kBlocked
  std::vector<std::uint32_t> off{};                            ///< kBlocked
  std::vector<std::uint32_t> faults{};  ///< kWatch, kRecorded: indices into the plan
  std::vector<std::uint32_t> nodes{};   ///< kFault, to the air
  std::vector<std::pair<std::uint32_t, std::string>> cards{};  ///< kCards
};

/// One line without its end.
std::string encode_control(const ControlMessage& message);
Result<ControlMessage> decode_control(const std::string& line);

/// A process's end of its channel to the runner, which it does not close.
class ControlChannel {
 public:
  /// -1: there is no runner.
  explicit ControlChannel(int descriptor) : descriptor_(descriptor) {}

  int descriptor() const { return descriptor_; }
  /// Tells the runner, if there is one.
  void say(const ControlMessage& message) const;
  /// Waits for something from the runner and appends it; false when the runner has closed the
  /// channel. What is not understood is passed over.
  bool receive(std::deque<ControlMessage>& heard);

 private:
  int descriptor_;
  std::string pending_;  // not yet a whole line
};

}  // namespace twinbed::scenarios
