// What WFB-NG's programs are configured to where a file says nothing else.
#pragma once

#include <string_view>

#include "scenarios/fields_yaml.h"

namespace twinbed::scenarios {

/// The default configuration as a file that parse_config_file reads, with comments for people.
std::string_view default_config_text();

/// The same as a document; its places are none.
const YamlNode& default_config();

}  // namespace twinbed::scenarios
