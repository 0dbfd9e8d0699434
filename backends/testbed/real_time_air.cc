#include "backends/testbed/real_time_air.h"

#include <algorithm>

#include "core/base/check.h"

namespace twinbed::backends {
namespace {

/// Then others on the loop get their turn.
constexpr int kRequestsPerTurn = 64;
/// The shortest frame there is (an acknowledgement) and the longest of 802.11ac, both without their
/// check sequences (IEEE 802.11-2020, 9.3.1.4 and table 9-25).
constexpr std::size_t kMinFrameBytes = 10;
constexpr std::size_t kMaxFrameBytes = 11'450;

}  // namespace

RealTimeAir::User::User(RealTimeAir& owner, sim::CardAddress where,
                        std::unique_ptr<CardAttachment> given)
    : air(owner),
      card(where),
      attachment(std::move(given)),
      watch(owner.loop_, attachment->descriptor()) {}

void RealTimeAir::User::transmit(Bytes frame, const TxParams& params) {
  if (frame.size() < kMinFrameBytes || frame.size() > kMaxFrameBytes) {
    ++no_frames;
  } else {
    air.medium_->transmit(card, frame, params);
  }
}

void RealTimeAir::User::tune(ChannelMhz channel) { air.medium_->tune(card, channel); }

RealTimeAir::RealTimeAir(EventLoop& loop, std::uint64_t seed, const MakeMedium& make)
    : loop_(loop),
      world_{seed, Time{}, {}, {}},
      medium_(make(world_)),
      faults_(medium_),
      alarm_(loop) {}

void RealTimeAir::attach(sim::CardAddress card, std::unique_ptr<CardAttachment> attachment) {
  TWINBED_CHECK(!is_running_, "a card was attached to an air that runs already");
  users_.push_back(std::make_unique<User>(*this, card, std::move(attachment)));
}

void RealTimeAir::start(std::int64_t monotonic_ns) {
  start_ns_ = monotonic_ns;
  alarm_.set(monotonic_ns, [this] {
    is_running_ = true;
    for (const auto& user : users_) wait_for(*user);
    catch_up();
    after_events();
  });
}

Time RealTimeAir::run_now() const {
  return time_from_ns(std::max(monotonic_now_ns() - start_ns_, std::int64_t{0}));
}

void RealTimeAir::wait_for(User& user) {
  user.watch.when_readable([this, &user] { read(user); });
}

void RealTimeAir::read(User& user) {
  for (int i = 0; i < kRequestsPerTurn; ++i) {
    catch_up();
    user.waits_for_room = user.attachment->holds_back() && !medium_->has_room(user.card);
    if (user.waits_for_room || user.attachment->read(user, 1) == 0) break;
  }
  if (!user.waits_for_room) wait_for(user);
  after_events();
}

void RealTimeAir::catch_up() {
  const Time now = run_now();
  while (world_.queue.next_time() <= now) {
    sim::EventQueue<sim::Event>::Popped popped;
    world_.queue.pop(popped);
    world_.now = popped.at;
    ++events_;
    execute(popped.event);
    hand_out();
  }
  world_.now = std::max(world_.now, now);
}

/// The kinds of event that the table medium schedules.
void RealTimeAir::execute(const sim::Event& event) {
  switch (event.kind) {
    case sim::EventKind::kFrameEnd: medium_->on_frame_end(event.first); break;
    case sim::EventKind::kChannelAccess: medium_->on_channel_access(event.subject); break;
    default: TWINBED_CHECK(false, "the air has no events of this kind");
  }
}

void RealTimeAir::hand_out() {
  while (const sim::RadioDelivery* delivery = medium_->next_delivery()) {
    const sim::CardAddress card{delivery->node, delivery->frame.interface};
    const auto user = std::find_if(users_.begin(), users_.end(),
                                   [&](const auto& each) { return each->card == card; });
    if (user == users_.end()) continue;
    if (!(*user)->attachment->deliver(delivery->frame)) ++(*user)->undelivered;
    lateness_.add(LatenessKind::kRelease, run_now() - world_.now);
  }
}

/// Reads those again for whose frames there is room, and waits for what is next.
void RealTimeAir::after_events() {
  for (const auto& user : users_) {
    if (!user->waits_for_room || !medium_->has_room(user->card)) continue;
    user->waits_for_room = false;
    wait_for(*user);
  }
  const Time next = world_.queue.next_time();
  if (next == alarm_at_) return;
  alarm_at_ = next;
  if (next == kNever) {
    alarm_.cancel();
    return;
  }
  alarm_.set(start_ns_ + to_ns(next), [this] {
    alarm_at_ = kNever;
    catch_up();
    after_events();
  });
}

void RealTimeAir::begin_fault(const sim::FaultSpec& fault, std::uint32_t number,
                              std::vector<std::uint32_t> nodes) {
  catch_up();
  const std::uint64_t touched = faults_.touched(fault, number, nodes);
  lasting_.push_back({&fault, number, std::move(nodes), world_.now, touched});
  refresh_faults();
}

std::uint64_t RealTimeAir::end_fault(std::uint32_t number) {
  const auto ends = std::find_if(lasting_.begin(), lasting_.end(),
                                 [&](const Lasting& each) { return each.number == number; });
  if (ends == lasting_.end()) return 0;
  catch_up();
  const std::uint64_t touched =
      faults_.touched(*ends->fault, number, ends->nodes) - ends->touched_before;
  lasting_.erase(ends);
  refresh_faults();
  return touched;
}

void RealTimeAir::refresh_faults() {
  // Cards suffer from faults in the order of the plan.
  std::sort(lasting_.begin(), lasting_.end(),
            [](const Lasting& a, const Lasting& b) { return a.number < b.number; });
  std::vector<sim::LastingRadioFault> lasting;
  for (const Lasting& each : lasting_) {
    lasting.push_back({*each.fault, each.number, each.nodes, each.begun});
  }
  faults_.refresh(lasting);
  if (is_running_) after_events();
}

void RealTimeAir::record(RunSink& sink) const {
  const Time now = run_now();
  std::vector<NodeId> nodes;
  for (const auto& user : users_) {
    if (nodes.empty() || nodes.back() != user->card.node) nodes.push_back(user->card.node);
  }
  for (const NodeId node : nodes) {
    sim::CardCounters sum;
    std::uint64_t lost = 0;
    std::uint64_t malformed = 0;
    for (const auto& user : users_) {
      if (user->card.node != node) continue;
      const CardAttachment& attachment = *user->attachment;
      sum += medium_->counters(user->card);
      lost += user->undelivered;
      // Who is held back was told so by the kernel, in place of the card.
      (attachment.holds_back() ? sum.queue_full : lost) += attachment.dropped();
      malformed += attachment.malformed() + user->no_frames;
    }
    sim::record_counters(sink, now, node, sum);
    sink.sample(now, node, kAirLost, static_cast<double>(lost));
    sink.sample(now, node, kAirMalformed, static_cast<double>(malformed));
  }
}

}  // namespace twinbed::backends
