#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"

namespace twinbed::scenarios {
namespace {

using sim::ClockFault;
using sim::CrashCause;
using sim::DiskFault;
using sim::FaultAction;
using sim::FaultSpec;
using sim::PartitionKind;
using sim::RadioFault;
using sim::Selector;

/// Pairs of the words that plan.h has for an enumeration.
template <class E>
std::vector<std::pair<std::string, E>> words_of(std::vector<E> values) {
  std::vector<std::pair<std::string, E>> words;
  for (const E value : values) words.emplace_back(to_string(value), value);
  return words;
}

const Kind<FaultAction>& action_kind() {
  using A = FaultAction;
  static const auto kind = enum_kind<A>(
      "the actions",
      words_of<A>({A::kCrash, A::kRestart, A::kStop, A::kPause, A::kHang, A::kPartition, A::kLink,
                   A::kClock, A::kDisk, A::kJam, A::kFade, A::kAntennaOff, A::kUnplug, A::kChannel,
                   A::kDutyCycle}));
  return kind;
}

const Kind<CrashCause>& crash_cause_kind() {
  using C = CrashCause;
  static const auto kind =
      enum_kind<C>("the causes of a crash", words_of<C>({C::kKill, C::kPowerFailure}));
  return kind;
}

const Kind<PartitionKind>& partition_kind() {
  using P = PartitionKind;
  static const auto kind = enum_kind<P>(
      "the kinds of partition", words_of<P>({P::kGroups, P::kOneWay, P::kIsolate, P::kBridge,
                                             P::kMajoritiesRing, P::kMinCut}));
  return kind;
}

const ListKind<std::string>& node_names_kind() {
  static const ListKind<std::string> kind("names of nodes", text_kind(), 1);
  return kind;
}

/// The long form of a selector.
const RecordKind<Selector>& selector_record() {
  static const auto count = whole_number_kind(0, 1'000'000);
  static const RecordKind<Selector> kind = [] {
    RecordKind<Selector> record("selector",
                                "Which nodes: nodes and roles add up, and count draws that many "
                                "of them at random; count alone draws from all nodes");
    record.add("nodes", &Selector::nodes, node_names_kind(), "names of nodes");
    record.add("role", &Selector::role, text_kind(),
               "the role that they have in the scenario or recorded last: 'server', 'leader', "
               "'crashed', or 'recorder' for the node that recorded the event of the key 'on'");
    record.add("count", &Selector::count, count, "how many of them, drawn at random; 0: all");
    return record;
  }();
  return kind;
}

/// A selector; a plain list is a list of names.
class SelectorKind final : public Kind<Selector> {
 public:
  bool read(Reader& reader, const YamlNode& node, Selector& out) const override {
    if (node.type == NodeType::kList) {
      out = Selector{};
      return node_names_kind().read(reader, node, out.nodes);
    }
    if (node.type != NodeType::kMap) return fail_type(reader, node, what());
    if (!selector_record().read(reader, node, out)) return false;
    if (!out.empty()) return true;
    return reader.fail(node.place, reader.subject() +
                                       " selects nobody, write names of nodes or {role: leader}");
  }
  YamlNode write(const Selector& value) const override {
    const bool names_only = value.role.empty() && value.count == 0;
    return names_only ? node_names_kind().write(value.nodes) : selector_record().write(value);
  }
  Json schema(Json& definitions) const override {
    return {{"anyOf", Json::array({node_names_kind().schema(definitions),
                                   selector_record().schema(definitions)})}};
  }
  std::string what() const override { return "a list of names or {role: leader}"; }
};

const SelectorKind& selector_kind() {
  static const SelectorKind kind;
  return kind;
}

const Kind<ClockFault>& clock_fault_kind() {
  static const RecordKind<ClockFault> kind = [] {
    RecordKind<ClockFault> record("clock_fault", "What happens to a node's clock");
    record.add("step", &ClockFault::step, signed_duration_kind(),
               "added to the wall clock at once, and kept");
    record.add("drift", &ClockFault::drift_ppm, drift_kind(),
               "how much faster both of the node's clocks run while the fault lasts");
    return record;
  }();
  return kind;
}

const RecordKind<DiskFault>& disk_fault_kind() {
  static const RecordKind<DiskFault> kind = [] {
    RecordKind<DiskFault> record("disk_fault", "What is wrong with a node's disk");
    record.add("sync_delay", &DiskFault::sync_delay, duration_kind(),
               "every sync takes this much longer");
    record.add("sync_jitter", &DiskFault::sync_jitter, duration_kind(),
               "and a time of its own, exponentially distributed with this mean");
    record.add("full", &DiskFault::full, bool_kind(), "writes find no space");
    record.add("lose_write", &DiskFault::lose_write, probability_kind(),
               "probability that a write is acknowledged and never reaches the disk");
    record.add("tear_write", &DiskFault::tear_write, probability_kind(),
               "probability that a crash leaves only the start of an unsynced write");
    return record;
  }();
  return kind;
}

/// `disk` is a word for a restart (what becomes of the disk) and a mapping for a disk fault.
RecordField<FaultSpec> disk_field() {
  static const auto fate = enum_kind<bool>("the ways to restart", {{"keep", true},
                                                                   {"wipe", false}});
  RecordField<FaultSpec> field;
  field.name = "disk";
  field.doc = "for a restart: keep what was synced, or wipe it; for a disk fault: what is wrong";
  field.what = "a mapping with the keys of a disk_fault";
  field.read = [](Reader& reader, const YamlNode& node, FaultSpec& out) {
    if (node.type == NodeType::kScalar) return fate.read(reader, node, out.with_disk);
    return disk_fault_kind().read(reader, node, out.disk);
  };
  field.write = [](const FaultSpec& value) {
    const bool is_restart = value.disk == DiskFault{} && value.action != FaultAction::kDisk;
    return is_restart ? fate.write(value.with_disk) : disk_fault_kind().write(value.disk);
  };
  field.is_default = [](const FaultSpec& value) {
    return value.with_disk && value.disk == DiskFault{};
  };
  field.schema = [](Json& definitions) {
    return Json{{"anyOf", Json::array({fate.schema(definitions),
                                       disk_fault_kind().schema(definitions)})}};
  };
  return field;
}

/// [low, high]
class BandKind final : public Kind<std::array<std::uint32_t, 2>> {
 public:
  using Band = std::array<std::uint32_t, 2>;

