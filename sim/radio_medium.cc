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

}  // namespace twinbed::sim
