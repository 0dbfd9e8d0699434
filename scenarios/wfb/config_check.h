// Checks of a configuration that concern more than one key.
#pragma once

#include "scenarios/fields_kinds.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

/// Whether the streams can be run: false after a problem, which the reader then holds. `list` is
/// what they were read from.
bool check_streams(Reader& reader, const YamlNode& list, const ProfileConfig& profile);

/// The same for the nodes, which were read from the section [cluster] of the document.
bool check_nodes(Reader& reader, const YamlNode& document, const ClusterConfig& config);

}  // namespace twinbed::scenarios
