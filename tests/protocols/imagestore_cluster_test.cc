// The promises of the robust cloud-p2p, one by one, on a simulated cluster.
#include <gtest/gtest.h>

#include "tests/support/image_cluster.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;

TEST(ImageStore, SuccessMeansThatEveryServerWillHaveTheImage) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  EXPECT_EQ(cluster.leader(), 3U);
  const Buffer image = test_image(1, 300'000);
  ASSERT_TRUE(cluster.put("first", image));
  // At the moment of SUCCESS a majority has it on its disks.
  const imagestore::Image* entry = cluster.server(3)->catalogue().find("first");
  ASSERT_NE(entry, nullptr);
  EXPECT_GE(entry->holders.size(), 2U);
  EXPECT_TRUE(cluster.records.has_line("SUCCESS: Image first was accepted by the server"));
  EXPECT_TRUE(cluster.records.has_line("Sent image first to leader (node 3) — 300000 bytes"));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(cluster.stored(id, "first"), image);
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

TEST(ImageStore, ARetryUnderTheSameIdIsStoredOnce) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 100'000);
  ASSERT_TRUE(cluster.put("once", image));
  ASSERT_TRUE(cluster.put("once", image));
  cluster.run_for(1s);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(cluster.files(id, "images/").size(), 1U);
    EXPECT_EQ(cluster.server(id)->catalogue().size(), 1U);
  }
  EXPECT_FALSE(cluster.put("once", test_image(2, 100'000)));
  EXPECT_TRUE(cluster.records.has_line("another image has this id"));
  EXPECT_EQ(cluster.stored(3, "once"), image);
  cluster.expect_kept_promises();
}

TEST(ImageStore, OneContentIsOneFile) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 100'000);
  ASSERT_TRUE(cluster.put("one", image));
  ASSERT_TRUE(cluster.put("two", image));
  cluster.run_for(1s);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(cluster.files(id, "images/").size(), 1U);
    EXPECT_EQ(cluster.stored(id, "two"), image);
    EXPECT_TRUE(cluster.files(id, "state/staging/").empty()) << "node " << id;
  }
  cluster.expect_kept_promises();
}

TEST(ImageStore, TheNextLeaderHasWhatWasAccepted) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  const Buffer first = test_image(1, 200'000);
  const Buffer second = test_image(2, 200'000);
  ASSERT_TRUE(cluster.put("first", first));
  cluster.crash(3);
  // The client has not been told and is not asked to look: it finds out.
  ASSERT_TRUE(cluster.put("second", second));
  EXPECT_EQ(cluster.leader(), 2U);
  cluster.command("get-image first");
  cluster.run_for(1s);
  EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 1U);
  EXPECT_EQ(cluster.stored(2, "first"), first);
  EXPECT_EQ(cluster.stored(2, "second"), second);
  // Once node 3 has caught up, it gets the second image and, in good order, the lead.
  cluster.restart(3);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() == 3 && cluster.all_hold(2); }, 20s));
  EXPECT_EQ(cluster.stored(3, "second"), second);
  cluster.expect_kept_promises();
}

TEST(ImageStore, AnImageIsNamedByItsPlaceAmongThoseHandedOver) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(2, 5000);
  ASSERT_TRUE(cluster.put("one", test_image(1, 5000)));
  ASSERT_TRUE(cluster.put("two", image));
  cluster.command("get-image #2");
  cluster.command("get-image #3");
  cluster.command("get-image #x");
  cluster.command("get-image ../x");
  cluster.run_for(1s);
  Buffer copy;
  cluster.simulator().node(cluster.client_node(1)).storage().read("two", 0, UINT64_MAX, copy);
  EXPECT_EQ(copy, image);
  EXPECT_TRUE(cluster.records.has_line("There is no image #3: this client has handed over 2"));
  EXPECT_TRUE(cluster.records.has_line("There is no image #x"));
  EXPECT_TRUE(cluster.records.has_line("'../x' is no id"));
}

