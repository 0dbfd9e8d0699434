// scenarios: loading, dumping and running.
#include "backends/virtual_radio/virtual_radio.h"
#include "bindings/bindings.h"
#include "scenarios/build_network.h"
#include "scenarios/dump.h"
#include "scenarios/fields.h"
#include "scenarios/judge.h"
#include "scenarios/load.h"
#include "scenarios/protocols.h"
#include "scenarios/real_capture.h"
#include "scenarios/run_capture.h"
#include "scenarios/schema.h"

namespace twinbed::bindings {
namespace {

namespace py = pybind11;
using scenarios::NodeSpec;
using scenarios::RunOptions;
using scenarios::RunSummary;
using scenarios::Scenario;

/// Lets Python see Ctrl-C, and the progress, about ten times a second while C++ runs. What is
/// raised there stops the run and is raised again after it.
class Progress {
 public:
  explicit Progress(py::object callback) : callback_(std::move(callback)) {}

  bool operator()(Duration done, Duration total) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_ && done < total) return true;
    next_ = now + std::chrono::milliseconds(100);
    const py::gil_scoped_acquire gil;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return callback_.is_none() || !callback_(to_ns(done), to_ns(total)).equal(py::bool_(false));
    } catch (const py::error_already_set&) {
      raised_ = std::current_exception();
      return false;
    }
  }
  void raise_again() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  py::object callback_;
  std::chrono::steady_clock::time_point next_{};
  std::exception_ptr raised_;
};

/// RunOptions as Python passes them, by keyword.
RunOptions run_options(std::uint64_t seed, std::int64_t replication,
                       const std::vector<std::pair<std::string, std::string>>& parameters,
                       const std::string& started_at, bool capture, Progress& progress) {
  RunOptions options;
  options.seed = seed;
  options.replication = replication;
  options.parameters = parameters;
  options.started_at = started_at;
  options.capture = capture;
  options.progress = [&progress](Duration done, Duration total) { return progress(done, total); };
  return options;
}

/// Releases the GIL unless a protocol in Python needs it at every event.
template <class Run>
auto run_without_gil(bool keep_gil, const Progress& progress, Run&& run) {
  std::optional<py::gil_scoped_release> release;
  if (!keep_gil) release.emplace();
  auto result = run();
  release.reset();
  progress.raise_again();
  return outcome_of(std::move(result));
}

/// A result store that stays open over several runs: to open and close one takes longer than a
/// small simulation.
class OpenStore {
 public:
  explicit OpenStore(const std::string& path) : store_(outcome_of(backends::Store::open(path))) {}

  backends::Store& get() const {
    if (!store_) throw py::value_error("the result store is closed");
    return *store_;
  }
  void close() { store_.reset(); }

 private:
  std::unique_ptr<backends::Store> store_;
};

RunSummary run_simulated(const Scenario& scenario, const OpenStore& open_store,
                         std::uint64_t seed, std::int64_t replication,
                         const std::vector<std::pair<std::string, std::string>>& parameters,
                         const std::string& started_at, bool capture,
                         const py::object& progress, const py::object& protocol) {
  Progress poll(progress);
  RunOptions options = run_options(seed, replication, parameters, started_at, capture, poll);
  if (!protocol.is_none()) options.factory = python_factory(protocol);
  backends::Store& store = open_store.get();
  try {
    return run_without_gil(!protocol.is_none(), poll,
                           [&] { return scenarios::run_simulated(scenario, options, store); });
  } catch (const RunFailed& failed) {
    // A handler in Python raised: the run had begun, and ends here.
    backends::RunResultRow result;
    result.failure = failed.what();
    (void)store.finish_run(result);
    throw;
  }
}

RunSummary run_real(const Scenario& scenario, const std::string& store_path,
                    const std::string& node_program, const std::string& work_directory,
                    bool keep_files, bool virtual_radios, std::uint64_t seed,
                    std::int64_t replication,
                    const std::vector<std::pair<std::string, std::string>>& parameters,
                    const std::string& started_at, bool capture, const py::object& progress) {
  Progress poll(progress);
  const RunOptions options = run_options(seed, replication, parameters, started_at, capture, poll);
  const scenarios::RealOptions real{node_program, work_directory, keep_files, virtual_radios};
  const auto store = outcome_of(backends::Store::open(store_path));
  return run_without_gil(false, poll,
                         [&] { return scenarios::run_real(scenario, options, real, *store); });
}

scenarios::ReplayReport replay_run(const std::string& path, std::int64_t run_id,
                                   const std::string& encryption_key, const py::object& progress) {
  Progress poll(progress);
  scenarios::ReplayOptions options;
  options.progress = [&poll](Duration done, Duration total) { return poll(done, total); };
  options.encryption_key = encryption_key;
  return run_without_gil(false, poll,
                         [&] { return scenarios::replay_run(path, run_id, options); });
}

