#include "backends/sqlite/row_insert.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/backends/sqlite_fixture.h"

namespace twinbed::backends {
namespace {

using ::testing::HasSubstr;

class SqliteRowInsert : public SqliteTest {
 protected:
  SqliteRowInsert() : database_(*Database::open(path(), Database::Access::kCreate, {})) {
    EXPECT_TRUE(database_.execute("CREATE TABLE t (number INTEGER UNIQUE, text TEXT, real REAL, "
                                  "bytes BLOB) STRICT"));
  }
  std::string count() const {
    return sql(path(), "SELECT count(*), min(number), max(number) FROM t");
  }

  Database database_;
};

std::vector<std::int64_t> numbers(std::int64_t first, std::size_t count) {
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(first + static_cast<std::int64_t>(i));
  return all;
}

TEST_F(SqliteRowInsert, EveryNumberOfRowsArrivesInItsOrderWithItsValues) {
  RowInsert insert("t", "number, text, real, bytes");
  std::int64_t next = 0;
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 64U, 95U, 100U}) {
    const std::vector<std::int64_t> items = numbers(next, size);
    std::vector<std::string> texts;
    for (const std::int64_t item : items) texts.push_back("text " + std::to_string(item));
    ASSERT_TRUE(insert.insert(database_, items, [&](std::int64_t item) {
      const std::string_view text = texts[static_cast<std::size_t>(item - next)];
      // Absent values lie between present ones, so that none of an earlier row can stay behind.
      return std::tuple(item, item % 3 == 0 ? std::nullopt : std::optional(text),
                        item % 2 == 0 ? 0.5 * static_cast<double>(item) : std::nan(""),
                        as_bytes(text.substr(5)));
    }));
    next += static_cast<std::int64_t>(size);
  }
  EXPECT_EQ(sql(path(), "SELECT count(*) FROM t WHERE number = rowid - 1 "
                        "AND text IS (CASE WHEN number % 3 THEN 'text ' || number END) "
                        "AND real IS (CASE WHEN number % 2 = 0 THEN 0.5 * number END) "
                        "AND bytes = CAST(CAST(number AS TEXT) AS BLOB)"),
            std::to_string(next));
}

TEST_F(SqliteRowInsert, TheFirstErrorEndsIt) {
  RowInsert insert("t", "number");
  const auto row_of = [](std::int64_t item) { return std::tuple(item); };
  ASSERT_TRUE(insert.insert(database_, numbers(40, 1), row_of));
  const Status status = insert.insert(database_, numbers(0, 100), row_of);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error(), HasSubstr("UNIQUE"));
  EXPECT_EQ(count(), "33|0|40") << "32 rows before the statement that failed, and the one before";
  EXPECT_TRUE(insert.insert(database_, numbers(100, 70), row_of)) << "and it can be used again";
  EXPECT_EQ(count(), "103|0|169");
}

TEST_F(SqliteRowInsert, ATableThatIsNotThereIsAnError) {
  RowInsert insert("nowhere", "number");
  const Status status =
      insert.insert(database_, numbers(0, 1), [](std::int64_t item) { return std::tuple(item); });
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error(), HasSubstr("no such table"));
}

using SqliteRunEnd = SqliteTest;

TEST_F(SqliteRunEnd, RowsVerdictsAndTheEndOfARunAreOneTransaction) {
  const auto store = open(path());
  ASSERT_TRUE(store->begin_run(some_run()));
  for (int i = 0; i < 100; ++i) store->sink().sample(at_ns(i), NodeId{0}, kDelay, i);
  store->add_verdict({"agreement", "valid", std::nullopt, "fine", {}, {}});
  const std::string query =
      "SELECT state, (SELECT count(*) FROM sample), (SELECT count(*) FROM verdict) FROM run";
  EXPECT_EQ(sql(path(), query), "running|0|0");
  ASSERT_TRUE(store->finish_run({}));
  EXPECT_EQ(sql(path(), query), "finished|100|1");

  // What cannot be written takes all of its run's last rows with it, and the run says so.
  ASSERT_TRUE(store->begin_run(some_run()));
  store->sink().sample(at_ns(1), NodeId{0}, kDelay, 1);
  store->add_verdict({"agreement", "valid", std::nullopt, "fine", {}, {}});
  sql(path(), "CREATE TRIGGER no BEFORE INSERT ON verdict BEGIN SELECT raise(ABORT, 'no'); END");
  EXPECT_FALSE(store->finish_run({}));
  EXPECT_EQ(sql(path(), "SELECT state, (SELECT count(*) FROM sample WHERE run_id = 2) FROM run "
                        "WHERE run_id = 2"),
            "failed|0");
}

}  // namespace
}  // namespace twinbed::backends
