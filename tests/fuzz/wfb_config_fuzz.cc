// Fuzzes the reader of WFB-NG's configuration files.
//
// Whatever the bytes are, the answer is a configuration or one sentence. A configuration that is
// accepted survives its way through YAML, and what follows from it (ports, scripts, command lines)
// can be asked for. Text after a line that holds only "%%" is the next file.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "scenarios/wfb/cluster_load.h"
#include "scenarios/wfb/node_script.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<scenarios::ConfigText> files;
  while (files.size() < 4) {
    const std::size_t cut = text.find("\n%%\n");
    files.push_back({"fuzz" + std::to_string(files.size()), std::string(text.substr(0, cut))});
    if (cut == text.npos) break;
    text.remove_prefix(cut + 4);
  }
  const auto config = scenarios::read_cluster_texts(files);
  if (!config) {
    TWINBED_CHECK(!config.error().empty(), "a configuration was refused without a reason");
    return 0;
  }
  const std::string yaml = emit_yaml(scenarios::cluster_config_kind().write(*config));
  const scenarios::Parsed parsed = scenarios::parse_yaml(yaml);
  TWINBED_CHECK(parsed.ok, "the YAML of a configuration is refused: " + parsed.problem.message);
  scenarios::Reader reader;
  scenarios::ClusterConfig again;
  TWINBED_CHECK(scenarios::cluster_config_kind().read(reader, parsed.root, again),
                "a configuration is refused in YAML: " + reader.problem()->message);
  TWINBED_CHECK(again == *config, "the YAML of a configuration reads back as another one");
  for (const scenarios::ProfileConfig& profile : config->profiles) {
    for (const scenarios::ClusterNode& node : config->nodes) {
      const auto plan = scenarios::plan_node(*config, {profile.name}, node.address);
      if (plan) (void)scenarios::node_script(*plan, {});
    }
  }
  return 0;
}
