#include "sim/radio_medium.h"

namespace twinbed::sim {

CardCounters& CardCounters::operator+=(const CardCounters& other) {
  sent += other.sent;
  sent_bytes += other.sent_bytes;
  airtime += other.airtime;
  queue_full += other.queue_full;
  no_card += other.no_card;
  bad_rate += other.bad_rate;
  received += other.received;
  corrupted += other.corrupted;
  missed += other.missed;
  touched += other.touched;
  return *this;
}

void record_counters(RunSink& sink, Time at, NodeId node, const CardCounters& counters) {
  const auto sample = [&](const Metric& metric, auto value) {
    sink.sample(at, node, metric, static_cast<double>(value));
  };
  sample(kRadioSent, counters.sent);
  sample(kRadioAirtime, to_seconds(counters.airtime));
  sample(kRadioQueueFull, counters.queue_full);
  sample(kRadioReceived, counters.received);
  sample(kRadioCorrupted, counters.corrupted);
  sample(kRadioMissed, counters.missed);
}

}  // namespace twinbed::sim
