// Reads a scenario from YAML, with every check that can be made before a run.
//
// The first mistake found is reported as one sentence with its place and a remedy:
//
//     leader.yaml:12:5: unknown key 'dealy' in link, did you mean 'delay'?
//
// The keys, their units and their defaults are described once, in scenarios/fields_*.cc; from that
// description come this loader, dump_scenario (scenarios/dump.h) and scenario_schema
// (scenarios/schema.h).
//
// Settings are overrides "path=value", applied to the document before it is read, in their order.
// A path is dotted, in the names of the file; an element of a list goes by its `name` or by its
// index from 0; a part that holds a dot may be quoted. The value is YAML:
//
//     protocol.options.profile=67dc5ff        network.link.delay=5 ms
//     nodes.node1.clock.drift=20 ppm          faults.0.select={role: follower}
//     nodes.client.files."b.png"=images/b.png
//
// An entry of nodes with a count stands for that many nodes: {name: client, count: 50} for client1
// to client50, and 'client' in the workload and in select and groups of faults for all of them.
// Each is given a command at a time of its own, drawn from the seed. Settings may name the entry
// (nodes.client.count=10) or one of its nodes, which then has a value of its own
// (nodes.client7.options.retry=2 s); indices count the entries as the file has them. In a node's
// files, {random: 500 kB} is content that no other node and no other file has, and
// "photo{n}.jpg": {random: 500 kB, count: 20} stands for photo1.jpg to photo20.jpg.
//
// Options of protocols, nodes, generators and checkers have the type of their form: true and false,
// whole and real numbers, durations ("5 ms", in quotes or not), and text. A number in quotes is
// text, and what has the form of a duration is text under the tag !!str.
//
// A file is at most 4 MiB of UTF-8 and its aliases may add 4 MiB to it; merge keys and tags other
// than !!str are refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// The scenario in a file; relative names in it start at the file's directory.
Result<Scenario> load_scenario(const std::string& path,
                               const std::vector<std::string>& settings = {});

/// The scenario in a text, called `name_for_messages`; relative names in it start at `directory`.
Result<Scenario> load_scenario_text(std::string_view text, const std::string& name_for_messages,
                                    const std::string& directory,
                                    const std::vector<std::string>& settings = {});

/// The same checks for a scenario that was built by a program; the place in the message is a dotted
/// path: "faults.0.select.nodes.1: there is no node 'nod3', did you mean 'node3'?". Nothing where
/// the scenario can be run.
std::optional<Error> check_scenario(const Scenario& scenario);

}  // namespace twinbed::scenarios
