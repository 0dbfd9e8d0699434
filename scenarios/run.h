// Runs scenarios: in simulation, for real on this machine, and again from the result store.
//
// Whatever the mode, the rows go to the store, the scenario's checkers judge them, and the measures
// (sim/checkers/measures.h) become samples of the run.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backends/sqlite/store.h"
#include "core/base/result.h"
#include "scenarios/scenario.h"
#include "sim/node.h"

namespace twinbed::scenarios {

/// Called now and then while a run goes on, with run time so far and the run's whole length; false
/// stops the run, which then is recorded as failed. A replay or a comparison is stopped likewise,
/// with an error.
using ProgressCallback = std::function<bool(Duration done, Duration total)>;

/// Builds the protocol of a node in place of the registered one; null: the registered one. So that
/// a protocol written in Python can take part.
using FactoryOverride =
    std::function<sim::ProtocolFactory(const Scenario& scenario, std::size_t node)>;

struct RunOptions {
  std::uint64_t seed = 0;
  std::int64_t replication = 0;
  /// The settings that made this scenario from its file, as (path, value).
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string started_at;  ///< UTC, ISO 8601
  /// Keep the packets and frames (scenarios/run_capture.h); the run is the same with and without.
  bool capture = false;
  ProgressCallback progress;
  FactoryOverride factory;
};

struct RunSummary {
  std::int64_t run_id = 0;
  std::string fingerprint;   ///< of a simulated run
  std::uint64_t events = 0;  ///< executed by the simulator, or handlers run by live nodes
  std::vector<backends::VerdictRow> verdicts;
  std::string failure;       ///< one sentence; empty when the run went through
  /// True when the run went through and every verdict is the one that the scenario expects.
  bool as_expected = false;
};

/// One simulated run. The error is for what keeps it from starting; a run that starts and fails is
/// recorded and says so in its summary.
Result<RunSummary> run_simulated(const Scenario& scenario, const RunOptions& options,
                                 backends::Store& store);

struct RealOptions {
  /// The program that runs one node, twinbed-node; twinbed-air, which runs the air, lies beside it.
  std::string node_program;
  /// Where the nodes keep their files; emptied first. Removed after the run unless `keep_files`.
  std::string work_directory;
  bool keep_files = false;
  /// Radio cards are interfaces in monitor mode that the run makes (mode virtual-radio), used
  /// through libpcap and packet sockets; needs CAP_NET_ADMIN and CAP_NET_RAW. Otherwise they join
  /// the air by UDP on loopback.
  bool has_virtual_radios = false;
};

/// One run on this machine, each node a process of its own, over TCP and UDP on loopback and files
/// on disk, and radios over an emulated air in real time. Processes are ended, interfaces and files
/// removed whatever happens.
Result<RunSummary> run_real(const Scenario& scenario, const RunOptions& options,
                            const RealOptions& real, backends::Store& store);

struct ReplayReport {
  std::string mode;
  std::string recorded;     ///< fingerprint in the store
  std::string replayed;     ///< fingerprint of the repetition
  std::uint64_t events = 0;
  bool equal = false;
  std::string explanation;  ///< one sentence; where they differ, the first difference
};

struct ReplayOptions {
  ProgressCallback progress;
  /// Of a cloud-p2p server's run with a key of its own, which the store does not hold: 64
  /// hexadecimal digits.
  std::string encryption_key;
};

/// Runs a recorded run again: a simulated one from its scenario and seed, a real one by feeding
/// each node's input log to a fresh protocol.
Result<ReplayReport> replay_run(const std::string& path, std::int64_t run_id,
                                const ReplayOptions& options = {});

struct DiffReport {
  bool equal = false;
  std::uint64_t event = 0;  ///< number of the first differing event, from 1
  std::string left;         ///< that event in words, in the first run
  std::string right;        ///< and in the second; empty where a run had already ended
};

/// Executes two recorded simulated runs side by side until their fingerprints part.
Result<DiffReport> diff_runs(const std::string& left_path, std::int64_t left_run,
                             const std::string& right_path, std::int64_t right_run,
                             const ProgressCallback& progress = {});

}  // namespace twinbed::scenarios
