// Copying runs from one store into another.
#include <gmock/gmock.h>

#include "tests/backends/sqlite_fixture.h"

namespace twinbed::backends {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SqliteAbsorb : public SqliteTest {
 protected:
  static void write_full_run(Store& store, std::uint64_t seed, const EventType& first) {
    ASSERT_TRUE(store.begin_run(some_run(seed)));
    record_event(store.sink(), 1, NodeId{0}, first, {{"seed", static_cast<std::int64_t>(seed)}});
    record_event(store.sink(), 2, NodeId{1}, first.name == kPing.name ? kPong : kPing, {});
    store.sink().sample(at_ns(3), NodeId{0}, first.name == kPing.name ? kDelay : kLoad, 0.5);
    store.sink().fault(at_ns(4), {0, FaultPhase::kBegin, "crash", "alpha", "{}", 1});
    store.add_input({at_ns(5), NodeId{0}, "start", as_bytes("abc")});
    store.add_frame({at_ns(6), NodeId{0}, "sent", as_bytes("frame")});
    store.add_link({0, "h1", "h2", "{}"});
    store.add_lateness({NodeId{0}, "timer", 1, 0, 5, 5, 5, 5, 5});
    store.add_histogram(kDelay, NodeId{0}, std::vector<HistogramBin>{{0, 1, 2}});
    store.add_verdict({"agreement", "valid", std::nullopt, "fine", {}, {}});
    ASSERT_TRUE(store.finish_run({"00000000000000ff", 4, 10, 20, ""}));
  }

