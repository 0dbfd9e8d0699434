// Secret keys stay where they belong: what the checker makes of what was searched and found.
#include "sim/checkers/keys_checker.h"

#include <gtest/gtest.h>

#include "core/io/key_events.h"

namespace twinbed::sim {
namespace {

constexpr Time kEnd{std::chrono::seconds(10)};
const RunNodes kNodes{{NodeId{0}, "central", ""}, {NodeId{1}, "far", ""}};

class KeysStayTest : public ::testing::Test {
 protected:
  std::unique_ptr<Checker> make(const CheckerOptions& options = {}) {
    auto made = make_checker("keys_stay", options, kNodes);
    EXPECT_TRUE(made) << made.error();
    return std::move(*made);
  }
  static void found(Checker& checker, NodeId node, std::string_view place,
                    std::string_view file = "") {
    const std::array<Field, 4> fields{{{"key", "the drone's secret key"},
                                       {"place", place},
                                       {"file", file},
                                       {"sent_ns", std::int64_t{2'000'000'000}}}};
    checker.event(Time{std::chrono::seconds(3)}, node, kKeyFoundEvent, fields);
  }
  static void searched(Checker& checker, std::int64_t sessions) {
    const std::array<Field, 4> fields{{{"packets", std::int64_t{7}},
                                       {"frames", std::int64_t{5}},
                                       {"files", std::int64_t{2}},
                                       {"sessions", sessions}}};
    checker.event(kEnd, NodeId{0xffff'ffffU}, kKeysSearchedEvent, fields);
  }
};

TEST_F(KeysStayTest, NothingFoundIsValidWhereSomethingWasSearched) {
  const auto checker = make();
  searched(*checker, 3);
  const Verdict verdict = checker->finish(kEnd);
  EXPECT_EQ(verdict.kind, VerdictKind::kValid);
  EXPECT_EQ(verdict.explanation, "no key of the link or of its 3 sessions stands in 7 packets, 5 "
                                 "frames and 2 files");
}

TEST_F(KeysStayTest, ARunThatWasNotSearchedOrUsedNoKeyIsUnknown) {
  const Verdict real = make()->finish(kEnd);
  EXPECT_EQ(real.kind, VerdictKind::kUnknown);
  EXPECT_EQ(real.explanation, "nothing was searched for keys, which is done of protocol wfb in "
                              "mode sim alone");
  const auto silent = make();
  searched(*silent, 0);
  EXPECT_EQ(silent->finish(kEnd).kind, VerdictKind::kUnknown);
}

TEST_F(KeysStayTest, TheFirstKeyThatIsFoundIsTold) {
  const auto checker = make();
  found(*checker, NodeId{1}, "frame");
  found(*checker, NodeId{0}, "packet");
  searched(*checker, 3);
  const Verdict verdict = checker->finish(kEnd);
  EXPECT_EQ(verdict.kind, VerdictKind::kInvalid);
  EXPECT_EQ(verdict.explanation, "the drone's secret key stands in a frame that far sent");
  EXPECT_EQ(verdict.at, Time{std::chrono::seconds(2)});
  EXPECT_EQ(verdict.node, NodeId{1});
}

TEST_F(KeysStayTest, FilesOfKeepersMayHoldKeysAndNothingElseOfTheirs) {
  const auto checker = make({{"keepers", std::string("central")}});
  found(*checker, NodeId{0}, "file", "gs.key");
  searched(*checker, 1);
  EXPECT_EQ(checker->finish(kEnd).kind, VerdictKind::kValid);
  const auto sends = make({{"keepers", std::string("central")}});
  found(*sends, NodeId{0}, "packet");
  EXPECT_EQ(sends->finish(kEnd).kind, VerdictKind::kInvalid);
  const auto other = make({{"keepers", std::string("central")}});
  found(*other, NodeId{1}, "file", "gs.key");
  EXPECT_EQ(other->finish(kEnd).explanation,
            "the drone's secret key stands in the file gs.key of far");
}

TEST_F(KeysStayTest, AKeeperThatDoesNotExistIsRefused) {
  const auto made = make_checker("keys_stay", {{"keepers", std::string("central nobody")}}, kNodes);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), "checker keys_stay: there is no node 'nobody', name nodes of the "
                          "scenario in 'keepers'");
}

}  // namespace
}  // namespace twinbed::sim
