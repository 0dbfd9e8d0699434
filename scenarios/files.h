// The files that a scenario names: those of its nodes and of its protocol (option cluster_file),
// and the graph of its network.
//
// They are read once, before the run, and everything that needs one takes it from here: what the
// run saw is what goes into the result store with it, and a replay takes it from there. Files that
// are read while a scenario is loaded (traces of links) become part of it and are not meant here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

class ScenarioFiles {
 public:
  /// Absolute path -> content.
  using Contents = std::map<std::string, std::string>;

  ScenarioFiles() = default;
  /// Those that were recorded with a run; `source` names the record in messages.
  ScenarioFiles(Contents contents, std::string source)
      : contents_(std::move(contents)), source_(std::move(source)) {}

  /// From the disk. The error is a sentence that names the file.
  static Result<ScenarioFiles> read(const Scenario& scenario);
  /// Those alone that one of the nodes needs: on its machine there may be no others.
  static Result<ScenarioFiles> read_for_node(const Scenario& scenario, std::size_t node);

  /// The content of a file that the scenario names, valid as long as this object.
  Result<std::string_view> content(const Scenario& scenario, const std::string& name) const;
  /// What is put into one of a node's files (NodeSpec::files) before the run. Random content
  /// depends on the names of scenario, node and file alone, so that simulated and real runs of any
  /// seed have the same.
  Result<std::string> of_node(const Scenario& scenario, std::size_t node,
                              const std::string& name) const;
  const Contents& contents() const { return contents_; }

 private:
  Contents contents_;
  std::string source_;
};

/// Where a file lies that a scenario names.
std::string absolute_file(const Scenario& scenario, const std::string& name);

/// The scenario with other names for its files: `rename` gets the absolute path of each.
Scenario with_files(const Scenario& scenario,
                    const std::function<std::string(const std::string& path)>& rename);

/// The scenario with its file names made absolute, as it goes into the store.
Scenario with_absolute_files(const Scenario& scenario);

}  // namespace twinbed::scenarios
