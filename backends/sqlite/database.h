// SQLite's C interface with owners, and with errors as sentences that name the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "backends/sqlite/rows.h"

struct sqlite3;
struct sqlite3_stmt;

namespace twinbed::backends {

inline Status success() { return Status{std::monostate{}}; }

/// A prepared statement; it must not outlive its database.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  /// Binds the parameters ?1, ?2, ... Text and bytes are borrowed until the statement has run; text
  /// is cleaned (text.h). A double that is NaN and an absent optional are NULL.
  template <class... Values>
  void bind_all(const Values&... values) {
    int at = 0;
    (bind(++at, values), ...);
  }

  /// Binds a tuple of values to the parameters after the first so many, in the same way.
  template <class... Values>
  void bind_after(int count, const std::tuple<Values...>& values) {
    std::apply([&](const Values&... value) { (bind(++count, value), ...); }, values);
  }

  /// Runs a statement that has no rows, and makes it ready for the next values.
  Status run();
  /// Moves to the next row; false at the end and after an error, which status() tells apart.
  bool next();
  Status status() const;
  /// Makes the statement ready to run again.
  void reset();

  std::int64_t integer(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  double real(int column) const;           ///< NaN where NULL
  std::string_view text(int column) const;  ///< valid until next()
  std::string string(int column) const;    ///< cleaned
  Bytes blob(int column) const;            ///< valid until next()
  bool is_null(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* handle) const;
  };

  void bind(int at, std::int64_t value);
  void bind(int at, double value);
  void bind(int at, std::string_view value);
  void bind(int at, Bytes value);
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    if (value) {
      bind(at, *value);
    } else {
      bind_null(at);
    }
  }
  void bind_null(int at);

  std::unique_ptr<sqlite3_stmt, Finalizer> handle_;
  int code_ = 0;
};

class Database {
 public:
  enum class Access : std::uint8_t {
    kCreate,      ///< read and write; the file is created when it is missing
    kRead,        ///< what is in the file is not changed
    kUnchanging,  ///< as kRead, for a file that nobody can write: no locks, no files beside it
  };

  /// Opens a file (":memory:" is a database in memory). Nothing is read yet, so that a file that is
  /// no database is found out by the first statement.
  static Result<Database> open(const std::string& path, Access access,
                               std::chrono::milliseconds busy_timeout);

  /// Runs statements that have no parameters, and drops their rows.
  Status execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  /// Prepares, binds and runs one statement that has no rows.
  template <class... Values>
  Status run(std::string_view sql, const Values&... values) {
    Result<Statement> statement = prepare(sql);
    if (!statement) return Error{statement.error()};
    (*statement).bind_all(values...);
    return (*statement).run();
  }
  /// The same for a statement that will come again: it stays prepared.
  template <class... Values>
  Status run_often(const std::string& sql, const Values&... values) {
    auto kept = kept_.find(sql);
    if (kept == kept_.end()) {
      Result<Statement> statement = prepare(sql);
      if (!statement) return Error{statement.error()};
      kept = kept_.emplace(sql, *std::move(statement)).first;
    }
    kept->second.bind_all(values...);
    return kept->second.run();
  }
  /// The first column of the first row; 0 where there is no row.
  template <class... Values>
  Result<std::int64_t> number(std::string_view sql, const Values&... values) {
    Result<Statement> statement = prepare(sql);
    if (!statement) return Error{statement.error()};
    (*statement).bind_all(values...);
    const std::int64_t value = (*statement).next() ? (*statement).integer(0) : 0;
    if (const Status status = (*statement).status(); !status) return Error{status.error()};
    return value;
  }

  std::int64_t last_insert_rowid() const;
  bool in_transaction() const;
  /// Whether the last call failed because another connection has the file.
  bool is_busy() const;
  /// The statements from here on fail after this many steps of SQLite's virtual machine together;
  /// it stops searches through a file whose pages point in circles.
  void limit_work(std::int64_t steps);

 private:
  struct Closer {
    void operator()(sqlite3* handle) const;
  };

  std::unique_ptr<sqlite3, Closer> handle_;
  std::map<std::string, Statement> kept_;  // after the handle: they must go first
  std::unique_ptr<std::int64_t> work_left_ = std::make_unique<std::int64_t>(0);
};

/// BEGIN IMMEDIATE ... COMMIT around a scope; rolled back unless it was committed.
class Transaction {
 public:
  explicit Transaction(Database& database)
      : database_(database), begun_(database.execute("BEGIN IMMEDIATE")) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  const Status& begun() const { return begun_; }
  Status commit() { return database_.execute("COMMIT"); }

 private:
  Database& database_;
  Status begun_;
};

/// One view of the file for several queries, whoever writes to it meanwhile. Inside a transaction
/// it is part of that.
class Snapshot {
 public:
  explicit Snapshot(Database& database)
      : database_(database), joined_(database.in_transaction()),
        begun_(joined_ ? success() : database.execute("BEGIN")) {}
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  const Status& begun() const { return begun_; }

 private:
  Database& database_;
  bool joined_;
  Status begun_;
};

}  // namespace twinbed::backends
