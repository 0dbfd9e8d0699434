#include "core/protocols/wfb/link_controller.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.h"

namespace twinbed::wfb {
namespace {

/// By the dB above what an MCS needs: flatter than in a cable, as a moving link's signal varies
/// within a report.
constexpr std::array<double, 7> kExplainedLoss{0.35, 0.2, 0.1, 0.04, 0.015, 0.005, 0.001};
/// What is expected at least: a few hundred packets without a loss prove no more.
constexpr double kLeastLoss = 0.001;
constexpr double kMostBurst = 8;
/// A report of fewer packets says little by itself.
constexpr std::uint32_t kFewPackets = 20;
/// Where the card does not tell its noise.
constexpr int kAssumedNoiseDbm = -95;
constexpr int kMostStepPatience = 8;
/// A saving that is not worth a new session.
constexpr double kWorthwhile = 0.95;

}  // namespace

double residual_loss(FecParams fec, double loss) {
  // Above three quarters no code of use helps, and powers would vanish.
  if (loss <= 0) return 0;
  if (loss > 0.75) return loss;
  const int others = fec.n - 1;
  double term = 1;  // of exactly i lost among the others
  for (int i = 0; i < others; ++i) term *= 1 - loss;
  double at_most = 0;
  for (int i = 0; i < fec.n - fec.k; ++i) {
    at_most += term;
    term *= loss / (1 - loss) * (others - i) / (i + 1);
  }
  return loss * std::max(0.0, 1 - at_most);
}

LinkController::LinkController(Options options) : options_(std::move(options)) {
  TWINBED_CHECK(!options_.rates.empty(), "a link needs a rate");
  TWINBED_CHECK(1 <= options_.k && options_.k <= options_.least_n &&
                    options_.least_n <= options_.most_n,
                "k, the least n and the most n of a link must be in this order");
  step_patience_.assign(options_.rates.size(), 1);
  choose(0, options_.most_n);
}

bool LinkController::on_silence() {
  is_proving_ = false;
  loss_ = 0;
  cheaper_in_a_row_ = 0;
  return choose(0, options_.most_n);
}

bool LinkController::on_report(const LinkReport& report, std::uint64_t sent_since) {
  // Two in a row: the first may have been on its way when the stream began.
  const bool is_deaf = report.heard == 0 && sent_since >= choice_.fec.n;
  deaf_reports_ = is_deaf ? deaf_reports_ + 1 : 0;
  if (deaf_reports_ >= 2) return on_silence();
  if (report.sent == 0) return false;
  measure(report);
  if (!is_good_enough()) return go_down();
  if (is_proving_ && ++reports_since_step_ > options_.patience) {
    is_proving_ = false;
    step_patience_[rate_] = 1;
  }
  return go_up();
}

void LinkController::measure(const LinkReport& report) {
  const std::uint32_t heard = std::min(report.heard, report.sent);
  const double measured = static_cast<double>(report.sent - heard) / report.sent;
  const bool is_worse = measured > loss_;
  const double weight = is_worse && report.sent >= kFewPackets ? 1 : 0.25;
  loss_ += (measured - loss_) * weight;
  if (report.heard > 0) {
    snr_db_ = report.snr_db != 0 ? report.snr_db : report.signal_dbm - kAssumedNoiseDbm;
  }
  const std::uint64_t payloads = std::uint64_t{report.lost} + report.out;
  const double missing =
      payloads == 0 ? 0 : static_cast<double>(report.lost) / static_cast<double>(payloads);
  const bool comes_in_bursts = missing > options_.target_loss &&
                               missing > 2 * residual_loss(choice_.fec, measured);
  burst_ = comes_in_bursts ? std::min(burst_ * 2, kMostBurst) : 1 + (burst_ - 1) * 0.95;
}

double LinkController::explained_loss(std::size_t rate, int snr_db) const {
  const int above = snr_db - options_.rates[rate].needs_snr_db;
  if (above < 0) return 1;
  const auto place = static_cast<std::size_t>(above);
  return place < kExplainedLoss.size() ? kExplainedLoss[place] : 0;
}

double LinkController::expected_loss(std::size_t rate) const {
  double loss = loss_;
  if (rate != rate_) {
    const double unexplained = std::max(0.0, loss_ - explained_loss(rate_, snr_db_));
    const int margin_db = rate > rate_ ? options_.snr_margin_db : 0;
    loss = unexplained + explained_loss(rate, snr_db_ - margin_db);
  }
  return std::max(kLeastLoss, loss * options_.margin * burst_);
}

std::uint8_t LinkController::least_n(std::size_t rate) const {
  const double loss = expected_loss(rate);
  for (int n = options_.least_n; n <= options_.most_n; ++n) {
    const auto candidate = static_cast<std::uint8_t>(n);
    if (residual_loss({options_.k, candidate}, loss) <= options_.target_loss) return candidate;
  }
  return 0;
}

bool LinkController::is_good_enough() const {
  const std::uint8_t n = least_n(rate_);
  return n != 0 && n <= choice_.fec.n;
}

double LinkController::cost(std::size_t rate, std::uint8_t n) const {
  return static_cast<double>(n) / options_.rates[rate].kbit_per_second;
}

bool LinkController::choose(std::size_t rate, std::uint8_t n) {
  const LinkChoice before = choice_;
  rate_ = rate;
  choice_ = {{options_.k, n}, options_.rates[rate].mcs};
  cheaper_in_a_row_ = 0;
  return choice_ != before;
}

bool LinkController::go_down() {
  std::size_t best = 0;
  std::uint8_t best_n = options_.most_n;
  for (std::size_t rate = 0; rate <= rate_; ++rate) {
    const std::uint8_t n = least_n(rate);
    if (n == 0 || cost(rate, n) >= cost(best, best_n)) continue;
    best = rate;
    best_n = n;
  }
  if (best != rate_) {
    int& patience = step_patience_[rate_];
    if (is_proving_) patience = std::min(patience * 2, kMostStepPatience);
    is_proving_ = false;
    // What was lost at the rate that is left says nothing of the one that is taken.
    loss_ = std::min(1.0, expected_loss(best) / (options_.margin * burst_));
  }
  return choose(best, best_n);
}

bool LinkController::go_up() {
  const std::uint8_t n = least_n(rate_);
  const std::size_t next = rate_ + 1;
  const std::uint8_t next_n = next < options_.rates.size() ? least_n(next) : std::uint8_t{0};
  const double now = cost(rate_, choice_.fec.n);
  const double then = cost(rate_, n);
  const bool may_step = next_n != 0 && cost(next, next_n) < kWorthwhile * then;
  const bool may_save = then < kWorthwhile * now;
  if (!may_step && !may_save) {
    cheaper_in_a_row_ = 0;
    return false;
  }
  ++cheaper_in_a_row_;
  if (may_step && cheaper_in_a_row_ >= options_.patience * step_patience_[next]) {
    reports_since_step_ = 0;
    is_proving_ = true;
    // The parities stay until the new rate has proved itself.
    return choose(next, std::max(next_n, choice_.fec.n));
  }
  // Where the step has to wait longer, parities are saved meanwhile.
  const bool steps_soon = may_step && step_patience_[next] == 1;
  if (may_save && !steps_soon && cheaper_in_a_row_ >= options_.patience) return choose(rate_, n);
  return false;
}

}  // namespace twinbed::wfb