  bool read(Reader& reader, const YamlNode& node, Band& out) const override {
    std::vector<std::uint32_t> values;
    if (!list().read(reader, node, values)) return false;
    if (values[0] >= values[1]) {
      return reader.fail(node.place, "this band ends before it begins, write the lower frequency "
                                     "first");
    }
    out = {values[0], values[1]};
    return true;
  }
  YamlNode write(const Band& value) const override {
    return list().write({value[0], value[1]});
  }
  Json schema(Json& definitions) const override { return list().schema(definitions); }
  std::string what() const override { return "two frequencies such as [5815 MHz, 5835 MHz]"; }

 private:
  static const ListKind<std::uint32_t>& list() {
    static const ListKind<std::uint32_t> kind("frequencies", frequency_kind(), 2, 2);
    return kind;
  }
};

void add_target_fields(RecordKind<FaultSpec>& record) {
  using F = FaultSpec;
  static const ListKind<Selector> groups("groups", selector_kind(), 2);
  record.add("kind", &F::partition, partition_kind(),
             "groups: nodes of different groups cannot reach each other; one-way: packets from the "
             "first group to the second are dropped; isolate: the selected nodes reach nobody; "
             "bridge: only the selected node reaches both halves; majorities-ring: everybody sees "
             "a majority, no two the same; min-cut: the fewest links between two nodes are cut")
      .only({"partition"});
  record.add("select", &F::select, selector_kind(),
             "whom the fault hits; with 'on' it may be left out and is then the node that recorded "
             "the event")
      .only({"crash", "restart", "stop", "pause", "hang", "partition", "clock", "disk", "fade",
             "antenna-off", "unplug", "channel", "duty-cycle"});
  record.add("cause", &F::cause, crash_cause_kind(),
             "kill: the process dies as by kill -9, and its kernel ends its connections; "
             "power-failure: its host and all nodes on it fall silent, and peers see time-outs")
      .only({"crash"});
  record.add("groups", &F::groups, groups,
             "the parts of a partition: two or more for groups, two for one-way, two of one node "
             "each for min-cut")
      .only({"partition"});
}

void add_time_fields(RecordKind<FaultSpec>& record) {
  using F = FaultSpec;
  static const auto nth = whole_number_kind(1, 1'000'000'000);
  static const OptionalKind<sim::DurationRange> lasts(range_kind());
  record.add("at", &F::at, range_kind(),
             "when, from the start of the run; with 'on', not before. A range is drawn from the "
             "seed").require();
  record.add("on", &F::on, text_kind(),
             "the event for which the fault waits, such as 'role' or 'image.staged': it begins "
             "when any node records one of this name. A crash that hits this very node kills it at "
             "that step, so that nothing is carried out of what its handler asks for; any other "
             "fault begins when that is carried out, in mode real some milliseconds later. A name "
             "that no node records never comes: the fault then touches nothing");
  record.add("nth", &F::nth, nth,
             "which of these events, counted from 'at' on and over all nodes; 1 is the first");
  record.add("for", &F::lasts, lasts,
             "how long it lasts from its beginning; without it, until the end of the run")
      .only({"crash", "stop", "pause", "hang", "partition", "link", "clock", "disk", "jam", "fade",
             "antenna-off", "unplug", "channel", "duty-cycle"});
}

/// A member of the fault's radio part as a field of the fault.
template <class T>
RecordField<FaultSpec>& add_radio_field(RecordKind<FaultSpec>& record, std::string name,
                                        T RadioFault::*member, const Kind<T>& kind,
                                        std::string doc) {
  RecordField<FaultSpec> field;
  field.name = std::move(name);
  field.doc = std::move(doc);
  field.what = kind.what();
  field.read = [member, &kind](Reader& reader, const YamlNode& node, FaultSpec& out) {
    return kind.read(reader, node, out.radio.*member);
  };
  field.write = [member, &kind](const FaultSpec& value) {
    return kind.write(value.radio.*member);
  };
  field.is_default = [member](const FaultSpec& value) {
    return value.radio.*member == RadioFault{}.*member;
  };
  field.schema = [&kind](Json& definitions) { return kind.schema(definitions); };
  return record.add(std::move(field));
}

void add_radio_fields(RecordKind<FaultSpec>& record) {
  using R = RadioFault;
  static const auto whole = whole_number_kind(0, 255);
  static const OptionalKind<std::uint32_t> interface(whole);
  static const BandKind band;
  add_radio_field(record, "interface", &R::interface, interface,
                  "which of the node's cards, from 0; without it all of them")
      .only({"antenna-off", "unplug", "channel", "duty-cycle"});
  add_radio_field(record, "antenna", &R::antenna, whole, "which antenna of the card, from 0")
      .only({"antenna-off"});
  add_radio_field(record, "channel", &R::channel, channel_kind(), "the channel it is tuned to")
      .require()
      .only({"channel"});
  add_radio_field(record, "loss", &R::loss_db, ratio_kind(),
                  "what all signals from and to the node lose on top")
      .require()
      .only({"fade"});
  add_radio_field(record, "position", &R::position, position_kind(), "where the jammer is")
      .require()
      .only({"jam"});
  add_radio_field(record, "power", &R::power_dbm, power_kind(), "that it radiates in its band")
      .require()
      .only({"jam"});
  add_radio_field(record, "band", &R::band_mhz, band, "from which frequency to which")
      .require()
      .only({"jam"});
  add_radio_field(record, "period", &R::period, duration_kind(),
                  "of on and off, for a duty below 100 %")
      .only({"jam", "duty-cycle"});
  add_radio_field(record, "duty", &R::duty, probability_kind(),
                  "the part of the period in which the jammer sends, or the card is awake: to "
                  "send, a card with carrier sense must be awake for longer than DIFS (28 us below "
                  "3 GHz, else 34 us) and its contention window; to receive a frame, for all of it")
      .only({"jam", "duty-cycle"});
}

const RecordKind<FaultSpec>& fault_kind() {
  using F = FaultSpec;
  static const OptionalKind<std::vector<std::string>> between(between_kind());
  static const RecordKind<F> kind = [] {
    RecordKind<F> record(
        "fault", "Something that goes wrong at a time or an event, to somebody, for a while");
    record.decide_by("action");
    add_time_fields(record);
    record.add("action", &F::action, action_kind(),
               "crash: the process dies; restart: it is started anew; stop: it is asked to "
               "end; pause: nothing of it runs; hang: it takes input and does nothing; partition: "
               "packets between nodes are dropped; link: links get worse; clock, disk: a node's "
               "clock or disk goes wrong; jam: noise on the air; fade, antenna-off, unplug, "
               "channel, duty-cycle: a node's radio signals get weaker, an antenna is deaf, a card "
               "is gone, on another channel, or awake for a part of the time").require();
    add_target_fields(record);
    add_radio_fields(record);
    record.add("between", &F::link_between, between,
               "the two nodes or devices whose links are hit; without it all links")
        .only({"link"});
    record.add("link", &F::link, link_kind(), "added to what the link does anyway")
        .require()
        .only({"link"});
    record.add("clock", &F::clock, clock_fault_kind(), "what happens to the clock")
        .require()
        .only({"clock"});
    record.add(disk_field()).only({"restart", "disk"});
    return record;
  }();
  return kind;
}

}  // namespace

const Kind<sim::FaultPlan>& fault_plan_kind() {
  static const ListKind<FaultSpec> kind("faults", fault_kind());
  return kind;
}

}  // namespace twinbed::scenarios
