#include "backends/sqlite/row_insert.h"

namespace twinbed::backends {

RowInsert::RowInsert(std::string_view table, std::string_view columns)
    : columns_count_(1 + static_cast<int>(std::count(columns.begin(), columns.end(), ','))) {
  start_.append("INSERT INTO ").append(table).append(" (").append(columns).append(") VALUES ");
}

Status RowInsert::prepare(Database& database, std::size_t rows,
                          std::optional<Statement>& statement) const {
  if (statement) return success();
  std::string row = "(?";
  for (int column = 1; column < columns_count_; ++column) row += ",?";
  row += ')';
  std::string sql = start_ + row;
  for (std::size_t i = 1; i < rows; ++i) sql += ',' + row;
  Result<Statement> prepared = database.prepare(sql);
  if (!prepared) return Error{prepared.error()};
  statement.emplace(*std::move(prepared));
  return success();
}

}  // namespace twinbed::backends
