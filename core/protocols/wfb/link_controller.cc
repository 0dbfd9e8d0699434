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
/// What a frame takes of the air beside its bits: preamble, DIFS and the mean back-off of 5 GHz.
constexpr double kFrameSeconds = 0.00014;
constexpr double kAssumedBytes = 1000;
/// The share of the air that a stream may take; the rest is for its neighbours.
constexpr double kMostShare = 0.9;
/// Reports that were held up come in a bunch. All but the first tell of a choice that is left.
constexpr Duration kLeastTime = std::chrono::milliseconds(100);
/// A card's queue takes up what comes in a burst, as of a key frame, for about so long.
constexpr Duration kLoadTime = std::chrono::seconds(1);
constexpr int kMcsOfAStream = 8;  ///< in HT, where MCS 8 is MCS 0 with two spatial streams

/// Data subcarriers (IEEE 802.11-2020, tables 19-6 and 21-5); 10 MHz is 20 MHz at half the clock,
/// as good as half of them.
int subcarriers(std::uint8_t bandwidth_mhz) {
  switch (bandwidth_mhz) {
    case 10: return 26;
    case 40: return 108;
    case 80: return 234;
    case 160: return 468;
    default: return 52;
  }
}

/// The rates that such a radio has, with as many spatial streams as this MCS.
std::vector<LinkController::Rate> rates_of(const RadioSettings& radio, std::uint8_t mcs) {
  const bool is_vht = radio.vht_mode != 0 || radio.bandwidth_mhz >= 80;
  const int streams = is_vht ? std::max(1, int{radio.spatial_streams}) : mcs / kMcsOfAStream + 1;
  const int first = is_vht ? 0 : (streams - 1) * kMcsOfAStream;
  std::vector<LinkController::Rate> rates = LinkController::Options().rates;
  for (LinkController::Rate& rate : rates) {
    rate.mcs = static_cast<std::uint8_t>(rate.mcs + first);
    rate.kbit_per_second *= subcarriers(radio.bandwidth_mhz) * streams;
    rate.kbit_per_second /= subcarriers(20);
    if (radio.short_guard_interval != 0) rate.kbit_per_second = rate.kbit_per_second * 10 / 9;
  }
  return rates;
}

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

LinkController::Options LinkController::Options::of(FecParams fec, const RadioSettings& radio) {
  Options options;
  options.first = {fec, radio.mcs};
  options.least_n = static_cast<std::uint8_t>(std::min(255, fec.k + 1));
  options.most_n = static_cast<std::uint8_t>(std::min(255, std::max(2 * fec.k, int{fec.n})));
  options.rates = rates_of(radio, radio.mcs);
  return options;
}

LinkController::LinkController(Options options)
    : options_(std::move(options)), choice_(options_.first), packet_bytes_(kAssumedBytes) {
  TWINBED_CHECK(!options_.rates.empty(), "a link needs a rate");
  TWINBED_CHECK(1 <= k() && k() <= options_.least_n && options_.least_n <= options_.most_n,
                "k, the least n and the most n of a link must be in this order");
  step_patience_.assign(options_.rates.size(), 1);
  while (rate_ + 1 < options_.rates.size() && options_.rates[rate_ + 1].mcs <= choice_.mcs) {
    ++rate_;
  }
}

void LinkController::set_radio(const RadioSettings& radio) {
  options_.rates = rates_of(radio, options_.first.mcs);
}

bool LinkController::on_silence(const SentPackets& sent) {
  weigh(sent);
  if (!rate_before_silence_) rate_before_silence_ = rate_;
  is_proving_ = false;
  loss_ = 0;
  return choose(most_robust(*rate_before_silence_));
}

bool LinkController::is_deaf(const LinkReport& report, const SentPackets& sent) {
  if (report.heard > 0) {
    deaf_reports_ = 0;
    unheard_ = 0;
  } else if (sent.packets > 0) {
    ++deaf_reports_;
    unheard_ += sent.packets;
  }
  // Two in a row: the first may have been on its way when the stream began.
  return deaf_reports_ >= 2 && unheard_ >= choice_.fec.n;
}

