// Recorder: what a run leaves behind. Recording never changes what a protocol does.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <variant>

namespace twinbed {

/// A number that is sampled over a run. Define each once, as a constant with static storage.
struct Metric {
  std::string_view name;         ///< dotted, the same in SQL and Python: "election.messages"
  std::string_view unit;         ///< "s", "B", "1", "dBm", ...
  std::string_view description;  ///< one sentence
};

/// A kind of thing that happens. Define each once, as a constant with static storage.
struct EventType {
  std::string_view name;         ///< dotted: "election.suspect"
  std::string_view description;  ///< one sentence
};

/// A named value of an event. Text is borrowed for the call.
struct Field {
  std::string_view key;
  std::variant<std::int64_t, double, std::string_view> value;
};

class Recorder {
 public:
  virtual ~Recorder() = default;

  virtual void sample(const Metric& metric, double value) = 0;
  virtual void event(const EventType& type, std::span<const Field> fields) = 0;

  void event(const EventType& type, std::initializer_list<Field> fields) {
    event(type, std::span<const Field>(fields.begin(), fields.size()));
  }
  /// Records a line that the program would print; a live node prints it on its standard output.
  void log(std::string_view line);
};

// Event types that the testbed itself understands, whichever protocol records them.

/// {"line"}: a line of the program's own log.
inline constexpr EventType kLogEvent{"log", "a line of the program's log"};

/// {"role", "term"}: from here on this node has this role ("leader", "follower", ...). Faults
/// select nodes by it, and the leader checkers read it.
inline constexpr EventType kRoleEvent{"role", "the node takes a role"};

/// {"leader", "term"}: whom this node takes for the leader from here on; -1 for nobody.
inline constexpr EventType kLeaderViewEvent{"leader_view", "the node's view of who leads"};

/// A client asks who leads; kDiscoveredEvent ends it. No fields.
inline constexpr EventType kDiscoverEvent{"discover", "a client asks who leads"};

/// {"leader", "questions"}: what the client is told when it has asked who leads; -1 for nobody. It
/// answers so many of the client's questions, the oldest first; all of them if that is absent.
inline constexpr EventType kDiscoveredEvent{"discovered", "the client is told who leads"};

/// {"suspect"}: the node has given up on this peer and starts to act on it.
inline constexpr EventType kSuspectEvent{"suspect", "the node suspects a peer to have failed"};

/// {"id"}: a client handed over an item of data with this identity.
inline constexpr EventType kSubmitEvent{"submit", "a client hands over an item"};

/// {"id"}: the system promised the client that the item is safe.
inline constexpr EventType kAckEvent{"ack", "the client was told that the item is accepted"};

/// {"id"}: the client was told that the item is not accepted.
inline constexpr EventType kRefuseEvent{"refuse", "the client was told that the item is refused"};

/// {"id", "bytes", "hash"}: the node keeps the item.
inline constexpr EventType kStoreEvent{"store", "the node stores the item"};

inline void Recorder::log(std::string_view line) { event(kLogEvent, {{"line", line}}); }

}  // namespace twinbed
