// Entries of a document that stand for several: nodes with a count, and random files with one.
//
//     nodes:
//       - {name: client, count: 50, files: {"photo{n}.jpg": {random: 500 kB, count: 20}}}
//     workload:
//       - {at: 20 s .. 21 s, node: client, command: send-image photo1.jpg}
//
// stands for client1 to client50 with photo1.jpg to photo20.jpg each, and for a command to each of
// them at a time of its own. They are written out before the document is read, so that nothing else
// in the project knows of them; every part keeps the place of the entry that it was made from.
#pragma once

#include <optional>

#include "scenarios/fields_yaml.h"

namespace twinbed::scenarios {

/// Writes them out, and the names of such entries in the workload, in shared storage and in select
/// and groups of faults. What cannot be read anyway is left for the reader to refuse. A problem: a
/// bad count, a name twice, or a document that comes to more than 4 MiB.
std::optional<Problem> expand_counts(YamlNode& root);

}  // namespace twinbed::scenarios
