#include "backends/sqlite/database.h"

#include <sqlite3.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "backends/sqlite/text.h"

namespace twinbed::backends {
namespace {

// A result store holds no value near this size; a damaged file may claim one.
constexpr int kLongestValue = 256 << 20;

// Why a file cannot be opened, in the order in which a user would look for it.
std::string why_not_opened(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path file(path);
  const std::filesystem::path directory = file.has_parent_path() ? file.parent_path() : ".";
  if (std::filesystem::is_directory(file, ignored)) {
    return path + " is a directory: name a file in it";
  }
  if (!std::filesystem::is_directory(directory, ignored)) {
    return "the directory " + directory.string() + " of the result store " + path +
           " does not exist: create it first";
  }
  if (!std::filesystem::exists(file, ignored)) {
    return "no permission to create the result store " + path + " in its directory";
  }
  return "no permission to open the result store " + path + " and the files beside it";
}

std::string sentence_of(int code, const std::string& path, const char* detail) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "the disk is full: " + path + " could not be written; free space and run again";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program keeps the result store " + path +
             " locked: wait until it is done, or write to another file";
    case SQLITE_READONLY:
      return "no permission to write the result store " + path;
    case SQLITE_CANTOPEN:
      return why_not_opened(path);
    case SQLITE_NOTADB:
      return path + " is not a result store: it is no SQLite database";
    case SQLITE_CORRUPT:
      return "the result store " + path + " is damaged (" + detail + ")";
    case SQLITE_INTERRUPT:
      return "the result store " + path + " is damaged (its pages point in circles)";
    case SQLITE_IOERR:
      return "the disk reported an error on the result store " + path + " (" + detail + ")";
    default:
      return "SQLite failed on the result store " + path + " (" + detail + ")";
  }
}

Error error_of(sqlite3* handle) {
  const char* const name = sqlite3_db_filename(handle, "main");
  const std::string path = name != nullptr && *name != '\0' ? name : "in memory";
  return {sentence_of(sqlite3_extended_errcode(handle), path, sqlite3_errmsg(handle))};
}

// As a URI, in which the characters that mean something there are escaped.
std::string unchanging_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char character : path) {
    switch (character) {
      case '%': uri += "%25"; break;
      case '?': uri += "%3f"; break;
      case '#': uri += "%23"; break;
      default: uri += character;
    }
  }
  return uri + "?immutable=1";
}

int out_of_work(void* work_left) { return --*static_cast<std::int64_t*>(work_left) < 0; }

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

void Statement::bind(int at, std::int64_t value) { sqlite3_bind_int64(handle_.get(), at, value); }
void Statement::bind(int at, double value) { sqlite3_bind_double(handle_.get(), at, value); }
void Statement::bind_null(int at) { sqlite3_bind_null(handle_.get(), at); }

void Statement::bind(int at, std::string_view value) {
  if (is_clean_text(value)) {
    // A null pointer would bind NULL; an empty view may have one.
    const char* const data = value.empty() ? "" : value.data();
    sqlite3_bind_text64(handle_.get(), at, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  } else {
    const std::string clean = clean_text(value);
    sqlite3_bind_text64(handle_.get(), at, clean.data(), clean.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  }
}

void Statement::bind(int at, Bytes value) {
  const void* const data = value.empty() ? static_cast<const void*>("") : value.data();
  sqlite3_bind_blob64(handle_.get(), at, data, value.size(), SQLITE_STATIC);
}

Status Statement::run() {
  while (next()) {
  }
  Status result = status();
  reset();
  return result;
}

bool Statement::next() {
  code_ = sqlite3_step(handle_.get());
  return code_ == SQLITE_ROW;
}

Status Statement::status() const {
  if (code_ == SQLITE_OK || code_ == SQLITE_ROW || code_ == SQLITE_DONE) return success();
  return error_of(sqlite3_db_handle(handle_.get()));
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  code_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

double Statement::real(int column) const {
  if (is_null(column)) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(handle_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string Statement::string(int column) const { return clean_text(text(column)); }

Bytes Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

void Database::Closer::operator()(sqlite3* handle) const { sqlite3_close(handle); }

Result<Database> Database::open(const std::string& path, Access access,
                                std::chrono::milliseconds busy_timeout) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (access == Access::kCreate) flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // A read-only connection would leave the log's files behind; SQLite falls back to one by itself
  // where the file cannot be written.
  if (access == Access::kRead) flags |= SQLITE_OPEN_READWRITE;
  if (access == Access::kUnchanging) flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  const std::string name = access == Access::kUnchanging ? unchanging_uri(path) : path;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  Database database;
  database.handle_.reset(handle);
  if (code != SQLITE_OK) return Error{sentence_of(code, path, sqlite3_errstr(code))};
  sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kLongestValue);
  // The file may come from anywhere: its schema may not call functions with side effects.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (access != Access::kCreate) {
    if (Status status = database.execute("PRAGMA query_only = ON"); !status) {
      return Error{status.error()};
    }
  }
  return database;
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return success();
  }
  return error_of(handle_.get());
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error_of(handle_.get());
  return Statement(statement);
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_.get());
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

bool Database::is_busy() const { return sqlite3_errcode(handle_.get()) == SQLITE_BUSY; }

void Database::limit_work(std::int64_t steps) {
  constexpr int kStepsBetweenLooks = 1000;
  *work_left_ = steps / kStepsBetweenLooks + 1;
  sqlite3_progress_handler(handle_.get(), kStepsBetweenLooks, out_of_work, work_left_.get());
}

Transaction::~Transaction() {
  if (begun_ && database_.in_transaction()) (void)database_.execute("ROLLBACK");
}

Snapshot::~Snapshot() {
  if (!joined_ && begun_) (void)database_.execute("COMMIT");
}

}  // namespace twinbed::backends
