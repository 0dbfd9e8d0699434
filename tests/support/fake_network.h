// Several FakeContexts joined by perfect streams and datagrams with one constant delay: just enough
// world to test a distributed protocol without the simulator. Deterministic: events run in the
// order of (time, order of creation).
//
// A stream needs one delay each way to be set up; writes are drained at once and arrive one delay
// later. A killed node's kernel closes its streams in good order and refuses new ones; a silenced
// node neither receives nor answers, so that connecting to it hangs. Files live in a map, reads
// answer at once.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_context.h"

namespace twinbed::testing {

class FakeNetwork {
 public:
  explicit FakeNetwork(Duration delay) : delay_(delay) {}

  struct Node {
    Node(std::uint32_t index, IpAddress where) : fake(index), address(where) {}
    FakeContext fake;
    IpAddress address;
    std::unique_ptr<Protocol> protocol;  ///< null while killed
    bool silent = false;
    std::map<std::uint16_t, std::uint32_t> listeners;  ///< port -> listener
    std::map<std::uint16_t, std::uint32_t> sockets;    ///< port -> datagram socket
    std::map<std::uint32_t, std::size_t> streams;      ///< stream -> connection
    std::map<std::string, Buffer> files;
    std::uint32_t next_accepted = kFirstAcceptedStream;
    std::map<std::uint32_t, std::uint64_t> timer_numbers;  ///< the latest setting of each timer
  };

  Time now() const { return now_; }
  Node& node(std::size_t index) { return *nodes_[index]; }
  std::size_t size() const { return nodes_.size(); }
  /// Called with every datagram or chunk of a stream as it is sent.
  std::function<void(std::size_t from, const Endpoint& to, Bytes)> on_send;

  std::size_t add(IpAddress address) {
    nodes_.push_back(
        std::make_unique<Node>(static_cast<std::uint32_t>(nodes_.size()), address));
    return nodes_.size() - 1;
  }
  /// Starts a protocol at a node, at once.
  void start(std::size_t index, std::unique_ptr<Protocol> protocol) {
    node(index).protocol = std::move(protocol);
    call(index, [this, index](Context& c) { node(index).protocol->on_start(c); });
  }
  /// The process ends without a word; its kernel closes its streams.
  void kill(std::size_t index) {
    Node& dead = node(index);
    dead.protocol.reset();
    dead.listeners.clear();
    dead.sockets.clear();
    dead.timer_numbers.clear();
    for (const auto& [stream, connection] : dead.streams) {
      end_peer(index, connection, StreamEventKind::kClosed);
    }
    dead.streams.clear();
  }
  void command(std::size_t index, std::string_view text) {
    call(index, [&](Context& c) { node(index).protocol->on_command(c, as_bytes(text)); });
  }

  /// Runs everything up to and including a time, and stays there.
  void run_until(Time time) {
    while (!events_.empty() && events_.begin()->first.first <= time) {
      const auto first = events_.begin();
      now_ = first->first.first;
      const std::function<void()> event = std::move(first->second);
      events_.erase(first);
      event();
    }
    now_ = time;
  }
  void run_for(Duration duration) { run_until(now_ + duration); }
  /// Calls something at a later time, between handlers.
  void at(Time time, std::function<void()> event) {
    events_.emplace(std::pair(time, next_number_++), std::move(event));
  }

 private:
  /// One end is (node, stream); the second is filled in when the stream is accepted.
  struct Connection {
    std::array<std::size_t, 2> nodes{};
    std::array<std::uint32_t, 2> streams{};
    std::array<Endpoint, 2> endpoints;
  };

  template <class Handler>
  void call(std::size_t index, Handler&& handler) {
    Node& target = node(index);
    if (!target.protocol) return;
    target.fake.now = now_;
    target.fake.requests.clear();
    target.fake.run(handler);
    for (const Request& request : target.fake.requests.requests()) carry_out(index, request);
  }
  void tell(std::size_t index, const StreamEvent& event) {
    call(index, [&](Context& c) { node(index).protocol->on_stream(c, event); });
  }
  std::size_t find(IpAddress address) const {
    std::size_t index = 0;
    while (index < nodes_.size() && nodes_[index]->address != address) ++index;
    return index;
  }

  void carry_out(std::size_t index, const Request& request) {
    Node& from = node(index);
    const Bytes data = from.fake.requests.data(request);
    switch (request.kind) {
      case RequestKind::kTimerSet: set_timer(index, request); break;
      case RequestKind::kTimerCancel: from.timer_numbers.erase(request.id); break;
      case RequestKind::kListen: from.listeners[request.endpoint.port] = request.id; break;
      case RequestKind::kBind: from.sockets[request.endpoint.port] = request.id; break;
      case RequestKind::kSend: send(index, request.endpoint, data); break;
      case RequestKind::kOpen: open(index, request.id, request.endpoint); break;
      case RequestKind::kStreamWrite: write(index, request.id, data); break;
      case RequestKind::kCloseStream: close(index, request.id); break;
      case RequestKind::kFileWrite: write_file(from, request, data); break;
      case RequestKind::kRead: read_file(index, request); break;
      default: break;  // The protocols under test ask for nothing else.
    }
  }

  void set_timer(std::size_t index, const Request& request) {
    const std::uint64_t number = next_number_;
    node(index).timer_numbers[request.id] = number;
    at(std::max(now_, time_from_ns(request.number)), [this, index, id = request.id, number] {
      const auto set = node(index).timer_numbers.find(id);
      if (set == node(index).timer_numbers.end() || set->second != number) return;
      node(index).timer_numbers.erase(set);
      call(index, [&](Context& c) { node(index).protocol->on_timer(c, TimerId{id}); });
    });
  }