scenarios::DiffReport diff_runs(const std::string& left, std::int64_t left_run,
                                const std::string& right, std::int64_t right_run,
                                const py::object& progress) {
  Progress poll(progress);
  return run_without_gil(false, poll, [&] {
    return scenarios::diff_runs(
        left, left_run, right, right_run,
        [&poll](Duration done, Duration total) { return poll(done, total); });
  });
}

std::optional<std::string> capture_problem() {
  const auto problem = scenarios::RealCapture::problem();
  return problem ? std::optional(problem->message) : std::nullopt;
}

std::optional<std::string> virtual_radio_problem() {
  const auto problem = backends::VirtualRadio::problem();
  return problem ? std::optional(problem->message) : std::nullopt;
}

std::uint64_t write_capture(const std::string& store, std::int64_t run_id,
                            const std::optional<std::string>& node, const std::string& path,
                            bool is_radio) {
  return outcome_of(scenarios::write_capture(store, run_id, {node, is_radio}, path));
}

/// Options as Python sees them, durations in nanoseconds.
py::dict to_python(const scenarios::Options& options) {
  py::dict out;
  for (const auto& [name, value] : options) {
    const auto* duration = std::get_if<Duration>(&value);
    if (duration != nullptr) {
      out[py::str(name)] = to_ns(*duration);
    } else {
      out[py::str(name)] = py::cast(value);
    }
  }
  return out;
}

/// What keeps a scenario from being run and is not a matter of the file alone.
void check(const Scenario& scenario, bool own_protocol) {
  if (const auto error = scenarios::check_scenario(scenario)) throw ScenarioMistake(error->message);
  value_of(scenarios::Judge::make(scenario));
  const auto files = value_of(scenarios::ScenarioFiles::read(scenario));
  const auto network = value_of(scenarios::build_network(scenario, files, 0));
  for (std::size_t node = 0; !own_protocol && node < scenario.nodes.size(); ++node) {
    value_of(scenarios::make_protocol(scenario, node, network.endpoints, files));
  }
}

void bind_scenario(py::module_& module) {
  py::class_<NodeSpec>(module, "NodeSpec", "A process that runs the protocol.")
      .def_readonly("name", &NodeSpec::name, "By which workload and faults call it.")
      .def_readonly("role", &NodeSpec::role, "The protocol's word: 'server', 'client'.")
      .def_readonly("host", &NodeSpec::host, "The device it runs on; empty: its own.")
      .def_readonly("port", &NodeSpec::port, "Where it listens, 0 if it need not.")
      .def_property_readonly(
          "options", [](const NodeSpec& self) { return to_python(self.options); },
          "On top of the protocol's; durations in ns.");
  py::class_<Scenario>(module, "Scenario", "A scenario that the loader has accepted.")
      .def_readonly("name", &Scenario::name, "Its name.")
      .def_readonly("question", &Scenario::question, "What it is there to find out.")
      .def_property_readonly(
          "duration_ns", [](const Scenario& self) { return to_ns(self.duration); },
          "Length of a run.")
      .def_property_readonly(
          "protocol", [](const Scenario& self) { return self.protocol.name; },
          "Name of the protocol.")
      .def_property_readonly(
          "policy", [](const Scenario& self) { return self.protocol.policy; },
          "'original' or 'robust'.")
      .def_property_readonly(
          "options", [](const Scenario& self) { return to_python(self.protocol.options); },
          "Of the protocol, for every node; durations in ns.")
      .def_readonly("nodes", &Scenario::nodes, "The nodes, in their order.")
      .def_property_readonly(
          "has_radio", [](const Scenario& self) { return self.radio.has_value(); },
          "Whether nodes have radio cards.")
      .def_readonly("directory", &Scenario::directory, "Where relative file names start.")
      .def("endpoints",
           [](const Scenario& self, std::uint64_t seed) {
             const auto files = value_of(scenarios::ScenarioFiles::read(self));
             return value_of(scenarios::build_network(self, files, seed)).endpoints;
           },
           py::arg("seed") = 0, "Address and port of each node in the simulated network.")
      .def("to_yaml", &scenarios::dump_scenario,
           "The scenario as a file; keys at their defaults are left out.")
      .def("to_json",
           [](const Scenario& self) {
             return scenarios::to_json(scenarios::scenario_kind().write(self)).dump();
           },
           "The same document as JSON text.")
      .def("__eq__", [](const Scenario& a, const Scenario& b) { return a == b; },
           py::is_operator());
}

