// The binary log of a profile, in real files.
#include "scenarios/node/wfb_binary_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/native_programs.h"

namespace twinbed::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string unpacked(const std::string& path) {
  std::string text(1 << 20, '\0');
  gzFile file = ::gzopen(path.c_str(), "rb");
  const int got = ::gzread(file, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(file);
  text.resize(static_cast<std::size_t>(std::max(0, got)));
  return text;
}

class WfbBinaryLogTest : public ::testing::Test {
 protected:
  /// At noon of one day in May of 2026, wherever that is.
  std::unique_ptr<WfbBinaryLog> create(const std::string& name) {
    auto made = WfbBinaryLog::create(loop_, scratch_.path(name), kNoon,
                                     [this](const std::string& said) { said_ += said; });
    EXPECT_TRUE(made) << made.error();
    return *std::move(made);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  static constexpr std::int64_t kNoon = 1'779'000'000;
  testing::Scratch scratch_;
  backends::EventLoop loop_;
  std::string said_;
};

TEST_F(WfbBinaryLogTest, HasWhatWasAddedInItsOrder) {
  auto log = create("gs.log");
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string record = "record " + std::to_string(i) + "\n";
    log->add(as_bytes(record));
    expected += record;
  }
  log.reset();
  ASSERT_EQ(files().size(), 1u);
  EXPECT_THAT(files()[0], MatchesRegex("gs.log.202605[0-9]+-[0-9]+"));
  EXPECT_EQ(unpacked(scratch_.path(files()[0])), expected);
  EXPECT_EQ(said_, "");
}

TEST_F(WfbBinaryLogTest, AMachineWhoseClockBeginsAnewOverwritesNothing) {
  for (const char* text : {"first", "second", "third"}) {
    create("drone.log")->add(as_bytes(std::string_view(text)));
  }
  ASSERT_EQ(files().size(), 3u);
  const std::string name = files()[0];
  EXPECT_THAT(files(), ElementsAre(name, name + "-2", name + "-3"));
  EXPECT_EQ(unpacked(scratch_.path(name)), "first");
  EXPECT_EQ(unpacked(scratch_.path(name + "-3")), "third");
}

TEST_F(WfbBinaryLogTest, WhereItCannotBeIsSaid) {
  const auto made = WfbBinaryLog::create(loop_, scratch_.path("no/log"), kNoon, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("cannot be created: No such file or directory; set log_dir"));
}

TEST(BinaryLogPath, HasTheProfileInItsName) {
  EXPECT_EQ(binary_log_path("/var/log", "wfb_%s.log", "gs"), "/var/log/wfb_gs.log");
  EXPECT_EQ(binary_log_path("/var/log", "/data/wfb.log", "gs"), "/data/wfb.log");
}

}  // namespace
}  // namespace twinbed::scenarios
