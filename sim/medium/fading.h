// What is random about the strength of a signal, drawn from our own streams.
//
// Shadowing is by what stands in the way: it belongs to a link and stays as long as both ends do.
// Fading is by echoes: it is drawn anew for every frame (and antenna). The distributions and their
// parameters are ns-3's (NakagamiPropagationLossModel) and the field's; ns-3's own generator would
// make one run depend on another.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "sim/medium/gamma_quantiles.h"
#include "sim/medium/position.h"

namespace twinbed::sim {

enum class FadingModel : std::uint8_t {
  kNone,
  kNakagami,  ///< the amplitude is Nakagami: the power is Gamma(m, 1/m), m by distance
  kRayleigh,  ///< no path in line of sight: Nakagami with m = 1
  kRician,    ///< one path in line of sight, K times as strong as all others together
};

struct FadingOptions {
  FadingModel model = FadingModel::kNone;
  double m0 = 1.5;   ///< kNakagami: closer than distance1
  double m1 = 0.75;  ///< kNakagami: from distance1 to below distance2
  double m2 = 0.75;  ///< kNakagami: from distance2 on
  double distance1_m = 80;
  double distance2_m = 200;
  double rician_k_db = 6;  ///< kRician

  bool operator==(const FadingOptions&) const = default;
};

/// What makes these options impossible, in one sentence; empty: nothing.
std::string_view mistake_in_fading(const FadingOptions& options);

class Fading {
 public:
  /// The options must be without mistake. Takes some milliseconds, for the tables of quantiles.
  explicit Fading(const FadingOptions& options);

  /// By how much the power differs from its mean, in thousandths of a decibel; the mean of the
  /// factor is 1. kNakagami and kRayleigh take one random word each time; kNone takes none.
  int draw_mdb(double distance_m, Random& random) const {
    if (options_.model == FadingModel::kNone) return 0;
    if (options_.model == FadingModel::kRician) return draw_rician_mdb(random);
    return quantiles_at(distance_m).draw_mdb(random);
  }

  /// One power for each antenna of a receiver. `correlation`, 0 to 1, is that between the powers of
  /// any two antennas where the fading is Rayleigh's; other models get the same dependence between
  /// their quantiles (a copula), which keeps each antenna's own distribution.
  void draw_antennas_mdb(double distance_m, double correlation, Random& random,
                         std::span<int> powers_mdb) const;

 private:
  int draw_rician_mdb(Random& random) const;
  int rician_mdb(double in_phase, double quadrature) const;
  const GammaQuantiles& quantiles_at(double distance_m) const {
    if (options_.model == FadingModel::kRayleigh || distance_m < options_.distance1_m) {
      return quantiles_[0];
    }
    return quantiles_[distance_m < options_.distance2_m ? 1 : 2];
  }

  FadingOptions options_;
  std::vector<GammaQuantiles> quantiles_;  // of kRayleigh, or of kNakagami's m0, m1 and m2
  double rician_mean_ = 0;       // amplitude of the path in line of sight
  double rician_deviation_ = 0;  // of each of the two components of the rest
};

struct ShadowingOptions {
  double deviation_db = 0;  ///< standard deviation of the log-normal loss; 0 draws nothing
  /// Over how many metres of movement the correlation falls to 1/e (Gudmundson, "Correlation model
  /// for shadow fading in mobile radio systems", 1991); 0: a link keeps its loss for good.
  double decorrelation_m = 0;

  bool operator==(const ShadowingOptions&) const = default;
};

/// What makes these options impossible, in one sentence; empty: nothing.
std::string_view mistake_in_shadowing(const ShadowingOptions& options);

/// The shadowing of one link, which is the same in both directions. Give each link a stream of its
/// own, so that no link moves another's numbers.
class Shadowing {
 public:
  /// The options must be without mistake.
  explicit Shadowing(const ShadowingOptions& options);

  /// The loss on top of the mean, in thousandths of a decibel, negative where the way is free.
  /// Ends that have moved d metres together decorrelate it by exp(-d / decorrelation_m).
  int loss_mdb(const Position& a, const Position& b, Random& random);

 private:
  ShadowingOptions options_;
  bool is_drawn_ = false;
  double value_db_ = 0;
  Position a_, b_;
};

}  // namespace twinbed::sim
