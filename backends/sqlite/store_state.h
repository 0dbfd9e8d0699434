// What a Store is made of; its implementation is in store.cc and store_absorb.cc.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "backends/sqlite/database.h"
#include "backends/sqlite/run_recorder.h"
#include "backends/sqlite/store.h"
#include "backends/sqlite/writer_process.h"

namespace twinbed::backends {

/// The failure of a run whose writer was killed.
inline constexpr char kWriterKilled[] = "the writer was killed";

struct Store::State {
  State(std::string file, Database opened, std::chrono::milliseconds timeout)
      : path(std::move(file)), busy_timeout(timeout), database(std::move(opened)),
        recorder(database) {}

  std::string path;
  std::chrono::milliseconds busy_timeout;
  std::string writer = this_process();  // of all runs of this store
  Database database;
  RunRecorder recorder;  // after the database: its statements must go first
};

}  // namespace twinbed::backends