/// Nothing at all is heard. What carries the load is tried first; a slower rate loses most of it
/// in the queue, but the rest tells how good the signal is.
bool LinkController::on_deaf() {
  blame_step();
  overloaded_in_a_row_ = 0;
  unheard_ = 0;
  loss_ = 0;
  return choose(most_robust(rate_)) || (rate_ > 0 && choose({rate_ - 1, options_.least_n}));
}

bool LinkController::on_report(const LinkReport& report, const SentPackets& sent) {
  weigh(sent);
  rate_before_silence_.reset();
  if (sent.in < kLeastTime) return false;
  if (is_deaf(report, sent)) return on_deaf();
  if (report.sent == 0) return false;
  measure(report);
  if (!is_good_enough()) return leave();
  if (is_proving_ && ++reports_since_step_ > options_.patience) {
    is_proving_ = false;
    step_patience_[rate_] = 1;
  }
  return go_up();
}

void LinkController::weigh(const SentPackets& sent) {
  sent_.packets += sent.packets;
  sent_.bytes += sent.bytes;
  sent_.in += sent.in;
  fragments_ += static_cast<double>(sent.packets) * k() / choice_.fec.n;
  if (sent_.in < kLoadTime) return;
  const double load = fragments_ / to_seconds(sent_.in);
  const bool had_room = overload(rate_, choice_.fec.n) <= 0;
  // Where losses come from is to be known soon; that a load is gone may wait.
  load_ += (load - load_) * (load > load_ ? 1 : 0.25);
  if (sent_.packets > 0) {
    packet_bytes_ = static_cast<double>(sent_.bytes) / static_cast<double>(sent_.packets);
  }
  sent_ = {};
  fragments_ = 0;
  if (!had_room || overload(rate_, choice_.fec.n) <= 0) return;
  // What was taken for a loss of the air in this time may have been the queue's.
  loss_ = 0;
  burst_ = 1;
}

