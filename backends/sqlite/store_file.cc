#include "backends/sqlite/store_file.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <thread>

#include "backends/sqlite/schema.h"

namespace twinbed::backends {
namespace {

using TableColumns = std::map<std::string, std::string, std::less<>>;

// SQLite gives a meaning to "", ":memory:" and the like; here they are names of files.
std::string as_file_name(const std::string& path) {
  return path.empty() || path[0] == ':' ? "./" + path : path;
}

Result<std::string> columns_of(Database& database, const std::string& table) {
  // An unset root page is that of a virtual table, whose rows could come from anywhere.
  auto kind = database.number(
      "SELECT count(*) FROM sqlite_schema WHERE name = ?1 AND type = 'table' AND rootpage > 0",
      std::string_view(table));
  if (!kind) return Error{kind.error()};
  if (*kind != 1) return std::string();
  auto statement = database.prepare(
      "SELECT group_concat(name || ' ' || type || ' ' || hidden, ', ') "
      "FROM (SELECT * FROM pragma_table_xinfo(?1) ORDER BY cid)");
  if (!statement) return Error{statement.error()};
  (*statement).bind_all(std::string_view(table));
  std::string columns = (*statement).next() ? (*statement).string(0) : "";
  if (const Status status = (*statement).status(); !status) return Error{status.error()};
  return columns;
}

// The columns of every table, as SQLite itself describes them once it has read the schema.
const TableColumns& expected_columns() {
  static const TableColumns expected = [] {
    auto reference = Database::open(":memory:", Database::Access::kCreate, {});
    TWINBED_CHECK(reference && (*reference).execute(kSchemaSql), "the schema is no valid SQL");
    auto names = (*reference).prepare("SELECT name FROM sqlite_schema WHERE type = 'table'");
    TWINBED_CHECK(names, "the schema has no tables");
    TableColumns tables;
    while ((*names).next()) {
      const std::string name = (*names).string(0);
      tables[name] = *columns_of(*reference, name);
    }
    return tables;
  }();
  return expected;
}

Status check_tables(Database& database, const std::string& path) {
  for (const auto& [table, expected] : expected_columns()) {
    const Result<std::string> columns = columns_of(database, table);
    if (!columns) return Error{columns.error()};
    if (*columns != expected) {
      return Error{"the table " + table + " of the result store " + path +
                   " is not as this program writes it: it was altered or is damaged"};
    }
  }
  auto triggers =
      database.number("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'");
  if (!triggers) return Error{triggers.error()};
  if (*triggers > 0) return Error{"the result store " + path + " has triggers: drop them first"};
  return success();
}

// 1: one of ours; 0: an empty database, which may become one.
Result<bool> is_result_store(Database& database, const std::string& path) {
  // Another process may be creating the schema at this moment.
  const Snapshot snapshot(database);
  if (!snapshot.begun()) return Error{snapshot.begun().error()};
  const auto id = database.number("PRAGMA application_id");
  if (!id) return Error{id.error()};
  const auto version = database.number("PRAGMA user_version");
  if (!version) return Error{version.error()};
  if (*id != kApplicationId) {
    const auto objects = database.number("SELECT count(*) FROM sqlite_schema");
    if (!objects) return Error{objects.error()};
    if (*id == 0 && *version == 0 && *objects == 0) return false;
    return Error{path + " is an SQLite database of another program, not a result store"};
  }
  if (*version != kSchemaVersion) {
    return Error{"the result store " + path + " has schema version " + std::to_string(*version) +
                 ", this program reads and writes version " + std::to_string(kSchemaVersion) +
                 ": use the program that made it, or name another file"};
  }
  return true;
}

Status create_schema(Database& database, const std::string& path) {
  Transaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  // Another process may have been quicker.
  const Result<bool> exists = is_result_store(database, path);
  if (!exists) return Error{exists.error()};
  if (*exists) return success();
  const std::string marks = "PRAGMA application_id = " + std::to_string(kApplicationId) +
                            "; PRAGMA user_version = " + std::to_string(kSchemaVersion);
  if (Status status = database.execute(marks); !status) return status;
  if (Status status = database.execute(kSchemaSql); !status) return status;
  return transaction.commit();
}

Status try_write_ahead_log(Database& database, const std::string& path) {
  auto statement = database.prepare("PRAGMA journal_mode = WAL");
  if (!statement) return Error{statement.error()};
  const bool done = (*statement).next() && (*statement).text(0) == "wal";
  if (Status status = (*statement).status(); !status) return status;
  if (done) return success();
  return Error{"the file system of " + path +
               " has no shared memory for SQLite's log: put the result store on a local disk"};
}

// SQLite's own waiting does not cover two connections that switch a new file to WAL at once.
Status use_write_ahead_log(Database& database, const std::string& path,
                           std::chrono::milliseconds busy_timeout) {
  const auto deadline = std::chrono::steady_clock::now() + busy_timeout;
  for (;;) {
    Status status = try_write_ahead_log(database, path);
    if (status || !database.is_busy() || std::chrono::steady_clock::now() >= deadline) {
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

Result<Database> open_and_check(const std::string& path, Database::Access access,
                                std::chrono::milliseconds busy_timeout) {
  auto database = Database::open(as_file_name(path), access, busy_timeout);
  if (!database) return database;
  (*database).limit_work(enough_work_for(path));
  const Result<bool> exists = is_result_store(*database, path);
  if (!exists) return Error{exists.error()};
  if (!*exists) return Error{path + " is an empty database, not a result store"};
  if (Status status = check_tables(*database, path); !status) return Error{status.error()};
  return database;
}

}  // namespace

Result<Database> open_for_writing(const std::string& path,
                                  std::chrono::milliseconds busy_timeout) {
  auto database = Database::open(as_file_name(path), Database::Access::kCreate, busy_timeout);
  if (!database) return database;
  const Result<bool> exists = is_result_store(*database, path);
  if (!exists) return Error{exists.error()};
  Status status = *exists ? success() : create_schema(*database, path);
  if (status) status = check_tables(*database, path);
  if (status) status = use_write_ahead_log(*database, path, busy_timeout);
  if (status) {
    status = (*database).execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF");
  }
  if (!status) return Error{status.error()};
  return database;
}

Result<Database> open_for_reading(const std::string& path,
                                  std::chrono::milliseconds busy_timeout) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return Error{"there is no result store " + path};
  }
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{path + " is a directory: name a file in it"};
  }
  auto database = open_and_check(path, Database::Access::kRead, busy_timeout);
  const bool has_log = std::filesystem::exists(path + "-wal", ignored);
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (database || has_log || ::access(directory.empty() ? "." : directory.c_str(), W_OK) == 0) {
    return database;
  }
  // No log can be set up beside the file (a read-only medium, another user's directory). As there
  // is none, the file is complete.
  auto unchanging = open_and_check(path, Database::Access::kUnchanging, busy_timeout);
  return unchanging ? std::move(unchanging) : std::move(database);
}

std::int64_t enough_work_for(const std::string& path) {
  std::int64_t size = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(path + suffix, error);
    if (!error) size += static_cast<std::int64_t>(bytes);
  }
  constexpr std::int64_t kStepsPerByte = 20;
  return 1'000'000 + kStepsPerByte * size;
}

}  // namespace twinbed::backends
