// The emulated air in real time: the medium of a simulation, whose clock is the machine's.
//
//   attachment ─► read, transmitted at this instant ─► medium ─► end of airtime ─► attachment
//
// The medium's events are executed at their times or as soon after them as the machine allows.
// What is late does not delay what comes after it, as each event finds the medium at the event's
// time and not at the clock's. How late frames were handed over is in the ledger.
//
// A virtual radio whose card has a full queue is not read, so that the kernel's queue fills and
// programs get ENOBUFS, as from a card.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "backends/event_loop.h"
#include "backends/lateness.h"
#include "backends/testbed/card_attachment.h"
#include "core/io/run_sink.h"
#include "sim/faults/radio_faults.h"
#include "sim/radio_medium.h"
#include "sim/world.h"

namespace twinbed::backends {

// Of all cards of a node, at the end of the run. Nothing of the kind happens in simulation.
inline constexpr Metric kAirLost{
    "air.lost", "1", "frames that a program or the air did not take in time, in real time alone"};
inline constexpr Metric kAirMalformed{"air.malformed", "1",
                                      "what programs sent that is no frame, in real time alone"};

class RealTimeAir {
 public:
  using MakeMedium = std::function<std::unique_ptr<sim::RadioMedium>(sim::World&)>;

  /// The loop outlives the air.
  RealTimeAir(EventLoop& loop, std::uint64_t seed, const MakeMedium& make);
  RealTimeAir(const RealTimeAir&) = delete;
  RealTimeAir& operator=(const RealTimeAir&) = delete;

  /// Gives a card of the medium to whoever uses the attachment; before the start.
  void attach(sim::CardAddress card, std::unique_ptr<CardAttachment> attachment);
  /// Begins at this instant of CLOCK_MONOTONIC, or at once if it has passed. What came before waits
  /// until then.
  void start(std::int64_t monotonic_ns);

  /// Sees the frames at all cards from here on; it outlives the air.
  void set_tap(sim::RadioTap& tap) { medium_->set_tap(&tap); }
  /// A fault of radios begins or ends, now. `fault` outlives its end; `number` tells faults apart.
  void begin_fault(const sim::FaultSpec& fault, std::uint32_t number,
                   std::vector<std::uint32_t> nodes);
  /// How many frames it may have touched; 0 where it does not last.
  std::uint64_t end_fault(std::uint32_t number);

  /// Time since the start.
  Time run_now() const;
  const sim::CardCounters& counters(sim::CardAddress card) const {
    return medium_->counters(card);
  }
  const LatenessLedger& lateness() const { return lateness_; }
  /// The medium's events so far.
  std::uint64_t events() const { return events_; }
  /// Records what became of frames: the metrics of a simulated run, and what real time adds.
  void record(RunSink& sink) const;

 private:
  /// A card in use.
  class User final : public CardInput {
   public:
    User(RealTimeAir& air, sim::CardAddress card, std::unique_ptr<CardAttachment> attachment);
    void transmit(Bytes frame, const TxParams& params) override;
    void tune(ChannelMhz channel) override;

    RealTimeAir& air;
    sim::CardAddress card;
    std::unique_ptr<CardAttachment> attachment;
    Watch watch;  // after the attachment, so that it is destroyed first
    bool waits_for_room = false;
    std::uint64_t undelivered = 0;
    std::uint64_t no_frames = 0;  ///< of a length that no frame has
  };
  struct Lasting {
    const sim::FaultSpec* fault;
    std::uint32_t number = 0;
    std::vector<std::uint32_t> nodes;
    Time begun{};
    std::uint64_t touched_before = 0;
  };

  void wait_for(User& user);
  void read(User& user);
  /// Executes what is due, sets the medium's clock to now, and has the alarm wait for what is next.
  void catch_up();
  void execute(const sim::Event& event);
  void hand_out();
  void after_events();
  void refresh_faults();

  EventLoop& loop_;
  sim::World world_;
  std::unique_ptr<sim::RadioMedium> medium_;
  sim::RadioFaults faults_;
  std::vector<Lasting> lasting_;
  std::vector<std::unique_ptr<User>> users_;
  Alarm alarm_;
  Time alarm_at_ = kNever;
  std::int64_t start_ns_ = 0;
  bool is_running_ = false;
  std::uint64_t events_ = 0;
  LatenessLedger lateness_;
};

}  // namespace twinbed::backends
