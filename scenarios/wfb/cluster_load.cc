#include "scenarios/wfb/cluster_load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "scenarios/fields_leaves.h"
#include "scenarios/wfb/config_check.h"
#include "scenarios/wfb/config_file.h"
#include "scenarios/wfb/config_kinds.h"
#include "scenarios/wfb/defaults.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMaxFileBytes = (std::size_t{256} << 10) + 1;
constexpr std::size_t kMaxStreams = 64;
constexpr std::size_t kMaxLowLevel = 32;

const std::vector<std::string>& fixed_sections() {
  static const std::vector<std::string> names{"path", "common", "cluster"};
  return names;
}

bool is_fixed(std::string_view section) {
  const auto& names = fixed_sections();
  return std::find(names.begin(), names.end(), section) != names.end();
}

bool is_profile(const YamlEntry& section) { return section.value.find("streams") != nullptr; }

std::vector<std::string> section_names(const YamlNode& document) {
  std::vector<std::string> names;
  for (const YamlEntry& section : document.entries) names.push_back(section.key);
  return names;
}

/// Turns a document with all layers in it into structs.
class Resolver {
 public:
  Resolver(Reader& reader, YamlNode& document) : reader_(reader), document_(document) {}

  bool resolve(ClusterConfig& out) {
    out = {};
    if (!check_sections()) return false;
    ClusterDefaults cluster;
    if (!read_section("path", wfb_path_kind(), out.path) ||
        !read_section("common", wfb_common_kind(), out.common) || !give_nodes_their_defaults() ||
        !read_section("cluster", wfb_cluster_kind(), cluster)) {
      return false;
    }
    out.base_port_server = cluster.base_port_server;
    out.base_port_node = cluster.base_port_node;
    out.nodes = std::move(cluster.nodes);
    std::sort(out.nodes.begin(), out.nodes.end(), [](const auto& a, const auto& b) {
      return to_string(a.address) < to_string(b.address);
    });
    return check_nodes(reader_, document_, out) && read_profiles(out);
  }

 private:
  bool check_sections();
  bool check_low_level(const YamlEntry& section);
  bool give_nodes_their_defaults();
  bool read_profiles(ClusterConfig& out);
  bool merge_streams(YamlNode& profile);
  bool merge_stream(const YamlNode& stream, YamlNode& merged);

  template <class T>
  bool read_section(const std::string& name, const Kind<T>& kind, T& out) {
    const YamlNode* section = document_.find(name);
    if (section == nullptr) return true;
    reader_.enter(name);
    if (!kind.read(reader_, *section, out)) return false;
    reader_.leave();
    return true;
  }

  Reader& reader_;
  YamlNode& document_;
};

/// Names of the sections that streams take keys from.
std::set<std::string> low_level_names(const YamlNode& document) {
  std::set<std::string> names;
  for (const YamlEntry& section : document.entries) {
    const YamlNode* streams = section.value.find("streams");
    if (streams == nullptr) continue;
    for (const YamlNode& stream : streams->items) {
      const YamlNode* profiles = stream.find("profiles");
      if (profiles == nullptr) continue;
      for (const YamlNode& name : profiles->items) names.insert(name.text);
    }
  }
  return names;
}

bool Resolver::check_sections() {
  const std::set<std::string> used = low_level_names(document_);
  for (const YamlEntry& section : document_.entries) {
    YamlNode name = scalar_node(section.key);
    name.place = section.place;
    std::string ignored;
    reader_.enter("section");
    if (!name_kind().read(reader_, name, ignored)) return false;
    reader_.leave();
    if (section.value.type != NodeType::kMap) {
      reader_.enter(section.key);
      return fail_type(reader_, section.value, "a mapping of keys");
    }
    if (is_fixed(section.key) || is_profile(section)) continue;
    if (!used.contains(section.key) && default_config().find(section.key) == nullptr) {
      return reader_.fail(section.place,
                          "section " + in_quotes(section.key) + " has no streams and no stream "
                          "names it among its profiles" +
                          suggestion(section.key, section_names(default_config()), "the sections"));
    }
    if (!check_low_level(section)) return false;
  }
  return true;
}

