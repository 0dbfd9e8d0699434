// Opens result stores, and makes sure that a file is one before anything in it is believed.
#pragma once

#include <chrono>
#include <string>

#include "backends/sqlite/database.h"

namespace twinbed::backends {

/// Opens a result store for writing, in WAL mode, and creates its schema where the file is new.
Result<Database> open_for_writing(const std::string& path, std::chrono::milliseconds busy_timeout);

/// Opens a result store for reading.
Result<Database> open_for_reading(const std::string& path, std::chrono::milliseconds busy_timeout);

/// More steps of SQLite's virtual machine than any query here takes on an undamaged file of this
/// size: a row has at least ten bytes and takes fewer than 200 steps. See Database::limit_work.
std::int64_t enough_work_for(const std::string& path);

}  // namespace twinbed::backends