void LinkController::measure(const LinkReport& report) {
  const std::uint32_t heard = std::min(report.heard, report.sent);
  const double missed = static_cast<double>(report.sent - heard) / report.sent;
  const double dropped = overload(rate_, choice_.fec.n);
  const double measured = std::max(0.0, 1 - (1 - missed) / (1 - dropped));
  const bool is_worse = measured > loss_;
  const double weight = is_worse && report.sent >= kFewPackets ? 1 : 0.25;
  loss_ += (measured - loss_) * weight;
  if (report.heard > 0) {
    snr_db_ = report.snr_db != 0 ? report.snr_db : report.signal_dbm - kAssumedNoiseDbm;
  }
  const std::uint64_t payloads = std::uint64_t{report.lost} + report.out;
  const double missing =
      payloads == 0 ? 0 : static_cast<double>(report.lost) / static_cast<double>(payloads);
  // A queue that is full loses packets in a row, which says nothing of the air.
  const bool comes_in_bursts = dropped <= 0 && missing > options_.target_loss &&
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

/// Seconds for a packet of the mean size.
double LinkController::airtime(std::size_t rate) const {
  return kFrameSeconds + packet_bytes_ * 8 / (1000.0 * options_.rates[rate].kbit_per_second);
}

/// The share of the packets that the air has no room for.
double LinkController::overload(std::size_t rate, std::uint8_t n) const {
  const double share = load_ * n / k() * airtime(rate);
  return share <= kMostShare ? 0 : 1 - kMostShare / share;
}

std::uint8_t LinkController::least_n(std::size_t rate) const {
  const double loss = expected_loss(rate);
  for (int n = options_.least_n; n <= options_.most_n; ++n) {
    const auto candidate = static_cast<std::uint8_t>(n);
    if (overload(rate, candidate) > 0) return 0;
    if (residual_loss({k(), candidate}, loss) <= options_.target_loss) return candidate;
  }
  return 0;
}

bool LinkController::is_good_enough() const {
  const std::uint8_t n = least_n(rate_);
  return n != 0 && n <= choice_.fec.n && overload(rate_, choice_.fec.n) <= 0;
}

double LinkController::cost(std::size_t rate, std::uint8_t n) const { return n * airtime(rate); }

bool LinkController::choose(Place place) {
  const LinkChoice before = choice_;
  rate_ = place.rate;
  choice_ = {{k(), place.n}, options_.rates[rate_].mcs};
  cheaper_in_a_row_ = 0;
  return choice_ != before;
}

/// The rate was too fast, if it is one that was stepped up to of late.
void LinkController::blame_step() {
  if (is_proving_) step_patience_[rate_] = std::min(step_patience_[rate_] * 2, kMostStepPatience);
  is_proving_ = false;
}

/// The slowest rate that carries the load, with as many parities as there is room for.
LinkController::Place LinkController::most_robust(std::size_t fastest) const {
  for (std::size_t rate = 0; rate <= fastest; ++rate) {
    for (int n = options_.most_n; n >= options_.least_n; --n) {
      const auto candidate = static_cast<std::uint8_t>(n);
      if (overload(rate, candidate) <= 0) return {rate, candidate};
    }
  }
  return {fastest, options_.least_n};
}

std::optional<LinkController::Place> LinkController::cheapest_good(std::size_t fastest) const {
  std::optional<Place> best;
  for (std::size_t rate = 0; rate <= fastest; ++rate) {
    const std::uint8_t n = least_n(rate);
    if (n == 0 || (best && cost(rate, n) >= cost(best->rate, best->n))) continue;
    best = Place{rate, n};
  }
  return best;
}

/// What loses the least, and of equals the most robust one.
LinkController::Place LinkController::least_bad(std::size_t fastest) const {
  Place best;
  double least = 2;
  for (std::size_t rate = 0; rate <= fastest; ++rate) {
    const double passes = 1 - std::min(1.0, expected_loss(rate));
    for (int n = options_.most_n; n >= options_.least_n; --n) {
      const auto candidate = static_cast<std::uint8_t>(n);
      const double heard = (1 - overload(rate, candidate)) * passes;
      const double missing = residual_loss({k(), candidate}, 1 - heard);
      if (missing >= least) continue;
      best = {rate, candidate};
      least = missing;
    }
  }
  return best;
}

/// A choice that is not good enough any more.
bool LinkController::leave() {
  const std::size_t next = rate_ + 1;
  const bool is_overloaded = overload(rate_, choice_.fec.n) > 0;
  overloaded_in_a_row_ = is_overloaded ? overloaded_in_a_row_ + 1 : 0;
  // At once where it has not failed yet.
  const bool may_step = is_overloaded && next < options_.rates.size() &&
                        overloaded_in_a_row_ > options_.patience * (step_patience_[next] - 1);
  const std::size_t fastest = may_step ? next : rate_;
  const Place best = cheapest_good(fastest).value_or(least_bad(fastest));
  if (best.rate < rate_) blame_step();
  if (best.rate != rate_) {
    is_proving_ = best.rate > rate_;
    reports_since_step_ = 0;
    // What was lost at the rate that is left says nothing of the one that is taken.
    loss_ = std::min(1.0, expected_loss(best.rate) / (options_.margin * burst_));
  }
  return choose(best);
}

bool LinkController::go_up() {
  overloaded_in_a_row_ = 0;
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
    return choose({next, std::max(next_n, choice_.fec.n)});
  }
  // Where the step has to wait longer, parities are saved meanwhile.
  const bool steps_soon = may_step && step_patience_[next] == 1;
  if (may_save && !steps_soon && cheaper_in_a_row_ >= options_.patience) return choose({rate_, n});
  return false;
}

}  // namespace twinbed::wfb
