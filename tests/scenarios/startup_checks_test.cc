// What a server of cloud-p2p checks before it starts, and where it gets its key.
#include "scenarios/node/startup_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "scenarios/node/cloud_p2p_setup.h"
#include "tests/support/temporary_directory.h"

namespace twinbed::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

election::Config config_of(std::vector<std::pair<election::PeerId, const char*>> peers,
                           election::PeerId self) {
  election::Config config;
  for (const auto& [id, address] : peers) config.peers.push_back({id, *parse_endpoint(address)});
  config.node_id = self;
  config.source = "config.json";
  return config;
}

TEST(StartupChecks, NamesThePeersThatThisNodeCouldBe) {
  const auto of = [](election::PeerId self) {
    return check_membership(
        config_of({{1, "10.0.0.1:7001"}, {2, "10.0.0.2:7001"}, {5, "10.0.0.5:7001"}}, self));
  };
  EXPECT_TRUE(of(5).ok());
  EXPECT_EQ(of(3).error(),
            "node 3 is not among the peers of config.json, which are 1, 2 and 5; set NODE_ID to "
            "the one that this machine is, or add it there");
  EXPECT_THAT(check_membership(config_of({{7, "10.0.0.1:7001"}}, 1), "--node-id").error(),
              HasSubstr("which are 7; set --node-id to the one"));
}

TEST(StartupChecks, RefusesPeersOfOneAddress) {
  EXPECT_TRUE(check_membership(config_of({{1, "10.0.0.1:7001"}, {2, "10.0.0.1:7002"}}, 1)).ok());
  EXPECT_EQ(check_membership(config_of({{1, "10.0.0.1:7001"},
                                        {2, "10.0.0.2:7001"},
                                        {3, "10.0.0.1:7001"}}, 2)).error(),
            "peers 1 and 3 of config.json have the same address 10.0.0.1:7001; give each the "
            "address and port at which the others reach it");
}

TEST(StartupChecks, WarnsOfAWrongClockAndOfFewDescriptors) {
  constexpr std::int64_t kNow = 1'700'000'000;
  EXPECT_THAT(startup_warnings({kNow, 1024}), IsEmpty());
  EXPECT_THAT(startup_warnings({1'577'836'800, RLIM_INFINITY}), IsEmpty());
  EXPECT_THAT(startup_warnings({1'577'836'799, 4096}),
              ElementsAre(HasSubstr("shows a time before 2020")));
  EXPECT_THAT(startup_warnings({0, 256}),
              ElementsAre(HasSubstr("timedatectl set-ntp true"),
                          HasSubstr("no more than 256 files and connections may be open at once")));
}

TEST(StartupChecks, SeesTheLimitOfThisProcess) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit lower{200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);
  const Surroundings surroundings = present_surroundings();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(surroundings.descriptors, 200u);
  EXPECT_GT(surroundings.unix_seconds, 0);
}

// ---- the key ----

const std::string kKey(64, 'a');

class Key : public ::testing::Test {
 protected:
  Result<CloudP2pSetup> setup() const {
    return read_cloud_p2p_setup({}, [this](std::string_view name) {
      const auto found = variables_.find(std::string(name));
      return found != variables_.end() ? std::optional(found->second) : std::nullopt;
    });
  }
  std::string write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
    return path_;
  }

  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/encryption_key";
  std::map<std::string, std::string> variables_{{"PEERS", "1=10.0.0.1:7001"}};
};

TEST_F(Key, ComesFromTheCredentialsWhereTheVariableIsNotSet) {
  variables_["CREDENTIALS_DIRECTORY"] = directory_.path();
  EXPECT_EQ(setup().error(), "ENCRYPTION_KEY is not set and there is no " + path_ +
                                 "; write LoadCredential=encryption_key:FILE into the unit, with "
                                 "a FILE that holds the key");
  write(kKey + "\n");
  ASSERT_TRUE(setup().ok()) << setup().error();
  EXPECT_EQ(setup()->key, kKey);
  variables_["ENCRYPTION_KEY"] = std::string(64, 'b');
  EXPECT_EQ(setup()->key, std::string(64, 'b'));
}

TEST_F(Key, IsMissingWithoutBoth) {
  EXPECT_THAT(setup().error(), HasSubstr("ENCRYPTION_KEY is not set; make a key with"));
  variables_["CREDENTIALS_DIRECTORY"] = "";
  EXPECT_THAT(setup().error(), HasSubstr("ENCRYPTION_KEY is not set; make a key with"));
}

TEST_F(Key, FileMayHaveWhiteSpaceAroundIt) {
  for (const std::string& text : {kKey, kKey + "\n", " \t" + kKey + "\r\n\n"}) {
    const auto key = read_key_file(write(text));
    ASSERT_TRUE(key.ok()) << key.error();
    EXPECT_EQ(*key, kKey);
  }
}

TEST_F(Key, FileThatHoldsNoneIsRefusedAndNotShown) {
  EXPECT_EQ(read_key_file(path_).error(),
            "the key file " + path_ + " does not exist; make one with `(umask 077; openssl rand "
            "-hex 32 > " + path_ + ")` and copy it to all servers and clients");
  const std::string secret = "c0ffee";
  for (const std::string& text : {std::string(), std::string("\n"), secret, kKey + secret,
                                  std::string(32, 'a') + "\n" + std::string(31, 'a'),
                                  std::string(64, 'g'), std::string(64, '\0'),
                                  std::string(2'000'000, 'a'), kKey + std::string(2000, ' ')}) {
    const auto key = read_key_file(write(text));
    ASSERT_FALSE(key.ok());
    EXPECT_THAT(key.error(), HasSubstr(path_ + " must hold 64 hexadecimal digits"));
    EXPECT_THAT(key.error(), Not(HasSubstr(secret)));
  }
  EXPECT_THAT(read_key_file(directory_.path()).error(), HasSubstr("is a directory; name a file"));
}

}  // namespace
}  // namespace twinbed::scenarios