void bind_reports(py::module_& module) {
  py::class_<RunSummary>(module, "RunSummary", "How a run went.")
      .def_readonly("run_id", &RunSummary::run_id, "Its number in the store.")
      .def_readonly("fingerprint", &RunSummary::fingerprint, "Of a simulated run.")
      .def_readonly("events", &RunSummary::events, "Events that were executed.")
      .def_readonly("verdicts", &RunSummary::verdicts, "What the checkers found.")
      .def_readonly("failure", &RunSummary::failure, "One sentence; empty when it went through.")
      .def_readonly("as_expected", &RunSummary::as_expected,
                    "It went through, and every verdict is the expected one.");
  using scenarios::ReplayReport;
  py::class_<ReplayReport>(module, "ReplayReport", "Whether a repetition equals its original.")
      .def_readonly("mode", &ReplayReport::mode, "Of the recorded run.")
      .def_readonly("recorded", &ReplayReport::recorded, "Fingerprint in the store.")
      .def_readonly("replayed", &ReplayReport::replayed, "Fingerprint of the repetition.")
      .def_readonly("events", &ReplayReport::events, "Events that were executed again.")
      .def_readonly("equal", &ReplayReport::equal, "Whether they are equal.")
      .def_readonly("explanation", &ReplayReport::explanation, "One sentence.");
  using scenarios::DiffReport;
  py::class_<DiffReport>(module, "DiffReport", "Where two runs part.")
      .def_readonly("equal", &DiffReport::equal, "Whether they never part.")
      .def_readonly("event", &DiffReport::event, "Number of the first differing event, from 1.")
      .def_readonly("left", &DiffReport::left, "That event in the first run, in words.")
      .def_readonly("right", &DiffReport::right, "That event in the second run.");
}

void bind_runs(py::module_& module) {
  py::class_<OpenStore>(module, "OpenStore", "A result store, open for the runs that are to come.")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def("close", &OpenStore::close, py::call_guard<py::gil_scoped_release>(),
           "Writes what is left; harmless where the store is closed already.");
  module.def("run_simulated", run_simulated, py::arg("scenario"), py::arg("store"),
             py::kw_only(), py::arg("seed"), py::arg("replication"), py::arg("parameters"),
             py::arg("started_at"), py::arg("capture") = false, py::arg("progress") = py::none(),
             py::arg("protocol") = py::none(),
             "One simulated run into a store; `protocol(node index)` builds protocols in Python.");
  module.def("run_real", run_real, py::arg("scenario"), py::arg("store"), py::kw_only(),
             py::arg("node_program"), py::arg("work_directory"), py::arg("keep_files"),
             py::arg("virtual_radios"),
             py::arg("seed"), py::arg("replication"), py::arg("parameters"),
             py::arg("started_at"), py::arg("capture") = false, py::arg("progress") = py::none(),
             "One run on this machine, each node a process, into a store.");
  module.def("capture_problem", capture_problem,
             "Why packets of real nodes cannot be captured here, in one sentence; None: they can.");
  module.def("virtual_radio_problem", virtual_radio_problem,
             "Why virtual radios cannot be made here, in one sentence; None: they can.");
  module.def("write_capture", write_capture, py::arg("store"), py::arg("run_id"),
             py::arg("node"), py::arg("path"), py::arg("radio") = false,
             py::call_guard<py::gil_scoped_release>(),
             "Writes the packets of a captured run into a pcap file, or its radio frames into a "
             "pcapng file; how many they are.");
  module.def("replay_run", replay_run, py::arg("store"), py::arg("run_id"), py::kw_only(),
             py::arg("encryption_key") = "", py::arg("progress") = py::none(),
             "Runs a recorded run again and compares.");
  module.def("diff_runs", diff_runs, py::arg("left"), py::arg("left_run"), py::arg("right"),
             py::arg("right_run"), py::kw_only(), py::arg("progress") = py::none(),
             "Executes two recorded simulated runs side by side until they part.");
}

}  // namespace

void bind_scenarios(py::module_& module) {
  bind_scenario(module);
  bind_reports(module);
  bind_runs(module);
  module.def(
      "load_scenario",
      [](const std::string& path, const std::vector<std::string>& settings) {
        return value_of(scenarios::load_scenario(path, settings));
      },
      py::arg("path"), py::arg("settings") = std::vector<std::string>{},
      "The scenario in a file; settings are 'path=value'.");
  module.def(
      "load_text",
      [](const std::string& text, const std::string& name, const std::string& directory,
         const std::vector<std::string>& settings) {
        return value_of(scenarios::load_scenario_text(text, name, directory, settings));
      },
      py::arg("text"), py::arg("name"), py::arg("directory"),
      py::arg("settings") = std::vector<std::string>{},
      "The scenario in a text, which messages call `name`.");
  module.def(
      "document_json",
      [](const std::string& text) {
        const scenarios::Parsed parsed = scenarios::parse_yaml(text);
        if (!parsed.ok) throw ScenarioMistake(parsed.problem.message);
        return scenarios::to_json(parsed.root).dump();
      },
      py::arg("text"), "A document as JSON text, with nothing read into it or checked.");
  module.def("check", check, py::arg("scenario"), py::arg("own_protocol") = false,
             "Raises ValueError for what would keep the scenario from being run.");
  module.def("scenario_schema", &scenarios::scenario_schema, "JSON Schema of scenario files.");
  module.def("protocol_names", &scenarios::protocol_names, "Protocols that a scenario can name.");
  module.def("build_id", &scenarios::build_id, "Compiler and build type of this module.");
}

}  // namespace twinbed::bindings
