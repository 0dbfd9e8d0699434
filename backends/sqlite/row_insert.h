// INSERT of many rows into one table.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "backends/sqlite/database.h"

namespace twinbed::backends {

/// Inserts rows by statements of kAtOnce rows, and what is left over one by one: to start and end a
/// statement costs SQLite about as much as a row does. It must not outlive the database.
class RowInsert {
 public:
  static constexpr std::size_t kAtOnce = 32;

  /// `columns` as SQL has them, "run_id, time_ns".
  RowInsert(std::string_view table, std::string_view columns);

  /// Inserts one row for each item. `row_of(item)` is the tuple of its values, one for each column;
  /// text and bytes in it must last until the call ends.
  template <class Items, class RowOf>
  Status insert(Database& database, const Items& items, RowOf row_of) {
    Status status = success();
    for (std::size_t done = 0; done < items.size() && status;) {
      const std::size_t count = items.size() - done < kAtOnce ? 1 : kAtOnce;
      std::optional<Statement>& statement = count == 1 ? one_ : many_;
      status = prepare(database, count, statement);
      if (!status) break;
      for (std::size_t row = 0; row < count; ++row) {
        statement->bind_after(static_cast<int>(row) * columns_count_, row_of(items[done + row]));
      }
      status = statement->run();
      done += count;
    }
    return status;
  }

 private:
  Status prepare(Database& database, std::size_t rows, std::optional<Statement>& statement) const;

  std::string start_;  // up to and with VALUES
  int columns_count_;
  std::optional<Statement> one_;
  std::optional<Statement> many_;
};

}  // namespace twinbed::backends
