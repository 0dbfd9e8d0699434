#include "scenarios/air/air_process.h"

#include <net/if.h>
#include <signal.h>

#include <deque>
#include <memory>

#include "backends/sqlite/store.h"
#include "backends/testbed/real_time_air.h"
#include "backends/testbed/udp_air.h"
#include "core/base/random_stream.h"
#include "scenarios/air/air_display.h"
#include "scenarios/air/air_names.h"
#include "scenarios/air/air_timeline.h"
#include "scenarios/build_radio.h"
#include "scenarios/judge.h"
#include "scenarios/node/control.h"
#include "scenarios/node/lateness_rows.h"
#include "scenarios/radio_check.h"
#include "scenarios/run_capture.h"

namespace twinbed::scenarios {
namespace {

using Kind = ControlMessage::Kind;

class AirProcess {
 public:
  AirProcess(const AirProcessOptions& options, const MediumFactory& medium)
      : options_(options), channel_(options.control), air_(loop_, options.seed, medium) {
    RandomStream random(options.seed, "fault-plan");
    plan_ = sim::draw_plan(options.scenario.faults, random);
  }

  Result<std::monostate> attach();
  Result<int> run_alone();
  Result<int> run_for_runner(const ScenarioFiles& files);

 private:
  Result<std::unique_ptr<backends::CardAttachment>> make_attachment(const AirCard& card) const;
  void read_control();
  void handle(const ControlMessage& message);

  const AirProcessOptions& options_;
  backends::EventLoop loop_;
  ControlChannel channel_;
  std::unique_ptr<backends::Watch> control_;
  std::deque<ControlMessage> heard_;
  sim::FaultPlan plan_;
  std::vector<AirCard> cards_;
  backends::RealTimeAir air_;
  bool is_stopped_ = false;
};

Result<std::unique_ptr<backends::CardAttachment>> AirProcess::make_attachment(
    const AirCard& card) const {
  using Attachment = std::unique_ptr<backends::CardAttachment>;
  if (options_.uses_udp) {
    auto made = backends::UdpAttachment::open();
    if (!made) return Error{made.error()};
    return Attachment(*std::move(made));
  }
  const auto queue_frames = static_cast<int>(card.options.queue_frames);
  auto radio = backends::VirtualRadio::create(card.name, queue_frames);
  if (!radio) {
    const bool is_taken = ::if_nametoindex(card.name.c_str()) != 0;
    return Error{radio.error() + (is_taken ? " by the option --prefix" : "")};
  }
  return Attachment(std::make_unique<backends::VirtualRadioAttachment>(*std::move(radio)));
}

Result<std::monostate> AirProcess::attach() {
  cards_ = air_cards(options_.scenario, options_.prefix);
  for (AirCard& card : cards_) {
    auto attachment = make_attachment(card);
    if (!attachment) return Error{attachment.error()};
    card.attachment = (*attachment)->name();
    air_.attach(card.address, *std::move(attachment));
  }
  loop_.on_signals({SIGINT, SIGTERM}, [this](int) { is_stopped_ = true; });
  return std::monostate{};
}

Result<int> AirProcess::run_alone() {
  AirDisplay display(loop_, air_, options_.scenario, cards_);
  display.show_cards();
  AirTimeline timeline(loop_, air_, options_.scenario, plan_, options_.seed);
  const std::int64_t start_ns = backends::monotonic_now_ns();
  air_.start(start_ns);
  timeline.start(start_ns);
  display.start();
  loop_.run_until([this] { return is_stopped_; }, options_.scenario.duration);
  display.show_end();
  return 0;
}

Result<int> AirProcess::run_for_runner(const ScenarioFiles& files) {
  auto store = backends::Store::open(options_.database);
  if (!store) return Error{store.error()};
  RunOptions run_options;
  run_options.seed = options_.seed;
  const auto run_id =
      (*store)->begin_run(run_info(options_.scenario, files, run_options, "real", plan_));
  if (!run_id) return Error{run_id.error()};
  ModelCapture capture(**store);
  if (options_.captures) air_.set_tap(capture);
  control_ = std::make_unique<backends::Watch>(loop_, channel_.descriptor());
  control_->when_readable([this] { read_control(); });
  ControlMessage ready{Kind::kCards, 0, false, {}, {}};
  for (const AirCard& card : cards_) {
    ready.cards.emplace_back(static_cast<std::uint32_t>(card.address.node),
                             card.attachment);
  }
  channel_.say(ready);
  while (!loop_.run_until([this] { return is_stopped_; }, std::chrono::hours(1))) {
  }
  air_.record((*store)->sink());
  add_lateness_rows(**store, backends::kWholeRun, air_.lateness());
  backends::RunResultRow result;
  result.end_ns = to_ns(air_.run_now());
  const backends::Status written = (*store)->finish_run(result);
  if (!written) return Error{written.error()};
  return 0;
}

void AirProcess::read_control() {
  if (!channel_.receive(heard_)) {
    is_stopped_ = true;
    return;
  }
  for (; !heard_.empty(); heard_.pop_front()) handle(heard_.front());
  control_->when_readable([this] { read_control(); });
}

void AirProcess::handle(const ControlMessage& message) {
  if (message.kind == Kind::kStart) air_.start(message.number);
  const auto index = static_cast<std::size_t>(message.number);
  if (message.kind != Kind::kFault || index >= plan_.size()) return;
  const auto number = static_cast<std::uint32_t>(index);
  if (message.begins) {
    air_.begin_fault(plan_[index], number, message.nodes);
  } else {
    const auto touched = static_cast<std::int64_t>(air_.end_fault(number));
    channel_.say({Kind::kTouched, touched, false, {}, {}});
  }
}

}  // namespace

Result<int> run_air_process(const AirProcessOptions& options) {
  const auto fail = [&](const std::string& sentence) {
    ControlChannel(options.control).say({Kind::kFailed, 0, false, sentence, {}});
    return Error{sentence};
  };
  if (!options.scenario.radio) {
    return fail("the scenario " + options.scenario.name +
                " has no radio cards, so there is no air for it");
  }
  if (const auto problem = real_time_problem(options.scenario)) return fail(problem->message);
  const Result<ScenarioFiles> files = ScenarioFiles::read(options.scenario);
  if (!files) return fail(files.error());
  const Result<MediumFactory> medium = build_radio(options.scenario, *files);
  if (!medium) return fail(medium.error());
  AirProcess process(options, *medium);
  if (const auto attached = process.attach(); !attached) return fail(attached.error());
  const bool is_alone = options.control < 0;
  const Result<int> status = is_alone ? process.run_alone() : process.run_for_runner(*files);
  return status ? status : fail(status.error());
}

}  // namespace twinbed::scenarios
