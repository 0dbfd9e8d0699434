// The client of the election policy `original`: an interactive program that finds a leader and
// sends it images. It takes one command a line (on_command) and answers with lines of its log
// (Recorder::log), which a live node prints:
//
//   status            whom it takes for the leader
//   discover          Hello to every server; 500 ms after the last of these sends the highest id to
//                     which one worked is taken for the leader (nobody is asked who leads: that is
//                     the original's way)
//   send-image PATH   reads the file through Storage and sends it to that leader
//   help              lists these commands
//
// A discover runs once at the start. "Sent" is printed after the local write: the image may be
// lost, and after the death of the leader the first one is. "SUCCESS" is printed when an
// EncryptReply with ok arrives at the client's own port, which no original server ever sends.
//
// Recorded: kSubmitEvent {id, bytes, hash} when an image is handed to the connection, kAckEvent
// {id} at SUCCESS, kClientLeaderEvent {leader} when its belief changes, kDiscoverEvent and
// kDiscoveredEvent {leader} of each discover that was asked for.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/aes256gcm.h"
#include "core/io/command_client.h"
#include "core/protocols/election/inbox.h"
#include "core/protocols/election/message.h"
#include "core/protocols/election/outgoing.h"
#include "core/protocols/election/peer.h"

namespace twinbed::election {

/// {"leader"}: the server this client sends to from here on; -1 for none.
inline constexpr EventType kClientLeaderEvent{"election.client_leader",
                                              "the client takes a server for the leader"};

struct ClientOptions {
  std::vector<Peer> peers;             ///< all servers
  std::string user = "user";           ///< goes into each request
  Endpoint listen{kAnyAddress, 7100};  ///< where replies would arrive
  Dialect dialect = Dialect::kSeed;    ///< which version's EncryptRequest is written
  Duration discover_wait = std::chrono::milliseconds(500);
  Duration connect_limit = std::chrono::seconds(5);
};

class Client final : public CommandClient {
 public:
  /// The options must be sound, as make_client checks.
  Client(ClientOptions options, const Aes256Gcm& cipher);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_stream(Context& context, const StreamEvent& event) override;
  void on_storage(Context& context, const StorageResult& result) override;
  void on_command(Context& context, Bytes command) override;

  std::optional<PeerId> leader() const { return leader_; }

  /// A discover that was asked for, a file that is being read and an image that is being written
  /// are under way; a server's reply, which may never come, is not waited for.
  bool busy() const override { return !under_way_.empty(); }
  bool busy_with(std::uint64_t command) const override {
    return command > commands_ || under_way_.contains(command);
  }

 private:
  /// A file that is being read for a command.
  struct Reading {
    std::uint64_t command = 0;
    std::string path;
  };
  /// An image on its way: what the lines about it need.
  struct Upload {
    std::uint64_t command = 0;
    std::string id;
    PeerId leader = 0;
    std::size_t bytes = 0;
  };

  void discover(Context& context);
  void end_discover(Context& context);
  void note_hello(Context& context, const SendOutcome& outcome);
  void send_image(Context& context, std::string_view path);
  void submit(Context& context, std::uint64_t command, Bytes image);
  void note_upload(Context& context, const SendOutcome& outcome);
  void handle_outcomes(Context& context);
  void handle_reply(Context& context, const EncryptReply& reply);
  void print_status(Context& context);
  void log(Context& context, std::string_view text);

  ClientOptions options_;
  Aes256Gcm cipher_;
  Outgoing outgoing_;
  Inbox inbox_;

  std::optional<PeerId> leader_;
  bool discovering_ = false;
  std::set<std::uint64_t> hellos_;           ///< numbers of the Hellos not yet written or lost
  std::optional<PeerId> highest_reached_;
  std::uint64_t next_number_ = 1;            ///< names the next read or message
  std::uint64_t commands_ = 0;               ///< taken so far
  std::set<std::uint64_t> under_way_;        ///< those that are not yet answered
  std::vector<std::uint64_t> discovers_;     ///< those that the running discover answers
  std::map<std::uint64_t, Reading> reading_;               ///< storage token -> what is read
  std::map<std::uint64_t, Upload> uploads_;                ///< number -> not yet drained
  std::map<std::string, PeerId, std::less<>> unanswered_;  ///< request id -> where it went
};

/// A client, or a sentence that says what is wrong with the options or the key (64 hex digits).
Result<std::unique_ptr<Client>> make_client(ClientOptions options, std::string_view hex_key,
                                            bool allow_zero_key);

}  // namespace twinbed::election
