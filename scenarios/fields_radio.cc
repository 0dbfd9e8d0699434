// The kinds of everything about radios: the air, its links, the cards of a node, how it moves.
#include <cmath>

#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"

namespace twinbed::scenarios {
namespace {

using sim::AirOptions;
using sim::CardOptions;
using sim::FadingOptions;
using sim::PathLossOptions;
using sim::ShadowingOptions;

const Kind<sim::ErrorRateModel>& error_rate_kind() {
  using E = sim::ErrorRateModel;
  static const auto kind = enum_kind<E>("the error-rate models", {{"nist", E::kNist},
                                                                  {"yans", E::kYans},
                                                                  {"table", E::kTable}});
  return kind;
}

const Kind<sim::PathLossModel>& path_loss_model_kind() {
  using P = sim::PathLossModel;
  static const auto kind = enum_kind<P>("the path-loss models",
                                        {{"friis", P::kFriis},
                                         {"log-distance", P::kLogDistance},
                                         {"three-log-distance", P::kThreeLogDistance},
                                         {"two-ray", P::kTwoRay},
                                         {"okumura-hata", P::kOkumuraHata},
                                         {"itu-r-1411-los", P::kItuR1411Los},
                                         {"itu-r-1411-nlos", P::kItuR1411Nlos},
                                         {"range", P::kRange},
                                         {"fixed", P::kFixed}});
  return kind;
}

const Kind<sim::Environment>& environment_kind() {
  using E = sim::Environment;
  static const auto kind = enum_kind<E>(
      "the environments",
      {{"urban", E::kUrban}, {"suburban", E::kSuburban}, {"open", E::kOpen}});
  return kind;
}

const Kind<sim::CitySize>& city_size_kind() {
  using C = sim::CitySize;
  static const auto kind = enum_kind<C>(
      "the sizes of a city",
      {{"small", C::kSmall}, {"medium", C::kMedium}, {"large", C::kLarge}});
  return kind;
}

/// Three of something, as ns-3's three-log-distance model has them.
template <class Element>
class TripleKind final : public Kind<std::array<double, 3>> {
 public:
  explicit TripleKind(const Element& element) : list_("numbers", element, 3, 3) {}
  bool read(Reader& reader, const YamlNode& node, std::array<double, 3>& out) const override {
    std::vector<double> values;
    if (!list_.read(reader, node, values)) return false;
    std::copy(values.begin(), values.end(), out.begin());
    return true;
  }
  YamlNode write(const std::array<double, 3>& value) const override {
    return list_.write({value.begin(), value.end()});
  }
  Json schema(Json& definitions) const override { return list_.schema(definitions); }
  std::string what() const override { return "a list of three"; }