bool Resolver::check_low_level(const YamlEntry& section) {
  const auto& keys = wfb_stream_keys();
  for (const YamlEntry& entry : section.value.entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    return reader_.fail(entry.place, "unknown key " + in_quotes(entry.key) + " in section " +
                                         in_quotes(section.key) +
                                         suggestion(entry.key, keys, "the keys"));
  }
  return true;
}

/// What [cluster] and [common] say for all nodes becomes each node's own, where it has none.
bool Resolver::give_nodes_their_defaults() {
  YamlNode* cluster = document_.find("cluster");
  YamlNode* nodes = cluster == nullptr ? nullptr : cluster->find("nodes");
  if (nodes == nullptr) return true;
  const YamlNode* common = document_.find("common");
  const auto inherit = [](YamlNode& node, const YamlNode* section, const char* key) {
    const YamlNode* value = section == nullptr ? nullptr : section->find(key);
    if (value != nullptr && node.find(key) == nullptr) {
      node.entries.push_back({key, value->place, *value});
    }
  };
  for (YamlEntry& entry : nodes->entries) {
    if (entry.value.type != NodeType::kMap) continue;  // its kind will say so
    for (const char* key : {"wifi_channel", "wifi_txpower"}) inherit(entry.value, common, key);
    for (const char* key :
         {"server_address", "ssh_user", "ssh_port", "ssh_key", "custom_init_script"}) {
      inherit(entry.value, cluster, key);
    }
    const YamlNode* server = entry.value.find("server_address");
    if (server != nullptr && server->type != NodeType::kNull) continue;
    return reader_.fail(entry.place, "node " + in_quotes(entry.key) + " has no server_address; set "
                                     "it in [cluster], or in the node, to the IPv4 address at "
                                     "which the node reaches the central one");
  }
  return true;
}

bool Resolver::merge_stream(const YamlNode& stream, YamlNode& merged) {
  merged.place = stream.place;
  const YamlNode* profiles = stream.find("profiles");
  if (profiles != nullptr && profiles->items.size() > kMaxLowLevel) {
    return reader_.fail(profiles->place, "a stream takes its keys from at most " +
                                             std::to_string(kMaxLowLevel) + " sections");
  }
  for (std::size_t i = 0; profiles != nullptr && i < profiles->items.size(); ++i) {
    const YamlNode& name = profiles->items[i];
    const YamlNode* section = document_.find(name.text);
    if (section == nullptr || is_fixed(name.text) || section->find("streams") != nullptr) {
      return reader_.fail(name.place, "there is no section " + in_quotes(name.text) +
                                          " from which a stream could take keys" +
                                          suggestion(name.text, section_names(document_),
                                                     "the sections"));
    }
    for (const YamlEntry& entry : section->entries) set_entry(merged, entry);
  }
  for (const YamlEntry& entry : stream.entries) set_entry(merged, entry);
  return true;
}

bool Resolver::merge_streams(YamlNode& profile) {
  YamlNode* streams = profile.find("streams");
  if (streams->type != NodeType::kList || streams->items.size() > kMaxStreams) return true;
  for (YamlNode& stream : streams->items) {
    if (stream.type != NodeType::kMap) continue;  // its kind will say so
    YamlNode merged = map_node();
    if (!merge_stream(stream, merged)) return false;
    stream = std::move(merged);
  }
  return true;
}

