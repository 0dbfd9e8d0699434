#include "core/protocols/election/outgoing.h"

#include <utility>

namespace twinbed::election {
namespace {

StreamId stream_of(std::size_t link) { return StreamId{static_cast<std::uint32_t>(link)}; }

}  // namespace

Outgoing::Outgoing(std::vector<Peer> destinations, Duration connect_limit, TimerId timer)
    : connect_limit_(connect_limit), timer_(timer) {
  for (const Peer& peer : destinations) links_.push_back({peer, State::kIdle, {}});
}

bool Outgoing::send(Context& context, PeerId to, Buffer frame, std::uint64_t number) {
  std::size_t index = 0;
  while (index < links_.size() && links_[index].peer.id != to) ++index;
  if (index == links_.size()) return false;
  queue_.push_back({index, std::move(frame), number});
  if (queue_.size() == 1) pump(context);
  return true;
}

void Outgoing::pump(Context& context) {
  while (!queue_.empty() && advance_head(context)) {
  }
}

/// Does what the head's connection allows; false if the head has to wait for its connection.
bool Outgoing::advance_head(Context& context) {
  const Item& head = queue_.front();
  Link& link = links_[head.link];
  switch (link.state) {
    case State::kIdle:
      link.state = State::kConnecting;
      context.streams.open(stream_of(head.link), link.peer.endpoint);
      context.timers.set(timer_, context.now + connect_limit_);
      return false;
    case State::kConnecting: return false;
    case State::kOpen: {
      const Item item = take_head();
      context.streams.write(stream_of(item.link), item.frame);
      report(link, item.number, SendStage::kWritten);
      if (item.number != 0) link.undrained.push_back(item.number);
      return true;
    }
    case State::kHalfClosed: {
      link.state = State::kBroken;
      const Item item = take_head();
      report(link, item.number, SendStage::kWritten);
      report(link, item.number, SendStage::kDrained);
      return true;
    }
    case State::kBroken:
      link.state = State::kIdle;
      lose_head(StreamFailure::kNone);
      return true;
  }
  return false;
}

Outgoing::Item Outgoing::take_head() {
  Item head = std::move(queue_.front());
  queue_.pop_front();
  return head;
}

void Outgoing::lose_head(StreamFailure failure) {
  const Item head = take_head();
  report(links_[head.link], head.number, SendStage::kLost, failure);
}

void Outgoing::report(const Link& link, std::uint64_t number, SendStage stage,
                      StreamFailure failure) {
  if (number != 0) outcomes_.push_back({link.peer.id, number, stage, failure});
}

void Outgoing::settle_undrained(Link& link, SendStage stage) {
  for (std::uint64_t number : link.undrained) report(link, number, stage);
  link.undrained.clear();
}

bool Outgoing::on_stream(Context& context, const StreamEvent& event) {
  const auto index = static_cast<std::size_t>(event.stream);
  if (index >= links_.size()) return false;
  Link& link = links_[index];
  switch (event.kind) {
    case StreamEventKind::kOpened:
      link.state = State::kOpen;
      context.timers.cancel(timer_);
      break;
    case StreamEventKind::kFailed:
      link.state = State::kIdle;
      context.timers.cancel(timer_);
      lose_head(event.failure);
      break;
    case StreamEventKind::kDrained: settle_undrained(link, SendStage::kDrained); break;
    case StreamEventKind::kClosed:
      link.state = State::kHalfClosed;
      settle_undrained(link, SendStage::kDrained);
      break;
    case StreamEventKind::kReset:
      link.state = State::kBroken;
      settle_undrained(link, SendStage::kLost);
      break;
    case StreamEventKind::kData:      // Nobody reads here: the original does not either.
    case StreamEventKind::kAccepted:  // Never for a stream that was opened.
      break;
  }
  pump(context);
  return true;
}

void Outgoing::on_timer(Context& context) {
  if (queue_.empty()) return;
  const std::size_t index = queue_.front().link;
  if (links_[index].state != State::kConnecting) return;
  context.streams.close(stream_of(index));
  links_[index].state = State::kIdle;
  lose_head(StreamFailure::kTimedOut);
  pump(context);
}

std::vector<SendOutcome> Outgoing::take_outcomes() { return std::exchange(outcomes_, {}); }

}  // namespace twinbed::election
