// Files that were damaged, or made to do harm, are errors: never a crash, never an endless search.
#include <gmock/gmock.h>

#include "core/base/random_stream.h"
#include "tests/backends/sqlite_fixture.h"

namespace twinbed::backends {
namespace {

using testing::HasSubstr;

class SqliteHostile : public SqliteTest {
 protected:
  /// A store with a run that has rows in every table that is read.
  void write_store() {
    const auto store = open(path());
    ASSERT_TRUE(store->begin_run(some_run()));
    for (std::int64_t i = 0; i < 200; ++i) {
      record_event(store->sink(), i, NodeId{0}, kPing, {{"i", i}, {"text", "hello"}});
      store->sink().sample(at_ns(i), NodeId{1}, kDelay, 0.5);
    }
    store->sink().fault(at_ns(300), {0, FaultPhase::kBegin, "crash", "alpha", "{}", 1});
    store->add_input({at_ns(5), NodeId{0}, "start", as_bytes("abc")});
    store->add_verdict({"agreement", "valid", std::nullopt, "fine", at_ns(1), NodeId{0}});
    ASSERT_TRUE(store->finish_run({"00000000000000ff", 4, 10, 20, ""}));
  }

  /// The error of reading everything, or the empty text.
  static std::string read_everything(const std::string& file) {
    auto reader = StoreReader::open(file);
    if (!reader) return reader.error();
    std::string errors;
    const auto note = [&](const auto& result) {
      if (!result) errors += result.error() + "\n";
    };
    TextSink sink;
    note((*reader).runs());
    note((*reader).run(1));
    note((*reader).feed(1, sink));
    note((*reader).for_each_event(1, [](const EventRow&) {}));
    note((*reader).for_each_frame(1, [](const FrameRow&) {}));
    note((*reader).inputs(1, NodeId{0}));
    note((*reader).samples(1, "test.delay"));
    note((*reader).verdicts(1));
    return errors;
  }

