// A protocol within another one: it runs unchanged, and what it asks of the world is told apart
// from what others ask by numbers. The owner hands on to it what comes back under its numbers, and
// gets what it delivers.
//
//   timer, socket, storage token    number of the part << 16 | the part's own
//   lines of the log                the part's name and a tab before them
//   events                          with a field "stream" that holds the name
//   samples                         as they are, and together in one event of each handler call
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/io/protocol.h"

namespace twinbed::wfb {

class PartOwner {
 public:
  virtual ~PartOwner() = default;
  /// The part with this number delivers a message; valid during the call.
  virtual void on_part_delivery(Context& context, std::uint32_t part, Bytes message) = 0;
};

class Part final : private Timers, private Datagrams, private Storage, private Application,
                   private Recorder {
 public:
  static constexpr std::uint32_t kBits = 16;

  /// The owner outlives the part.
  Part(std::uint32_t number, std::string name, PartOwner& owner)
      : number_(number), name_(std::move(name)), owner_(owner) {}

  /// Calls a handler of the protocol with the part's context.
  template <class Handler>
  void run(Context& outer, Handler&& handler) {
    outer_ = &outer;
    Context inner{outer.now,     outer.wall, outer.self, outer.random, *this, outer.radio, *this,
                  outer.streams, *this,      *this,      *this};
    handler(inner);
    record_figures();
  }
  const std::string& name() const { return name_; }

 private:
  std::uint32_t outer_number(auto id) const {
    return number_ << kBits | static_cast<std::uint32_t>(id);
  }
  StorageToken outer_token(StorageToken token) const {
    return StorageToken{std::uint64_t{number_} << kBits | static_cast<std::uint64_t>(token)};
  }

  void set(TimerId id, Time deadline) override;
  void cancel(TimerId id) override;
  void bind(SocketId id, const Endpoint& local) override;
  void send(SocketId id, const Endpoint& to, Bytes payload) override;
  void close(SocketId id) override;
  void read(StorageToken token, std::string_view file, std::uint64_t offset,
            std::uint64_t size) override;
  void write(std::string_view file, std::uint64_t offset, Bytes data) override;
  void sync(StorageToken token, std::string_view file) override;
  void rename(std::string_view from, std::string_view to) override;
  void remove(std::string_view file) override;
  void deliver(Bytes message) override;
  void sample(const Metric& metric, double value) override;
  void event(const EventType& type, std::span<const Field> fields) override;
  void record_figures();

  std::uint32_t number_;
  std::string name_;
  PartOwner& owner_;
  Context* outer_ = nullptr;  ///< of the handler that runs
  std::vector<Field> figures_;
  std::vector<Field> fields_;
};

/// Which part a timer, socket or token belongs to, and its own number of it.
template <class Id>
constexpr std::uint32_t part_of(Id id) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> Part::kBits);
}
template <class Id>
constexpr Id inner_of(Id id) {
  return Id{static_cast<std::underlying_type_t<Id>>(static_cast<std::uint64_t>(id) & 0xffff)};
}

}  // namespace twinbed::wfb
