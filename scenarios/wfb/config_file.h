// Reads the configuration files of WFB-NG: sections, and keys with values as Python writes them.
//
//     # a comment, as is a line that begins with ;
//     [cluster]
//     server_address = '10.77.0.1'     # comments may follow a value
//     nodes = {'10.77.0.11': {'wlans': ['wlan0']},
//              '10.77.0.12': {'wlans': ['wlan0', 'wlan1']},   # indented: the value goes on
//             }
//
// As Python's configparser and ast.literal_eval read them, with four exceptions, each of them an
// error here: a key that is twice in one file, a section [DEFAULT], control characters, and bytes,
// sets and complex numbers as values. Keys are turned to lower case. Lines that begin with # or ;
// are left out even within texts of several lines, and such texts lose their indentation.
#pragma once

#include <string_view>

#include "scenarios/fields_yaml.h"

namespace twinbed::scenarios {

/// The file as a mapping of sections, each a mapping of keys. Places have `source` as their
/// setting. Refused: text over 256 KiB or not in UTF-8, lines over 4096 bytes, more than 5,000
/// values.
Parsed parse_config_file(std::string_view text, int source);

/// Lays a document over another: its keys replace those of the same name in the same section, and
/// the others stay.
void lay_over(const YamlNode& document, YamlNode& below);

/// The same for a document from parse_config_file, whose texts may refer to what lies below:
/// '%(path.log_dir)s' stands for that value, and '%%' for a percent sign. The answer is the first
/// problem; its message is empty where there is none.
Problem lay_over_with_references(const YamlNode& document, YamlNode& below);

/// Sets one key of a mapping, in place of the entry that had it.
void set_entry(YamlNode& mapping, YamlEntry entry);

}  // namespace twinbed::scenarios
