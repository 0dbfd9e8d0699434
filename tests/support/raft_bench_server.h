// One Raft server on the bench: a test says what reaches it, decides when its disk has synced, and
// sees what it sends.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/protocols/raft/node.h"
#include "tests/support/fake_context.h"

namespace twinbed::testing {

inline constexpr std::chrono::milliseconds kRaftTimeoutMin{150};
inline constexpr std::chrono::milliseconds kRaftTimeoutMax{300};

/// Server 1 of the voters 1 to 3, unless the options say otherwise; neither pre-vote nor stickiness
/// nor check-quorum unless asked for.
inline raft::Options bench_options() {
  raft::Options options;
  options.id = 1;
  options.initial.voters = {1, 2, 3};
  options.election_timeout_min = kRaftTimeoutMin;
  options.election_timeout_max = kRaftTimeoutMax;
  options.heartbeat = std::chrono::milliseconds(50);
  options.pre_vote = options.check_quorum = options.stickiness = false;
  return options;
}

class RaftBenchServer final : private raft::Surroundings {
 public:
  /// `disk_files`: what a former process left on the disk.
  explicit RaftBenchServer(raft::Options options = bench_options(),
                           std::map<std::string, Buffer> disk_files = {})
      : files(std::move(disk_files)), node(options, *this) {
    call([&](Context& c) { node.start(c); });
    sync();
  }

  FakeContext fake{1};
  std::map<std::string, Buffer> files;  ///< what was written, synced or not
  std::vector<std::pair<raft::ServerId, raft::Message>> sent;  ///< since the last clear()
  std::vector<std::string> applied;
  std::vector<std::pair<std::uint64_t, bool>> reads;
  StorageStatus disk = StorageStatus::kOk;
  raft::Node node;

  void receive(raft::ServerId from, const raft::Message& message) {
    call([&](Context& c) { node.on_message(c, from, message); });
  }
  /// Goes on to the next timer and fires it.
  bool fire_next_timer() {
    const auto [id, deadline] = fake.next_timer();
    if (deadline == kNever) return false;
    fake.now = std::max(fake.now, deadline);
    const TimerId timer = id;
    fake.forget_timer(timer);
    call([&](Context& c) { node.on_timer(c, timer); });
    return true;
  }
  /// Answers every read and sync that waits, and those that follow from the answers.
  void sync() {
    while (!unanswered_.empty()) {
      const Waiting next = unanswered_.front();
      unanswered_.erase(unanswered_.begin());
      answer(next);
    }
  }
  template <class Request>
  void call(Request&& request) {
    fake.requests.clear();
    fake.run(request);
    carry_out();
  }
  /// The last message of a kind that was sent since the last clear(), or null.
  template <class Kind>
  const Kind* last() const {
    for (auto entry = sent.rbegin(); entry != sent.rend(); ++entry) {
      if (const auto* message = std::get_if<Kind>(&entry->second)) return message;
    }
    return nullptr;
  }
  void clear() {
    sent.clear();
    fake.recorder.clear();
  }

 private:
  struct Waiting {
    RequestKind kind{};
    std::uint64_t token = 0;
    std::string name;
    std::size_t offset = 0;
    std::size_t size = 0;
  };

  void carry_out() {
    for (const Request& request : fake.requests.requests()) {
      const std::string name(fake.requests.name(request));
      const auto offset = static_cast<std::size_t>(request.number);
      if (request.kind == RequestKind::kFileWrite) {
        const Bytes data = fake.requests.data(request);
        Buffer& file = files[name];
        if (file.size() < offset + data.size()) file.resize(offset + data.size());
        std::copy(data.begin(), data.end(), file.begin() + request.number);
      } else if (request.kind == RequestKind::kRead || request.kind == RequestKind::kSync) {
        unanswered_.push_back({request.kind, request.token, name, offset,
                               static_cast<std::size_t>(request.size)});
      }
    }
  }
  void answer(const Waiting& waiting) {
    StorageResult result{StorageToken{waiting.token}, disk, {}};
    Buffer data;
    if (waiting.kind == RequestKind::kRead) {
      const auto file = files.find(waiting.name);
      result.status = file == files.end() ? StorageStatus::kNotFound : StorageStatus::kOk;
      if (file != files.end() && waiting.offset < file->second.size()) {
        const Bytes rest = Bytes(file->second).subspan(waiting.offset);
        data = to_buffer(rest.first(std::min(rest.size(), waiting.size)));
      }
      result.data = data;
    }
    call([&](Context& c) { node.on_storage(c, result); });
  }

  void send(Context&, raft::ServerId to, const raft::Message& message) override {
    sent.emplace_back(to, message);
  }
  void apply(Context&, const raft::Applied& command) override {
    applied.emplace_back(as_text(command.command));
  }
  Buffer take_snapshot() override { return to_buffer("snapshot"); }
  void restore(Context&, Bytes snapshot) override {
    applied = {"restored " + std::string(as_text(snapshot))};
  }
  void on_read(Context&, raft::ReadId id, bool is_current) override {
    reads.emplace_back(static_cast<std::uint64_t>(id), is_current);
  }

  std::vector<Waiting> unanswered_;
};

}  // namespace twinbed::testing
