// Chooses the code and the rate of a stream by what its receiver reports: the cheapest pair of n
// and MCS, in air time for a payload, whose expected residual loss is below a target.
//
//   report ──► loss before the code, signal ──► expected loss at each MCS ──► residual loss of k, n
//   load   ──► share of the air at each MCS and n ──► what would not go out        │
//                                                                                  │
//   silence ──► slowest that carries the load        cheapest that is good enough ◄┘
//
//   - Until the first report nothing is changed: the other side may send none.
//   - The loss that is expected at an MCS has two parts: what the signal explains, by a table over
//     the distance to what the MCS needs, and what it does not (interference, fading), which is
//     taken to be the same at every MCS.
//   - A choice at which the load takes more than the air has is not good enough: its packets are
//     lost in the sender's own queue, and a slower rate would lose more of them.
//   - The residual loss is that of independent losses. Where more stays missing than that explains,
//     losses come in bursts, and the loss is taken for a multiple of what was measured.
//   - A choice that is no longer good enough is left at once, in most cases for a slower one, and
//     for the next faster one where it does not carry the load. A cheaper one is taken only after
//     it was the better one in many reports in a row, and one MCS at a time; an MCS that had to be
//     left soon after it was taken is tried half as often from then on.
//
// Only +, -, * and / are used, so that every machine chooses the same.
#pragma once

#include <optional>
#include <vector>

#include "core/base/time.h"
#include "core/protocols/wfb/control.h"
#include "core/protocols/wfb/link_report.h"

namespace twinbed::wfb {

/// The share of payloads that are lost for good where each fragment is lost by itself with this
/// probability: its fragment is lost, and n - k of the others at least.
double residual_loss(FecParams fec, double loss);

struct LinkChoice {
  FecParams fec;
  std::uint8_t mcs = 0;

  bool operator==(const LinkChoice&) const = default;
};

/// Data packets and parities that were sent since the report before; of those to several cards
/// one counts.
struct SentPackets {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  Duration in{};  ///< the time since then
};

class LinkController {
 public:
  struct Rate {
    std::uint8_t mcs = 0;
    int kbit_per_second = 0;
    /// The SNR at which about a third of long frames is lost.
    int needs_snr_db = 0;
  };

  struct Options {
    /// What is sent with until the first report.
    LinkChoice first{{8, 12}, 1};
    std::uint8_t least_n = 9;  ///< one parity at least: what comes next is not known
    std::uint8_t most_n = 16;
    /// From the most robust one on. By default one stream of 20 MHz with long guard intervals; the
    /// SNRs are the sensitivities of IEEE 802.11-2020, table 19-23, over thermal noise with the
    /// 15 dB that it allows for receivers.
    std::vector<Rate> rates{{0, 6'500, 4},   {1, 13'000, 7},  {2, 19'500, 9},  {3, 26'000, 12},
                            {4, 39'000, 16}, {5, 52'000, 20}, {6, 58'500, 21}, {7, 65'000, 22}};
    double target_loss = 0.001;  ///< of payloads, for good
    double margin = 1.5;         ///< the loss is taken to be so many times what was measured
    int snr_margin_db = 2;       ///< and the SNR so much lower
    int patience = 10;           ///< reports in a row before anything cheaper is taken

    /// For a transmitter with these settings, k being less than 255: k + 1 <= n <= 2k, or up to
    /// its own n, and the eight rates of MCS 0 to 7 with its number of spatial streams.
    static Options of(FecParams fec, const RadioSettings& radio);
  };

  /// There is a rate, and k <= least_n <= most_n.
  explicit LinkController(Options options);

  const LinkChoice& choice() const { return choice_; }
  /// Takes a report. True where the choice has changed.
  bool on_report(const LinkReport& report, const SentPackets& sent);
  /// No report came for long, or for as long again: the most robust choice that carries the load.
  /// True where that is a change.
  bool on_silence(const SentPackets& sent);
  /// Bandwidth, guard interval and streams are those from now on.
  void set_radio(const RadioSettings& radio);

  /// What is expected before the code, at the present MCS, margins and the sender's own queue left
  /// out.
  double loss() const { return loss_; }

 private:
  struct Place {
    std::size_t rate = 0;
    std::uint8_t n = 0;
  };

  std::uint8_t k() const { return options_.first.fec.k; }
  bool is_deaf(const LinkReport& report, const SentPackets& sent);
  void weigh(const SentPackets& sent);
  void measure(const LinkReport& report);
  double explained_loss(std::size_t rate, int snr_db) const;
  double expected_loss(std::size_t rate) const;
  double airtime(std::size_t rate) const;
  double overload(std::size_t rate, std::uint8_t n) const;
  /// The least n that is good enough at this rate; 0: none is.
  std::uint8_t least_n(std::size_t rate) const;
  bool is_good_enough() const;
  double cost(std::size_t rate, std::uint8_t n) const;
  bool choose(Place place);
  void blame_step();
  Place most_robust(std::size_t fastest) const;
  std::optional<Place> cheapest_good(std::size_t fastest) const;
  Place least_bad(std::size_t fastest) const;
  bool on_deaf();
  bool leave();
  bool go_up();

  Options options_;
  LinkChoice choice_;
  std::size_t rate_ = 0;  ///< the choice's place among the rates
  double loss_ = 0;
  double burst_ = 1;      ///< how many times more is lost than independent losses explain
  int snr_db_ = 0;
  SentPackets sent_;      ///< not weighed yet
  double fragments_ = 0;  ///< with payloads, of these
  double load_ = 0;       ///< such fragments a second
  double packet_bytes_;   ///< mean
  int deaf_reports_ = 0;        ///< in a row, not counting those of times without traffic
  std::uint64_t unheard_ = 0;   ///< packets sent since something was heard, or the choice left
  std::optional<std::size_t> rate_before_silence_;
  int cheaper_in_a_row_ = 0;
  int overloaded_in_a_row_ = 0;
  int reports_since_step_ = 0;  ///< up to the present rate
  bool is_proving_ = false;     ///< the rate was stepped up to, and has not lasted yet
  std::vector<int> step_patience_;  ///< before a step up to each rate, times the patience
};

}  // namespace twinbed::wfb