bool Resolver::read_profiles(ClusterConfig& out) {
  // Streams take keys from sections without streams alone, so that merging spoils no other one.
  for (YamlEntry& section : document_.entries) {
    if (is_fixed(section.key) || !is_profile(section)) continue;
    ProfileConfig profile;
    reader_.enter(section.key);
    if (!merge_streams(section.value) ||
        !wfb_profile_kind().read(reader_, section.value, profile) ||
        !check_streams(reader_, *section.value.find("streams"), profile)) {
      return false;
    }
    reader_.leave();
    profile.name = section.key;
    out.profiles.push_back(std::move(profile));
  }
  std::sort(out.profiles.begin(), out.profiles.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return true;
}

Error to_error(const Problem& problem, const std::vector<ConfigText>& files) {
  const auto source = static_cast<std::size_t>(problem.place.setting);
  std::string where = problem.place.setting >= 0 && source < files.size() ? files[source].name
                      : files.empty() ? "the configuration" : files.back().name;
  if (problem.place.line > 0) {
    where += ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
  }
  return {where + ": " + problem.message};
}

Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{path + ": this is a directory, name a configuration file in it"};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) {
    return Error{path + ": the configuration cannot be opened (" + std::strerror(errno) +
                 "), check the path"};
  }
  // One byte more than the reader takes is enough to have it refuse the file.
  std::string text(kMaxFileBytes, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return Error{path + ": the configuration cannot be read, check the disk"};
  }
  return text;
}

class ClusterKind final : public Kind<ClusterConfig> {
 public:
  bool read(Reader& reader, const YamlNode& node, ClusterConfig& out) const override {
    if (node.type != NodeType::kMap) return fail_type(reader, node, what());
    for (const YamlEntry& section : node.entries) {
      if (section.value.type == NodeType::kMap) continue;
      reader.enter(section.key);
      return fail_type(reader, section.value, "a mapping of keys");
    }
    YamlNode document = default_config();
    lay_over(node, document);
    return Resolver(reader, document).resolve(out);
  }

  YamlNode write(const ClusterConfig& value) const override {
    YamlNode node = map_node();
    const auto add = [&node](const std::string& name, YamlNode section) {
      node.entries.push_back({name, {}, std::move(section)});
    };
    add("path", wfb_path_kind().write(value.path));
    add("common", wfb_common_kind().write(value.common));
    ClusterDefaults cluster;
    cluster.base_port_server = value.base_port_server;
    cluster.base_port_node = value.base_port_node;
    cluster.nodes = value.nodes;
    add("cluster", wfb_cluster_kind().write(cluster));
    for (const ProfileConfig& profile : value.profiles) {
      YamlNode section = wfb_profile_kind().write(profile);
      // A default profile has ports; their absence must be written to be read.
      for (const auto& [key, port] : {std::pair{"stats_port", profile.stats_port},
                                      std::pair{"api_port", profile.api_port}}) {
        if (!port) section.entries.push_back({key, {}, YamlNode{}});
      }
      add(profile.name, std::move(section));
    }
    return node;
  }

  Json schema(Json& definitions) const override {
    Json json{{"type", "object"}};
    json["properties"]["path"] = wfb_path_kind().schema(definitions);
    json["properties"]["common"] = wfb_common_kind().schema(definitions);
    json["properties"]["cluster"] = wfb_cluster_kind().schema(definitions);
    json["additionalProperties"] = {{"type", "object"}};
    return json;
  }
  std::string what() const override { return "a mapping with the sections of WFB-NG"; }
};

}  // namespace

Result<ClusterConfig> read_cluster_texts(const std::vector<ConfigText>& files) {
  YamlNode document = default_config();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Parsed parsed = parse_config_file(files[i].text, static_cast<int>(i));
    if (!parsed.ok) return to_error(parsed.problem, files);
    const Problem problem = lay_over_with_references(parsed.root, document);
    if (!problem.message.empty()) return to_error(problem, files);
  }
  Reader reader;
  ClusterConfig config;
  if (!Resolver(reader, document).resolve(config)) return to_error(*reader.problem(), files);
  return config;
}

Result<ClusterConfig> load_cluster_files(const std::vector<std::string>& paths) {
  std::vector<ConfigText> files;
  for (const std::string& path : paths) {
    Result<std::string> text = read_file(path);
    if (!text) return Error{text.error()};
    files.push_back({path, *std::move(text)});
  }
  return read_cluster_texts(files);
}

const Kind<ClusterConfig>& cluster_config_kind() {
  static const ClusterKind kind;
  return kind;
}

}  // namespace twinbed::scenarios
