// What a central node of WFB-NG says on standard output and standard error.
//
// Lines of statistics, which others read at stats_port, are printed with `debug` alone, as the
// originals' programs print them and behind the service's name; of them sessions always are. What
// several streams find at the same time is said once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/io/run_sink.h"

namespace twinbed::scenarios {

class WfbServerLog final : public RunSink {
 public:
  /// Told which card a profile sends through from now on.
  using OnSelected = std::function<void(std::string_view profile, std::uint64_t wlan)>;

  WfbServerLog(bool prints_statistics, OnSelected on_selected)
      : prints_statistics_(prints_statistics), on_selected_(std::move(on_selected)) {}

  /// A line of a stream's: its service, a tab, and what a program would print.
  void line(std::string_view text);
  /// A sentence, unless it was said within the last 10 s.
  void say(const std::string& sentence);

  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time at, NodeId node, const EventType& type,
             std::span<const Field> fields) override;
  void fault(Time, const FaultRow&) override {}

 private:
  bool prints_statistics_;
  OnSelected on_selected_;
  std::map<std::string, std::int64_t> said_ms_;  ///< when each sentence was said
};

}  // namespace twinbed::scenarios