  std::string bytes_of_store() {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string file_of(const std::string& bytes) {
    std::ofstream(path("hostile.db"), std::ios::binary | std::ios::trunc) << bytes;
    return path("hostile.db");
  }
};

TEST_F(SqliteHostile, AnUndamagedStoreHasNoErrors) {
  write_store();
  EXPECT_EQ(read_everything(path()), "");
  EXPECT_EQ(read_everything(file_of(bytes_of_store())), "");
}

TEST_F(SqliteHostile, EveryTruncationIsAnError) {
  write_store();
  const std::string bytes = bytes_of_store();
  for (std::size_t size = 1; size < bytes.size(); size = size * 3 / 2 + 1) {
    EXPECT_NE(read_everything(file_of(bytes.substr(0, size))), "") << size;
  }
}

TEST_F(SqliteHostile, RandomDamageIsReadOrRefused) {
  write_store();
  const std::string good = bytes_of_store();
  RandomStream random(7, "damage");
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    const std::uint64_t changes = 1 + random.below(20);
    for (std::uint64_t i = 0; i < changes; ++i) {
      // Half of the damage hits the headers of pages, where it does most.
      std::size_t at = random.below(bytes.size());
      if (random.chance(0.5)) at = at / 4096 * 4096 + random.below(16);
      bytes[at] = static_cast<char>(random.below(256));
    }
    if (!read_everything(file_of(bytes)).empty()) ++refused;
  }
  EXPECT_GT(refused, 100);
}

std::size_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

void put_number(std::string& bytes, std::size_t at, std::size_t size, std::size_t number) {
  for (std::size_t i = size; i-- > 0; number >>= 8) bytes[at + i] = static_cast<char>(number);
}

// Twelve levels of pages, each with fifty pointers to the one page below it: fifty to the power of
// twelve ways to the same leaf, none of them deeper than SQLite allows.
TEST_F(SqliteHostile, PagesThatShareTheirChildrenEndTheSearch) {
  write_store();
  {
    const auto store = open(path());
    ASSERT_TRUE(store->begin_run(some_run()));
    for (std::int64_t i = 0; i < 2000; ++i) record_event(store->sink(), i, NodeId{0}, kPing, {});
    ASSERT_TRUE(store->finish_run({}));
  }
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kChildren = 50;
  constexpr std::size_t kCell = 5;
  std::string bytes = bytes_of_store();
  const std::string query = "SELECT rootpage FROM sqlite_schema WHERE name = 'event'";
  const std::size_t root = (std::stoul(sql(path(), query)) - 1) * kPage;
  ASSERT_EQ(bytes[root], 5) << "the table of events has no interior page";
  std::size_t child = number_at(bytes, root + 8, 4);
  for (int level = 0; level < 12; ++level) {
    std::string page(kPage, '\0');
    page[0] = 5;
    const std::size_t content = kPage - kChildren * kCell;
    put_number(page, 3, 2, kChildren);
    put_number(page, 5, 2, content);
    put_number(page, 8, 4, child);
    for (std::size_t i = 0; i < kChildren; ++i) {
      put_number(page, 12 + 2 * i, 2, content + kCell * i);
      put_number(page, content + kCell * i, 4, child);
    }
    bytes += page;
    child = bytes.size() / kPage;
  }
  put_number(bytes, root + number_at(bytes, root + 12, 2), 4, child);
  put_number(bytes, 28, 4, child);  // the number of pages, in the header of the file
  EXPECT_THAT(read_everything(file_of(bytes)), HasSubstr("its pages point in circles"));
}

TEST_F(SqliteHostile, AViewThatNeverEndsIsNoTable) {
  write_store();
  sql(path(), "DROP TABLE verdict; CREATE VIEW verdict AS WITH RECURSIVE n(i) AS (SELECT 1 UNION "
              "ALL SELECT i + 1 FROM n) SELECT i AS run_id, '' AS checker, '' AS verdict, '' AS "
              "expected, '' AS explanation, i AS time_ns, i AS node_id FROM n");
  EXPECT_THAT(read_everything(path()), HasSubstr("the table verdict of the result store"));
}

TEST_F(SqliteHostile, ComputedColumnsAreNotRead) {
  write_store();
  sql(path(), "DROP TABLE frame; CREATE TABLE frame (run_id INTEGER NOT NULL, time_ns INTEGER NOT "
              "NULL, node_id INTEGER, card INTEGER, direction TEXT NOT NULL, "
              "bytes BLOB AS (zeroblob(1000000000)))");
  EXPECT_THAT(read_everything(path()), HasSubstr("the table frame of the result store"));
}

TEST_F(SqliteHostile, RowsThatMakeNoSenseAreErrors) {
  const struct {
    const char* change;
    const char* error;
  } cases[] = {
      {"UPDATE event SET type_id = 99 WHERE sequence = 8", "an event has no type"},
      {"UPDATE event SET node_id = -1 WHERE sequence = 8", "a row has the impossible node -1"},
      {"UPDATE event SET node_id = 4294967295", "a row has the impossible node 4294967295"},
      {"UPDATE event SET fields = '[1]' WHERE sequence = 8", "no flat JSON object"},
      {"UPDATE event SET fields = CAST(x'7b22ff223a317d' AS TEXT)", "no flat JSON object"},
      {"UPDATE sample SET metric_id = 99", "a sample has no metric"},
      {"UPDATE sample SET node_id = 5000000000", "a row has the impossible node 5000000000"},
      {"INSERT INTO frame VALUES (1, 0, 0, -2, 'sent', x'')",
       "a frame has the impossible card -2"},
      {"UPDATE verdict SET node_id = -7", "a row has the impossible node -7"},
      {"UPDATE node SET node_id = 9", "its nodes are not numbered from 0"},
      {"UPDATE node SET node_id = 0", "its nodes are not numbered from 0"},
      {"UPDATE content SET bytes = x'00'", "the file /lan/a.png is not what was read"},
      {"DELETE FROM content", "the file /lan/a.png is not what was read"},
  };
  for (const auto& [change, error] : cases) {
    std::filesystem::remove(path());
    write_store();
    sql(path(), change);
    EXPECT_THAT(read_everything(path()), HasSubstr(error)) << change;
  }
}

TEST_F(SqliteHostile, ExtremeNumbersAreKept) {
  write_store();
  sql(path(), "UPDATE event SET time_ns = 9223372036854775807 WHERE sequence = 0;"
              "UPDATE event SET time_ns = -9223372036854775808 WHERE sequence = 1");
  auto reader = StoreReader::open(path());
  TextSink sink;
  ASSERT_TRUE((*reader).feed(1, sink));
  EXPECT_EQ(sink.lines.front(), "-9223372036854775808 n0 test.ping i=1 text=hello");
  EXPECT_EQ(sink.lines.back(), "9223372036854775807 n0 test.ping i=0 text=hello");
}

}  // namespace
}  // namespace twinbed::backends
