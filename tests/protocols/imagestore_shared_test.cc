// The robust cloud-p2p on storage that all servers share: an image is there once, whole or not at
// all, whatever becomes of the leader that writes it.
#include <gtest/gtest.h>

#include "tests/support/image_cluster.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

ImageClusterOptions shared_options() {
  ImageClusterOptions options;
  options.shared = true;
  return options;
}

/// What befalls the server that records the nth event of this type from now on; a crash begins
/// within its handler, so that nothing that the handler asked for is done.
void at_event(ImageCluster& cluster, sim::FaultAction action, const std::string& event,
              std::uint32_t nth = 1, sim::CrashCause cause = sim::CrashCause::kKill) {
  sim::FaultSpec fault;
  fault.action = action;
  fault.nth = nth;
  fault.cause = cause;
  fault.on = event;
  fault.at = {cluster.now().time_since_epoch(), cluster.now().time_since_epoch()};
  cluster.simulator().set_faults({fault});
}

/// The image is in the directory once, all servers know it, and nothing else is there.
void expect_only(ImageCluster& cluster, const std::string& id, const Buffer& image) {
  EXPECT_EQ(cluster.images(1).size(), 1U) << cluster.describe();
  for (std::uint32_t server = 1; server <= cluster.size(); ++server) {
    EXPECT_EQ(cluster.stored(server, id), image) << "node " << server;
    EXPECT_TRUE(cluster.files(server, "state/staging/").empty()) << "node " << server;
  }
  EXPECT_TRUE(cluster.staged().empty()) << cluster.staged().front();
}

TEST(SharedImages, SuccessMeansThatTheFileIsThereForAllOnce) {
  ImageCluster cluster(shared_options());
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  cluster.send_image("first", image);
  // Before anything is written where all can see it, the leader has a note of it on its own disk.
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.staged().empty(); }, 5s));
  EXPECT_EQ(cluster.files(3, "state/staging/").size(), 1U);
  ASSERT_TRUE(cluster.run_until_event("ack", 1, 5s));
  EXPECT_EQ(cluster.stored(3, "first"), image);
  EXPECT_TRUE(cluster.server(3)->catalogue().find("first")->holders.empty());
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  expect_only(cluster, "first", image);
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