TEST(ImageStore, AMinorityRefusesAndSaysWhy) {
  ImageClusterOptions options;
  options.adjust_client = [](imagestore::ClientOptions& client) { client.give_up = 5s; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 50'000);
  ASSERT_TRUE(cluster.put("before", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  cluster.crash(3);
  cluster.crash(2);
  cluster.run_for(5s);
  EXPECT_FALSE(cluster.put("during", test_image(2, 50'000)));
  EXPECT_TRUE(cluster.records.has_line("[Node 1] no leader (no majority)"));
  cluster.command("discover");
  cluster.run_for(2s);
  EXPECT_TRUE(cluster.records.has_line("No leader (no majority): 1 of 3 servers answer"));
  // What it has may still be read, and is said to come from one that does not lead.
  cluster.command("get-image before copy");
  cluster.run_for(3s);
  EXPECT_TRUE(cluster.records.has_line("from node 1, which does not lead,"));
  EXPECT_EQ(cluster.server(1)->catalogue().size(), 1U);
  cluster.expect_kept_promises();
}

// What the checkers of discovery and of gets read.
TEST(ImageStore, AClientRecordsItsQuestionsAndTheAnswers) {
  ImageClusterOptions options;
  options.adjust_client = [](imagestore::ClientOptions& client) { client.give_up = 2s; };
  options.watchers = {"discovery", "linearizable"};
  ImageCluster cluster(options);
  EXPECT_EQ(cluster.records.count("discover"), 0U) << "nobody has asked yet";
  ASSERT_TRUE(cluster.elect());
  ASSERT_TRUE(cluster.put("kept", test_image(1, 50'000)));
  const auto ask = [&](const std::string& command) {
    cluster.command(command);
    cluster.run_for(4s);
  };
  ask("discover");
  EXPECT_EQ(cluster.records.count("discover"), 1U);
  EXPECT_EQ(cluster.records.count("discovered", "leader", "3"), 1U);
  ask("get-image kept");
  ask("get-image missing");
  cluster.crash(3);
  cluster.crash(2);
  cluster.run_for(3s);
  ask("discover");
  EXPECT_EQ(cluster.records.count("discovered", "leader", "-1"), 1U);
  ask("get-image kept old");
  ask("get-image missing");
  std::vector<std::string> ends;
  for (const ImageRecords::Row& row : cluster.records.rows()) {
    if (row.type != "image.fetched") continue;
    ends.push_back(row.fields.at("id") + " " + row.fields.at("outcome") + " " +
                   row.fields.at("is_stale"));
    EXPECT_EQ(row.fields.at("hash").empty(), row.fields.at("outcome") != "ok");
    EXPECT_EQ(row.fields.at("why").empty(), row.fields.at("outcome") == "ok");
  }
  EXPECT_EQ(ends, (std::vector<std::string>{"kept ok 0", "missing not_found 0", "kept ok 1",
                                            "missing failed 1"}));
  EXPECT_EQ(cluster.records.count("image.fetch"), ends.size());
  cluster.expect_kept_promises();
}

// What Raft must not forget is still there: a server that has lost that, too, is another server.
TEST(ImageStore, AServerThatLostItsImagesGetsThemBack) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  for (std::uint64_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(cluster.put("image" + std::to_string(i), test_image(i, 100'000)));
  }
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(5); }, 5s));
  cluster.crash(1);
  sim::SimStorage& disk = cluster.simulator().node(cluster.server_node(1)).storage();
  for (const std::string& name : cluster.files(1, "images/")) disk.remove(name);
  cluster.restart(1);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(5); }, 30s));
  EXPECT_EQ(cluster.stored(1, "image4"), test_image(4, 100'000));
  EXPECT_EQ(cluster.records.count("image.repair"), 5U);
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

TEST(ImageStore, AScrubFindsADamagedCopyAndRepairsIt) {
  ImageClusterOptions options;
  options.adjust = [](imagestore::NodeOptions& node) { node.scrub_every = 5s; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 600'000);
  ASSERT_TRUE(cluster.put("image", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  const std::string name = cluster.files(2, "images/").front();
  cluster.simulator().node(cluster.server_node(2)).storage().write(name, 300'000, as_bytes("rot"));
  ASSERT_NE(cluster.stored(2, "image"), image);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.stored(2, "image") == image; }, 20s));
  EXPECT_EQ(cluster.records.count("image.missing"), 1U);
  cluster.expect_kept_promises();
}

TEST(ImageStore, AServerThatWasAwayCatchesUpByASnapshotToo) {
  ImageClusterOptions options;
  options.adjust = [](imagestore::NodeOptions& node) { node.raft.snapshot_every = 4; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  cluster.crash(1);
  for (std::uint64_t i = 0; i < 12; ++i) {
    ASSERT_TRUE(cluster.put("image" + std::to_string(i), test_image(i, 20'000)));
  }
  cluster.restart(1);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(12); }, 30s));
  EXPECT_GE(cluster.records.count("raft.install"), 1U);
  EXPECT_EQ(cluster.stored(1, "image7"), test_image(7, 20'000));
  cluster.expect_kept_promises();
}

// Every step of an upload at which the leader can die: see imagestore/records.h.
class CrashDuringUpload : public ::testing::TestWithParam<const char*> {};

TEST_P(CrashDuringUpload, LosesNothingThatWasAcceptedAndShowsNothingPartial) {
  for (const auto cause : {sim::CrashCause::kKill, sim::CrashCause::kPowerFailure}) {
    ImageCluster cluster({});
    ASSERT_TRUE(cluster.elect());
    const Buffer before = test_image(1, 200'000);
    const Buffer during = test_image(2, 400'000);
    ASSERT_TRUE(cluster.put("before", before));
    cluster.send_image("during", during);
    const std::size_t passed = cluster.records.count(GetParam());
    ASSERT_TRUE(cluster.run_until_event(GetParam(), passed + 1, 10s));
    cluster.crash(3, cause);
    ASSERT_TRUE(cluster.run_until([&] { return !cluster.client()->busy(); }, 40s));
    EXPECT_EQ(cluster.records.count("ack", "id", "during"), 1U);
    cluster.restart(3);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(2); }, 30s));
    for (std::uint32_t id = 1; id <= 3; ++id) {
      EXPECT_EQ(cluster.stored(id, "before"), before);
      EXPECT_EQ(cluster.stored(id, "during"), during);
      EXPECT_EQ(cluster.files(id, "images/").size(), 2U);
    }
    cluster.expect_no_stray_files();
    cluster.expect_kept_promises();
  }
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, CrashDuringUpload,
                         ::testing::Values("image.begin", "image.chunk", "image.staged",
                                           "image.proposed", "image.committed"),
                         [](const auto& step) {
                           return std::string(step.param).substr(6);
                         });

TEST(ImageStore, AFullDiskIsToldToTheClient) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  sim::DiskFault full;
  full.full = true;
  // One of the others: the image is accepted all the same.
  cluster.simulator().node(cluster.server_node(1)).storage().set_fault(full);
  ASSERT_TRUE(cluster.put("first", test_image(1, 50'000)));
  cluster.simulator().node(cluster.server_node(1)).storage().set_fault({});
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 20s));
  // The leader itself: refused with the reason, or another leader takes it.
  cluster.simulator().node(cluster.server_node(3)).storage().set_fault(full);
  const bool was_accepted = cluster.put("second", test_image(2, 50'000));
  EXPECT_TRUE(was_accepted || cluster.records.has_line("the disk of node 3 is full"));
  cluster.simulator().node(cluster.server_node(3)).storage().set_fault({});
  cluster.run_for(10s);
  ASSERT_TRUE(cluster.put("third", test_image(3, 50'000)));
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

TEST(ImageStore, WithoutReplicationOnlyTheLeaderKeepsAnImage) {
  ImageClusterOptions options;
  options.adjust = [](imagestore::NodeOptions& node) { node.replicate = false; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 50'000);
  ASSERT_TRUE(cluster.put("image", image));
  cluster.run_for(5s);
  EXPECT_EQ(cluster.stored(3, "image"), image);
  EXPECT_TRUE(cluster.files(1, "images/").empty());
  EXPECT_TRUE(cluster.files(2, "images/").empty());
  // Everybody knows who has it.
  EXPECT_EQ(cluster.server(1)->catalogue().find("image")->holders,
            (std::vector<raft::ServerId>{3}));
}

// A leader that was paused and does not know yet that it has a successor.
TEST(ImageStore, LateCopiesOfAFormerLeaderAreFenced) {
  ImageCluster cluster({});
  ASSERT_TRUE(cluster.elect());
  cluster.send_image("late", test_image(1, 4'000'000));
  ASSERT_TRUE(cluster.run_until_event("image.chunk", 3, 10s));
  sim::Node& former = cluster.simulator().node(cluster.server_node(3));
  former.pause();
  cluster.run_for(10s);
  ASSERT_EQ(cluster.server(2)->raft().leads(), true);
  former.resume();
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.client()->busy(); }, 40s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 30s));
  EXPECT_EQ(cluster.records.count("ack", "id", "late"), 1U);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(cluster.files(id, "images/").size(), 1U);
    EXPECT_EQ(cluster.stored(id, "late"), test_image(1, 4'000'000));
  }
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

// ---- Who may take part ------------------------------------------------------------------------

TEST(ImageStore, AClientWithAnotherKeyIsRefusedAndToldWhatMayBeWrong) {
  ImageClusterOptions options;
  options.clients = 2;
  options.key = [](std::uint32_t number) {
    return number == 5 ? std::string(64, '7') : kClusterKey;
  };
  options.adjust_client = [](imagestore::ClientOptions& client) { client.give_up = 3s; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  EXPECT_FALSE(cluster.put("stranger", test_image(1, 1000), 2));
  EXPECT_TRUE(cluster.put("friend", test_image(2, 1000), 1));
  EXPECT_GE(cluster.server(3)->status().refusals.at(secure::Refusal::kNotAuthentic), 1U);
  cluster.command("discover", 2);
  cluster.run_for(2s);
  EXPECT_TRUE(cluster.records.has_line("is ENCRYPTION_KEY the same there?"));
  EXPECT_EQ(cluster.server(3)->catalogue().size(), 1U);
}

TEST(ImageStore, AServerWithAnotherKeyTakesNoPart) {
  ImageClusterOptions options;
  options.key = [](std::uint32_t number) {
    return number == 3 ? std::string(64, '7') : kClusterKey;
  };
  ImageCluster cluster(options);
  cluster.run_for(5s);
  EXPECT_TRUE(cluster.server(2)->raft().leads());
  EXPECT_EQ(cluster.server(3)->raft().leader(), raft::kNobody);
  EXPECT_GE(cluster.server(2)->status().refusals.at(secure::Refusal::kNotAuthentic), 1U);
}

TEST(ImageStore, OnlyListedClientsAreServedWhereThereIsAList) {
  RandomStream random(1, "keys");
  const secure::KeyPair listed = secure::KeyPair::generate(random);
  const secure::KeyPair unlisted = secure::KeyPair::generate(random);
  ImageClusterOptions options;
  options.clients = 2;
  options.adjust = [&](imagestore::NodeOptions& node) {
    node.links.allowed_clients.keys = {listed.public_key};
  };
  int made = 0;
  options.adjust_client = [&](imagestore::ClientOptions& client) {
    client.links.keys = made++ == 0 ? listed : unlisted;
    client.give_up = 3s;
  };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  EXPECT_TRUE(cluster.put("listed", test_image(1, 1000), 1));
  EXPECT_FALSE(cluster.put("unlisted", test_image(2, 1000), 2));
  EXPECT_GE(cluster.server(3)->status().refusals.at(secure::Refusal::kUnknownClient), 1U);
}

TEST(ImageStore, OnlyListedServersJoinWhereThereIsAList) {
  RandomStream random(1, "keys");
  std::vector<secure::KeyPair> keys;
  for (int i = 0; i < 4; ++i) keys.push_back(secure::KeyPair::generate(random));
  ImageClusterOptions options;
  options.adjust = [&](imagestore::NodeOptions& node) {
    for (int i = 0; i < 3; ++i) node.links.known_servers.keys.insert(keys[i].public_key);
    node.links.keys = keys[node.id == 3 ? 3 : node.id];  // server 3 has one that nobody knows
  };
  ImageCluster cluster(options);
  cluster.run_for(5s);
  EXPECT_TRUE(cluster.server(2)->raft().leads());
  EXPECT_EQ(cluster.server(3)->raft().leader(), raft::kNobody);
  EXPECT_GE(cluster.server(2)->status().refusals.at(secure::Refusal::kWrongServer), 1U);
}

TEST(ImageStore, ServersWithDifferentConfigurationsDoNotJoin) {
  ImageClusterOptions options;
  options.adjust = [](imagestore::NodeOptions& node) { node.replicate = node.id != 3; };
  ImageCluster cluster(options);
  cluster.run_for(5s);
  EXPECT_TRUE(cluster.server(2)->raft().leads());
  EXPECT_EQ(cluster.server(3)->raft().leader(), raft::kNobody);
  EXPECT_EQ(cluster.server(3)->status().refused_by.at(2), secure::Refusal::kConfigDiffers);
}

TEST(ImageStore, OptionsThatCannotWorkAreRefusedInASentence) {
  imagestore::NodeOptions options;
  options.peers = {{1, {kLoopback, 7001}}, {2, {kLoopback, 7002}}};
  options.id = 4;
  EXPECT_EQ(imagestore::make_node(options, kClusterKey).error(), "node 4 is not among the peers");
  options.id = 1;
  EXPECT_NE(imagestore::make_node(options, std::string(64, '0')).error().find("zero"),
            std::string::npos);
  EXPECT_FALSE(imagestore::make_node(options, "1234").ok());
  EXPECT_FALSE(imagestore::make_node(options, std::string(64, 'x')).ok());
  options.raft.heartbeat = 600ms;
  EXPECT_NE(imagestore::make_node(options, kClusterKey).error().find("heartbeat"),
            std::string::npos);
}

}  // namespace
}  // namespace twinbed::testing
