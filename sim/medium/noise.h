// The noise of a receiver without any signal.
#pragma once

#include "core/io/radio.h"

namespace twinbed::sim {

/// Thermal noise at 290 K over a channel's width, and the receiver's own, as ns-3 reckons it
/// (ns3::InterferenceHelper); in thousandths of a dBm.
int noise_floor_mdb(Bandwidth bandwidth, int noise_figure_mdb);

}  // namespace twinbed::sim
