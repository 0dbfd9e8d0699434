// Something that is on for a part of every period.
#pragma once

#include <algorithm>

#include "core/base/time.h"

namespace twinbed::sim {

/// On for the first `on` of every `period`, counted from `begin`; with a period of 0 always. Before
/// `begin` it is on, too.
struct DutyCycle {
  Duration period{};
  Duration on{};
  Time begin{};

  bool operator==(const DutyCycle&) const = default;

  bool is_always_on() const { return period <= Duration{} || on >= period; }

  bool is_on(Time at) const { return is_always_on() || at < begin || phase(at) < on; }

  /// When it changes next after this instant; kNever where it never does.
  Time next_change(Time at) const {
    if (is_always_on()) return kNever;
    if (at < begin) return begin;
    const Time period_begin = at - phase(at);
    return phase(at) < on ? period_begin + on : period_begin + period;
  }

  /// Whether it stays on from one instant to another.
  bool is_on_throughout(Time from, Time to) const { return is_on(from) && next_change(from) >= to; }

 private:
  Duration phase(Time at) const { return (at - begin) % period; }
};

}  // namespace twinbed::sim
