// The connections of a server or client of the robust cloud-p2p, all of them secure channels.
//
//   a server   listens, and keeps two connections open to every other server: one for Raft, one for
//              the bytes of images, so that a heartbeat never waits behind an image
//   a client   keeps one connection open to every server
//
// Whoever connects costs a server some memory and two products of keys before it is known who it
// is. So only so many may be in their handshake at once, and so many may begin one in a second; the
// others are closed. Connections from the addresses of the servers are counted apart from all
// others, so that a flood of strangers cannot keep the servers from each other.
//
//     idle ──dial──► handshake ──► open ──► closed ──back-off of 0.1 to 1 s──► idle
//
// Both sides of an open connection give a sign of life at an interval; one that hears nothing for
// `silence_limit` closes it. So a cut is noticed long before TCP would, and after a heal the
// connections are back within a second, whatever TCP's own back-off has come to.
//
// Messages to a server that is not connected are dropped: Raft sends again, and everything else
// starts again with the connection.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/io/protocol.h"
#include "core/protocols/election/peer.h"
#include "core/protocols/imagestore/message.h"
#include "core/protocols/imagestore/token_bucket.h"
#include "core/protocols/secure/channel.h"

namespace twinbed::imagestore {

/// What a connection is for, as its dialler sees it.
enum class Lane : std::uint8_t { kControl = 0, kBytes = 1 };

struct LinkOptions {
  std::optional<secure::KeyPair> keys; ///< this node's own; none: a pair that is made at the start
  secure::Identity self;               ///< instance and public key are filled in at the start
  std::vector<election::Peer> peers;   ///< all servers, this one may be among them
  std::optional<Endpoint> listen;      ///< of a server
  /// Keys of the clients that are served; empty: all that know the cluster's key.
  secure::AllowList allowed_clients;
  /// Keys of the servers of the cluster; empty: whoever knows the cluster's key may be one.
  secure::AllowList known_servers;
  Duration alive_every = std::chrono::milliseconds(500);
  Duration silence_limit = std::chrono::milliseconds(1500);
  Duration handshake_limit = std::chrono::seconds(5);
  Duration retry_least = std::chrono::milliseconds(100);
  Duration retry_most = std::chrono::seconds(1);
  // Of accepted connections; for the servers' addresses, and for all others together.
  std::uint32_t max_handshakes = 64;  ///< that are not open yet
  std::uint32_t max_handshakes_per_second = 200;  ///< in the long run; max_handshakes at once
  std::size_t max_clients = 512;
  /// false: what is sent can be read and changed by anybody on the way (secure::Frames::kClear), so
  /// that the cost of sealing can be measured and the lack of it studied. Both sides must say the
  /// same.
  bool encrypt = true;
};

class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual void on_link_open(Context& context, StreamId link) = 0;
  virtual void on_message(Context& context, StreamId link, const Frame& frame) = 0;
  /// All that was sent so far is with the network stack.
  virtual void on_link_drained(Context& context, StreamId link) = 0;
  virtual void on_link_closed(Context& context, StreamId link) = 0;
};

class Links {
 public:
  /// The owner outlives the links.
  Links(LinkOptions options, const secure::ClusterKey& key, LinkOwner& owner);

  void start(Context& context);
  void on_stream(Context& context, const StreamEvent& event);
  /// To be called every 100 ms or so: dials, signs of life, limits.
  void tick(Context& context);
  /// Closes all connections in good order.
  void stop(Context& context);

  /// Sends on an open link; elsewhere the message is dropped.
  void send(Context& context, StreamId link, raft::Term term, const Message& message);
  void close(Context& context, StreamId link);

  /// The open connection that this node has dialled.
  std::optional<StreamId> to(raft::ServerId server, Lane lane = Lane::kControl) const;
  bool is_open(StreamId link) const;
  /// Who is at the other end of an open link.
  const secure::Identity& peer(StreamId link) const;
  Endpoint endpoint(StreamId link) const;
  /// Bytes sent since the link was last drained.
  std::size_t undrained(StreamId link) const;
  /// When the server was last heard on a connection of either side; nothing: never.
  std::optional<Time> last_heard(raft::ServerId server) const;
  /// Why the server could not be reached the last time; kNone: it could, or never answered.
  secure::Refusal refused_by(raft::ServerId server) const;
  std::uint64_t refusals(secure::Refusal reason) const;

 private:
  struct Dial {
    election::Peer peer;
    Lane lane{};
    Time next{};
    Duration back_off{};
    bool is_up = false;  // connecting, in the handshake, or open
    secure::Refusal refused = secure::Refusal::kNone;
  };
  struct Link {
    secure::Channel channel;
    Endpoint endpoint;
    Time since{};
    Time heard{};
    Time said{};
    std::size_t undrained = 0;
    bool is_open = false;
  };

  void dial(Context& context, std::size_t place);
  void on_data(Context& context, StreamId stream, Bytes data);
  void on_closed(Context& context, StreamId stream, Link& link);
  bool may_begin_handshake(Time now, const Endpoint& from);
  bool is_of_server(const Endpoint& from) const;
  void judge(Context& context, Link& link, Buffer& out);
  secure::Refusal verdict(Context& context, const secure::Identity& peer) const;
  bool is_known_server(const secure::Identity& peer) const;
  bool is_right_server(StreamId stream, const secure::Identity& peer) const;
  void open(Context& context, StreamId stream, Link& link);
  void hand_over(Context& context, StreamId stream);
  void write(Context& context, StreamId stream, Link& link, Bytes bytes);
  void end(Context& context, StreamId stream, bool close_stream);
  void refuse(Context& context, StreamId stream, secure::Refusal reason);
  void note_refusal(Context& context, secure::Refusal reason, const Endpoint& from);
  Dial* dial_of(StreamId stream);
  const Dial* dial_of(StreamId stream) const;
  bool is_server() const { return options_.listen.has_value(); }
  secure::Frames frames() const {
    return options_.encrypt ? secure::Frames::kSealed : secure::Frames::kClear;
  }

  LinkOptions options_;
  secure::ClusterKey key_;
  LinkOwner& owner_;
  TokenBucket handshakes_of_servers_;
  TokenBucket handshakes_of_others_;
  std::optional<secure::Credentials> credentials_;  // from the start on
  std::vector<Dial> dials_;  // stream ids are places in here
  std::map<StreamId, Link> links_;
  std::map<raft::ServerId, Time> last_heard_;
  std::map<secure::Refusal, std::uint64_t> refusals_;
};

}  // namespace twinbed::imagestore
