#include "scenarios/load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "scenarios/dump.h"
#include "scenarios/fields.h"
#include "scenarios/fields_check.h"
#include "scenarios/fields_set.h"

namespace twinbed::scenarios {
namespace {

/// One byte more than parse_yaml takes is enough to have it refuse the file.
constexpr std::size_t kMaxReadBytes = (std::size_t{4} << 20) + 1;

std::string join_path(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += (path.empty() ? "" : ".") + part;
  return path;
}

/// A scenario, or the first problem with the document.
struct Reading {
  Scenario scenario;
  std::optional<Problem> problem;
};

bool has_traces(const Scenario& scenario) {
  const auto any = [](const auto& list, auto has) {
    return std::any_of(list.begin(), list.end(), has);
  };
  return !scenario.network.link.traces.empty() ||
         any(scenario.network.links,
             [](const auto& link) { return link.params && !link.params->traces.empty(); }) ||
         any(scenario.faults, [](const auto& fault) { return !fault.link.traces.empty(); }) ||
         (scenario.radio &&
          any(scenario.radio->links, [](const auto& link) { return !link.trace.empty(); }));
}

Reading read_scenario(const YamlNode& root, const std::string& directory) {
  Reading reading;
  Reader reader(directory);
  if (root.type == NodeType::kNull) {
    reading.problem = Problem{{}, "", "the scenario is empty, start it with 'version: 1'"};
  } else if (!scenario_kind().read(reader, root, reading.scenario)) {
    reading.problem = reader.problem();
  } else if (auto contradiction = find_contradiction(reading.scenario)) {
    reading.problem = Problem{find_place(root, contradiction->path),
                              join_path(contradiction->path), contradiction->message};
  } else if (dump_scenario(reading.scenario).size() >= kMaxReadBytes) {
    // What is not read back cannot be repeated.
    reading.problem =
        has_traces(reading.scenario)
            ? Problem{{}, "network", "the scenario has more than 4 MiB with the traces that it "
                                     "names, use shorter or fewer ones"}
            : Problem{{}, "", "the scenario has more than 4 MiB when it is written out, leave out "
                              "or shorten what it does not need"};
  }
  return reading;
}

Error to_error(const Problem& problem, const std::string& name,
               const std::vector<std::string>& settings) {
  const Place& place = problem.place;
  if (place.setting >= 0) {
    const std::string& setting = settings[static_cast<std::size_t>(place.setting)];
    return {"setting " + in_quotes(setting) + ": " + problem.message};
  }
  std::string where = name;
  if (place.line > 0) {
    where += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  }
  return {where + ": " + problem.message};
}

Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{path + ": this is a directory, name a scenario file in it"};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) {
    return Error{path + ": the scenario cannot be opened (" + std::strerror(errno) +
                 "), check the path"};
  }
  std::string text;
  std::array<char, 65536> block;
  while (text.size() < kMaxReadBytes) {
    const std::size_t size = std::fread(block.data(), 1, block.size(), file.get());
    text.append(block.data(), size);
    if (size < block.size()) break;
  }
  if (std::ferror(file.get()) != 0) {
    return Error{path + ": the scenario cannot be read, check the disk"};
  }
  return text;
}

}  // namespace

Result<Scenario> load_scenario(const std::string& path, const std::vector<std::string>& settings) {
  Result<std::string> text = read_file(path);
  if (!text) return Error{text.error()};
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return load_scenario_text(*text, path, directory.empty() ? "." : directory, settings);
}

Result<Scenario> load_scenario_text(std::string_view text, const std::string& name_for_messages,
                                    const std::string& directory,
                                    const std::vector<std::string>& settings) {
  Parsed parsed = parse_yaml(text);
  if (!parsed.ok) return to_error(parsed.problem, name_for_messages, settings);
  if (std::optional<Problem> problem = apply_settings(parsed.root, settings)) {
    return to_error(*problem, name_for_messages, settings);
  }
  Reading reading = read_scenario(parsed.root, directory);
  if (reading.problem) return to_error(*reading.problem, name_for_messages, settings);
  reading.scenario.directory = directory;
  return std::move(reading.scenario);
}

std::optional<Error> check_scenario(const Scenario& scenario) {
  const Reading reading = read_scenario(scenario_kind().write(scenario), scenario.directory);
  if (!reading.problem) return std::nullopt;
  const std::string path = reading.problem->path;
  return Error{(path.empty() ? "scenario" : path) + ": " + reading.problem->message};
}

}  // namespace twinbed::scenarios
