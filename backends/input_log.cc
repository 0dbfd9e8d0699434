#include "backends/input_log.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "core/base/random_stream.h"
#include "core/io/request_buffer.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::backends {
namespace {

constexpr std::array<std::string_view, kInputKinds> kWords = {
    "start", "timer", "frame", "datagram", "stream", "storage", "command", "stop"};

/// An integer or enumeration of any width, least significant byte first.
template <class T>
void put(Writer& out, T value) {
  static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
  if constexpr (sizeof(T) == 1) out.u8(static_cast<std::uint8_t>(value));
  if constexpr (sizeof(T) == 2) out.u16le(static_cast<std::uint16_t>(value));
  if constexpr (sizeof(T) == 4) out.u32le(static_cast<std::uint32_t>(value));
  if constexpr (sizeof(T) == 8) out.u64le(static_cast<std::uint64_t>(value));
}

template <class T>
T take(Reader& in) {
  static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
  if constexpr (sizeof(T) == 1) return static_cast<T>(in.u8());
  if constexpr (sizeof(T) == 2) return static_cast<T>(in.u16le());
  if constexpr (sizeof(T) == 4) return static_cast<T>(in.u32le());
  if constexpr (sizeof(T) == 8) return static_cast<T>(in.u64le());
}

/// Makes the reader fail, as if the record were cut short.
void spoil(Reader& in) { in.skip(in.remaining() + 1); }

/// An enumeration or truth value from 0 to `last`.
template <class T>
T take_up_to(Reader& in, T last) {
  const std::uint8_t value = in.u8();
  if (value <= static_cast<std::uint8_t>(last)) return static_cast<T>(value);
  spoil(in);
  return T{};
}

void put_endpoint(Writer& out, const Endpoint& endpoint) {
  out.u32le(endpoint.address.value);
  out.u16le(endpoint.port);
}

Endpoint take_endpoint(Reader& in) {
  const IpAddress address{in.u32le()};
  return {address, in.u16le()};
}

void put_input(Writer&, const StartInput&) {}
void put_input(Writer&, const StopInput&) {}
void put_input(Writer& out, const TimerInput& input) { put(out, input.id); }
void put_input(Writer& out, const CommandInput& input) { out.bytes(input.command); }

void put_input(Writer& out, const RxFrame& frame) {
  put(out, frame.interface);
  put(out, frame.channel);
  put(out, frame.rate.modulation);
  put(out, frame.rate.mcs);
  put(out, frame.rate.spatial_streams);
  put(out, frame.rate.stbc_streams);
  put(out, frame.rate.bandwidth);
  put(out, std::uint8_t{frame.rate.short_guard_interval});
  put(out, std::uint8_t{frame.rate.ldpc});
  put(out, frame.antenna_count);
  for (const AntennaReading& reading : frame.readings) {
    put(out, reading.antenna);
    put(out, reading.signal_dbm);
    put(out, reading.noise_dbm);
  }
  put(out, std::uint8_t{frame.bad_fcs});
  out.bytes(frame.frame);
}

void put_input(Writer& out, const Datagram& datagram) {
  put(out, datagram.socket);
  put_endpoint(out, datagram.from);
  out.bytes(datagram.payload);
}

void put_input(Writer& out, const StreamEvent& event) {
  put(out, event.kind);
  put(out, event.stream);
  put(out, event.listener);
  put_endpoint(out, event.peer);
  put(out, event.failure);
  out.bytes(event.data);
}

void put_input(Writer& out, const StorageResult& result) {
  put(out, result.token);
  put(out, result.status);
  out.bytes(result.data);
}

RxFrame take_frame(Reader& in) {
  RxFrame frame;
  frame.interface = take<InterfaceId>(in);
  frame.channel = take<ChannelMhz>(in);
  frame.rate.modulation = take_up_to(in, Modulation::kVht);
  frame.rate.mcs = take<std::uint8_t>(in);
  frame.rate.spatial_streams = take<std::uint8_t>(in);
  frame.rate.stbc_streams = take<std::uint8_t>(in);
  frame.rate.bandwidth = take_up_to(in, Bandwidth::k160Mhz);
  frame.rate.short_guard_interval = take_up_to(in, std::uint8_t{1}) != 0;
  frame.rate.ldpc = take_up_to(in, std::uint8_t{1}) != 0;
  frame.antenna_count = take_up_to(in, std::uint8_t{kMaxAntennas});
  for (AntennaReading& reading : frame.readings) {
    reading.antenna = take<std::uint8_t>(in);
    reading.signal_dbm = take<std::int8_t>(in);
    reading.noise_dbm = take<std::int8_t>(in);
  }
  frame.bad_fcs = take_up_to(in, std::uint8_t{1}) != 0;
  frame.frame = in.rest();
  return frame;
}

Datagram take_datagram(Reader& in) {
  Datagram datagram;
  datagram.socket = take<SocketId>(in);
  datagram.from = take_endpoint(in);
  datagram.payload = in.rest();
  return datagram;
}

StreamEvent take_stream(Reader& in) {
  StreamEvent event;
  event.kind = take_up_to(in, StreamEventKind::kReset);
  event.stream = take<StreamId>(in);
  event.listener = take<ListenerId>(in);
  event.peer = take_endpoint(in);
  event.failure = take_up_to(in, StreamFailure::kUnreachable);
  event.data = in.rest();
  return event;
}

StorageResult take_storage(Reader& in) {
  StorageResult result;
  result.token = take<StorageToken>(in);
  result.status = take_up_to(in, StorageStatus::kFailed);
  result.data = in.rest();
  return result;
}

Input take_input(Reader& in, InputKind kind) {
  switch (kind) {
    case InputKind::kStart: return StartInput{};
    case InputKind::kTimer: return TimerInput{take<TimerId>(in)};
    case InputKind::kFrame: return take_frame(in);
    case InputKind::kDatagram: return take_datagram(in);
    case InputKind::kStream: return take_stream(in);
    case InputKind::kStorage: return take_storage(in);
    case InputKind::kCommand: return CommandInput{in.rest()};
    case InputKind::kStop: return StopInput{};
  }
  spoil(in);
  return StopInput{};
}

/// Repeats the recorded numbers. A protocol that draws more gets others, as repeating any one
/// number could keep it drawing for ever.
class ReplayedRandom final : public Random {
 public:
  explicit ReplayedRandom(std::span<const std::uint64_t> words) : words_(words) {}

