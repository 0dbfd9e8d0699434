// How the servers of cloud-p2p keep images: on storage that all of them share, or sealed. Real
// processes and files.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/native_cluster.h"

namespace twinbed::testing {
namespace {

class CloudP2pSharedStorage : public RobustCloudP2p {
 protected:
  void start_shared(int node) {
    servers_[node] = start_server(node, {"--shared-storage"}, {{"SHARED_DIR", directory(1)}});
  }
};

TEST_F(CloudP2pSharedStorage, AnImageIsThereOnceForAllServers) {
  for (int node = 1; node <= 3; ++node) start_shared(node);
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 3"));
  const std::string first = make_image(300'000, 1);
  const std::string second = make_image(200'000, 2);
  ASSERT_TRUE(send("first", first)) << client_text_;
  EXPECT_EQ(images_of(1), std::multiset<std::string>{first});
  servers_[3].reset();
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 2"));
  ASSERT_TRUE(send("second", second)) << client_text_;
  const std::string copy = scratch_.path("copy.png");
  EXPECT_EQ(run_client("get-image first " + copy + "\n"), 0) << client_text_;
  EXPECT_EQ(read_file(copy), first);
  EXPECT_EQ(images_of(1), (std::multiset<std::string>{first, second}));
  EXPECT_TRUE(std::filesystem::is_empty(directory(1) + "/.incoming"));
  EXPECT_TRUE(images_of(2).empty());
}

TEST_F(CloudP2pSharedStorage, ServersOfDifferentModesDoNotJoin) {
  servers_[1] = start_server(1, {}, {{"SHARED_DIR", directory(1)}});
  start_shared(2);
  EXPECT_TRUE(servers_[2]->shows("config_differs"));
}

TEST_F(CloudP2pSharedStorage, CombinationsThatMakeNoSenseAreRefused) {
  const auto contradiction = start_server(1, {"--shared-storage", "--no-replication"});
  EXPECT_EQ(contradiction->wait(), 2);
  EXPECT_NE(contradiction->text().find("--shared-storage keeps one file of each image for all "
                                       "servers, and --no-replication one at its leader; leave "
                                       "one of them out"),
            std::string::npos)
      << contradiction->text();
}

/// Whether any 64 bytes of the image stand in the file, from some multiple of 16 on.
bool shows_part(const std::string& file, const std::string& image) {
  for (std::size_t at = 0; at + 64 <= image.size(); at += 16) {
    if (file.find(image.substr(at, 64)) != std::string::npos) return true;
  }
  return false;
}

class CloudP2pAtRest : public RobustCloudP2p {
 protected:
  /// The one image file of a server.
  std::string file_of(int node) const {
    for (const auto& entry : std::filesystem::directory_iterator(directory(node))) {
      if (entry.is_regular_file()) return entry.path();
    }
    return "";
  }
  /// What `cloud-p2p unseal` says; empty where it went well.
  static std::string unseal(const std::string& file, const std::string& out,
                            const std::string& key = kKey) {
    Program program({"cloud-p2p", "unseal", file, out}, {{"ENCRYPTION_KEY", key}});
    const int status = program.wait();
    EXPECT_EQ(status == 0, program.text().empty()) << status << ": " << program.text();
    return program.text();
  }
};

TEST_F(CloudP2pAtRest, FilesShowNothingUntilAPersonWithTheKeyOpensThem) {
  start_all({"--encrypt-at-rest"});
  const std::string image = make_image(200'000, 1);
  ASSERT_TRUE(send("secret", image)) << client_text_;
  ASSERT_TRUE(wait_until([&] {
    return !file_of(1).empty() && !file_of(2).empty() && !file_of(3).empty();
  }));
  for (int node = 1; node <= 3; ++node) {
    const std::string file = read_file(file_of(node));
    EXPECT_FALSE(shows_part(file, image)) << "node " << node;
    EXPECT_EQ(file.size(), image.size() + 32 + 4 * 17);
  }
  const std::string copy = scratch_.path("copy.png");
  EXPECT_EQ(run_client("get-image secret " + copy + "\n"), 0) << client_text_;
  EXPECT_EQ(read_file(copy), image);
  const std::string opened = scratch_.path("opened.png");
  EXPECT_EQ(unseal(file_of(2), opened), "");
  EXPECT_EQ(read_file(opened), image);
}

TEST_F(CloudP2pAtRest, WhatCannotBeOpenedIsSaidInASentence) {
  start_all({"--encrypt-at-rest"});
  ASSERT_TRUE(send("secret", make_image(100'000, 1))) << client_text_;
  const std::string file = file_of(3);
  const std::string out = scratch_.path("out.png");
  const auto expect = [&](const std::string& said, const std::string& part) {
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  expect(unseal(file, out, std::string(64, '7')), "does not open: it is damaged, or");
  std::string bytes = read_file(file);
  bytes[50'000] ^= 1;
  expect(unseal(scratch_.write("damaged", bytes), out), "does not open: it is damaged, or");
  expect(unseal(scratch_.write("cut", bytes.substr(0, 40)), out), "does not open");
  expect(unseal(scratch_.write("plain", make_image(1000, 1)), out), "is not a sealed image");
  expect(unseal(scratch_.path("missing"), out), "No such file");
  expect(unseal(directory(3), out), "is a directory");
  EXPECT_FALSE(std::filesystem::exists(out));
  scratch_.write("there", "kept");
  expect(unseal(file, scratch_.path("there")), "nothing is overwritten");
  EXPECT_EQ(read_file(scratch_.path("there")), "kept");
}

TEST_F(CloudP2pAtRest, AServerThatBeginsToSealFetchesItsImagesAnew) {
  start_all();
  const std::string image = make_image(200'000, 1);
  ASSERT_TRUE(send("image", image)) << client_text_;
  ASSERT_TRUE(all_have({image}));
  servers_[1].reset();  // its port must be free before the next one starts
  servers_[1] = start_server(1, {"--encrypt-at-rest"});
  ASSERT_TRUE(servers_[1]->shows("is not sealed, and this server seals images"));
  ASSERT_TRUE(wait_until([&] { return !shows_part(read_file(file_of(1)), image); }));
  EXPECT_EQ(images_of(2), std::multiset<std::string>{image});
}

}  // namespace
}  // namespace twinbed::testing
