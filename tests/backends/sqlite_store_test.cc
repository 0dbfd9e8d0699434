// Writing runs and finding them again: through StoreReader and through plain SQL.
#include <cmath>
#include <thread>

#include "backends/sqlite/schema.h"
#include "tests/backends/sqlite_fixture.h"

namespace twinbed::backends {
namespace {

class SqliteStore : public SqliteTest {};

TEST_F(SqliteStore, CreatesAFileThatExplainsItself) {
  open(path());
  EXPECT_EQ(sql(path(), "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(sql(path(), "PRAGMA application_id"), std::to_string(kApplicationId));
  EXPECT_EQ(sql(path(), "PRAGMA user_version"), "3");
  EXPECT_EQ(sql(path(), "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE "
                        "type = 'table' AND sql NOT LIKE '%STRICT' ORDER BY name)"),
            "NULL");
  EXPECT_EQ(sql(path(), "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE "
                        "type = 'view' ORDER BY name)"),
            "v_event,v_fault,v_run,v_sample,v_verdict");
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM sqlite_schema WHERE name = 'run' AND sql LIKE "
                        "'%-- the complete resolved scenario: with the files in the table%'"),
            "1");
}

// The list by which runs are copied must name every column of every table.
TEST_F(SqliteStore, TheCopyListCoversTheSchema) {
  open(path());
  std::size_t tables = 0;
  for (const RunTable& table : kRunTables) {
    const std::string key = table.dictionary == nullptr                 ? ""
                            : std::string(table.dictionary) == "metric" ? ", metric_id"
                                                                        : ", type_id";
    std::string listed = "run_id" + key + ", " + table.columns;
    const std::string count = sql(
        path(), "SELECT count(*) FROM pragma_table_info('" + std::string(table.name) + "')");
    EXPECT_EQ(count, std::to_string(std::count(listed.begin(), listed.end(), ',') + 1))
        << table.name;
    sql(path(), "SELECT " + listed + " FROM " + table.name);
    ++tables;
  }
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"),
            std::to_string(tables + 4));  // and run, metric, event_type, content
}

TEST_F(SqliteStore, ARunIsReadBackAsItWasWritten) {
  const auto store = open(path());
  RunInfo info = some_run(0xffff'ffff'ffff'fffeU);
  const auto id = store->begin_run(info);
  ASSERT_TRUE(id);
  EXPECT_EQ(*id, 1);

  auto reader = StoreReader::open(path());
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader).run(1)->state, "running");

  const RunResultRow result{"0123456789abcdef", 12'345, 60'000'000'000, 99, ""};
  ASSERT_TRUE(store->finish_run(result));
  const auto row = (*reader).run(1);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, "finished");
  EXPECT_EQ(row->info, info);
  EXPECT_EQ(row->result, result);
  EXPECT_EQ(sql(path(), "SELECT seed, state, failure FROM run"), "-2|finished|NULL");
  EXPECT_EQ((*reader).run(2).error(), "the result store " + path() + " has no run 2");
}

TEST_F(SqliteStore, AFailedRunSaysWhy) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  RunResultRow result;
  result.failure = "node alpha could not bind 10.0.0.1:7";
  ASSERT_TRUE(store->finish_run(result));
  auto reader = StoreReader::open(path());
  const auto runs = (*reader).runs();
  ASSERT_EQ(runs->size(), 1U);
  EXPECT_EQ((*runs)[0].state, "failed");
  EXPECT_EQ((*runs)[0].result, result);
  EXPECT_EQ(sql(path(), "SELECT fingerprint, events_count, end_ns, wall_ns FROM run"),
            "NULL|NULL|NULL|NULL");
}

TEST_F(SqliteStore, RowsComeBackInTheOrderInWhichTheyHappened) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  RunSink& sink = store->sink();
  sink.sample(at_ns(5), NodeId{1}, kDelay, 0.25);
  record_event(sink, 5, NodeId{0}, kPing, {{"to", std::int64_t{1}}, {"text", "hé"}, {"x", 1.5}});
  sink.fault(at_ns(5), {7, FaultPhase::kBegin, "crash", "alpha", "{\"with_disk\":true}", 0});
  record_event(sink, 5, kWholeRun, kPong, {});
  sink.sample(at_ns(6), kWholeRun, kLoad, -2);
  sink.fault(at_ns(9), {7, FaultPhase::kEnd, "crash", "alpha", "{}", 4});
  ASSERT_TRUE(store->finish_run({}));

  auto reader = StoreReader::open(path());
  TextSink read;
  ASSERT_TRUE((*reader).feed(1, read));
  const std::vector<std::string> expected = {
      "5 n0 test.ping to=1 text=hé x=1.500000",
      "5 fault 7 begin crash alpha {\"with_disk\":true} 0",
      "5 n- test.pong",
      "5 n1 test.delay[s]=0.250000",
      "6 n- test.load[1]=-2.000000",
      "9 fault 7 end crash alpha {} 4",
  };
  EXPECT_EQ(read.lines, expected);
  EXPECT_EQ(sql(path(), "SELECT sequence, node_id, fields FROM event"),
            "0|0|{\"to\":1,\"text\":\"hé\",\"x\":1.5}\n2|NULL|{}");
  ASSERT_TRUE(store->create_indexes());
  TextSink again;
  ASSERT_TRUE((*reader).feed(1, again));
  EXPECT_EQ(again.lines, expected);
}

