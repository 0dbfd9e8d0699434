#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/protocols/election/config.h"

namespace twinbed::election {
namespace {

using ::testing::HasSubstr;
using Texts = std::map<std::string, std::string, std::less<>>;

Environment in(Texts texts) {
  return [texts = std::move(texts)](std::string_view name) -> std::optional<std::string> {
    const auto found = texts.find(name);
    if (found == texts.end()) return std::nullopt;
    return found->second;
  };
}

Endpoint endpoint(std::string_view text) { return *parse_endpoint(text); }

// The deployment guide's example.
const std::string kFile = R"({
  "peers": [
    { "id": 1, "address": "192.168.1.100:7001" },
    { "id": 2, "address": "192.168.1.101:7002" },
    { "id": 3, "address": "192.168.1.102:7003" }
  ],
  "shared_dir": "/home/youruser/images"
})";

TEST(ElectionConfig, ReadsTheGuidesFile) {
  const Result<Config> config = parse_config_json(kFile);
  ASSERT_TRUE(config.ok());
  ASSERT_EQ(config->peers.size(), 3u);
  EXPECT_EQ(config->peers[2], (Peer{3, endpoint("192.168.1.102:7003")}));
  EXPECT_EQ(config->shared_dir, "/home/youruser/images");
}

TEST(ElectionConfig, SharedDirHasADefaultAndUnknownKeysArePassedOver) {
  const Result<Config> config =
      parse_config_json(R"({"peers":[{"id":1,"address":"10.0.0.1:1","x":1}],"y":[]})");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->shared_dir, "/shared/images");
}

TEST(ElectionConfig, RefusesBadFilesWithASentence) {
  for (std::string_view text :
       {"", "{", "[]", "{}", R"({"peers":3})", R"({"peers":[]})", R"({"peers":[3]})",
        R"({"peers":[{"id":1}]})", R"({"peers":[{"id":"1","address":"10.0.0.1:1"}]})",
        R"({"peers":[{"id":-1,"address":"10.0.0.1:1"}]})",
        R"({"peers":[{"id":4294967296,"address":"10.0.0.1:1"}]})",
        R"({"peers":[{"id":0,"address":"10.0.0.1:1"}]})",
        R"({"peers":[{"id":1,"address":"host:7001"}]})",
        R"({"peers":[{"id":1,"address":"10.0.0.1:0"}]})",
        R"({"peers":[{"id":1,"address":"10.0.0.1:1"},{"id":1,"address":"10.0.0.2:1"}]})",
        R"({"peers":[{"id":1,"address":"10.0.0.1:1"}],"shared_dir":7})"}) {
    const Result<Config> config = parse_config_json(text);
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_FALSE(config.error().empty());
  }
}

TEST(ElectionConfig, ReadsPeersFromTheEnvironment) {
  const Result<std::vector<Peer>> peers =
      parse_peers("1=192.168.1.100:7001, 2=192.168.1.101:7002");
  ASSERT_TRUE(peers.ok());
  EXPECT_EQ(*peers, (std::vector<Peer>{{1, endpoint("192.168.1.100:7001")},
                                       {2, endpoint("192.168.1.101:7002")}}));
  for (std::string_view bad : {"", "1", "=10.0.0.1:1", "a=10.0.0.1:1", "1=localhost:7001",
                               "1=10.0.0.1:1,1=10.0.0.2:1", "1=10.0.0.1:1,,2=10.0.0.2:1"}) {
    EXPECT_FALSE(parse_peers(bad).ok()) << bad;
  }
}

TEST(ElectionConfig, TheFileComesFirstAndThenSharedDirIsIgnored) {
  const Result<Config> config = resolve_config(in({{"CONFIG_FILE", "config.json"},
                                                   {"PEERS", "9=10.0.0.9:7009"},
                                                   {"SHARED_DIR", "/elsewhere"},
                                                   {"NODE_ID", "2"}}),
                                               in({{"config.json", kFile}}));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->peers.size(), 3u);
  EXPECT_EQ(config->shared_dir, "/home/youruser/images");
  EXPECT_EQ(config->node_id, 2u);
  EXPECT_EQ(config->source, "config.json");
}

TEST(ElectionConfig, PeersComeNextWithSharedDir) {
  const Result<Config> config = resolve_config(in({{"CONFIG_FILE", "missing.json"},
                                                   {"PEERS", "9=10.0.0.9:7009"},
                                                   {"SHARED_DIR", "/elsewhere"}}),
                                               in({}));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->peers, (std::vector<Peer>{{9, endpoint("10.0.0.9:7009")}}));
  EXPECT_EQ(config->shared_dir, "/elsewhere");
  EXPECT_EQ(config->node_id, 1u);
}

TEST(ElectionConfig, WithoutAnythingThreeNodesRunHere) {
  const Result<Config> config = resolve_config(in({}), in({}));
  ASSERT_TRUE(config.ok());
  ASSERT_EQ(config->peers.size(), 3u);
  EXPECT_EQ(config->peers[2], (Peer{3, endpoint("127.0.0.1:7003")}));
  EXPECT_EQ(config->shared_dir, "/shared/images");
}

TEST(ElectionConfig, ErrorsNameThePlace) {
  EXPECT_THAT(resolve_config(in({{"CONFIG_FILE", "c.json"}}), in({{"c.json", "{"}})).error(),
              HasSubstr("c.json: "));
  EXPECT_THAT(resolve_config(in({{"PEERS", "x"}}), in({})).error(), HasSubstr("PEERS: 'x'"));
  EXPECT_THAT(resolve_config(in({{"NODE_ID", "one"}}), in({})).error(), HasSubstr("NODE_ID"));
}

}  // namespace
}  // namespace twinbed::election