TEST(SharedImages, SuccessComesAfterTheNameIsDurable) {
  ImageCluster cluster(shared_options());
  ASSERT_TRUE(cluster.elect());
  cluster.send_image("slow", test_image(1, 100'000));
  ASSERT_TRUE(cluster.run_until_event("image.proposed", 1, 5s));
  sim::DiskFault slow;
  slow.sync_delay = 500ms;
  cluster.simulator().node(cluster.server_node(3)).storage().set_fault(slow);
  ASSERT_TRUE(cluster.run_until_event("image.committed", 1, 5s));
  cluster.run_for(400ms);
  EXPECT_EQ(cluster.records.count("ack"), 0U);
  EXPECT_FALSE(cluster.server(3)->blobs().holds(blake2b(test_image(1, 100'000))));
  cluster.run_for(200ms);
  EXPECT_EQ(cluster.records.count("ack"), 1U);
}

TEST(SharedImages, EveryServerGivesOutWhatAnotherHasWritten) {
  ImageCluster cluster(shared_options());
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 200'000);
  ASSERT_TRUE(cluster.put("kept", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  EXPECT_EQ(cluster.records.count("image.repair"), 0U);
  cluster.crash(3);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() == 2; }, 20s));
  cluster.command("get-image kept copy");
  cluster.run_for(2s);
  EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 1U);
  cluster.crash(2);  // node 1 alone may show what it sees
  cluster.run_for(3s);
  cluster.command("get-image kept copy2");
  cluster.run_for(5s);
  EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 2U);
  cluster.expect_kept_promises();
}

// See imagestore/records.h for the steps.
class SharedCrash : public ::testing::TestWithParam<const char*> {};

TEST_P(SharedCrash, LosesNothingThatWasAcceptedAndShowsNothingPartial) {
  for (const auto cause : {sim::CrashCause::kKill, sim::CrashCause::kPowerFailure}) {
    ImageClusterOptions options = shared_options();
    options.planned_faults = 1;
    ImageCluster cluster(options);
    ASSERT_TRUE(cluster.elect());
    const Buffer during = test_image(2, 400'000);
    at_event(cluster, sim::FaultAction::kCrash, GetParam(), 1, cause);
    cluster.send_image("during", during);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.server(3) == nullptr; }, 10s));
    EXPECT_TRUE(cluster.images(1).empty()) << "nothing may be visible before it is committed";
    ASSERT_TRUE(cluster.run_until([&] { return !cluster.client()->busy(); }, 40s));
    EXPECT_EQ(cluster.records.count("ack", "id", "during"), 1U);
    EXPECT_EQ(cluster.stored(2, "during"), during);
    cluster.restart(3);
    ASSERT_TRUE(cluster.run_until(
        [&] { return cluster.leader() == 3 && cluster.all_hold(1) && cluster.staged().empty(); },
        30s))
        << cluster.describe();
    expect_only(cluster, "during", during);
    cluster.expect_no_stray_files();
    cluster.expect_kept_promises();
  }
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, SharedCrash,
                         ::testing::Values("image.begin", "image.chunk", "image.staged",
                                           "image.proposed", "image.committed"),
                         [](const auto& step) { return std::string(step.param).substr(6); });

TEST(SharedImages, WhoLeadsNextFinishesTheRename) {
  ImageClusterOptions options = shared_options();
  options.planned_faults = 1;
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  // The entry is committed; the leader dies in the handler that would have named the file.
  at_event(cluster, sim::FaultAction::kCrash, "image.committed");
  cluster.send_image("orphan", image);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.server(3) == nullptr; }, 10s));
  cluster.simulator().node(cluster.client_node(1)).crash();  // it will not send it again
  ASSERT_TRUE(cluster.images(1).empty());
  ASSERT_EQ(cluster.staged().size(), 1U);
  ASSERT_TRUE(cluster.run_until(
      [&] { return cluster.stored(1, "orphan") == image && cluster.stored(2, "orphan") == image; },
      20s))
      << cluster.describe();
  EXPECT_TRUE(cluster.staged().empty());
  cluster.restart(3);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 30s));
  expect_only(cluster, "orphan", image);
  cluster.expect_no_stray_files();
}

TEST(SharedImages, WhatWasNeverCommittedIsNeverSeenAndGoesWithItsWriter) {
  for (const char* step : {"image.chunk", "image.staged"}) {
    ImageClusterOptions options = shared_options();
    options.planned_faults = 1;
    ImageCluster cluster(options);
    ASSERT_TRUE(cluster.elect());
    at_event(cluster, sim::FaultAction::kCrash, step, step == "image.chunk"s ? 4 : 1);
    cluster.send_image("lost", test_image(1, 300'000));
    ASSERT_TRUE(cluster.run_until([&] { return cluster.server(3) == nullptr; }, 10s));
    cluster.simulator().node(cluster.client_node(1)).crash();
    cluster.run_for(10s);
    EXPECT_EQ(cluster.staged().size(), 1U) << "nobody else may touch it";
    EXPECT_TRUE(cluster.images(1).empty());
    cluster.restart(3);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.staged().empty(); }, 20s)) << step;
    EXPECT_TRUE(cluster.files(3, "state/staging/").empty()) << step;
    EXPECT_TRUE(cluster.images(1).empty());
    EXPECT_EQ(cluster.server(3)->catalogue().size(), 0U);
  }
}

