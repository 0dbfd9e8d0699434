#include "core/protocols/election/records.h"

namespace twinbed::election {

void SentCounter::count(Recorder& recorder, const Message& message) {
  const std::uint64_t count = ++counts_[message.index()];
  recorder.sample(kSentMetrics[message.index()], static_cast<double>(count));
}

void LeaderView::start(Recorder& recorder) const {
  record_role(recorder);
  record_view(recorder);
}

void LeaderView::set(Recorder& recorder, PeerId leader) {
  if (leader_ == leader) return;
  const bool led = leads();
  leader_ = leader;
  if (led != leads()) record_role(recorder);
  record_view(recorder);
}

void LeaderView::declare(Recorder& recorder, bool nobody_higher) {
  const std::string_view reason = nobody_higher ? "nobody_higher" : "no_answer";
  recorder.event(kDeclareEvent, {{"leader", std::int64_t{own_}},
                                 {"term", std::int64_t{kOriginalTerm}},
                                 {"reason", reason}});
  set(recorder, own_);
}

void LeaderView::record_role(Recorder& recorder) const {
  const std::string_view role = leads() ? "leader" : "follower";
  recorder.event(kRoleEvent, {{"role", role}, {"term", std::int64_t{kOriginalTerm}}});
}

void LeaderView::record_view(Recorder& recorder) const {
  const std::int64_t leader = leader_ ? std::int64_t{*leader_} : -1;
  recorder.event(kLeaderViewEvent, {{"leader", leader}, {"term", std::int64_t{kOriginalTerm}}});
}

}  // namespace twinbed::election
