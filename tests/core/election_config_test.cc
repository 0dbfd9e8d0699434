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

// Every mistake is told with its place, what is there and what must be.
TEST(ElectionConfig, RefusesBadFilesWithPlaceValueAndRemedy) {
  const std::string peer = R"({"id": 1, "address": "192.168.1.100:7001"})";
  const std::string shape = R"({"peers": [)" + peer + R"(], "shared_dir": "/shared/images"})";
  const std::string list = "; it must be a list of all servers such as [" + peer + "]";
  const std::string number = "; it must be a whole number from 1 to 4294967295";
  const std::string endpoint =
      "; it must be an IPv4 address in numbers with a port from 1 to 65535, such as "
      "\"192.168.1.100:7001\"";
  const std::string good = R"({"id":7,"address":"10.0.0.7:1"})";
  const std::vector<std::pair<std::string, std::string>> table = {
      {"", "c.json:1:1: this is not JSON: syntax error while parsing value - unexpected end of "
           "input; expected '[', '{', or a literal"},
      {"{\"peers\":\n  508e0017751312}",
       "c.json:2:3: the number 508e0017751312 is too large; write the one that is meant"},
      {"{\n  \"peers\": [\n    {\"id\" 1}", "c.json:3:11: this is not JSON: syntax error while "
       "parsing object separator - unexpected number literal; expected ':'"},
      {"[]", "c.json: \"peers\" is missing: the file is []; it must look like " + shape},
      {"{}", "c.json: \"peers\" is missing: the file is {}; it must look like " + shape},
      {R"({"peers":3})", "c.json: peers is 3" + list},
      {R"({"peers":[]})", "c.json: peers is []" + list},
      {R"({"peers":[)" + good + ",3]}", "c.json: peers[1] is 3; it must be a peer such as " + peer},
      {R"({"peers":[)" + good + R"(,{"id":1}]})",
       "c.json: peers[1].address is missing: peers[1] is {\"id\":1}; it must look like " + peer},
      {R"({"peers":[{"address":"10.0.0.1:1"}]})",
       "c.json: peers[0].id is missing: peers[0] is {\"address\":\"10.0.0.1:1\"}; it must look "
       "like " + peer},
      {R"({"peers":[{"id":"1","address":"10.0.0.1:1"}]})", "c.json: peers[0].id is \"1\"" + number},
      {R"({"peers":[{"id":-1,"address":"10.0.0.1:1"}]})", "c.json: peers[0].id is -1" + number},
      {R"({"peers":[{"id":0,"address":"10.0.0.1:1"}]})", "c.json: peers[0].id is 0" + number},
      {R"({"peers":[{"id":1.5,"address":"10.0.0.1:1"}]})", "c.json: peers[0].id is 1.5" + number},
      {R"({"peers":[{"id":4294967296,"address":"10.0.0.1:1"}]})",
       "c.json: peers[0].id is 4294967296" + number},
      {R"({"peers":[)" + good + "," + good + R"(,{"id":1,"address":"a:1"}]})",
       "c.json: peers[1].id is 7, as is peers[0].id; give each server its own"},
      {R"({"peers":[)" + good + R"(,{"id":1,"address":"host:7001"}]})",
       "c.json: peers[1].address is \"host:7001\"" + endpoint},
      {R"({"peers":[{"id":1,"address":"10.0.0.1"}]})",
       "c.json: peers[0].address is \"10.0.0.1\"" + endpoint},
      {R"({"peers":[{"id":1,"address":"10.0.0.1:0"}]})",
       "c.json: peers[0].address is \"10.0.0.1:0\"" + endpoint},
      {R"({"peers":[{"id":1,"address":7001}]})", "c.json: peers[0].address is 7001" + endpoint},
      {R"({"peers":[)" + good + R"(],"shared_dir":7})",
       "c.json: shared_dir is 7; it must be a directory such as \"/shared/images\""},
      {R"({"peers":[)" + good + R"(],"shared_dir":""})",
       "c.json: shared_dir is \"\"; it must be a directory such as \"/shared/images\""},
  };
  for (const auto& [text, message] : table) {
    const Result<Config> config = parse_config_json(text, "c.json");
    ASSERT_FALSE(config.ok()) << text;
    EXPECT_EQ(config.error(), message) << text;
  }
}

TEST(ElectionConfig, ShowsOfALargeValueTheBeginning) {
  const std::string text = R"({"peers":[{"id":1,"address":")" + std::string(1000, 'x') + R"("}]})";
  EXPECT_THAT(parse_config_json(text).error(),
              ::testing::StartsWith("config.json: peers[0].address is \"" + std::string(59, 'x') +
                                    "...; it must be "));
  // Writing this one out would need more stack than there is.
  const std::string deep = std::string(2'000'000, '[') + std::string(2'000'000, ']');
  EXPECT_THAT(parse_config_json(R"({"peers":[)" + deep + "]}").error(),
              ::testing::StartsWith("config.json: peers[0] is [...]; it must be "));
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
  EXPECT_EQ(parse_peers("1=10.0.0.1:1, 2=localhost:7001").error(),
            "'2=localhost:7001' is not a peer such as 1=192.168.1.100:7001");
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
              HasSubstr("c.json:1:2: "));
  EXPECT_THAT(resolve_config(in({{"PEERS", "x"}}), in({})).error(), HasSubstr("PEERS: 'x'"));
  EXPECT_THAT(resolve_config(in({{"NODE_ID", "one"}}), in({})).error(), HasSubstr("NODE_ID"));
}

}  // namespace
}  // namespace twinbed::election