  std::uint64_t next() override {
    ++drawn_;
    return drawn_ <= words_.size() ? words_[drawn_ - 1] : more_.next();
  }
  std::size_t drawn() const { return drawn_; }

 private:
  std::span<const std::uint64_t> words_;
  std::size_t drawn_ = 0;
  RandomStream more_{0, "input_log.more"};
};

class NoRecorder final : public Recorder {
 public:
  void sample(const Metric&, double) override {}
  void event(const EventType&, std::span<const Field>) override {}
};

/// What the replayed call did differently; empty when it did the same.
std::string difference(const DecodedInput& call, const RequestBuffer& requests,
                       const ReplayedRandom& random) {
  if (random.drawn() != call.random_words.size()) {
    return "drew " + std::to_string(random.drawn()) + " random numbers where the log has " +
           std::to_string(call.random_words.size());
  }
  if (requests.fingerprint() != call.request_fingerprint) {
    return "made other requests than the log has (" + std::to_string(requests.requests().size()) +
           " now)";
  }
  return {};
}

Error damaged(const StoredInput& record, const std::string& why) {
  return Error{"record " + std::to_string(record.sequence) + " of the input log at " +
               format_time(record.at) + " " + why};
}

}  // namespace

std::string_view to_string(InputKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  return index < kWords.size() ? kWords[index] : "unknown";
}

