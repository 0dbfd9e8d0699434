// The client of the policy `robust`: it asks who leads, hands images over until it is told what
// became of them, and gets them back. One command a line (on_command), answered with lines of its
// log (Recorder::log), which a live node prints:
//
//   status               whom it takes for the leader
//   discover             asks every server who leads; the answer with the highest term counts
//   send-image PATH [ID] hands the file over, under this id or one that is drawn
//   get-image ID [PATH]  gets an image and saves it, as ID unless a path is given; in place of the
//                        id, #2 stands for the second image that this client has handed over
//   help                 lists these commands
//
// An upload ends with SUCCESS, with a refusal and its reason, or after `give_up` as not confirmed.
// Until then it goes to whoever leads, again and again under the same id, which the servers store
// once:
//
//     ASK who leads ──► SEND ──► SUCCESS
//      ▲  ▲                │ not leader: the server that it names
//      │  └────────────────┤ connection broken, no answer, no majority, busy, unconfirmed: pause
//      └───────────────────┘
//
// Recorded: kSubmitEvent {id, bytes, hash} once for each upload, kAckEvent {id} at SUCCESS,
// kRefuseEvent {id, why} at a refusal, kClientLeaderEvent {leader} when its belief changes,
// kDiscoverEvent and kDiscoveredEvent {leader} of each discover that was asked for, kFetchEvent and
// kFetchedEvent of each get.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/io/command_client.h"
#include "core/protocols/imagestore/links.h"

namespace twinbed::imagestore {

struct ClientOptions {
  std::vector<election::Peer> peers;  ///< all servers
  std::string user = "user";          ///< goes into each request
  LinkOptions links;                  ///< peers and identity are filled in
  bool retry = true;                  ///< false: what fails once has failed
  Duration give_up = std::chrono::seconds(30);     ///< for one command
  Duration patience = std::chrono::seconds(3);     ///< without any progress of an attempt
  Duration pause = std::chrono::milliseconds(200); ///< before the next attempt
  Duration discover_limit = std::chrono::milliseconds(800);
  std::uint64_t max_image_bytes = 64 * 1024 * 1024;
};

class Client final : public CommandClient, private LinkOwner {
 public:
  /// The options must be sound, as make_client checks.
  Client(ClientOptions options, const secure::ClusterKey& key);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_stream(Context& context, const StreamEvent& event) override;
  void on_storage(Context& context, const StorageResult& result) override;
  void on_command(Context& context, Bytes command) override;
  void on_stop(Context& context) override;

  bool busy() const override;
  bool busy_with(std::uint64_t command) const override;

  raft::ServerId leader() const { return leader_; }

 private:
  enum class Kind : std::uint8_t { kSend, kGet };
  enum class Step : std::uint8_t { kWaiting, kReading, kAsking, kPausing, kMoving, kSaving };
  /// A command that takes time. They are carried out one after the other.
  struct Job {
    Kind kind{};
    std::uint64_t command = 0;
    std::string path;
    std::string id;
    Step step = Step::kWaiting;
    Buffer bytes;            // of the image, sent or received so far
    Digest hash{};
    Time began{};
    Time progress{};         // of the present attempt
    raft::ServerId server = raft::kNobody;  // that the attempt goes to
    TransferId transfer = 0;
    std::uint64_t sent = 0;
    std::uint64_t size = 0;  // kGet: as announced
    bool is_sent = false;    // kSend: the line was printed
    bool may_be_kept = false;  // an attempt ended without an answer
    bool is_stale = false;   // kGet: from a server that does not lead
    std::string trouble;     // why the last attempt failed
  };

  /// Who leads?
  struct Question {
    std::uint64_t number = 0;
    std::uint64_t command = 0;  // that asks it; 0: the client itself
    Time until{};
  };

  // LinkOwner
  void on_link_open(Context& context, StreamId link) override;
  void on_message(Context& context, StreamId link, const Frame& frame) override;
  void on_link_drained(Context& context, StreamId link) override;
  void on_link_closed(Context& context, StreamId link) override;

  // client.cc
  void start_job(Context& context, Kind kind, std::string_view arguments);
  void discover(Context& context, std::uint64_t command = 0);
  void consider_discovers(Context& context);
  void end_discover(Context& context);
  void take_leader(Context& context, raft::ServerId leader);
  void print_status(Context& context);
  std::string why_no_leader() const;
  void log(Context& context, std::string_view text);

  // client_jobs.cc
  void next_job(Context& context);
  bool resolve_place(Job& job) const;
  void attempt(Context& context);
  void send_more(Context& context);
  void on_put_result(Context& context, const PutResult& result);
  void on_get_result(Context& context, const GetResult& result);
  void on_chunk(Context& context, const Chunk& chunk);
  void on_end(Context& context, const End& end);
  void ask_others(Context& context, const std::string& why);
  void try_again(Context& context, const std::string& why);
  bool pause(Context& context, const std::string& why);
  void redirect(Context& context, raft::ServerId leader, const std::string& why);
  void succeed(Context& context);
  void refuse(Context& context, const std::string& why, bool is_absent = false);
  static void record_fetched(Context& context, const Job& job, std::string_view outcome,
                             std::string_view hash, std::string_view why);
  void end_job(Context& context);
  void tick_job(Context& context);
  bool is_of_job(StreamId link) const;

  ClientOptions options_;
  Links links_;
  raft::ServerId leader_ = raft::kNobody;

  std::deque<Question> questions_;  // not yet answered
  std::uint64_t asked_ = 0;         // the number of the last question
  std::map<raft::ServerId, LeaderInfo> answers_;

  std::uint64_t commands_ = 0;  // taken so far
  std::vector<std::string> sent_ids_;  // of the images handed over, in their order
  std::deque<Job> jobs_;        // the first one is under way
  TransferId next_transfer_ = 1;
  std::set<raft::ServerId> tried_;  // by a get that asks every server
};

/// A client, or a sentence that says what is wrong with the options or the key (64 hex digits).
Result<std::unique_ptr<Client>> make_client(ClientOptions options, std::string_view hex_key);

}  // namespace twinbed::imagestore