  static std::vector<std::string> rows_of(const std::string& file, std::int64_t run_id) {
    auto reader = StoreReader::open(file);
    TextSink sink;
    EXPECT_TRUE((*reader).feed(run_id, sink));
    return sink.lines;
  }
};

TEST_F(SqliteAbsorb, CopiesEveryRowOfEveryEndedRun) {
  const auto store = open(path());
  write_full_run(*store, 1, kPing);
  {
    // The other file has its names in another order, so that their ids differ.
    const auto worker = open(path("worker.db"));
    write_full_run(*worker, 2, kPong);
    ASSERT_TRUE(worker->begin_run(some_run(3)));
    RunResultRow failed;
    failed.failure = "no reason";
    ASSERT_TRUE(worker->finish_run(failed));
    ASSERT_TRUE(worker->begin_run(some_run(4)));  // still running when it is absorbed
    ASSERT_TRUE(worker->flush());
    const auto runs = store->absorb(path("worker.db"));
    ASSERT_TRUE(runs) << runs.error();
    EXPECT_THAT(*runs, ElementsAre(2, 3));
  }
  auto here = StoreReader::open(path());
  auto there = StoreReader::open(path("worker.db"));
  EXPECT_EQ((*here).runs()->size(), 3U);
  for (std::int64_t run = 1; run <= 2; ++run) {
    const auto copy = (*here).run(run + 1);
    const auto original = (*there).run(run);
    EXPECT_EQ(copy->state, original->state);
    EXPECT_EQ(copy->info, original->info);
    EXPECT_EQ(copy->result, original->result);
    EXPECT_EQ(rows_of(path(), run + 1), rows_of(path("worker.db"), run));
    EXPECT_EQ(*(*here).verdicts(run + 1), *(*there).verdicts(run));
  }
  EXPECT_EQ(rows_of(path(), 2).size(), 4U);
  EXPECT_EQ((*here).inputs(2, NodeId{0})->at(0).payload, to_buffer("abc"));
  for (const char* table : {"frame", "link", "lateness", "histogram"}) {
    EXPECT_EQ(sql(path(), std::string("SELECT run_id FROM ") + table), "1\n2") << table;
  }
  EXPECT_EQ(sql(path(), "SELECT DISTINCT name FROM histogram JOIN metric USING (metric_id)"),
            "test.delay");
  EXPECT_EQ(sql(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(SqliteAbsorb, GoesOnWithRunsOfItsOwn) {
  const auto store = open(path());
  {
    write_full_run(*open(path("worker.db")), 2, kPong);
  }
  ASSERT_TRUE(store->begin_run(some_run(1)));
  record_event(store->sink(), 1, NodeId{0}, kPing, {});
  ASSERT_TRUE(store->absorb(path("worker.db")));
  record_event(store->sink(), 2, NodeId{0}, kPong, {});
  ASSERT_TRUE(store->finish_run({}));
  EXPECT_THAT(*store->absorb(path("worker.db")), ElementsAre(3));
  EXPECT_THAT(rows_of(path(), 1), ElementsAre("1 n0 test.ping", "2 n0 test.pong"));
  EXPECT_EQ(rows_of(path(), 2), rows_of(path(), 3));
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event_type"), "2");
}

TEST_F(SqliteAbsorb, WorksWithIndexesOnEitherSide) {
  const auto store = open(path());
  ASSERT_TRUE(store->create_indexes());
  {
    const auto worker = open(path("worker.db"));
    write_full_run(*worker, 2, kPong);
    ASSERT_TRUE(worker->create_indexes());
  }
  ASSERT_TRUE(store->absorb(path("worker.db")));
  EXPECT_EQ(rows_of(path(), 1), rows_of(path("worker.db"), 1));
  EXPECT_EQ(sql(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(SqliteAbsorb, EachContentOfAFileIsKeptOnce) {
  const auto store = open(path());
  write_full_run(*store, 1, kPing);
  {
    const auto worker = open(path("worker.db"));
    write_full_run(*worker, 2, kPing);
    RunInfo other = some_run(3);
    other.files = {{"/lan/a.png", "has changed"}, {"/lan/copy of a.png", other.files[0].content}};
    ASSERT_TRUE(worker->begin_run(other));
    ASSERT_TRUE(worker->finish_run({}));
    ASSERT_TRUE(worker->begin_run(some_run(4)));  // is not copied, nor is its file
    ASSERT_TRUE(worker->finish_run({}));
    sql(path("worker.db"), "UPDATE run SET state = 'running' WHERE run_id = 3;"
                           "INSERT INTO content VALUES ('unused', x'00')");
  }
  ASSERT_TRUE(store->absorb(path("worker.db")));
  EXPECT_EQ(sql(path("worker.db"), "SELECT count(*) FROM content"), "4");
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM content"), "3");
  EXPECT_EQ(sql(path(), "SELECT run_id, path FROM file ORDER BY run_id, path"),
            "1|/lan/a.png\n1|/lan/empty\n2|/lan/a.png\n2|/lan/empty\n3|/lan/a.png\n"
            "3|/lan/copy of a.png");
  auto reader = StoreReader::open(path());
  const auto run = (*reader).run(3);
  ASSERT_TRUE(run) << run.error();
  EXPECT_EQ(run->info.files[0].content, "has changed");
  EXPECT_EQ(run->info.files[1].content, some_run().files[0].content);
}

TEST_F(SqliteAbsorb, RowsOfNodesBecomeOneRunInTimeOrder) {
  const auto store = open(path());
  RunInfo info = some_run();
  info.mode = "real";
  ASSERT_TRUE(store->begin_run(info));
  store->sink().fault(at_ns(20), {0, FaultPhase::kBegin, "crash", "alpha", "{}", 1});
  {
    const auto node = open(path("alpha.db"));
    ASSERT_TRUE(node->begin_run(info));
    record_event(node->sink(), 10, NodeId{0}, kPing, {{"i", std::int64_t{1}}});
    record_event(node->sink(), 20, NodeId{0}, kPing, {{"i", std::int64_t{2}}});
    record_event(node->sink(), 20, NodeId{0}, kPing, {{"i", std::int64_t{3}}});
    node->add_input({at_ns(10), NodeId{0}, "start", {}});
    node->add_input({at_ns(20), NodeId{0}, "timer", {}});
    ASSERT_TRUE(node->flush());  // and it is gone, its run unfinished
  }
  {
    const auto node = open(path("alpha.db"));
    ASSERT_TRUE(node->begin_run(info));
    record_event(node->sink(), 40, NodeId{0}, kPong, {});
    node->add_input({at_ns(40), NodeId{0}, "start", {}});
    ASSERT_TRUE(node->finish_run({}));
  }
  {
    const auto node = open(path("beta.db"));
    ASSERT_TRUE(node->begin_run(info));
    record_event(node->sink(), 15, NodeId{1}, kPong, {});
    node->sink().sample(at_ns(16), NodeId{1}, kLoad, 1);
    record_event(node->sink(), 30, NodeId{1}, kPong, {});
    node->add_input({at_ns(12), NodeId{1}, "start", {}});
    node->add_lateness({NodeId{1}, "timer", 1, 0, 5, 5, 5, 5, 5});
    ASSERT_TRUE(node->finish_run({}));
  }
  ASSERT_TRUE(store->create_indexes());
  const Status absorbed = store->absorb_into_run({path("alpha.db"), path("beta.db")});
  ASSERT_TRUE(absorbed) << absorbed.error();
  record_event(store->sink(), 50, kWholeRun, kPing, {});
  store->add_input({at_ns(51), NodeId{0}, "stop", {}});
  ASSERT_TRUE(store->finish_run({}));

  EXPECT_THAT(rows_of(path(), 1),
              ElementsAre("10 n0 test.ping i=1", "15 n1 test.pong",
                          "16 n1 test.load[1]=1.000000", "20 fault 0 begin crash alpha {} 1",
                          "20 n0 test.ping i=2", "20 n0 test.ping i=3", "30 n1 test.pong",
                          "40 n0 test.pong", "50 n- test.ping"));
  EXPECT_EQ(sql(path(), "SELECT sequence FROM (SELECT sequence FROM event UNION ALL SELECT "
                        "sequence FROM fault) ORDER BY sequence"),
            "0\n1\n2\n3\n4\n5\n6\n7");
  auto reader = StoreReader::open(path());
  const auto stored = (*reader).inputs(1, NodeId{0});
  std::vector<std::string> inputs;
  for (const StoredInput& input : *stored) {
    inputs.push_back(std::to_string(input.sequence) + " " + input.kind);
  }
  EXPECT_THAT(inputs, ElementsAre("0 start", "1 timer", "2 start", "3 stop"));
  EXPECT_EQ((*reader).inputs(1, NodeId{1})->at(0).sequence, 0);
  EXPECT_EQ((*reader).run(1)->info, info);
  EXPECT_EQ((*reader).runs()->size(), 1U);
  EXPECT_EQ(sql(path(), "SELECT node_id FROM lateness"), "1");
  EXPECT_EQ(sql(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(SqliteAbsorb, WhatCannotBeAbsorbedIsSaid) {
  const auto store = open(path());
  EXPECT_EQ(store->absorb(path("none.db")).error(),
            "there is no result store " + path("none.db"));
  EXPECT_EQ(store->absorb(path()).error(),
            "the result store " + path() + " cannot absorb itself");
  std::ofstream(path("text")) << std::string(5000, 'x');
  EXPECT_THAT(store->absorb(path("text")).error(), HasSubstr("it is no SQLite database"));
  ASSERT_TRUE(store->begin_run(some_run()));
  EXPECT_THAT(store->absorb_into_run({path("none.db")}).error(), HasSubstr("there is no result"));
  ASSERT_TRUE(store->finish_run({}));
  open(path("empty.db"));
  EXPECT_THAT(*store->absorb(path("empty.db")), IsEmpty());
}

}  // namespace
}  // namespace twinbed::backends
