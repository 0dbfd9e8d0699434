#include <utility>
#include <variant>

#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"

namespace twinbed::scenarios {
namespace {

const std::vector<std::string>& policies() {
  static const std::vector<std::string> names{"original", "robust"};
  return names;
}

const Kind<int>& version_kind() {
  static const LeafKind<int> kind(
      "the number 1",
      [](const YamlNode& node) -> Result<int> {
        if (node.text == "1") return 1;
        return Error{in_quotes(node.text) + " is not known to this program, which reads version 1"};
      },
      [](int version) { return scalar_node(std::to_string(version)); }, Json{{"const", 1}});
  return kind;
}

const Kind<ProtocolSpec>& protocol_kind() {
  using P = ProtocolSpec;
  static const auto policy = word_kind("the policies", policies());
  static const RecordKind<P> kind = [] {
    RecordKind<P> record("protocol", "Which protocol the nodes run, and how");
    record.add("name", &P::name, name_kind(),
               "the protocol, such as 'election' or 'pingpong'").require();
    record.add("policy", &P::policy, policy,
               "original: as the real program behaves, with its defects; robust: repaired");
    record.add("options", &P::options, options_kind(), "options of the protocol, for every node");
    return record;
  }();
  return kind;
}

const Kind<ClockSpec>& clock_kind() {
  static const RecordKind<ClockSpec> kind = [] {
    RecordKind<ClockSpec> record("clock", "How a node's clock differs from true time");
    record.add("offset", &ClockSpec::offset, signed_duration_kind(),
               "how far ahead the wall clock is at the start of the run");
    record.add("drift", &ClockSpec::drift_ppm, drift_kind(), "how much too fast it runs");
    return record;
  }();
  return kind;
}

/// A key that is carried out before the record is read (scenarios/fields_expand.h). What is still
/// there then stands in an entry that is wrong elsewhere.
template <class S>
RecordField<S> count_field(std::string doc) {
  RecordField<S> field;
  field.name = "count";
  field.doc = std::move(doc);
  field.what = copies_kind().what();
  field.read = [](Reader& reader, const YamlNode& node, S& /*out*/) {
    std::uint32_t count = 0;
    return copies_kind().read(reader, node, count);
  };
  field.write = [](const S& /*value*/) { return YamlNode{}; };
  field.is_default = [](const S& /*value*/) { return true; };
  field.schema = [](Json& definitions) { return copies_kind().schema(definitions); };
  return field;
}

const Kind<RandomFile>& random_file_kind() {
  static const RecordKind<RandomFile> kind = [] {
    RecordKind<RandomFile> record(
        "random_file", "Bytes drawn for one file of one node, the same in every run of any seed");
    record.add("random", &RandomFile::size_bytes, file_size_kind(), "how many bytes").require();
    record.add(count_field<RandomFile>(
        "makes that many files, each with its number from 1 in place of {n} in its name"));
    return record;
  }();
  return kind;
}

/// A file's name, or what is drawn.
class FileSourceKind final : public Kind<FileSource> {
 public:
  bool read(Reader& reader, const YamlNode& node, FileSource& out) const override {
    if (node.type == NodeType::kMap) {
      return random_file_kind().read(reader, node, out.emplace<RandomFile>());
    }
    if (node.type != NodeType::kScalar) return fail_type(reader, node, what());
    return text_kind().read(reader, node, out.emplace<std::string>());
  }
  YamlNode write(const FileSource& value) const override {
    const auto* drawn = std::get_if<RandomFile>(&value);
    return drawn != nullptr ? random_file_kind().write(*drawn)
                            : text_kind().write(std::get<std::string>(value));
  }
  Json schema(Json& definitions) const override {
    return {{"anyOf", Json::array({text_kind().schema(definitions),
                                   random_file_kind().schema(definitions)})}};
  }
  std::string what() const override { return "a file's name or {random: 500 kB}"; }
};

const Kind<NodeSpec>& node_kind() {
  using N = NodeSpec;
  static const FileSourceKind file_source;
  static const MapKind<FileSource> files("files", file_source);
  static const OptionalKind<MobilitySpec> mobility(mobility_kind());
  static const ListKind<sim::CardOptions> cards("cards", card_kind(), 0, 8);
  static const RecordKind<N> kind = [] {
    RecordKind<N> record("node", "A process that runs the protocol");
    record.add("name", &N::name, name_kind(),
               "the name by which workload and faults call it").require();
    record.add(count_field<N>(
        "makes that many nodes of this entry, called by its name and their number from 1; its "
        "name in workload, select and groups then means all of them"));
    record.add("role", &N::role, text_kind(), "the protocol's word: 'server', 'client'");
    record.add("host", &N::host, text_kind(),
               "the device it runs on; without it, a host of its own name");
    record.add("port", &N::port, port_kind(), "where it listens; 0 if it need not");
    record.add("options", &N::options, options_kind(),
               "options of this node alone, on top of the protocol's");
    record.add("clock", &N::clock, clock_kind(), "how its clock differs from true time");
    record.add("files", &N::files, files,
               "name in the node's storage: file that is copied there, relative to the scenario, "
               "or a size of random content");
    record.add("position", &N::position, position_kind(),
               "where it is at the start, in metres: [x, y, z]; for nodes with radio cards");
    record.add("mobility", &N::mobility, mobility, "how it moves; without it, it stays there");
    record.add("cards", &N::cards, cards, "its radio cards: interface 0, 1 and so on");
    return record;
  }();
  return kind;
}

const Kind<SharedStorageSpec>& shared_storage_kind() {
  using D = SharedStorageSpec;
  static const ListKind<std::string> nodes("nodes", text_kind(), 2);
  static const RecordKind<D> kind = [] {
    RecordKind<D> record("shared_storage",
                         "A directory that several nodes see, as on a network file system");
    record.add("path", &D::path, text_kind(),
               "its name in the storage of each of the nodes, such as 'images/'").require();
    record.add("nodes", &D::nodes, nodes, "the nodes that see it").require();
    return record;
  }();
  return kind;
}

const Kind<WorkloadItem>& workload_item_kind() {
  using W = WorkloadItem;
  static const auto count = whole_number_kind(1, 1'000'000);
  static const OptionalKind<Duration> every(positive_duration_kind());
  static const RecordKind<W> kind = [] {
    RecordKind<W> record("workload_item", "A command given to a node: what a user would type");
    record.add("at", &W::at, range_kind(),
               "when, from the start of the run; a range is drawn from the seed").require();
    record.add("every", &W::every, every, "the period with which it is repeated");
    record.add("count", &W::count, count, "how many times it is given in all");
    record.add("node", &W::node, text_kind(),
               "the node that is given the command, or the name of an entry with a count: each of "
               "its nodes, at a time drawn for each").require();
    record.add("command", &W::command, text_kind(),
               "the command; {n} becomes the number of the repetition, from 1").require();
    return record;
  }();
  return kind;
}

const Kind<CheckerSpec>& checker_kind() {
  using C = CheckerSpec;
  static const auto verdict = word_kind("the verdicts", {"valid", "invalid", "unknown"});
  static const MapKind<std::string> expect("policies", verdict, policies());
  static const RecordKind<C> kind = [] {
    RecordKind<C> record("checker", "Something that is judged after the run");
    record.add("name", &C::name, name_kind(),
               "the checker, such as 'at_most_one_leader' or 'delivery'").require();
    record.add("options", &C::options, options_kind(), "options of the checker");
    record.add("expect", &C::expect, expect,
               "the verdict expected under each policy; valid where nothing is said");
    return record;
  }();
  return kind;
}

}  // namespace

const Kind<std::uint32_t>& copies_kind() {
  static const auto kind = whole_number_kind(1, 1000);
  return kind;
}

const RecordKind<Scenario>& scenario_kind() {
  using S = Scenario;
  static const ListKind<NodeSpec> nodes("nodes", node_kind(), 1);
  static const ListKind<SharedStorageSpec> shared_storage("shared directories",
                                                          shared_storage_kind());
  static const OptionalKind<RadioSpec> radio(radio_kind());
  static const ListKind<WorkloadItem> workload("commands", workload_item_kind());
  static const ListKind<CheckerSpec> checkers("checkers", checker_kind());
  static const RecordKind<S> kind = [] {
    RecordKind<S> record("scenario",
                         "Everything that a run of twinbed needs but its seed and its mode");
    record.add("version", &S::version, version_kind(), "version of this format").require();
    record.add("name", &S::name, name_kind(), "the scenario's name").require();
    record.add("question", &S::question, text_kind(),
               "what the scenario is there to find out, in one sentence");
    record.add("duration", &S::duration, positive_duration_kind(), "length of the run").require();
    record.add("protocol", &S::protocol, protocol_kind(), "what the nodes run").require();
    record.add("nodes", &S::nodes, nodes, "the processes that run the protocol").require();
    record.add("shared_storage", &S::shared_storage, shared_storage,
               "directories that several nodes see");
    record.add("network", &S::network, network_kind(), "what lies between the nodes");
    record.add("radio", &S::radio, radio, "the air between radio cards");
    record.add("workload", &S::workload, workload, "what users do");
    record.add("faults", &S::faults, fault_plan_kind(), "what goes wrong");
    record.add("checkers", &S::checkers, checkers, "what is judged");
    return record;
  }();
  return kind;
}

}  // namespace twinbed::scenarios
