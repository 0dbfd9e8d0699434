// The checker of data, fed with rows written by hand.
#include "tests/sim/checker_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Delivery, AcknowledgedAndStoredIsDelivered) {
  const Verdict verdict = judge("delivery", {}, 60, [](Rows& rows) {
    rows.submit(1, "a");
    rows.store(2, 3, "a");
    rows.store(2, 2, "a");
    rows.ack(3, "a");
  });
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_EQ(verdict.explanation,
            "every item, 1 in all, is answered, and stored if acknowledged, once per node and with "
            "equal content");
}

TEST(Delivery, AnAcknowledgedItemThatLiesNowhereIsLost) {
  const Verdict verdict = judge("delivery", {}, 60, [](Rows& rows) {
    rows.submit(1, "a");
    rows.ack(3, "a");
    rows.submit(4, "b");
    rows.ack(5, "b");
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(3));
  EXPECT_EQ(verdict.explanation,
            "the item 'a' was acknowledged at 3.000000000 s and was stored on no node; this is the "
            "first of 2 breaches");
}

TEST(Delivery, CopiesOnALostDiskDoNotCount) {
  const auto crash = [](std::string_view detail, int second_server) {
    return judge("delivery", {}, 60, [&](Rows& rows) {
      rows.submit(1, "a");
      rows.store(2, 3, "a");
      if (second_server > 0) rows.store(2, second_server, "a");
      rows.ack(3, "a");
      rows.begin(10, 0, "crash", "node3");
      rows.begin(20, 1, "restart", "node3", detail);
      rows.end(60, 0);
    });
  };
  EXPECT_VERDICT(kValid, crash("{\"with_disk\": true}", 0));
  EXPECT_VERDICT(kValid, crash("{\"with_disk\": false}", 1));
  const Verdict verdict = crash("{\"with_disk\": false}", 0);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("only on nodes that have lost their disks since"));
}

TEST(Delivery, ACopyMadeAfterTheDiskWasLostCounts) {
  EXPECT_VERDICT(kValid, judge("delivery", {}, 60, [](Rows& rows) {
                   rows.store(2, 3, "a");
                   rows.ack(3, "a");
                   rows.begin(10, 0, "restart", "node3", R"({"with_disk":false})");
                   rows.store(12, 3, "a");
                 }));
}

TEST(Delivery, ContentMustBeEqual) {
  const Verdict verdict = judge("delivery", {}, 60, [](Rows& rows) {
    rows.store(2, 1, "a", "cafe");
    rows.store(3, 2, "a", "dead");
    rows.ack(4, "a");
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{1});
  EXPECT_THAT(verdict.explanation, HasSubstr("has the hash dead, that of node1 has cafe"));
}

TEST(Delivery, AHashOfTheClientsIsTheReference) {
  const Verdict verdict = judge("delivery", {}, 60, [](Rows& rows) {
    rows.event(1, kClient, kSubmitEvent, {{"id", std::int64_t{7}}, {"hash", "cafe"}});
    rows.store(2, 1, "7", "dead");
    rows.ack(4, "7");
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("that of the client has cafe"));
}

TEST(Delivery, AnItemIsStoredOncePerNode) {
  const auto twice = [](bool restarted) {
    return judge("delivery", {}, 60, [&](Rows& rows) {
      rows.store(2, 1, "a");
      rows.ack(3, "a");
      if (restarted) rows.begin(5, 0, "restart", "node1");
      rows.store(9, 1, "a");
    });
  };
  const Verdict verdict = twice(false);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.explanation,
            "node1 stored the item 'a' at 2.000000000 s and again at 9.000000000 s");
  EXPECT_VERDICT(kValid, twice(true));
}

TEST(Delivery, EverySubmittedItemIsAnswered) {
  const auto unanswered = [](Rows& rows) { rows.submit(1, "a"); };
  EXPECT_VERDICT(kUnknown, judge("delivery", {}, 10.9, unanswered));
  const Verdict verdict = judge("delivery", {}, 11, unanswered);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, kClient);
  EXPECT_THAT(verdict.explanation, HasSubstr("never acknowledged or refused"));
  EXPECT_VERDICT(kValid, judge("delivery", {}, 60, [](Rows& rows) {
                   rows.submit(1, "a");
                   rows.event(2, kClient, {"refuse", ""}, {{"id", "a"}});
                 }));
}

TEST(Delivery, AClientThatCrashedWaitsForNoAnswer) {
  EXPECT_VERDICT(kValid, judge("delivery", {}, 60, [](Rows& rows) {
                   rows.submit(1, "a");
                   rows.begin(1.5, 0, "crash", "client");
                   rows.end(60, 0);
                 }));
}

TEST(Delivery, EverySubmittedItemIsStoredWhereThatIsAskedFor) {
  const CheckerOptions submitted{{"require", "submitted"}};
  EXPECT_VERDICT(kValid, judge("delivery", submitted, 60, [](Rows& rows) {
                   rows.submit(1, "a");
                   rows.store(2, 3, "a");
                 }));
  const Verdict verdict = judge("delivery", submitted, 60, [](Rows& rows) {
    rows.submit(1, "a");
    rows.event(2, kClient, {"refuse", ""}, {{"id", "a"}});
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("was submitted at 1.000000000 s and was stored"));
}

TEST(Delivery, AsManyCopiesAsPromised) {
  const auto one_copy = [](Rows& rows) {
    rows.submit(1, "a");
    rows.store(2, 3, "a");
    rows.ack(3, "a");
  };
  const CheckerOptions two{{"copies", std::int64_t{2}}};
  EXPECT_VERDICT(kValid, judge("delivery", {}, 60, one_copy));
  const Verdict verdict = judge("delivery", two, 60, one_copy);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("is stored on node3 alone"));
  EXPECT_VERDICT(kUnknown, judge("delivery", two, 12, one_copy));
}

TEST(Delivery, TheEarliestBreachIsTold) {
  const Verdict verdict = judge("delivery", {}, 60, [](Rows& rows) {
    rows.ack(3, "b");
    rows.ack(4, "a");
  });
  EXPECT_EQ(verdict.at, at(3));
}

TEST(Delivery, ALostItemIsOneBreach) {
  const Verdict verdict = judge("delivery", {{"require", "submitted"}}, 60, [](Rows& rows) {
    rows.submit(1, "a");
    rows.ack(2, "a");
  });
  EXPECT_EQ(verdict.explanation,
            "the item 'a' was acknowledged at 2.000000000 s and was stored on no node");
}

}  // namespace
}  // namespace twinbed::sim
