// The result store: one SQLite file that takes the rows of simulated and of real runs alike.
//
//   auto store = Store::open("results.db");        // Result: a clear sentence when it cannot
//   auto run_id = (*store)->begin_run(info);       // state 'running', visible to readers at once
//   simulator.run(..., (*store)->sink());          // rows, in batches
//   (*store)->add_verdict(...);
//   auto status = (*store)->finish_run(result);    // state 'finished' or 'failed'
//   (*store)->create_indexes();                    // once, after the last run
//
// Recording never fails into a run. Calls that add rows return nothing: rows are kept in memory and
// written in batches of one short transaction each, so that readers, and other writers of the same
// file, wait milliseconds at most. The store remembers the first error (disk full, I/O error,
// another program that holds the file for more than 10 s), drops what comes after it, and reports
// it from flush() and finish_run(); such a run ends as 'failed', never as 'finished' with rows
// missing.
//
// A writer that is killed leaves all finished runs readable, and those batches of the unfinished
// run that were written; the run stays in state 'running'. Each row of `run` names the process that
// writes it (machine boot, process id namespace, process id, start time of the process). Whoever
// opens the store next finds that the process is gone and marks the run as 'failed', "the writer
// was killed"; the runs of a process that lives are left alone. WAL mode ties all users of a file
// to one machine, so this is decidable but for a process in another process id namespace (another
// container), whose runs are left alone too. How much a kill can cost is the batch: a live node,
// whose last words before a crash matter, calls flush() after each turn of its event loop (about 20
// us; no fsync).
//
// What survives a power failure is what SQLite promises in WAL mode with synchronous=NORMAL: the
// file stays consistent, the last transactions may be missing.
//
// A Store belongs to one thread, must not be carried across fork(), and records one run at a time.
// Several stores, of several processes, may write one file at the same time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "backends/sqlite/rows.h"
#include "core/io/run_sink.h"

namespace twinbed::backends {

/// When the rows in memory become a transaction: whichever comes first. Age is looked at when a row
/// is added; an idle writer calls flush().
struct BatchLimits {
  std::size_t rows = 8192;
  std::size_t bytes = 4U << 20;
  std::chrono::milliseconds age{1000};
};

class Store {
 public:
  /// Opens the file, or creates it with the schema; marks runs whose writer was killed. Nothing is
  /// migrated: a file of another schema version is an error, as are files that are no database or
  /// not ours, a missing directory and missing permission.
  /// Whenever another writer has the file, the store waits for it up to `busy_timeout`.
  static Result<std::unique_ptr<Store>> open(
      const std::string& path,
      std::chrono::milliseconds busy_timeout = std::chrono::milliseconds{10'000});

  /// Writes what is left. A run that was not finished is marked as 'failed'.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Adds a run in state 'running' with its parameters, nodes and files (a content that the store
  /// has already is not written again); the result is its run_id. Only
  /// one run may be open: finish it first.
  Result<std::int64_t> begin_run(const RunInfo& info);

  /// Takes the rows of the current run, in time order; valid as long as the store. Rows for
  /// kWholeRun get no node.
  RunSink& sink();

  void add_input(const InputRow& input);  ///< numbered by node in the order of the calls
  void add_frame(const FrameRow& frame);
  void add_verdict(const VerdictRow& verdict);
  void add_lateness(const LatenessRow& lateness);
  void add_link(const LinkRow& link);
  void add_histogram(const Metric& metric, NodeId node, std::span<const HistogramBin> bins);

  /// Writes the rows in memory. The error is the run's first one, in this call or before it.
  Status flush();

  /// Writes the rows in memory and ends the current run. After an error the run is 'failed' with
  /// that error, which is returned, and the store is ready for another run.
  Status finish_run(const RunResultRow& result);

  /// Copies all runs of another store that have ended into this one, with their rows; the other
  /// file is only read. The result are the new run_ids, in the order of the old ones.
  Result<std::vector<std::int64_t>> absorb(const std::string& other_path);

  /// Copies the rows of node processes' own files into the current run, and brings the events and
  /// faults of the whole run into one order by time. Each file's runs all count (a restarted node
  /// has several), in whatever state they are; node ids are the scenario's in every file.
  Status absorb_into_run(const std::vector<std::string>& node_paths);

  /// Builds the indexes that make reading fast. Call it after the last run: rows that are added
  /// later keep them up to date, at about twice the cost of a row.
  Status create_indexes();

  void set_batch_limits(const BatchLimits& limits);
  const std::string& path() const;

  struct State;  ///< defined in store_state.h

 private:
  explicit Store(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace twinbed::backends
