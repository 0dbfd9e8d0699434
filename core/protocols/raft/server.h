// A Raft server with the simplest state machine, the set of the items it was given in their order:
// for experiments with elections and failover, and for the tests of Raft.
//
//     on_command(item) ──► proposed here, or sent on to the leader; again and again until it shows
//                          up in this server's log ──► kAckEvent
//
// Messages are datagrams: u8 what | u32 sender's id | Raft message or item. Anyone who can send to
// the port can forge them; systems that Raft serves bring a transport that is secured.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/io/protocol.h"
#include "core/protocols/raft/node.h"

namespace twinbed::raft {

struct ServerPeer {
  ServerId id = kNobody;
  Endpoint endpoint;
};

struct ServerOptions {
  Options raft;
  Endpoint local;
  std::vector<ServerPeer> peers;  ///< all servers, this one may be among them
  Duration retry = std::chrono::milliseconds(500);  ///< between two attempts for an item
  /// A server whose disk is empty starts in term 1 with so many entries of that term, which say
  /// nothing: for experiments with logs of different lengths. A shorter log begins a longer one.
  std::uint64_t initial_entries = 0;
};

class Server final : public Protocol, private Surroundings {
 public:
  explicit Server(ServerOptions options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  void on_storage(Context& context, const StorageResult& result) override;
  /// The command is an item: a word that names itself. Records kSubmitEvent, and kAckEvent once it
  /// is committed and executed here. Or it asks the leader for a change of members,
  ///
  ///     members 1,2,3      or, with learners,     members 1,2,3 4,5
  ///
  /// and records kMembersEvent; elsewhere than at the leader it is refused.
  void on_command(Context& context, Bytes command) override;

  Node& node() { return node_; }
  const Node& node() const { return node_; }
  /// The items in the order in which they were committed, each once.
  const std::vector<std::string>& items() const { return items_; }

 private:
  // Surroundings.
  void send(Context& context, ServerId to, const Message& message) override;
  void apply(Context& context, const Applied& applied) override;
  Buffer take_snapshot() override;
  void restore(Context& context, Bytes snapshot) override;

  void write_initial_log(Context& context, const StorageResult& result);
  void add_initial_entries(Context& context, Log& log) const;
  void submit(Context& context, const std::string& item);
  void change_members(Context& context, std::string_view voters, std::string_view learners);
  void send_datagram(Context& context, ServerId to, Bytes payload);
  static void record_stored(Context& context, const std::string& item);
  void add(std::string item);

  ServerOptions options_;
  std::map<ServerId, Endpoint> endpoints_;
  Node node_;
  std::optional<Journal> initial_journal_;  // until the initial entries are durable
  std::vector<std::string> items_;
  std::set<std::string> known_;
  std::set<std::string> waiting_;  // submitted here and not yet committed
};

}  // namespace twinbed::raft
