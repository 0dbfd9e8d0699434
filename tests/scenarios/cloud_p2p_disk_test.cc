// Disks that fail a running server of cloud-p2p: full, read-only, and with the directory removed.
// Real processes on file systems of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "tests/support/native_cluster.h"

namespace twinbed {
namespace {

using namespace testing;
using ::testing::HasSubstr;

class CloudP2pDisk : public RobustCloudP2p {
 protected:
  ~CloudP2pDisk() override {
    servers_.clear();
    // What was mounted last lies on top.
    while (is_mounted_ && ::umount2(directory(node_).c_str(), MNT_DETACH) == 0) {
    }
  }

  /// Gives the node a file system of its own, seen by this process and its children alone; why that
  /// cannot be, or nothing.
  std::string mount_disk(int node, const std::string& options) {
    node_ = node;
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", directory(node_).c_str(), "tmpfs", 0, options.c_str()) != 0) {
      return std::string("file systems cannot be mounted here: ") + std::strerror(errno);
    }
    is_mounted_ = true;
    return {};
  }
  void resize_disk(const std::string& options) {
    ASSERT_EQ(::mount("tmpfs", directory(node_).c_str(), "tmpfs", MS_REMOUNT, options.c_str()), 0)
        << std::strerror(errno);
  }
  /// From here on every file that is opened there is on a read-only file system.
  void make_read_only() {
    const std::string disk = directory(node_);
    ASSERT_EQ(::mount(disk.c_str(), disk.c_str(), nullptr, MS_BIND, nullptr), 0);
    ASSERT_EQ(::mount(nullptr, disk.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
              0) << std::strerror(errno);
  }
  void make_writable() { ASSERT_EQ(::umount2(directory(node_).c_str(), MNT_DETACH), 0); }
  /// Whether a client gets the image back, byte for byte.
  bool gets(const std::string& id, const std::string& image) {
    const std::string file = scratch_.path("back-" + id);
    return run_client("get-image " + id + " " + file + "\n") == 0 && read_file(file) == image;
  }

  static bool says_what_to_do(const std::string& health) {
    const std::string answer = http_get(health, "/healthz");
    return answer.find("503 ") != std::string::npos &&
           answer.find("could not be synced, and this server takes no further part; put its disk "
                       "in order and start it again, or under a new id if what it had stored is "
                       "lost") != std::string::npos;
  }

  const std::string first_ = make_image(100'000, 1);
  const std::string second_ = make_image(200'000, 2);

 private:
  int node_ = 0;  // whose disk it is
  bool is_mounted_ = false;
};

TEST_F(CloudP2pDisk, AFullOneIsToldToTheClientAndGoesOnWhenThereIsRoom) {
  if (const std::string why = mount_disk(3, "size=1m"); !why.empty()) GTEST_SKIP() << why;
  start_all();
  ASSERT_TRUE(send("first", first_)) << client_text_;
  const std::string large = make_image(3'000'000, 3);
  EXPECT_FALSE(send("large", large));
  EXPECT_THAT(client_text_, HasSubstr("✗ Image large was refused: node 3: the disk of node 3 is "
                                      "full"));
  ASSERT_TRUE(send("second", second_)) << client_text_;
  EXPECT_TRUE(all_have({first_, second_}));
  resize_disk("size=64m");
  ASSERT_TRUE(send("large", large)) << client_text_;
  EXPECT_TRUE(all_have({first_, second_, large}));
  for (auto& [node, server] : servers_) EXPECT_EQ(server->stop(), 0) << server->text();
}

TEST_F(CloudP2pDisk, AReadOnlyOneIsToldToTheClientAndGoesOnWhenItIsWritable) {
  if (const std::string why = mount_disk(3, "size=64m"); !why.empty()) GTEST_SKIP() << why;
  start_all();
  ASSERT_TRUE(send("first", first_)) << client_text_;
  make_read_only();
  EXPECT_FALSE(send("second", second_));
  EXPECT_THAT(client_text_, HasSubstr("✗ Image second was refused: node 3: the disk of node 3 does "
                                      "not take it"));
  EXPECT_TRUE(gets("first", first_)) << client_text_;
  make_writable();
  ASSERT_TRUE(send("second", second_)) << client_text_;
  EXPECT_TRUE(all_have({first_, second_}));
  for (auto& [node, server] : servers_) EXPECT_EQ(server->stop(), 0) << server->text();
}

TEST_F(CloudP2pDisk, AFollowersReadOnlyOneCostsNothing) {
  if (const std::string why = mount_disk(1, "size=64m"); !why.empty()) GTEST_SKIP() << why;
  const std::string health = free_endpoint(9);
  servers_[1] = start_server(1, {"--health", health});
  servers_[2] = start_server(2);
  servers_[3] = start_server(3);
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 3"));
  ASSERT_TRUE(send("first", first_)) << client_text_;
  make_read_only();
  ASSERT_TRUE(send("second", second_)) << client_text_;
  EXPECT_TRUE(wait_until([&] { return says_what_to_do(health); })) << http_get(health, "/healthz");
  make_writable();
  EXPECT_EQ(servers_[1]->stop(), 0);
  servers_[1] = start_server(1);
  EXPECT_TRUE(all_have({first_, second_}));
}

/// The journal is gone with it, and with the journal what the server has promised the others.
TEST_F(CloudP2pDisk, ARemovedDirectoryEndsTheServersPartAndLosesNothing) {
  const std::string health = free_endpoint(9);
  servers_[1] = start_server(1);
  servers_[2] = start_server(2);
  servers_[3] = start_server(3, {"--health", health});
  ASSERT_TRUE(servers_[3]->shows("[Node 3] starting heartbeat task"));
  ASSERT_TRUE(send("first", first_)) << client_text_;
  EXPECT_TRUE(all_have({first_}));
  std::filesystem::remove_all(directory(3));
  // The client finds the next leader itself, or is told to send the image again.
  ASSERT_TRUE(send("second", second_) || send("second", second_)) << client_text_;
  EXPECT_TRUE(gets("first", first_)) << client_text_;
  EXPECT_TRUE(gets("second", second_)) << client_text_;
  EXPECT_TRUE(says_what_to_do(health)) << http_get(health, "/healthz");
  EXPECT_EQ(servers_[3]->stop(), 0);
}

}  // namespace
}  // namespace twinbed
