// The checker of puts and gets, fed with rows written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/protocols/imagestore/records.h"
#include "tests/sim/checker_rows.h"

namespace twinbed::sim {
namespace {

using ::testing::HasSubstr;

/// Puts and gets of the id "x" by client 1 or 2, one second after the other.
class Register {
 public:
  Register()
      : checker_(*make_checker(
            "linearizable", {},
            {{NodeId{1}, "client1", "client"}, {NodeId{2}, "client2", "client"}})),
        rows_(*checker_) {}

  Register& put(int client, std::string_view hash) {
    return row(client, kSubmitEvent, {{"id", "x"}, {"hash", hash}});
  }
  Register& ack(int client) { return row(client, kAckEvent, {{"id", "x"}}); }
  Register& refuse(int client) { return row(client, kRefuseEvent, {{"id", "x"}}); }
  Register& get(int client) { return row(client, imagestore::kFetchEvent, {{"id", "x"}}); }
  Register& found(int client, std::string_view hash, bool is_stale = false) {
    return end_get(client, "ok", hash, is_stale);
  }
  Register& missed(int client, bool is_stale = false) {
    return end_get(client, "not_found", "", is_stale);
  }
  Register& failed(int client) { return end_get(client, "failed", "", false); }
  Verdict finish() { return checker_->finish(at(time_ + 1)); }

 private:
  Register& end_get(int client, std::string_view outcome, std::string_view hash, bool is_stale) {
    return row(client, imagestore::kFetchedEvent,
               {{"id", "x"},
                {"hash", hash},
                {"outcome", outcome},
                {"is_stale", std::int64_t{is_stale}}});
  }
  Register& row(int client, const EventType& type, std::initializer_list<Field> fields) {
    rows_.event(++time_, NodeId{static_cast<std::uint32_t>(client)}, type, fields);
    return *this;
  }
  std::unique_ptr<Checker> checker_;
  Rows rows_;
  double time_ = 0;
};

TEST(Linearizable, WhatWasAcknowledgedIsFound) {
  const Verdict verdict =
      Register().get(2).missed(2).put(1, "aa").ack(1).get(2).found(2, "aa").finish();
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("all gets, 2 in all"));
}

TEST(Linearizable, KnowsNothingWithoutAnAnsweredGet) {
  EXPECT_VERDICT(kUnknown, Register().put(1, "aa").ack(1).finish());
  EXPECT_VERDICT(kUnknown, Register().put(1, "aa").ack(1).get(1).failed(1).finish());
  EXPECT_VERDICT(kUnknown, Register().put(1, "aa").ack(1).get(1).missed(1, true).finish());
}

TEST(Linearizable, WhatWasAcknowledgedMustBeFound) {
  const Verdict verdict = Register().put(1, "aa").ack(1).get(2).missed(2).finish();
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{2});
  EXPECT_EQ(verdict.at, at(4));
  EXPECT_EQ(verdict.explanation,
            "client2 was told at 4.000000000 s that there is no 'x', although it asked after that "
            "had been acknowledged or found");
}

// A get that overlaps the put may be ordered before it, whenever it ends.
TEST(Linearizable, AGetThatBeganBeforeTheAcknowledgementMayMissIt) {
  EXPECT_VERDICT(kValid, Register().put(1, "aa").get(2).ack(1).missed(2).finish());
}

TEST(Linearizable, WhatWasFoundMustBeFoundAgain) {
  EXPECT_VERDICT(kInvalid,
                 Register().put(1, "aa").get(1).found(1, "aa").get(2).missed(2).finish());
  EXPECT_VERDICT(kValid, Register().put(1, "aa").get(2).get(1).found(1, "aa").missed(2).finish());
}

TEST(Linearizable, APutThatWasNeverAnsweredMayHaveHappenedOrNot) {
  EXPECT_VERDICT(kValid, Register().put(1, "aa").get(2).found(2, "aa").finish());
  EXPECT_VERDICT(kValid, Register().put(1, "aa").get(2).missed(2).finish());
  EXPECT_VERDICT(kValid,
                 Register().put(1, "aa").put(2, "bb").ack(2).get(1).found(1, "bb").finish());
}

TEST(Linearizable, NobodyFindsWhatWasNotHandedOver) {
  const Verdict verdict = Register().put(1, "aa").get(2).found(2, "bb").finish();
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(3));
  EXPECT_THAT(verdict.explanation, HasSubstr("saw the hash bb under 'x' at 3.0"));
  EXPECT_THAT(verdict.explanation, HasSubstr("which no client had handed over"));
  EXPECT_VERDICT(kInvalid, Register().get(2).found(2, "aa").put(1, "aa").ack(1).finish());
}

TEST(Linearizable, WhatWasRefusedIsNotFound) {
  EXPECT_VERDICT(kInvalid, Register().put(1, "aa").refuse(1).get(2).found(2, "aa").finish());
  EXPECT_VERDICT(kInvalid, Register().put(1, "aa").get(2).found(2, "aa").refuse(1).finish());
  EXPECT_VERDICT(kValid, Register().put(1, "aa").refuse(1).get(2).missed(2).finish());
  // The same content by another client, or once more, is another put.
  EXPECT_VERDICT(kValid,
                 Register().put(2, "aa").put(1, "aa").refuse(1).get(2).found(2, "aa").finish());
  EXPECT_VERDICT(kValid,
                 Register().put(1, "aa").put(1, "aa").refuse(1).get(2).found(2, "aa").finish());
}

TEST(Linearizable, AnIdHasOneContent) {
  EXPECT_VERDICT(kInvalid, Register().put(1, "aa").put(2, "bb").get(1).found(1, "aa").get(2)
                               .found(2, "bb").finish());
  const Verdict verdict =
      Register().put(1, "aa").ack(1).put(2, "bb").get(1).found(1, "bb").finish();
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.explanation,
            "client1 saw the hash bb under 'x' at 5.000000000 s, where client1 saw aa at "
            "2.000000000 s");
  EXPECT_VERDICT(kInvalid, Register().put(1, "aa").ack(1).put(2, "bb").ack(2).finish());
}

TEST(Linearizable, AnOldAnswerMayMissWhatIsThereButInventsNothing) {
  EXPECT_VERDICT(kValid, Register().put(1, "aa").ack(1).get(2).missed(2, true).get(1)
                             .found(1, "aa").finish());
  EXPECT_VERDICT(kInvalid, Register().put(1, "aa").get(2).found(2, "bb", true).finish());
  EXPECT_VERDICT(kInvalid, Register().put(1, "aa").put(1, "bb").ack(1).get(2)
                               .found(2, "aa", true).finish());
}

TEST(Linearizable, AFailedGetProvesNothing) {
  EXPECT_VERDICT(kValid, Register().put(1, "aa").ack(1).get(2).failed(2).get(2).found(2, "aa")
                             .finish());
}

}  // namespace
}  // namespace twinbed::sim