std::optional<InputKind> input_kind(std::string_view word) {
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<InputKind>(found - kWords.begin());
}

void call_handler(Protocol& protocol, Context& context, const Input& input) {
  switch (kind_of(input)) {
    case InputKind::kStart: protocol.on_start(context); break;
    case InputKind::kTimer: protocol.on_timer(context, std::get<TimerInput>(input).id); break;
    case InputKind::kFrame: protocol.on_frame(context, std::get<RxFrame>(input)); break;
    case InputKind::kDatagram: protocol.on_datagram(context, std::get<Datagram>(input)); break;
    case InputKind::kStream: protocol.on_stream(context, std::get<StreamEvent>(input)); break;
    case InputKind::kStorage: protocol.on_storage(context, std::get<StorageResult>(input)); break;
    case InputKind::kCommand:
      protocol.on_command(context, std::get<CommandInput>(input).command);
      break;
    case InputKind::kStop: protocol.on_stop(context); break;
  }
}

void encode_input(const Input& input, const CallFacts& facts, Buffer& out) {
  out.clear();
  Writer writer(out);
  put(writer, to_ns(facts.now));
  put(writer, to_ns(facts.wall));
  put(writer, facts.request_fingerprint);
  put(writer, static_cast<std::uint32_t>(facts.random_words.size()));
  for (const std::uint64_t word : facts.random_words) put(writer, word);
  std::visit([&](const auto& value) { put_input(writer, value); }, input);
}

Result<DecodedInput> decode_input(InputKind kind, Bytes payload) {
  Reader in(payload);
  DecodedInput call;
  call.now = time_from_ns(take<std::int64_t>(in));
  call.wall = wall_from_ns(take<std::int64_t>(in));
  call.request_fingerprint = take<std::uint64_t>(in);
  const auto words = take<std::uint32_t>(in);
  // Asked before anything is allocated: the number comes from outside.
  if (!in.ok() || words > in.remaining() / 8) return Error{"is cut short"};
  call.random_words.reserve(words);
  for (std::uint32_t i = 0; i < words; ++i) call.random_words.push_back(take<std::uint64_t>(in));
  call.input = take_input(in, kind);
  if (!in.ok()) return Error{"is cut short or holds a value that no host writes"};
  if (in.remaining() > 0) return Error{"has " + std::to_string(in.remaining()) + " bytes too many"};
  return call;
}

Result<ReplayReport> replay_input_log(NodeId self, std::span<const StoredInput> records,
                                      const ProtocolFactory& factory, Recorder* recorder,
                                      const ReplayGoesOn& goes_on) {
  NoRecorder no_recorder;
  ReplayReport report;
  RequestBuffer requests;
  std::unique_ptr<Protocol> protocol;
  for (const StoredInput& record : records) {
    if (goes_on && !goes_on(record.at)) return Error{"the replay was stopped before its end"};
    const std::optional<InputKind> kind = input_kind(record.kind);
    if (!kind) return damaged(record, "has the unknown kind '" + record.kind + "'");
    const Result<DecodedInput> call = decode_input(*kind, record.payload);
    if (!call) return damaged(record, call.error());
    if (*kind == InputKind::kStart) protocol = factory();
    if (protocol == nullptr) return damaged(record, "comes before the node's start");
    requests.clear();
    ReplayedRandom random(call->random_words);
    Context context = requests.context(call->now, call->wall, self, random,
                                       recorder != nullptr ? *recorder : no_recorder);
    call_handler(*protocol, context, call->input);
    ++report.handlers;
    std::string what = difference(*call, requests, random);
    if (what.empty()) continue;
    what = "handler call " + std::to_string(record.sequence) + " (" + record.kind + " at " +
           format_time(record.at) + ") " + what;
    report.mismatch = ReplayMismatch{record.sequence, record.at, *kind, std::move(what)};
    break;
  }
  return report;
}

}  // namespace twinbed::backends
