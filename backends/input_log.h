// The input log: every handler call of a live node, so that the run can be repeated offline.
//
// A protocol is a pure function of its inputs, so the list of handler calls with their times and
// the random numbers drawn in them is the whole run. Each record also holds the fingerprint of the
// requests that the call made; a replay through a fresh object must arrive at the same ones, which
// shows that the protocol hid nothing (a clock, a global, an address) from the log.
//
// Payload of a record, integers little-endian:
//     i64 now_ns   i64 wall_ns   u64 request fingerprint   u32 n   n * u64 random words
// and then, by kind:
//     start, stop   -
//     timer         u32 timer
//     frame         u32 interface, u16 MHz, 7 bytes TxParams, u8 antennas, 4 * (u8, i8, i8),
//                   u8 bad_fcs, bytes
//     datagram      u32 socket, u32 address, u16 port, bytes
//     stream        u8 event, u32 stream, u32 listener, u32 address, u16 port, u8 failure, bytes
//     storage       u64 token, u8 status, bytes
//     command       bytes
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/sqlite/rows.h"
#include "core/base/result.h"
#include "core/io/protocol.h"

namespace twinbed::backends {

enum class InputKind : std::uint8_t {
  kStart, kTimer, kFrame, kDatagram, kStream, kStorage, kCommand, kStop,
};
inline constexpr std::uint8_t kInputKinds = 8;

struct StartInput {};
struct TimerInput {
  TimerId id{};
};
struct CommandInput {
  Bytes command;
};
struct StopInput {};

/// What a host gives a protocol; the alternatives are in the order of InputKind. Views are
/// borrowed.
using Input = std::variant<StartInput, TimerInput, RxFrame, Datagram, StreamEvent, StorageResult,
                           CommandInput, StopInput>;

inline InputKind kind_of(const Input& input) { return static_cast<InputKind>(input.index()); }
/// "start", "timer", "frame", "datagram", "stream", "storage", "command", "stop".
std::string_view to_string(InputKind kind);
/// The kind with this word; nothing for another word.
std::optional<InputKind> input_kind(std::string_view word);

/// Calls the handler that the input is for.
void call_handler(Protocol& protocol, Context& context, const Input& input);

/// Where records go: the result store, a test. A row's `at` is run time; its payload is borrowed
/// during the call.
class InputSink {
 public:
  virtual ~InputSink() = default;
  virtual void input(const InputRow& row) = 0;
};

/// What a handler call was given beside its input, and what came of it.
struct CallFacts {
  Time now;
  WallTime wall;
  std::uint64_t request_fingerprint = 0;
  std::span<const std::uint64_t> random_words;
};

/// Writes the payload into `out`, whose old content is dropped.
void encode_input(const Input& input, const CallFacts& facts, Buffer& out);

struct DecodedInput {
  Input input;  ///< its views point into the payload
  Time now;
  WallTime wall;
  std::uint64_t request_fingerprint = 0;
  std::vector<std::uint64_t> random_words;
};
/// Fails with a reason on a payload that is cut short or holds values that no host writes.
Result<DecodedInput> decode_input(InputKind kind, Bytes payload);

struct ReplayMismatch {
  std::int64_t sequence = 0;
  Time at;  ///< run time
  InputKind kind{};
  std::string sentence;  ///< what differed, and where
};

struct ReplayReport {
  std::uint64_t handlers = 0;                ///< how many calls were made
  std::optional<ReplayMismatch> mismatch;    ///< the first one; the replay goes no further
};

using ProtocolFactory = std::function<std::unique_ptr<Protocol>()>;
/// Asked before each handler call, with its run time, whether the replay is to go on.
using ReplayGoesOn = std::function<bool(Time at)>;

/// Feeds the records of node `self`, in their order, to a fresh protocol object (another fresh one
/// for each further start) and compares the requests. What the protocol records goes to `recorder`
/// if one is given. Fails with a reason on damaged records, and when it was told not to go on.
Result<ReplayReport> replay_input_log(NodeId self, std::span<const StoredInput> records,
                                      const ProtocolFactory& factory,
                                      Recorder* recorder = nullptr,
                                      const ReplayGoesOn& goes_on = {});

}  // namespace twinbed::backends
