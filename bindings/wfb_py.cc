// scenarios/wfb: the configuration of WFB-NG's clusters, and what follows from it.
#include "bindings/bindings.h"
#include "scenarios/wfb/cluster_load.h"
#include "scenarios/wfb/config_file.h"
#include "scenarios/wfb/defaults.h"
#include "scenarios/wfb/node_script.h"

namespace twinbed::bindings {
namespace {

namespace py = pybind11;
using scenarios::ClusterConfig;
using scenarios::ClusterPolicy;
using scenarios::CommandLine;
using scenarios::NodePlan;
using scenarios::StreamPlan;
using Names = std::vector<std::string>;

ClusterPolicy policy_of(const std::string& name) {
  if (name == "original") return ClusterPolicy::kOriginal;
  if (name == "robust") return ClusterPolicy::kRobust;
  throw ScenarioMistake("there is no policy '" + name + "'; write original or robust");
}

NodePlan plan_of(const ClusterConfig& config, const std::string& node, const Names& profiles,
                 bool sends_reports) {
  return value_of(scenarios::plan_node(
      config, profiles, value_of(scenarios::find_node(config, node)), sends_reports));
}

std::string document_json(const std::string& text) {
  const scenarios::Parsed parsed = scenarios::parse_config_file(text, 0);
  if (!parsed.ok) throw ScenarioMistake(parsed.problem.message);
  return scenarios::to_json(parsed.root).dump();
}

std::optional<CommandLine> ssh_command(const ClusterConfig& config, const std::string& node,
                                       const std::string& policy) {
  const IpAddress address = value_of(scenarios::find_node(config, node));
  return scenarios::ssh_command(*config.node(address), policy_of(policy));
}

/// The command lines of the central node, in the order of the streams.
std::vector<CommandLine> server_commands(const ClusterConfig& config, const Names& profiles,
                                         const std::string& tag) {
  std::vector<CommandLine> commands;
  for (const StreamPlan& plan : value_of(scenarios::plan_cluster(config, profiles))) {
    if (plan.stream.stream_rx) commands.push_back(aggregator_command(config, plan, tag));
    if (plan.stream.stream_tx) commands.push_back(distributor_command(config, plan, tag));
  }
  return commands;
}

Names node_names(const ClusterConfig& config) {
  Names names;
  for (const scenarios::ClusterNode& node : config.nodes) names.push_back(to_string(node.address));
  return names;
}

void bind_cluster(py::module_& module) {
  py::class_<StreamPlan>(module, "WfbStreamPlan", "A stream as it runs in a cluster.")
      .def_readonly("profile", &StreamPlan::profile, "The profile that it belongs to.")
      .def_property_readonly(
          "name", [](const StreamPlan& self) { return self.stream.name; }, "Its name.")
      .def_readonly("link_id", &StreamPlan::link_id, "Number of the link, of 24 bits.")
      .def_readonly("aggregator_port", &StreamPlan::aggregator_port,
                    "UDP port of the central node.")
      .def_property_readonly(
          "injectors",
          [](const StreamPlan& self) {
            std::vector<std::pair<std::string, std::vector<std::uint16_t>>> injectors;
            for (const auto& [node, ports] : self.injectors) {
              injectors.emplace_back(to_string(node), ports);
            }
            return injectors;
          },
          "(address of a node, its UDP ports), a port for each card.");
  py::class_<ClusterConfig>(module, "WfbCluster", "A configuration of WFB-NG that is accepted.")
      .def_property_readonly("nodes", node_names, "The addresses of the nodes, as texts.")
      .def("plan",
           [](const ClusterConfig& self, const Names& profiles) {
             return value_of(scenarios::plan_cluster(self, profiles));
           },
           py::arg("profiles"), "The streams of these profiles, with their ports.")
      .def("node_script",
           [](const ClusterConfig& self, const std::string& node, const Names& profiles,
              const std::string& policy, bool is_for_ssh, bool sends_reports) {
             return scenarios::node_script(plan_of(self, node, profiles, sends_reports),
                                           {policy_of(policy), is_for_ssh});
           },
           py::arg("node"), py::arg("profiles"), py::arg("policy") = "robust",
           py::arg("is_for_ssh") = false, py::arg("sends_reports") = false,
           "The script of bash that makes a machine this node, which sends reports of the link "
           "for a central node with --adaptive.")
      .def("init_digest",
           [](const ClusterConfig& self, const std::string& node, const Names& profiles,
              bool sends_reports) {
             return scenarios::init_digest(plan_of(self, node, profiles, sends_reports));
           },
           py::arg("node"), py::arg("profiles"), py::arg("sends_reports") = false,
           "Digest of all that the node's script depends on, in hexadecimal.")
      .def("server_commands", server_commands, py::arg("profiles"), py::arg("tag"),
           "The command lines of the central node; `tag` ends the names of its sockets.")
      .def("ssh_command", ssh_command, py::arg("node"), py::arg("policy") = "robust",
           "The command line of mode ssh; None: the node is started by hand.")
      .def("to_yaml",
           [](const ClusterConfig& self) {
             return scenarios::emit_yaml(scenarios::cluster_config_kind().write(self));
           },
           "The same as YAML, for scenarios.")
      .def("__eq__", [](const ClusterConfig& a, const ClusterConfig& b) { return a == b; },
           py::is_operator());
}

}  // namespace

void bind_wfb(py::module_& module) {
  bind_cluster(module);
  module.def(
      "load_wfb_cluster",
      [](const Names& paths) { return value_of(scenarios::load_cluster_files(paths)); },
      py::arg("paths"), "The configuration in WFB-NG's files, later ones over earlier ones.");
  module.def("wfb_document_json", document_json, py::arg("text"),
             "A file of WFB-NG's as JSON text, with nothing read into it or checked.");
  module.def(
      "wfb_default_config", [] { return std::string(scenarios::default_config_text()); },
      "The default configuration as a file of WFB-NG's.");
  module.def(
      "shell_text", [](const CommandLine& words) { return scenarios::shell_text(words); },
      py::arg("words"), "A command line for a shell of POSIX, quoted where it must be.");
}

}  // namespace twinbed::bindings
