#include "backends/sqlite/image_table.h"

#include <utility>

namespace twinbed::backends {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS image (  -- an image that the servers have promised to keep
  request_id   TEXT PRIMARY KEY,    -- the id under which the client handed it over
  hash         TEXT NOT NULL,       -- BLAKE2b-256 of its bytes, hexadecimal
  bytes        INTEGER NOT NULL,
  extension    TEXT NOT NULL,       -- png, jpg or bin
  user         TEXT NOT NULL,
  client       TEXT NOT NULL,       -- ADDRESS:PORT
  unix_seconds INTEGER NOT NULL,    -- when it was accepted, on the leader's clock
  holders      TEXT NOT NULL,       -- the servers that had it on their disks then: '1 3'
  term         INTEGER NOT NULL,    -- of the leader that accepted it
  file         TEXT NOT NULL        -- images of one content share the file of the first
) STRICT
)";

}  // namespace

Result<ImageTable> ImageTable::open(const std::string& path) {
  Result<Database> database =
      Database::open(path, Database::Access::kCreate, std::chrono::seconds(5));
  if (!database) return Error{database.error()};
  // A lost row comes back with the next start; waiting for the disk would hold up the server.
  for (const char* sql : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", kSchema}) {
    if (const Status done = database->execute(sql); !done) return Error{done.error()};
  }
  return ImageTable(*std::move(database));
}

Status ImageTable::put(const std::vector<ImageRow>& rows) {
  Transaction transaction(database_);
  if (!transaction.begun()) return transaction.begun();
  for (const ImageRow& row : rows) {
    const Status done = database_.run_often(
        "INSERT OR REPLACE INTO image VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        std::string_view(row.request_id), std::string_view(row.hash), row.bytes,
        std::string_view(row.extension), std::string_view(row.user), std::string_view(row.client),
        row.unix_seconds, std::string_view(row.holders), row.term, std::string_view(row.file));
    if (!done) return done;
  }
  return transaction.commit();
}

}  // namespace twinbed::backends