// What a crash has cut short is no source for an image that is missing, though it was its upload.
TEST(SharedImages, WhatANoteNamesIsNotGivenAnImagesName) {
  ImageClusterOptions options = shared_options();
  options.planned_faults = 1;
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  at_event(cluster, sim::FaultAction::kCrash, "image.chunk", 4);
  cluster.send_image("image", image);
  ASSERT_TRUE(cluster.run_until_event("ack", 1, 40s));  // by node 2, under the same hash
  ASSERT_EQ(cluster.staged().size(), 1U) << "node 3's, as far as it came";
  const std::string name = cluster.images(1).front();
  cluster.simulator().node(cluster.server_node(2)).storage().write(name, 1000, as_bytes("rot"));
  const Buffer damaged = cluster.file(1, name);
  cluster.restart(3);
  cluster.run_for(10s);
  EXPECT_EQ(cluster.file(1, name), damaged);
  EXPECT_FALSE(cluster.server(3)->blobs().holds(blake2b(image)));
}

// Nothing lies in the shared directory of which no note is left, however early the power fails.
TEST(SharedImages, NothingIsStagedBeforeItsNoteIsDurable) {
  ImageCluster cluster(shared_options());
  ASSERT_TRUE(cluster.elect());
  sim::SimStorage& disk = cluster.simulator().node(cluster.server_node(3)).storage();
  sim::DiskFault slow;
  slow.sync_delay = 500ms;  // the note, long after the first pieces have come
  disk.set_fault(slow);
  cluster.send_image("early", test_image(1, 300'000));
  ASSERT_TRUE(cluster.run_until_event("image.chunk", 4, 5s));
  EXPECT_TRUE(cluster.staged().empty());
  disk.set_fault({});
  ASSERT_TRUE(cluster.run_until_event("ack", 1, 20s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  expect_only(cluster, "early", test_image(1, 300'000));
  cluster.expect_kept_promises();
}

/// A leader that sleeps from a step of an upload on, until another one has long led.
class SharedPause : public ::testing::TestWithParam<const char*> {};

TEST_P(SharedPause, NothingOfAFormerLeaderBecomesVisibleOrReplacesAnything) {
  ImageClusterOptions options = shared_options();
  options.planned_faults = 1;
  options.clients = 2;
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 2'000'000);
  at_event(cluster, sim::FaultAction::kPause, GetParam());
  cluster.send_image("late", image);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.server(2)->raft().leads(); }, 20s));
  ASSERT_TRUE(cluster.run_until_event("ack", 1, 40s)) << cluster.describe();
  const std::vector<std::string> before = cluster.images(1);
  ASSERT_EQ(before.size(), 1U);
  const Digest seen = blake2b(cluster.file(1, before.front()));
  EXPECT_EQ(seen, blake2b(image));
  sim::Node& former = cluster.simulator().node(cluster.server_node(3));
  former.resume();
  // At every instant of what it still does.
  const Time end = cluster.now() + 10s;
  while (cluster.now() < end && cluster.simulator().step()) {
    ASSERT_EQ(cluster.images(1), before) << cluster.describe();
  }
  EXPECT_EQ(blake2b(cluster.file(1, before.front())), seen);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 20s));
  expect_only(cluster, "late", image);
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, SharedPause,
                         ::testing::Values("image.chunk", "image.staged", "image.proposed"),
                         [](const auto& step) { return std::string(step.param).substr(6); });

TEST(SharedImages, TwoUploadsOfOneContentAreOneFile) {
  ImageClusterOptions options = shared_options();
  options.clients = 2;
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 500'000);
  cluster.send_image("one", image, 1);
  cluster.send_image("two", image, 2);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.staged().size() == 2; }, 5s))
      << "each has a staged file of its own";
  ASSERT_TRUE(cluster.run_until_event("ack", 2, 20s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(2); }, 5s));
  expect_only(cluster, "one", image);
  EXPECT_EQ(cluster.stored(1, "two"), image);
  cluster.expect_kept_promises();
}

