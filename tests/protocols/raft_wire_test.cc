// Raft's bytes: messages from hostile peers, journals that a crash has torn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/raft_bench_server.h"

namespace twinbed::testing {
namespace {

using raft::Entry;
using raft::EntryKind;
using raft::Message;

std::vector<Message> every_message() {
  const Entry configuration{4, EntryKind::kConfiguration, encode(raft::Configuration{{1, 2}, {9}})};
  return {raft::VoteRequest{7, 12, 6, true, false},
          raft::VoteRequest{7, 12, 6, false, true},
          raft::VoteReply{7, false, true},
          raft::AppendRequest{7, 11, 6, 10, 3, {{6, EntryKind::kCommand, to_buffer("put")},
                                                {7, EntryKind::kNoop, {}}, configuration}},
          raft::AppendReply{7, 3, true, 14},
          raft::SnapshotRequest{7, {40, 6, 99}, {{1, 2, 3}, {}}, 3, 100, true, to_buffer("state")},
          raft::SnapshotReply{7, 3, 40, 105, false},
          raft::TimeoutNow{7}};
}

TEST(RaftMessage, ComesBackAsItWas) {
  for (const Message& message : every_message()) {
    Buffer bytes;
    encode(message, bytes);
    const std::optional<Message> decoded = raft::decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << message.index();
    EXPECT_EQ(*decoded, message);
  }
}

TEST(RaftMessage, IsRefusedWhenCutOrTooLong) {
  for (const Message& message : every_message()) {
    Buffer bytes;
    encode(message, bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(raft::decode(Bytes(bytes).first(size)).has_value()) << message.index();
    }
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(raft::decode(bytes).has_value()) << message.index();
  }
}

TEST(RaftMessage, OfAnUnknownKindOrWithUnknownFlagsIsRefused) {
  Buffer bytes;
  encode(raft::VoteReply{7, false, true}, bytes);
  bytes.back() = std::byte{0x80};
  EXPECT_FALSE(raft::decode(bytes).has_value());
  bytes[0] = std::byte{7};
  EXPECT_FALSE(raft::decode(bytes).has_value());
}

TEST(RaftConfiguration, IsSortedAndNamesEachServerOnce) {
  raft::Configuration out;
  EXPECT_TRUE(decode(encode(raft::Configuration{{1, 5}, {2}}), out));
  EXPECT_EQ(out, (raft::Configuration{{1, 5}, {2}}));
  EXPECT_FALSE(decode(encode(raft::Configuration{{5, 1}, {}}), out));
  EXPECT_FALSE(decode(encode(raft::Configuration{{1, 1}, {}}), out));
  EXPECT_FALSE(decode(encode(raft::Configuration{{1, 2}, {2}}), out));
  EXPECT_FALSE(decode(encode(raft::Configuration{{0}, {}}), out));
}

constexpr raft::Index kEntries = 6;

/// A server that has been told of six entries, one by one, all durable.
RaftBenchServer& with_entries(RaftBenchServer& server) {
  for (raft::Index i = 0; i < kEntries; ++i) {
    const Entry entry{1, EntryKind::kCommand, to_buffer("entry" + std::to_string(i + 1))};
    server.receive(3, raft::AppendRequest{1, i, i == 0 ? raft::Term{0} : raft::Term{1}, i, 0,
                                          {entry}});
    server.sync();
  }
  return server;
}

/// The log that a new process finds holds the first entries and no others.
void expect_prefix(const RaftBenchServer& server, raft::Index at_most) {
  const raft::Log& log = server.node.log();
  ASSERT_LE(log.last_index(), at_most);
  for (raft::Index i = log.base().index + 1; i <= log.last_index(); ++i) {
    EXPECT_EQ(as_text(log.entry(i).data), "entry" + std::to_string(i));
  }
}

TEST(RaftJournal, BringsEverythingBack) {
  RaftBenchServer server;
  RaftBenchServer again(bench_options(), with_entries(server).files);
  EXPECT_TRUE(again.node.is_open());
  EXPECT_EQ(again.node.log().last(), server.node.log().last());
  EXPECT_EQ(again.node.term(), server.node.term());
}

TEST(RaftJournal, TornAnywhereEndsWhereItIsStillWhole) {
  RaftBenchServer server;
  const std::map<std::string, Buffer> files = with_entries(server).files;
  ASSERT_EQ(files.size(), 1u);
  const auto& [name, journal] = *files.begin();
  raft::Index most = 0;
  for (std::size_t size = 0; size <= journal.size(); ++size) {
    std::map<std::string, Buffer> torn = files;
    torn[name].resize(size);
    RaftBenchServer again(bench_options(), torn);
    ASSERT_TRUE(again.node.is_open());
    expect_prefix(again, kEntries);
    EXPECT_GE(again.node.log().last_index(), most);
    most = again.node.log().last_index();
  }
  EXPECT_EQ(most, kEntries);
}

TEST(RaftJournal, WithAFlippedBitEndsBeforeIt) {
  RaftBenchServer server;
  const std::map<std::string, Buffer> files = with_entries(server).files;
  const auto& [name, journal] = *files.begin();
  for (std::size_t at = 0; at < journal.size(); ++at) {
    std::map<std::string, Buffer> flipped = files;
    flipped[name][at] ^= std::byte{0x10};
    RaftBenchServer again(bench_options(), flipped);
    expect_prefix(again, kEntries - 1);
  }
}

// What is behind the end of a journal, left by a longer one before, is no part of it. (If the same
// records were written again, what follows them would count again: it has the same history.)
TEST(RaftJournal, DoesNotTakeUpWhatATornTailLeftBehind) {
  RaftBenchServer server;
  std::map<std::string, Buffer> files = with_entries(server).files;
  const std::string name = files.begin()->first;
  Buffer& journal = files[name];
  journal[as_text(journal).find("entry3")] ^= std::byte{1};
  RaftBenchServer again(bench_options(), files);
  ASSERT_EQ(again.node.log().last_index(), 2u);
  const Entry other{1, EntryKind::kCommand, to_buffer("entryX")};
  again.receive(3, raft::AppendRequest{1, 2, 1, 0, 0, {other}});
  again.sync();
  RaftBenchServer third_life(bench_options(), again.files);
  EXPECT_EQ(third_life.node.log().last_index(), 3u);
}

TEST(RaftJournal, GoesOnFromASnapshot) {
  raft::Options options = bench_options();
  options.snapshot_every = 4;
  RaftBenchServer server(options);
  with_entries(server);
  EXPECT_EQ(server.node.log().base().index, 4u);
  EXPECT_EQ(server.files.size(), 3u);
  RaftBenchServer again(options, server.files);
  EXPECT_EQ(again.node.log().last(), server.node.log().last());
  EXPECT_THAT(again.applied, ::testing::ElementsAre("restored snapshot"));
}

TEST(RaftJournal, SaysThatASnapshotIsDamaged) {
  raft::Options options = bench_options();
  options.snapshot_every = 4;
  RaftBenchServer server(options);
  std::map<std::string, Buffer> files = with_entries(server).files;
  for (auto& [name, content] : files) {
    if (name.find("snapshot") != std::string::npos) content[0] ^= std::byte{1};
  }
  RaftBenchServer again(options, files);
  EXPECT_THAT(again.node.failure(),
              ::testing::HasSubstr("is not the one that the journal builds on"));
}

/// A crash after any of the writes that lead to a new generation leaves a log that lacks nothing
/// that was durable before: files are put back to what they were after each write.
TEST(RaftJournal, SurvivesACrashBetweenAnyTwoStepsOfASnapshot) {
  raft::Options options = bench_options();
  options.snapshot_every = 4;
  for (std::size_t kept_bytes = 0; kept_bytes < 400; ++kept_bytes) {
    RaftBenchServer server(options);
    with_entries(server);
    std::map<std::string, Buffer> files = server.files;
    Buffer& second = files["raft/journal.a"];
    if (kept_bytes < second.size()) second.resize(kept_bytes);
    RaftBenchServer again(options, files);
    ASSERT_EQ(again.node.failure(), "");
    EXPECT_GE(again.node.log().last_index(), 4u) << kept_bytes;
    expect_prefix(again, kEntries);
  }
}

}  // namespace
}  // namespace twinbed::testing