  void send(std::size_t index, const Endpoint& to, Bytes data) {
    if (on_send) on_send(index, to, data);
    const std::size_t target = find(to.address);
    if (target == nodes_.size()) return;
    at(now_ + delay_, [this, index, target, to, copy = to_buffer(data)] {
      const auto socket = node(target).sockets.find(to.port);
      if (socket == node(target).sockets.end() || node(target).silent) return;
      const Datagram datagram{SocketId{socket->second}, {node(index).address, 0}, copy};
      call(target, [&](Context& c) { node(target).protocol->on_datagram(c, datagram); });
    });
  }

  void open(std::size_t index, std::uint32_t stream, const Endpoint& to) {
    const std::size_t target = find(to.address);
    const std::size_t number = connections_.size();
    const Endpoint own{node(index).address, next_port_++};
    connections_.push_back({{index, target}, {stream, 0}, {own, to}});
    node(index).streams[stream] = number;
    if (target == nodes_.size() || node(target).silent) return;
    at(now_ + delay_, [this, number] { accept(number); });
  }
  void accept(std::size_t number) {
    Connection& c = connections_[number];
    Node& server = node(c.nodes[1]);
    const auto listener = server.listeners.find(c.endpoints[1].port);
    if (listener == server.listeners.end()) {
      at(now_ + delay_, [this, number] {
        const Connection& refused = connections_[number];
        if (!alive(refused, 0, number)) return;
        node(refused.nodes[0]).streams.erase(refused.streams[0]);
        tell(refused.nodes[0], {StreamEventKind::kFailed, StreamId{refused.streams[0]}, {},
                                {}, StreamFailure::kRefused, {}});
      });
      return;
    }
    c.streams[1] = server.next_accepted++;
    server.streams[c.streams[1]] = number;
    at(now_ + delay_, [this, number] {
      const Connection& opened = connections_[number];
      if (!alive(opened, 0, number)) return;
      tell(opened.nodes[0], {StreamEventKind::kOpened, StreamId{opened.streams[0]}, {},
                             opened.endpoints[1], {}, {}});
    });
    tell(c.nodes[1], {StreamEventKind::kAccepted, StreamId{c.streams[1]},
                      ListenerId{listener->second}, c.endpoints[0], {}, {}});
  }
  /// Whether this end still belongs to this connection.
  bool alive(const Connection& c, std::size_t end, std::size_t number) {
    const auto& streams = node(c.nodes[end]).streams;
    const auto found = streams.find(c.streams[end]);
    return found != streams.end() && found->second == number;
  }
  static std::size_t end_of(const Connection& c, std::size_t index) {
    return c.nodes[0] == index ? 0 : 1;
  }

  void write(std::size_t index, std::uint32_t stream, Bytes data) {
    const auto found = node(index).streams.find(stream);
    if (found == node(index).streams.end()) return;
    const std::size_t number = found->second;
    const std::size_t own = end_of(connections_[number], index);
    if (on_send) on_send(index, connections_[number].endpoints[1 - own], data);
    at(now_, [this, index, stream] {
      if (node(index).streams.contains(stream)) {
        tell(index, {StreamEventKind::kDrained, StreamId{stream}, {}, {}, {}, {}});
      }
    });
    at(now_ + delay_, [this, number, own, copy = to_buffer(data)] {
      const Connection& c = connections_[number];
      if (!alive(c, 1 - own, number) || node(c.nodes[1 - own]).silent) return;
      tell(c.nodes[1 - own],
           {StreamEventKind::kData, StreamId{c.streams[1 - own]}, {}, {}, {}, copy});
    });
  }
  void close(std::size_t index, std::uint32_t stream) {
    const auto found = node(index).streams.find(stream);
    if (found == node(index).streams.end()) return;
    end_peer(index, found->second, StreamEventKind::kClosed);
    node(index).streams.erase(stream);
  }
  void end_peer(std::size_t index, std::size_t number, StreamEventKind kind) {
    const std::size_t other = 1 - end_of(connections_[number], index);
    at(now_ + delay_, [this, number, other, kind] {
      const Connection& c = connections_[number];
      if (c.nodes[other] == nodes_.size() || !alive(c, other, number)) return;
      node(c.nodes[other]).streams.erase(c.streams[other]);
      tell(c.nodes[other], {kind, StreamId{c.streams[other]}, {}, {}, {}, {}});
    });
  }

  static void write_file(Node& owner, const Request& request, Bytes data) {
    Buffer& file = owner.files[std::string(owner.fake.requests.name(request))];
    const auto offset = static_cast<std::size_t>(request.number);
    if (file.size() < offset + data.size()) file.resize(offset + data.size());
    std::copy(data.begin(), data.end(), file.begin() + request.number);
  }
  void read_file(std::size_t index, const Request& request) {
    const std::string name(node(index).fake.requests.name(request));
    at(now_, [this, index, name, token = request.token] {
      const auto file = node(index).files.find(name);
      const bool there = file != node(index).files.end();
      const StorageResult result{StorageToken{token},
                                 there ? StorageStatus::kOk : StorageStatus::kNotFound,
                                 there ? Bytes(file->second) : Bytes{}};
      call(index, [&](Context& c) { node(index).protocol->on_storage(c, result); });
    });
  }

  Duration delay_;
  Time now_{};
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Connection> connections_;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t next_number_ = 0;
  std::uint16_t next_port_ = 40000;
};

}  // namespace twinbed::testing
