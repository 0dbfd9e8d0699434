#include "core/protocols/election/inbox.h"

#include <numeric>
#include <utility>

namespace twinbed::election {

void Inbox::on_stream(Context& context, const StreamEvent& event) {
  if (event.kind == StreamEventKind::kAccepted) {
    connections_.insert_or_assign(event.stream, Connection{event.peer, FrameParser(cipher_)});
    return;
  }
  const auto found = connections_.find(event.stream);
  if (found == connections_.end()) return;
  if (event.kind == StreamEventKind::kData) {
    take_data(context, event.stream, found->second, event.data);
  } else if (event.kind == StreamEventKind::kClosed || event.kind == StreamEventKind::kReset) {
    connections_.erase(found);
  }
}

void Inbox::take_data(Context& context, StreamId stream, Connection& connection, Bytes data) {
  std::vector<FrameParser::Outcome> outcomes;
  connection.parser.feed(data, outcomes);
  for (FrameParser::Outcome& outcome : outcomes) {
    if (auto* message = std::get_if<Message>(&outcome)) {
      queue_.push_back({std::move(*message), connection.peer});
    } else {
      count_refusal(context, std::get<Refusal>(outcome), connection.peer);
    }
  }
  if (connection.parser.ended()) {
    context.streams.close(stream);
    connections_.erase(stream);
  }
}

void Inbox::count_refusal(Context& context, Refusal refusal, const Endpoint& from) {
  const std::uint64_t count = ++refusals_[static_cast<std::size_t>(refusal)];
  const std::string endpoint = to_string(from);
  context.recorder.event(kRefusedEvent, {{"reason", to_string(refusal)},
                                         {"from", std::string_view(endpoint)},
                                         {"count", static_cast<std::int64_t>(count)}});
  const std::uint64_t total = std::accumulate(refusals_.begin(), refusals_.end(), std::uint64_t{});
  context.recorder.sample(kRefusedMetric, static_cast<double>(total));
}

Received Inbox::pop() {
  TWINBED_CHECK(!queue_.empty(), "a message was taken from an empty inbox");
  Received received = std::move(queue_.front());
  queue_.pop_front();
  return received;
}

}  // namespace twinbed::election
