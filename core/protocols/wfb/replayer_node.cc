#include "core/protocols/wfb/replayer_node.h"

#include "core/protocols/wfb/records.h"

namespace twinbed::wfb {
namespace {

constexpr TimerId kRecordEnd{1};
constexpr TimerId kSend{2};

}  // namespace

void ReplayerNode::on_start(Context& context) { context.timers.set(kRecordEnd, record_end()); }

void ReplayerNode::on_frame(Context& context, const RxFrame& frame) {
  const bool is_recording =
      context.now >= Time{options_.record_at} && context.now < record_end();
  if (!is_recording || frame.bad_fcs || !packet_in_frame(frame.frame, options_.channel)) return;
  const std::size_t used = bytes_.size() + frames_.size() * sizeof(Recorded);
  if (used + frame.frame.size() + sizeof(Recorded) > kMostBytes) {
    ++left_out_;
    return;
  }
  frames_.push_back({context.now - Time{options_.record_at}, frame.interface, bytes_.size(),
                     frame.frame.size()});
  bytes_.insert(bytes_.end(), frame.frame.begin(), frame.frame.end());
}

void ReplayerNode::on_timer(Context& context, TimerId id) {
  if (id == kRecordEnd) return end_recording(context);
  send_due(context);
}

void ReplayerNode::end_recording(Context& context) {
  context.recorder.event(kRecordedEvent, {{"frames", static_cast<std::int64_t>(frames_.size())},
                                          {"bytes", static_cast<std::int64_t>(bytes_.size())},
                                          {"left_out", left_out_}});
  if (!frames_.empty()) context.timers.set(kSend, next_at());
}

Time ReplayerNode::next_at() const {
  return Time{options_.replay_at + pass_ * options_.record_for + frames_[next_].at};
}

void ReplayerNode::send_due(Context& context) {
  while (pass_ < options_.replay_count && next_at() <= context.now) {
    if (next_ == 0) context.recorder.event(kReplayedEvent, {{"pass", pass_}});
    const Recorded& frame = frames_[next_];
    context.radio.transmit(frame.interface, Bytes(bytes_).subspan(frame.begin, frame.size),
                           options_.rate);
    if (++next_ < frames_.size()) continue;
    next_ = 0;
    ++pass_;
  }
  if (pass_ < options_.replay_count) context.timers.set(kSend, next_at());
}

}  // namespace twinbed::wfb
