// Reads the configuration of WFB-NG from its own files or from YAML, with every check that can be
// made before something runs.
//
// The first mistake is one sentence with its place and the remedy:
//
//     site.cfg:12:9: fec_k 13 is more than fec_n 12; ...
//
// In YAML the document has the same sections and keys, so that a scenario may hold either:
//
//     cluster:
//       cluster: {server_address: 10.77.0.1, nodes: {10.77.0.11: {wlans: [wlan0]}}}
//       video: {fec_k: 4, fec_n: 6}
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "scenarios/fields_kinds.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

/// A file of WFB-NG that has been read, and what messages call it.
struct ConfigText {
  std::string name;
  std::string text;
};

/// The defaults with these files laid over them, later ones over earlier ones. No file: the
/// defaults.
Result<ClusterConfig> read_cluster_texts(const std::vector<ConfigText>& files);
/// The same from the disk.
Result<ClusterConfig> load_cluster_files(const std::vector<std::string>& paths);

/// The configuration as one value of a YAML document. What it writes reads back as the same, with
/// the low-level profiles merged into the streams.
const Kind<ClusterConfig>& cluster_config_kind();

}  // namespace twinbed::scenarios
