#include "scenarios/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "core/base/random_stream.h"

namespace twinbed::scenarios {
namespace {

/// More than any image or graph has, and far less than the gigabyte that a row of the store holds.
constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;

Result<std::string> read_from_disk(const Scenario& scenario, const std::string& path) {
  const std::string subject = "scenario " + scenario.name + " names the file " + path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{subject + ", which is a directory; name a file in it"};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) {
    return Error{subject + ", which cannot be opened (" + std::strerror(errno) +
                 "); check its name and rights"};
  }
  std::string content;
  std::array<char, 65536> block;
  for (std::size_t size = block.size(); size == block.size();) {
    size = std::fread(block.data(), 1, block.size(), file.get());
    content.append(block.data(), size);
    if (content.size() > kMaxFileBytes) {
      return Error{subject + ", which has more than 256 MiB, the limit"};
    }
  }
  if (std::ferror(file.get()) != 0) {
    return Error{subject + ", which cannot be read; check the disk"};
  }
  return content;
}

/// Options of protocols that are names of files.
void add_names(Options& options, std::vector<std::string*>& names) {
  const auto cluster = options.find("cluster_file");
  if (cluster == options.end()) return;
  auto* file = std::get_if<std::string>(&cluster->second);
  if (file != nullptr && !file->empty()) names.push_back(file);
}

/// The names as the scenario has them: of the network's file, of the protocol's, and of the files
/// of its nodes, or of one of them.
std::vector<std::string*> names_in(Scenario& scenario, std::optional<std::size_t> only_node) {
  std::vector<std::string*> names;
  if (!scenario.network.file.empty()) names.push_back(&scenario.network.file);
  add_names(scenario.protocol.options, names);
  for (std::size_t node = 0; node < scenario.nodes.size(); ++node) {
    if (only_node && node != *only_node) continue;
    add_names(scenario.nodes[node].options, names);
    std::optional<MobilitySpec>& mobility = scenario.nodes[node].mobility;
    if (mobility && !mobility->file.empty()) names.push_back(&mobility->file);
    for (auto& [name, source] : scenario.nodes[node].files) {
      if (auto* file = std::get_if<std::string>(&source)) names.push_back(file);
    }
  }
  return names;
}

std::string random_content(const Scenario& scenario, const NodeSpec& node, const std::string& name,
                           std::uint64_t size_bytes) {
  RandomStream random(0, "file " + scenario.name + "/" + node.name + "/" + name);
  std::string content(size_bytes, '\0');
  random.fill(std::as_writable_bytes(std::span(content)));
  return content;
}

Result<ScenarioFiles> read_some(const Scenario& scenario, std::optional<std::size_t> only_node) {
  Scenario copy = scenario;
  ScenarioFiles::Contents contents;
  for (const std::string* name : names_in(copy, only_node)) {
    const std::string path = absolute_file(scenario, *name);
    if (contents.contains(path)) continue;
    Result<std::string> content = read_from_disk(scenario, path);
    if (!content) return Error{content.error()};
    contents[path] = *std::move(content);
  }
  return ScenarioFiles(std::move(contents), "");
}

}  // namespace

Result<ScenarioFiles> ScenarioFiles::read(const Scenario& scenario) {
  return read_some(scenario, std::nullopt);
}

Result<ScenarioFiles> ScenarioFiles::read_for_node(const Scenario& scenario, std::size_t node) {
  return read_some(scenario, node);
}

Result<std::string_view> ScenarioFiles::content(const Scenario& scenario,
                                                const std::string& name) const {
  const std::string path = absolute_file(scenario, name);
  const auto found = contents_.find(path);
  if (found != contents_.end()) return std::string_view(found->second);
  TWINBED_CHECK(!source_.empty(), "a file was asked for that was not read before the run");
  return Error{source_ + " does not hold the file " + path +
               ", which its scenario names, so that it cannot be repeated"};
}

Result<std::string> ScenarioFiles::of_node(const Scenario& scenario, std::size_t node,
                                           const std::string& name) const {
  const NodeSpec& spec = scenario.nodes[node];
  const FileSource& source = spec.files.at(name);
  if (const auto* drawn = std::get_if<RandomFile>(&source)) {
    return random_content(scenario, spec, name, drawn->size_bytes);
  }
  const Result<std::string_view> copied = content(scenario, std::get<std::string>(source));
  if (!copied) return Error{copied.error()};
  return std::string(*copied);
}

std::string absolute_file(const Scenario& scenario, const std::string& name) {
  const std::filesystem::path path(name);
  if (path.is_absolute()) return name;
  return std::filesystem::absolute(std::filesystem::path(scenario.directory) / path)
      .lexically_normal()
      .string();
}

Scenario with_files(const Scenario& scenario,
                    const std::function<std::string(const std::string& path)>& rename) {
  Scenario copy = scenario;
  for (std::string* name : names_in(copy, std::nullopt)) {
    *name = rename(absolute_file(scenario, *name));
  }
  return copy;
}

Scenario with_absolute_files(const Scenario& scenario) {
  return with_files(scenario, [](const std::string& path) { return path; });
}

}  // namespace twinbed::scenarios
