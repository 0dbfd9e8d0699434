// Uploads at the leader: from a client's first message to its answer.
//
//   RECEIVING ──all bytes──► SPREADING ──durable on a majority──► PROPOSED ──committed──► success
//        each piece goes on to the other servers as it comes
//
// On shared storage no copies go out: what the leader has written durably is proposed, and between
// the commit and the success the file gets its name (NAMING).
//
// Whatever else happens ends the upload with an answer that says why: the lead is lost, the disk is
// full, too few servers can be reached, the client is too slow. An id that is committed already is
// answered at once; one that is under way is taken over by the client that asks last.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/protocols/imagestore/parts.h"

namespace twinbed::imagestore {

class Uploads {
 public:
  explicit Uploads(const Parts& parts) : parts_(parts) {}

  void on_put(Context& context, StreamId client, const PutBegin& begin);
  void on_chunk(Context& context, StreamId client, const Chunk& chunk);
  void on_end(Context& context, StreamId client, const End& end);
  void on_abort(Context& context, StreamId client, const Abort& abort);
  /// What another server says of the copy it was sent.
  void on_copy_result(Context& context, StreamId link, const CopyResult& result);

  /// False if the slot is not an upload's.
  bool on_staged(Context& context, Slot slot, StorageStatus status);
  /// A command has been executed, after which this image has its id.
  void on_applied(Context& context, const Image& image, Catalogue::Verdict verdict);
  /// The image of this content is there under its name.
  void on_held(Context& context, const Digest& hash);
  /// Role or term have changed.
  void on_change(Context& context);
  void on_link_closed(Context& context, StreamId link);
  void tick(Context& context);

  std::size_t size() const { return uploads_.size(); }
  /// The contents of all uploads, each of which may still be committed.
  std::vector<Digest> hashes() const;

 private:
  using Key = std::pair<StreamId, TransferId>;
  enum class Stage : std::uint8_t { kReceiving, kSpreading, kProposed, kNaming };
  struct Upload {
    PutBegin what;
    Endpoint from;
    Key client;
    bool has_client = true;
    Stage stage = Stage::kReceiving;
    raft::Term term = 0;
    Slot slot = 0;
    std::uint64_t staged = 0;  // the number that the store gave it
    std::uint64_t received = 0;
    std::string extension;
    std::map<raft::ServerId, Key> copies;  // sent to these, who have not refused
    std::set<raft::ServerId> holders;      // who has it durably
    std::string trouble;                   // the last reason why a server could not store it
    Time progress{};

    bool is_in_log() const { return stage >= Stage::kProposed; }
  };
  using Iterator = std::map<std::string, Upload>::iterator;

  /// Whether the image is where it should be after a success.
  bool is_in_place(const Digest& hash) const;
  /// Why the upload cannot begin; kOk: it can.
  PutResult refusal(const PutBegin& begin) const;
  void start_copies(Context& context, Upload& upload);
  void forward(Context& context, Upload& upload, const Chunk& chunk);
  void consider(Context& context, Iterator at);
  void propose(Context& context, Iterator at);
  void succeed(Context& context, Iterator at);
  void answer(Context& context, Upload& upload, Outcome outcome, const std::string& text);
  /// Answers, takes back what was sent on, and forgets the upload.
  void fail(Context& context, Iterator at, Outcome outcome, const std::string& text);
  void withdraw(Context& context, Upload& upload);
  Iterator by_client(const Key& key);

  const Parts& parts_;
  std::map<std::string, Upload> uploads_;  // by id
  TransferId next_transfer_ = 1;
};

}  // namespace twinbed::imagestore