 private:
  ListKind<double> list_;
};

const Kind<PathLossOptions>& path_loss_kind() {
  using P = PathLossOptions;
  static const OptionalKind<double> reference_loss(ratio_kind());
  static const TripleKind distances(distance_kind());
  static const TripleKind exponents(number_kind());
  static const std::vector<std::string> cities{"okumura-hata", "itu-r-1411-nlos"};
  static const std::vector<std::string> roofs{"itu-r-1411-nlos"};
  static const RecordKind<P> kind = [] {
    RecordKind<P> record("path_loss",
                         "How much weaker a signal is at a distance, as ns-3's models of these "
                         "names have it");
    record.decide_by("model");
    record.add("model", &P::model, path_loss_model_kind(), "which of the models").require();
    record.add("system_loss", &P::system_loss, number_kind(), "a factor of at least 1")
        .only({"friis", "two-ray"});
    record.add("min_loss", &P::min_loss_db, ratio_kind(), "never less than this").only({"friis"});
    record.add("exponent", &P::exponent, number_kind(), "of the distance")
        .only({"log-distance"});
    record.add("reference_distance", &P::reference_distance_m, distance_kind(),
               "where the reference loss holds").only({"log-distance"});
    record.add("reference_loss", &P::reference_loss_db, reference_loss,
               "the loss there, or at the first of three distances; without it, that of free space")
        .only({"log-distance", "three-log-distance"});
    record.add("distances", &P::distances_m, distances, "where each of the three fields begins")
        .only({"three-log-distance"});
    record.add("exponents", &P::exponents, exponents, "of the distance in each of them")
        .only({"three-log-distance"});
    record.add("min_distance", &P::min_distance_m, distance_kind(), "nothing is lost up to here")
        .only({"two-ray"});
    record.add("height_above_z", &P::height_above_z_m, distance_kind(),
               "of every antenna above its position").only({"two-ray"});
    record.add("environment", &P::environment, environment_kind(), "what is built there")
        .only(cities);
    record.add("city_size", &P::city_size, city_size_kind(), "how large the city is").only(cities);
    record.add("rooftop", &P::rooftop_m, distance_kind(), "height of the houses").only(roofs);
    record.add("street_width", &P::street_width_m, distance_kind(), "of the streets").only(roofs);
    record.add("street_orientation", &P::street_orientation_deg, angle_kind(),
               "of the streets towards the path, 0 to 90 deg").only(roofs);
    record.add("buildings_extend", &P::buildings_extend_m, distance_kind(),
               "length of the built-up part of the path").only(roofs);
    record.add("building_separation", &P::building_separation_m, distance_kind(),
               "between two buildings").only(roofs);
    record.add("max_range", &P::max_range_m, distance_kind(),
               "nothing is lost up to here, and everything beyond").only({"range"});
    record.add("loss", &P::loss_db, ratio_kind(), "the same everywhere").only({"fixed"});
    return record;
  }();
  return kind;
}

const Kind<ShadowingOptions>& shadowing_kind() {
  using S = ShadowingOptions;
  static const RecordKind<S> kind = [] {
    RecordKind<S> record("shadowing",
                         "What stands in the way: a log-normal loss of each link, the same in both "
                         "directions");
    record.add("deviation", &S::deviation_db, ratio_kind(), "its standard deviation");
    record.add("decorrelation", &S::decorrelation_m, distance_kind(),
               "over how many metres of movement it becomes another one (correlation 1/e); 0 m: a "
               "link keeps its loss");
    return record;
  }();
  return kind;
}

const Kind<FadingOptions>& fading_kind() {
  using F = FadingOptions;
  using M = sim::FadingModel;
  static const auto model = enum_kind<M>("the fading models", {{"none", M::kNone},
                                                               {"nakagami", M::kNakagami},
                                                               {"rayleigh", M::kRayleigh},
                                                               {"rician", M::kRician}});
  static const RecordKind<F> kind = [] {
    RecordKind<F> record("fading", "What echoes do to a signal, drawn for each antenna");
    record.decide_by("model");
    record.add("model", &F::model, model,
               "nakagami: power is Gamma distributed, m by distance; rayleigh: no path in line of "
               "sight; rician: one, k times as strong as all others").require();
    const std::vector<std::string> nakagami{"nakagami"};
    record.add("m0", &F::m0, number_kind(), "closer than distance1").only(nakagami);
    record.add("m1", &F::m1, number_kind(), "from distance1 to distance2").only(nakagami);
    record.add("m2", &F::m2, number_kind(), "from distance2 on").only(nakagami);
    record.add("distance1", &F::distance1_m, distance_kind(), "where m1 begins").only(nakagami);
    record.add("distance2", &F::distance2_m, distance_kind(), "where m2 begins").only(nakagami);
    record.add("k", &F::rician_k_db, ratio_kind(), "Rice's factor").only({"rician"});
    return record;
  }();
  return kind;
}

const Kind<RadioLinkSpec>& radio_link_kind() {
  using L = RadioLinkSpec;
  static const RecordKind<L> kind = [] {
    RecordKind<L> record("radio_link", "A link that is not as the model of the air has it");
    record.add("from", &L::from, text_kind(), "the node that sends").require();
    record.add("to", &L::to, text_kind(), "the node that receives").require();
    record.add("both_ways", &L::both_ways, bool_kind(), "the same holds from 'to' to 'from'");
    record.add("trace", &L::trace, radio_trace_kind(), "signals and losses over time");
    record.add("bursts", &L::bursts, bursts_kind(),
               "losses in bursts; the chain moves once a frame");
    return record;
  }();
  return kind;
}

}  // namespace

const Kind<RadioSpec>& radio_kind() {
  using R = RadioSpec;
  using M = MediumModel;
  static const ListKind<RadioLinkSpec> links("links", radio_link_kind());
  static const auto medium = enum_kind<M>("the media", {{"table", M::kTable}, {"ns3", M::kNs3}});
  static const RecordKind<AirOptions> air = [] {
    using A = AirOptions;
    RecordKind<A> record("air", "");
    record.add("error_rate", &A::error_rate, error_rate_kind(),
               "how often frames are lost at a signal-to-noise ratio: ns-3's models nist, yans or "
               "table (link simulations), which differ by decibels").require();
    record.add("path_loss", &A::path_loss, path_loss_kind(), "what distance does").require();
    record.add("shadowing", &A::shadowing, shadowing_kind(), "what stands in the way does");
    record.add("fading", &A::fading, fading_kind(), "what echoes do");
    record.add("coherence", &A::coherence, duration_kind(),
               "how long a link's fading stays as it is; 0 s: it is drawn anew for each frame");
    record.add("isolation", &A::isolation_db, ratio_kind(),
               "what is lost between two cards of one node");
    record.add("position_step", &A::position_step, positive_duration_kind(),
               "how often positions are taken of nodes that move");
    return record;
  }();
  static const RecordKind<R> kind = [] {
    RecordKind<R> record("radio", "The air between the nodes that have cards");
    record.add("medium", &R::medium, medium,
               "what carries the frames: table looks error rates up; ns3 runs ns-3's own physical "
               "layer, a hundred times slower, for cards of one antenna");
    record.add_all(&R::air, air);
    record.add("links", &R::links, links, "links that are not as the model has them");
    return record;
  }();
  return kind;
}

const Kind<CardOptions>& card_kind() {
  using C = CardOptions;
  using M = sim::Combining;
  static const ListKind<double> gains("gains", gain_kind(), 1, kMaxAntennas);
  static const auto combining =
      enum_kind<M>("the ways to combine antennas",
                   {{"maximum-ratio", M::kMaximumRatio}, {"selection", M::kSelection}});
  static const auto queue = whole_number_kind(1, 65536);
  static const auto window = whole_number_kind(0, 1023);
  static const RecordKind<C> kind = [] {
    RecordKind<C> record("card", "A radio card in monitor mode: an interface of its node");
    record.add("channel", &C::channel, channel_kind(),
               "the channel, by its number or its frequency");
    record.add("tx_power", &C::tx_power_dbm, power_kind(), "at the antenna's connector");
    record.add("antennas", &C::antenna_gains_dbi, gains,
               "the gain of each antenna, 1 to 4 of them; it sends on the first");
    record.add("correlation", &C::antenna_correlation, probability_kind(),
               "between the powers of any two antennas under Rayleigh fading, 0 to 1");
    record.add("combining", &C::combining, combining,
               "how a receiver puts its antennas together: maximum-ratio adds up their "
               "signal-to-noise ratios, selection takes the best one");
    record.add("noise_figure", &C::noise_figure_db, ratio_kind(), "of the receiver");
    record.add("sensitivity", &C::sensitivity_dbm, power_kind(),
               "the weakest signal that is noticed");
    record.add("preamble_snr", &C::preamble_snr_db, ratio_kind(),
               "the least ratio at which a preamble is recognised");
    record.add("queue", &C::queue_frames, queue,
               "frames that wait to be sent; what comes on top is refused (ENOBUFS)");
    record.add("carrier_sense", &C::carrier_sense, bool_kind(),
               "it waits for silence, and a random back-off, before it sends");
    record.add("contention_window", &C::contention_window, window,
               "back-offs are 0 to so many slots of 9 us");
    record.add("carrier_sense_level", &C::carrier_sense_dbm, power_kind(),
               "a frame of this strength makes the medium busy");
    record.add("energy_detection_level", &C::energy_detection_dbm, power_kind(),
               "noise of this strength makes the medium busy");
    return record;
  }();
  return kind;
}

}  // namespace twinbed::scenarios