TEST_F(SqliteStore, RunsDoNotMix) {
  const auto store = open(path());
  for (std::int64_t run = 1; run <= 3; ++run) {
    ASSERT_EQ(*store->begin_run(some_run(static_cast<std::uint64_t>(run))), run);
    for (std::int64_t i = 0; i < run; ++i) {
      record_event(store->sink(), i, NodeId{0}, run == 2 ? kPong : kPing, {{"i", i}});
      store->sink().sample(at_ns(i), NodeId{0}, kDelay, static_cast<double>(run));
    }
    ASSERT_TRUE(store->finish_run({}));
  }
  EXPECT_EQ(sql(path(), "SELECT run_id, count(*), max(sequence) FROM event GROUP BY run_id"),
            "1|1|0\n2|2|1\n3|3|2");
  EXPECT_EQ(sql(path(), "SELECT name FROM event_type ORDER BY type_id"), "test.ping\ntest.pong");
  auto reader = StoreReader::open(path());
  EXPECT_EQ((*reader).runs()->size(), 3U);
  std::vector<std::string> events;
  ASSERT_TRUE((*reader).for_each_event(2, [&](const EventRow& event) {
    events.push_back(std::to_string(event.sequence) + " " + std::string(event.type.name) + " " +
                     std::string(event.fields_json));
  }));
  EXPECT_EQ(events, (std::vector<std::string>{"0 test.pong {\"i\":0}", "1 test.pong {\"i\":1}"}));
  const auto samples = (*reader).samples(3, "test.delay");
  ASSERT_EQ(samples->size(), 3U);
  EXPECT_EQ((*samples)[2].value, 3.0);
  EXPECT_TRUE((*reader).samples(3, "no.such")->empty());
}

TEST_F(SqliteStore, TheOtherTablesTakeTheirRows) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  const std::string bytes("\x00\xff\x01", 3);
  store->add_input({at_ns(1), NodeId{0}, "start", {}});
  store->add_input({at_ns(2), NodeId{1}, "datagram", as_bytes(bytes)});
  store->add_input({at_ns(3), NodeId{0}, "timer", as_bytes(bytes)});
  store->add_frame({at_ns(4), NodeId{1}, "sent", as_bytes(bytes)});
  store->add_frame({at_ns(5), NodeId{0}, "received", as_bytes(bytes), InterfaceId{2}});
  store->add_link({0, "h1", "h2", "{\"delay_ns\":5}"});
  store->add_lateness({NodeId{1}, "timer", 10, 2, 900, 1000, 50, 90, 99});
  const std::vector<HistogramBin> bins = {{-INFINITY, 0, 4}, {0, 1.5, 5}};
  store->add_histogram(kDelay, kWholeRun, bins);
  const VerdictRow found{"agreement", "invalid", "invalid", "two leaders", at_ns(7), NodeId{1}};
  const VerdictRow good{"delivery", "valid", std::nullopt, "all arrived", {}, {}};
  store->add_verdict(found);
  store->add_verdict(good);
  ASSERT_TRUE(store->finish_run({}));

  auto reader = StoreReader::open(path());
  const auto inputs = (*reader).inputs(1, NodeId{0});
  ASSERT_EQ(inputs->size(), 2U);
  EXPECT_EQ((*inputs)[0].kind, "start");
  EXPECT_TRUE((*inputs)[0].payload.empty());
  EXPECT_EQ((*inputs)[1].sequence, 1);
  EXPECT_EQ((*inputs)[1].at, at_ns(3));
  EXPECT_EQ((*inputs)[1].payload, to_buffer(bytes));
  EXPECT_EQ(*(*reader).verdicts(1), (std::vector<VerdictRow>{found, good}));
  EXPECT_EQ(sql(path(), "SELECT time_ns, node_id, card, direction, hex(bytes) FROM frame"),
            "4|1|NULL|sent|00FF01\n5|0|2|received|00FF01");
  std::vector<std::optional<InterfaceId>> cards;
  EXPECT_TRUE((*reader).for_each_frame(1, [&](const FrameRow& row) { cards.push_back(row.card); }));
  EXPECT_EQ(cards, (std::vector<std::optional<InterfaceId>>{std::nullopt, InterfaceId{2}}));
  EXPECT_EQ(sql(path(), "SELECT * FROM link"), "1|0|h1|h2|{\"delay_ns\":5}");
  EXPECT_EQ(sql(path(), "SELECT * FROM lateness"), "1|1|timer|10|2|900|1000|50|90|99");
  EXPECT_EQ(sql(path(), "SELECT * FROM histogram"), "1|1|NULL|-Inf|0.0|4\n1|1|NULL|0.0|1.5|5");
}

