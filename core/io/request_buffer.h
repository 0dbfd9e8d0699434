// The requests of one handler call, kept until the handler has returned.
//
// Every host, and the FakeContext of unit tests, hands this one object to protocols as their
// Timers, Radio, Datagrams, Streams, Storage and Application, and then carries out what it finds in
// it, in order. Nothing is allocated once the buffers have grown to the size of the largest handler
// call.
#pragma once

#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/io/protocol.h"

namespace twinbed {

enum class RequestKind : std::uint8_t {
  kTimerSet, kTimerCancel,
  kTransmit, kTune,
  kBind, kSend, kCloseSocket,
  kListen, kOpen, kStreamWrite, kCloseStream,
  kRead, kFileWrite, kSync, kRename, kRemove,
  kDeliver,
};

/// One request as plain data; which members count depends on the kind. `data` and `name` lie in the
/// buffer that holds the request and are found through it.
struct Request {
  RequestKind kind{};
  std::uint32_t id = 0;          ///< timer, interface, socket, listener or stream
  Endpoint endpoint;             ///< kBind, kSend, kListen, kOpen
  std::uint64_t token = 0;       ///< kRead, kSync
  std::int64_t number = 0;       ///< deadline in ns, file offset, channel in MHz
  std::uint64_t size = 0;        ///< kRead: how much
  std::uint32_t data_at = 0;
  std::uint32_t data_size = 0;
  std::uint32_t name_at = 0;     ///< file name
  std::uint32_t name_size = 0;
  std::uint32_t second_at = 0;   ///< kRename: the new name
  std::uint32_t second_size = 0;
  TxParams tx;                   ///< kTransmit
};

class RequestBuffer final : public Timers, public Radio, public Datagrams, public Streams,
                            public Storage, public Application {
 public:
  void set(TimerId id, Time deadline) override;
  void cancel(TimerId id) override;

  void transmit(InterfaceId interface, Bytes frame, const TxParams& params) override;
  void tune(InterfaceId interface, ChannelMhz channel) override;

  void bind(SocketId id, const Endpoint& local) override;
  void send(SocketId id, const Endpoint& to, Bytes payload) override;
  void close(SocketId id) override;

  void listen(ListenerId id, const Endpoint& local) override;
  void open(StreamId id, const Endpoint& to) override;
  void write(StreamId id, Bytes data) override;
  void close(StreamId id) override;

  void read(StorageToken token, std::string_view file, std::uint64_t offset,
            std::uint64_t size) override;
  void write(std::string_view file, std::uint64_t offset, Bytes data) override;
  void sync(StorageToken token, std::string_view file) override;
  void rename(std::string_view from, std::string_view to) override;
  void remove(std::string_view file) override;

  void deliver(Bytes message) override;

  std::span<const Request> requests() const { return requests_; }
  bool empty() const { return requests_.empty(); }
  Bytes data(const Request& request) const;
  std::string_view name(const Request& request) const;
  std::string_view second_name(const Request& request) const;
  /// A hash over all requests in order: equal for equal behaviour. Replays compare it.
  std::uint64_t fingerprint() const;
  void clear();

  /// The context for one handler call, with this buffer behind every facility.
  Context context(Time now, WallTime wall, NodeId self, Random& random, Recorder& recorder) {
    return {now, wall, self, random, *this, *this, *this, *this, *this, *this, recorder};
  }

 private:
  Request& add(RequestKind kind, std::uint32_t id);
  void attach_data(Request& request, Bytes data);
  void attach_name(Request& request, std::string_view name);

  std::vector<Request> requests_;
  Buffer arena_;
};

}  // namespace twinbed
