// The metadata of a server's images as a table that anybody can query:
//
//   sqlite3 images.db 'SELECT request_id, bytes, user FROM image ORDER BY unix_seconds'
//
// It follows the catalogue that the servers agree on and is written anew from that after a restart;
// nothing is ever read back from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/sqlite/database.h"

namespace twinbed::backends {

struct ImageRow {
  std::string request_id;
  std::string hash;
  std::int64_t bytes = 0;
  std::string extension;
  std::string user;
  std::string client;  ///< address and port
  std::int64_t unix_seconds = 0;
  std::string holders;  ///< the servers that had it when it was accepted: "1 3"
  std::int64_t term = 0;
  std::string file;
};

class ImageTable {
 public:
  static Result<ImageTable> open(const std::string& path);

  /// Adds the rows, or puts them in place of those with the same request ids, in one transaction.
  Status put(const std::vector<ImageRow>& rows);

 private:
  explicit ImageTable(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace twinbed::backends
