// What an air that stands alone shows: its cards, what passes, and what has become of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/testbed/real_time_air.h"
#include "scenarios/air/air_names.h"

namespace twinbed::scenarios {

class AirDisplay {
 public:
  /// All of them outlive the display.
  AirDisplay(backends::EventLoop& loop, const backends::RealTimeAir& air, const Scenario& scenario,
             const std::vector<AirCard>& cards);

  /// A table on standard output.
  void show_cards() const;
  /// Where standard error is a terminal, a line that changes: what each card sent and received.
  void start();
  /// A table on standard output of what became of frames, and how late the air was.
  void show_end();

 private:
  void show_line();

  const backends::RealTimeAir& air_;
  const Scenario& scenario_;
  const std::vector<AirCard>& cards_;
  backends::Alarm alarm_;
  bool has_line_ = false;
};

}  // namespace twinbed::scenarios
