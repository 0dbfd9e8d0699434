#include "sim/faults/describe.h"

#include <array>
#include <cstdio>

namespace twinbed::sim {
namespace {

/// A flat JSON object of numbers and words, built field by field.
class JsonObject {
 public:
  void word(const char* key, std::string_view value) {
    add(key);
    text_ += '"';
    for (const char c : value) append_escaped(c);
    text_ += '"';
  }
  void number(const char* key, std::int64_t value) {
    if (value == 0) return;
    add(key);
    text_ += std::to_string(value);
  }
  void real(const char* key, double value) {
    if (value == 0) return;
    std::array<char, 40> digits{};
    std::snprintf(digits.data(), digits.size(), "%.9g", value);
    add(key);
    text_ += digits.data();
  }
  void truth(const char* key, bool value) {
    add(key);
    text_ += value ? "true" : "false";
  }
  std::string take() { return text_ + "}"; }

 private:
  /// Words come from scenario files and may hold any text.
  void append_escaped(char c) {
    if (static_cast<unsigned char>(c) < ' ') {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
      text_ += code.data();
      return;
    }
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  void add(const char* key) {
    if (text_.size() > 1) text_ += ", ";
    text_ += '"';
    text_ += key;
    text_ += "\": ";
  }
  std::string text_ = "{";
};

void describe_link(const LinkParams& link, JsonObject& out) {
  out.number("delay_ns", to_ns(link.delay));
  out.number("jitter_ns", to_ns(link.jitter));
  out.number("bandwidth_bps", static_cast<std::int64_t>(link.bandwidth_bps));
  out.real("loss", link.loss);
  out.real("good_to_bad", link.bursts.good_to_bad);
  out.real("duplicate", link.duplicate);
  out.real("corrupt", link.corrupt);
  out.real("reorder", link.reorder);
  out.number("traces", static_cast<std::int64_t>(link.traces.size()));
}

void describe_radio(const FaultSpec& fault, JsonObject& out) {
  const RadioFault& radio = fault.radio;
  if (radio.interface) out.number("interface", *radio.interface);
  if (fault.action == FaultAction::kAntennaOff) out.number("antenna", radio.antenna);
  out.number("channel_mhz", static_cast<std::int64_t>(radio.channel));
  out.real("loss_db", radio.loss_db);
  if (fault.action == FaultAction::kJam) {
    out.real("power_dbm", radio.power_dbm);
    out.number("low_mhz", radio.band_mhz[0]);
    out.number("high_mhz", radio.band_mhz[1]);
    out.real("x", radio.position.x);
    out.real("y", radio.position.y);
    out.real("z", radio.position.z);
  }
  if (radio.duty < 1) {
    out.number("period_ns", to_ns(radio.period));
    out.real("duty", radio.duty);
  }
}

}  // namespace

std::string describe_fault(const FaultSpec& fault) {
  JsonObject out;
  switch (fault.action) {
    case FaultAction::kPartition: out.word("kind", to_string(fault.partition)); break;
    case FaultAction::kCrash:
      if (fault.cause != CrashCause::kKill) out.word("cause", to_string(fault.cause));
      break;
    case FaultAction::kRestart: out.truth("with_disk", fault.with_disk); break;
    case FaultAction::kLink: describe_link(fault.link, out); break;
    case FaultAction::kClock:
      out.number("step_ns", to_ns(fault.clock.step));
      out.real("drift_ppm", fault.clock.drift_ppm);
      break;
    case FaultAction::kDisk:
      out.number("sync_delay_ns", to_ns(fault.disk.sync_delay));
      out.number("sync_jitter_ns", to_ns(fault.disk.sync_jitter));
      if (fault.disk.full) out.truth("full", true);
      out.real("lose_write", fault.disk.lose_write);
      out.real("tear_write", fault.disk.tear_write);
      break;
    default: break;
  }
  if (is_radio_fault(fault.action)) describe_radio(fault, out);
  if (!fault.on.empty()) out.word("on", fault.on);
  if (fault.nth > 1) out.number("nth", fault.nth);
  if (!fault.select.role.empty()) out.word("selected_role", fault.select.role);
  if (fault.lasts) out.number("for_ns", to_ns(fault.lasts->low));
  return out.take();
}

std::string describe_links(const std::vector<std::uint32_t>& links, const Topology& topology) {
  std::string text;
  for (std::uint32_t link : links) {
    const Link& edge = topology.links[link];
    if (!text.empty()) text += ' ';
    text += topology.devices[edge.a].name + "-" + topology.devices[edge.b].name;
  }
  return text;
}

}  // namespace twinbed::sim