TEST(SharedImages, AClientThatDiesTakesOnlyItsOwnUploadBack) {
  ImageClusterOptions options = shared_options();
  options.clients = 2;
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 4'000'000);
  cluster.send_image("one", image, 1);
  cluster.send_image("two", image, 2);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.staged().size() == 2; }, 5s));
  cluster.simulator().node(cluster.client_node(2)).crash(sim::CrashCause::kPowerFailure);
  ASSERT_TRUE(cluster.run_until_event("ack", 1, 20s));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.staged().empty(); }, 20s));
  ASSERT_TRUE(cluster.all_hold(1));
  expect_only(cluster, "one", image);
  cluster.expect_no_stray_files();
}

TEST(SharedImages, AFileThatIsDamagedIsNotServedAndIsHealedByTheSameImage) {
  ImageClusterOptions options = shared_options();
  options.adjust = [](imagestore::NodeOptions& node) { node.scrub_every = 2s; };
  options.adjust_client = [](imagestore::ClientOptions& client) { client.give_up = 3s; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  ASSERT_TRUE(cluster.put("image", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  const std::string name = cluster.images(1).front();
  cluster.simulator().node(cluster.server_node(2)).storage().write(name, 1000, as_bytes("rot"));
  ASSERT_TRUE(cluster.run_until_event("image.missing", 3, 20s));
  cluster.command("get-image image copy");
  cluster.run_for(5s);
  EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 0U);
  EXPECT_EQ(cluster.records.count("image.missing"), 3U) << "each server says it once";
  // There is no other copy; but whoever has the image can send it again, under its id.
  ASSERT_TRUE(cluster.put("image", image));
  EXPECT_EQ(cluster.file(1, name), image);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 10s));
  expect_only(cluster, "image", image);
}

TEST(SharedImages, AFullDiskIsToldToTheClient) {
  ImageClusterOptions options = shared_options();
  options.adjust_client = [](imagestore::ClientOptions& client) { client.give_up = 3s; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  sim::DiskFault full;
  full.full = true;
  for (std::uint32_t id = 1; id <= 3; ++id) {
    cluster.simulator().node(cluster.server_node(id)).storage().set_fault(full);
  }
  EXPECT_FALSE(cluster.put("first", test_image(1, 50'000)));
  EXPECT_TRUE(cluster.records.has_line("is full")) << cluster.describe();
  EXPECT_TRUE(cluster.images(1).empty());
  for (std::uint32_t id = 1; id <= 3; ++id) {
    cluster.simulator().node(cluster.server_node(id)).storage().set_fault({});
  }
  cluster.run_for(10s);
  ASSERT_TRUE(cluster.put("second", test_image(2, 50'000)));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 10s));
  expect_only(cluster, "second", test_image(2, 50'000));
}

TEST(SharedImages, AServerOfTheOtherModeDoesNotJoin) {
  ImageClusterOptions options = shared_options();
  options.adjust = [](imagestore::NodeOptions& node) { node.shared_storage = node.id != 3; };
  ImageCluster cluster(options);
  cluster.run_for(5s);
  EXPECT_TRUE(cluster.server(2)->raft().leads());
  EXPECT_EQ(cluster.server(3)->status().refused_by.at(2), secure::Refusal::kConfigDiffers);
}

TEST(SharedImages, ManyCrashesInARowLeaveRoomForUploads) {
  ImageCluster cluster(shared_options());
  // More unfinished uploads than there are slots, and no image that is ever accepted meanwhile.
  for (int crash = 0; crash < 40; ++crash) {
    ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() == 3; }, 30s));
    const std::size_t begun = cluster.records.count("image.begin");
    cluster.send_image("part" + std::to_string(crash), test_image(1, 3'000'000));
    ASSERT_TRUE(cluster.run_until_event("image.begin", begun + 1, 5s));
    cluster.crash(3);
    cluster.simulator().node(cluster.client_node(1)).crash();
    cluster.run_for(10ms);
    cluster.simulator().node(cluster.client_node(1)).start();
    cluster.restart(3);
  }
  ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() == 3; }, 30s));
  ASSERT_TRUE(cluster.put("whole", test_image(2, 100'000)));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 10s));
  expect_only(cluster, "whole", test_image(2, 100'000));
}

}  // namespace
}  // namespace twinbed::testing
