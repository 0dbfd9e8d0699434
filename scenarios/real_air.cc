#include "scenarios/real_air.h"

#include <poll.h>
#include <signal.h>

#include <optional>

#include "backends/event_loop.h"
#include "scenarios/node/control.h"

namespace twinbed::scenarios {
namespace {

using backends::monotonic_now_ns;
using Kind = ControlMessage::Kind;

constexpr std::int64_t kReadyLimitNs = 20'000'000'000;
constexpr std::int64_t kAnswerLimitNs = 2'000'000'000;
constexpr int kPollMs = 20;

/// The next message of this kind, or kFailed; nothing once the limit has passed or the air has
/// ended.
std::optional<ControlMessage> wait_for(backends::ChildProcess& process, Kind wanted,
                                       std::int64_t limit_ns) {
  while (monotonic_now_ns() < limit_ns) {
    while (const auto line = process.receive()) {
      auto message = decode_control(*line);
      if (message && (message->kind == wanted || message->kind == Kind::kFailed)) {
        return *std::move(message);
      }
    }
    if (process.ended()) return std::nullopt;
    pollfd channel{process.descriptor(), POLLIN, 0};
    poll(&channel, 1, kPollMs);
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<RealAir>> RealAir::start(const RealAirOptions& options,
                                                std::size_t nodes) {
  std::vector<std::string> words{
      options.program, options.scenario_file, "--seed", std::to_string(options.seed),
      "--prefix", "tb" + std::to_string(options.run_number), "--database", options.database,
      "--control", std::to_string(backends::ChildProcess::kControlDescriptor)};
  if (!options.has_virtual_radios) words.emplace_back("--udp");
  if (options.captures) words.emplace_back("--capture");
  auto process = backends::ChildProcess::start(words, options.log);
  if (!process) return Error{process.error()};
  std::unique_ptr<RealAir> air(new RealAir(*std::move(process)));
  if (const std::string problem = air->wait_for_cards(nodes); !problem.empty()) {
    return Error{problem};
  }
  return air;
}

std::string RealAir::wait_for_cards(std::size_t nodes) {
  const auto message = wait_for(*process_, Kind::kCards, monotonic_now_ns() + kReadyLimitNs);
  if (!message) return problem().empty() ? "the air was not ready within 20 s" : problem();
  if (message->kind == Kind::kFailed) return message->text;
  cards_.resize(nodes);
  for (const auto& [node, name] : message->cards) {
    if (node < nodes) cards_[node].push_back(name);
  }
  return {};
}

void RealAir::begin_run(std::int64_t start_ns) {
  process_->send(encode_control({Kind::kStart, start_ns, false, {}, {}}));
}

void RealAir::begin_fault(std::size_t index, const std::vector<std::uint32_t>& nodes) {
  ControlMessage message{Kind::kFault, static_cast<std::int64_t>(index), true, {}, {}};
  message.nodes = nodes;
  process_->send(encode_control(message));
}

std::uint64_t RealAir::end_fault(std::size_t index) {
  process_->send(
      encode_control({Kind::kFault, static_cast<std::int64_t>(index), false, {}, {}}));
  const auto answer = wait_for(*process_, Kind::kTouched, monotonic_now_ns() + kAnswerLimitNs);
  if (!answer || answer->kind != Kind::kTouched) return 0;
  return static_cast<std::uint64_t>(answer->number);
}

std::string RealAir::problem() {
  if (!process_->ended()) return {};
  return "the air ended unasked (" + process_->how_it_ended() + "); its last lines:\n" +
         process_->last_lines(5);
}

void RealAir::stop(std::int64_t limit_ns) {
  process_->signal(SIGTERM);
  while (!process_->ended() && monotonic_now_ns() < limit_ns) {
    pollfd channel{process_->descriptor(), POLLIN, 0};
    poll(&channel, 1, 1);
    while (process_->receive()) {
    }
  }
}

}  // namespace twinbed::scenarios
