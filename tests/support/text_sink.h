// Writes the events of a run down as text: "name key=value ...", integers and text only.
#pragma once

#include <string>
#include <vector>

#include "core/io/run_sink.h"

namespace twinbed::testing {

class TextSink final : public RunSink {
 public:
  void sample(Time, NodeId, const Metric&, double) override {}
  void fault(Time, const FaultRow& fault) override {
    faults.push_back(std::string(fault.action) +
                     (fault.phase == FaultPhase::kBegin ? " begin " : " end ") +
                     std::string(fault.target) + " touched " + std::to_string(fault.touched));
  }
  void event(Time, NodeId, const EventType& type, std::span<const Field> fields) override {
    std::string line(type.name);
    for (const Field& field : fields) {
      line += " " + std::string(field.key) + "=";
      if (const auto* text = std::get_if<std::string_view>(&field.value)) line += *text;
      if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
        line += std::to_string(*number);
      }
    }
    lines.push_back(std::move(line));
  }

  std::vector<std::string> lines;
  std::vector<std::string> faults;
};

}  // namespace twinbed::testing