TEST_F(SqliteStore, TheViewsNameThings) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  record_event(store->sink(), 1'500'000'000, NodeId{1}, kPing, {});
  store->sink().sample(at_ns(2'000'000'000), NodeId{0}, kDelay, 0.5);
  store->sink().fault(at_ns(1'000'000'000), {0, FaultPhase::kBegin, "pause", "beta", "{}", 0});
  store->sink().fault(at_ns(3'000'000'000), {0, FaultPhase::kEnd, "pause", "beta", "{}", 1});
  store->sink().fault(at_ns(4'000'000'000), {1, FaultPhase::kBegin, "crash", "beta", "{}", 1});
  store->add_verdict({"agreement", "invalid", "invalid", "e", at_ns(1), NodeId{1}});
  store->add_verdict({"delivery", "unknown", std::nullopt, "e", {}, {}});
  ASSERT_TRUE(store->finish_run({"", 3, 5'000'000'000, 2'000'000'000, ""}));
  EXPECT_EQ(sql(path(), "SELECT run_id, time_s, time_ns, node_id, node, type FROM v_event"),
            "1|1.5|1500000000|1|beta|test.ping");
  EXPECT_EQ(sql(path(), "SELECT time_s, node, metric, unit, value FROM v_sample"),
            "2.0|alpha|test.delay|s|0.5");
  EXPECT_EQ(sql(path(), "SELECT fault_index, action, begin_s, end_s, touched FROM v_fault"),
            "0|pause|1.0|3.0|1\n1|crash|4.0|NULL|1");
  EXPECT_EQ(sql(path(), "SELECT checker, verdict, expected, as_expected, time_s, node, seed "
                        "FROM v_verdict"),
            "agreement|invalid|invalid|1|1.0e-09|beta|1\ndelivery|unknown|valid|0|NULL|NULL|1");
  EXPECT_EQ(sql(path(), "SELECT scenario, end_s, wall_s, nodes, parameters FROM v_run"),
            "lan|5.0|2.0|2|{\"network.link.delay\":\"5 ms\",\"nodes\":\"2\"}");
}

TEST_F(SqliteStore, AValueThatIsNotANumberIsNullAndInfinitiesAreKept) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL, -0.0}) {
    store->sink().sample(at_ns(0), NodeId{0}, kDelay, value);
  }
  ASSERT_TRUE(store->finish_run({}));
  EXPECT_EQ(sql(path(), "SELECT value FROM sample"), "NULL\nInf\n-Inf\n0.0");
  auto reader = StoreReader::open(path());
  const auto samples = (*reader).samples(1, "test.delay");
  ASSERT_EQ(samples->size(), 4U);
  EXPECT_TRUE(std::isnan((*samples)[0].value));
  EXPECT_EQ((*samples)[2].value, -HUGE_VAL);
}

TEST_F(SqliteStore, TextIsAlwaysValidInTheFile) {
  const auto store = open(path());
  RunInfo info = some_run();
  info.scenario_text = std::string("a\0b\xff", 4);
  ASSERT_TRUE(store->begin_run(info));
  const EventType odd{"odd\xff", "d"};
  record_event(store->sink(), 0, NodeId{0}, odd, {});
  record_event(store->sink(), 1, NodeId{0}, odd, {{"\xc3", "\xe2\x82"}});
  ASSERT_TRUE(store->finish_run({}));
  auto reader = StoreReader::open(path());
  EXPECT_EQ((*reader).run(1)->info.scenario_text, "a\uFFFD" "b\uFFFD");
  TextSink read;
  ASSERT_TRUE((*reader).feed(1, read));
  EXPECT_EQ(read.lines[1], "1 n0 odd\uFFFD \uFFFD=\uFFFD\uFFFD");
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event_type"), "1");
  EXPECT_EQ(sql(path(), "SELECT sum(json_valid(fields)) FROM event"), "2");
}

TEST_F(SqliteStore, HugeCountsAreClamped) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  store->sink().fault(at_ns(0), {0, FaultPhase::kEnd, "link", "a", "{}", ~std::uint64_t{0}});
  ASSERT_TRUE(store->finish_run({}));
  EXPECT_EQ(sql(path(), "SELECT touched FROM fault"), "9223372036854775807");
}

TEST_F(SqliteStore, AReaderSeesWhatWasCommittedWhileARunIsWritten) {
  const auto store = open(path());
  store->set_batch_limits({10, 1U << 20, std::chrono::hours{1}});
  ASSERT_TRUE(store->begin_run(some_run()));
  auto reader = StoreReader::open(path());
  ASSERT_TRUE(reader);
  const auto count = [&] {
    TextSink read;
    EXPECT_TRUE((*reader).feed(1, read));
    return read.lines.size();
  };
  for (int i = 0; i < 15; ++i) record_event(store->sink(), i, NodeId{0}, kPing, {});
  EXPECT_EQ(count(), 10U);
  ASSERT_TRUE(store->flush());
  EXPECT_EQ(count(), 15U);
  // A transaction of the reader's is open here, and the writer goes on.
  std::size_t seen = 0;
  ASSERT_TRUE((*reader).for_each_event(1, [&](const EventRow&) {
    record_event(store->sink(), 100, NodeId{0}, kPing, {});
    EXPECT_TRUE(store->flush());
    ++seen;
  }));
  EXPECT_EQ(seen, 15U);
  EXPECT_EQ(count(), 30U);
}

TEST_F(SqliteStore, ReadingLeavesNoFilesBehind) {
  {
    const auto store = open(path());
    ASSERT_TRUE(store->begin_run(some_run()));
    ASSERT_TRUE(store->finish_run({}));
  }
  {
    auto reader = StoreReader::open(path());
    ASSERT_TRUE((*reader).runs());
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(SqliteStore, BatchesAreLimitedByBytesAndAge) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  store->set_batch_limits({1000, 100, std::chrono::hours{1}});
  const std::string long_text(60, 'x');
  record_event(store->sink(), 0, NodeId{0}, kPing, {{"text", long_text}});
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event"), "0");
  record_event(store->sink(), 1, NodeId{0}, kPing, {{"text", long_text}});
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event"), "2");
  store->set_batch_limits({1000, 1000, std::chrono::milliseconds{0}});
  record_event(store->sink(), 2, NodeId{0}, kPing, {});
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event"), "3");
}

TEST_F(SqliteStore, SeveralStoresWriteOneFileAtTheSameTime) {
  constexpr int kWriters = 4;
  constexpr int kRuns = 10;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&] {
      const auto store = open(path());
      if (store == nullptr) return;
      store->set_batch_limits({7, 1U << 20, std::chrono::hours{1}});
      for (int run = 0; run < kRuns; ++run) {
        EXPECT_TRUE(store->begin_run(some_run()));
        for (int i = 0; i < 50; ++i) record_event(store->sink(), i, NodeId{0}, kPing, {});
        EXPECT_TRUE(store->finish_run({}));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sql(path(), "SELECT count(*), sum(state = 'finished') FROM run"), "40|40");
  EXPECT_EQ(sql(path(), "SELECT count(*), count(DISTINCT run_id || ' ' || sequence) FROM event"),
            "2000|2000");
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM event_type"), "1");
}

TEST_F(SqliteStore, IndexesMayBeAskedForTwiceAndRunsMayFollow) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  record_event(store->sink(), 1, NodeId{0}, kPing, {});
  ASSERT_TRUE(store->finish_run({}));
  ASSERT_TRUE(store->create_indexes());
  ASSERT_TRUE(store->create_indexes());
  ASSERT_TRUE(store->begin_run(some_run()));
  record_event(store->sink(), 1, NodeId{0}, kPing, {});
  ASSERT_TRUE(store->finish_run({}));
  EXPECT_EQ(sql(path(), "SELECT run_id FROM event INDEXED BY event_by_time WHERE run_id = 2"),
            "2");
  EXPECT_EQ(sql(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(SqliteStore, AStoreThatIsClosedEarlyFailsItsRun) {
  {
    const auto store = open(path());
    ASSERT_TRUE(store->begin_run(some_run()));
    record_event(store->sink(), 1, NodeId{0}, kPing, {});
  }
  EXPECT_EQ(sql(path(), "SELECT state, failure, (SELECT count(*) FROM event) FROM run"),
            "failed|the store was closed before the run had finished|1");
  EXPECT_FALSE(std::filesystem::exists(path() + "-wal"));
}

TEST_F(SqliteStore, MisuseIsAProgrammersError) {
  const auto store = open(path());
  EXPECT_DEATH(record_event(store->sink(), 1, NodeId{0}, kPing, {}), "outside of a run");
  EXPECT_DEATH((void)store->finish_run({}), "had not begun");
  ASSERT_TRUE(store->begin_run(some_run()));
  EXPECT_DEATH((void)store->begin_run(some_run()), "before the last one finished");
}

}  // namespace
}  // namespace twinbed::backends
