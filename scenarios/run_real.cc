#include <chrono>
#include <filesystem>

#include "backends/sqlite/store_reader.h"
#include "backends/virtual_radio/virtual_radio.h"
#include "scenarios/judge.h"
#include "scenarios/real_capture.h"
#include "scenarios/real_run.h"
#include "scenarios/run.h"

namespace twinbed::scenarios {
namespace {

/// The directory in which the processes work, emptied, and removed at the end.
class WorkDirectory {
 public:
  WorkDirectory(const std::string& path, bool keep) : path_(path), keep_(keep) {
    std::filesystem::remove_all(path_, code_);
    std::filesystem::create_directories(path_, code_);
  }
  ~WorkDirectory() {
    std::error_code ignored;
    if (!keep_) std::filesystem::remove_all(path_, ignored);
  }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  bool ok() const { return std::filesystem::is_directory(path_); }
  std::string problem() const {
    return "cannot make the directory " + path_ + ": " + code_.message();
  }

 private:
  std::string path_;
  bool keep_;
  std::error_code code_;
};

/// The protocol's handlers that the live nodes ran, from what each process wrote.
std::uint64_t handlers_run(const std::vector<std::string>& databases) {
  std::int64_t sum = 0;
  for (const std::string& path : databases) {
    auto reader = backends::StoreReader::open(path);
    if (!reader) continue;
    const auto runs = reader->runs();
    if (!runs) continue;
    for (const backends::RunRow& run : *runs) sum += run.result.events_count.value_or(0);
  }
  return static_cast<std::uint64_t>(sum);
}

/// Why the run cannot have its radios as it wants them.
std::optional<Error> problem_of_radios(const Scenario& scenario, const RealOptions& real) {
  if (scenario.radio && scenario.radio->medium == MediumModel::kNs3) {
    return Error{"scenario " + scenario.name + " runs on ns-3's medium, which cannot keep up with "
                 "real time; take 'medium: table', or mode sim"};
  }
  if (!real.has_virtual_radios) return std::nullopt;
  if (!scenario.radio) {
    return Error{"scenario " + scenario.name +
                 " has no radio cards, so mode virtual-radio has nothing to put on the air; run it "
                 "in mode real"};
  }
  return backends::VirtualRadio::problem();
}

}  // namespace

Result<RunSummary> run_real(const Scenario& scenario, const RunOptions& options,
                            const RealOptions& real, backends::Store& store) {
  const auto wall_start = std::chrono::steady_clock::now();
  if (const auto problem = problem_of_radios(scenario, real)) return *problem;
  auto judge = Judge::make(scenario);
  if (!judge) return Error{judge.error()};
  const Result<ScenarioFiles> files = ScenarioFiles::read(scenario);
  if (!files) return Error{files.error()};
  auto network = build_network(scenario, *files, options.seed);
  if (!network) return Error{network.error()};
  if (options.capture) {
    if (const auto problem = RealCapture::problem()) return *problem;
  }
  const WorkDirectory directory(real.work_directory, real.keep_files);
  if (!directory.ok()) return Error{directory.problem()};

  const std::string mode = real.has_virtual_radios ? "virtual-radio" : "real";
  RealRun run(scenario, *files, *network, options, real, store);
  auto run_id = store.begin_run(run_info(scenario, *files, options, mode, run.drawn()));
  if (!run_id) return Error{run_id.error()};
  RunSummary summary;
  summary.run_id = *run_id;
  summary.failure = run.execute();
  std::vector<std::string> databases;
  for (const std::string& path : run.databases()) {
    if (std::filesystem::exists(path)) databases.push_back(path);
  }
  const backends::Status absorbed = store.absorb_into_run(databases);
  if (!absorbed && summary.failure.empty()) summary.failure = absorbed.error();
  summary.events = handlers_run(databases);

  if (auto reader = backends::StoreReader::open(store.path()); reader) {
    const backends::Status fed = reader->feed(*run_id, (*judge)->sink());
    if (!fed && summary.failure.empty()) summary.failure = fed.error();
  }
  return end_run(**judge, store, std::move(summary), run.ended_at(), wall_start);
}

}  // namespace twinbed::scenarios
