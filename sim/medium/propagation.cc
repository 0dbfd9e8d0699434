#include "sim/medium/propagation.h"

#include <ns3/constant-position-mobility-model.h>
#include <ns3/double.h>
#include <ns3/enum.h>
#include <ns3/itu-r-1411-los-propagation-loss-model.h>
#include <ns3/itu-r-1411-nlos-over-rooftop-propagation-loss-model.h>
#include <ns3/okumura-hata-propagation-loss-model.h>
#include <ns3/propagation-loss-model.h>

#include <algorithm>

#include "core/base/check.h"
#include "sim/medium/decibel.h"

namespace twinbed::sim {
namespace {

using ns3::DoubleValue;
using ns3::EnumValue;
using LossPtr = ns3::Ptr<ns3::PropagationLossModel>;
using PlacePtr = ns3::Ptr<ns3::ConstantPositionMobilityModel>;

double hertz(ChannelMhz frequency) { return static_cast<double>(frequency) * 1e6; }

ns3::EnvironmentType ns3_environment(Environment environment) {
  switch (environment) {
    case Environment::kUrban: return ns3::UrbanEnvironment;
    case Environment::kSuburban: return ns3::SubUrbanEnvironment;
    case Environment::kOpen: return ns3::OpenAreasEnvironment;
  }
  TWINBED_CHECK(false, "an environment that does not exist");
}

ns3::CitySize ns3_city_size(CitySize size) {
  switch (size) {
    case CitySize::kSmall: return ns3::SmallCity;
    case CitySize::kMedium: return ns3::MediumCity;
    case CitySize::kLarge: return ns3::LargeCity;
  }
  TWINBED_CHECK(false, "a size of a city that does not exist");
}

LossPtr make_friis(const PathLossOptions& options, ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::FriisPropagationLossModel>();
  model->SetFrequency(hertz(frequency));
  model->SetSystemLoss(options.system_loss);
  model->SetMinLoss(options.min_loss_db);
  return model;
}

double reference_loss_db(const PathLossOptions& options, double reference_distance_m,
                         ChannelMhz frequency) {
  if (options.reference_loss_db) return *options.reference_loss_db;
  const auto here = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
  const auto there = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
  there->SetPosition({reference_distance_m, 0, 0});
  return -make_friis({}, frequency)->CalcRxPower(0, here, there);
}

LossPtr make_log_distance(const PathLossOptions& options, ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::LogDistancePropagationLossModel>();
  model->SetPathLossExponent(options.exponent);
  model->SetReference(options.reference_distance_m,
                      reference_loss_db(options, options.reference_distance_m, frequency));
  return model;
}

LossPtr make_three_log_distance(const PathLossOptions& options, ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::ThreeLogDistancePropagationLossModel>();
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    model->SetAttribute("Distance" + number, DoubleValue(options.distances_m[i]));
    model->SetAttribute("Exponent" + number, DoubleValue(options.exponents[i]));
  }
  model->SetAttribute("ReferenceLoss", DoubleValue(reference_loss_db(
                                           options, options.distances_m[0], frequency)));
  return model;
}

LossPtr make_two_ray(const PathLossOptions& options, ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::TwoRayGroundPropagationLossModel>();
  model->SetFrequency(hertz(frequency));
  model->SetSystemLoss(options.system_loss);
  model->SetMinDistance(options.min_distance_m);
  model->SetHeightAboveZ(options.height_above_z_m);
  return model;
}

LossPtr make_okumura_hata(const PathLossOptions& options, ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::OkumuraHataPropagationLossModel>();
  model->SetAttribute("Frequency", DoubleValue(hertz(frequency)));
  model->SetAttribute("Environment", EnumValue(ns3_environment(options.environment)));
  model->SetAttribute("CitySize", EnumValue(ns3_city_size(options.city_size)));
  return model;
}

LossPtr make_itu_los(ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::ItuR1411LosPropagationLossModel>();
  model->SetFrequency(hertz(frequency));
  return model;
}

LossPtr make_itu_nlos(const PathLossOptions& options, ChannelMhz frequency) {
  const auto model = ns3::CreateObject<ns3::ItuR1411NlosOverRooftopPropagationLossModel>();
  model->SetFrequency(hertz(frequency));
  model->SetAttribute("Environment", EnumValue(ns3_environment(options.environment)));
  model->SetAttribute("CitySize", EnumValue(ns3_city_size(options.city_size)));
  model->SetAttribute("RooftopLevel", DoubleValue(options.rooftop_m));
  model->SetAttribute("StreetsOrientation", DoubleValue(options.street_orientation_deg));
  model->SetAttribute("StreetsWidth", DoubleValue(options.street_width_m));
  model->SetAttribute("BuildingsExtend", DoubleValue(options.buildings_extend_m));
  model->SetAttribute("BuildingSeparation", DoubleValue(options.building_separation_m));
  return model;
}

LossPtr make_range(const PathLossOptions& options) {
  const auto model = ns3::CreateObject<ns3::RangePropagationLossModel>();
  model->SetAttribute("MaxRange", DoubleValue(options.max_range_m));
  return model;
}

/// A loss that is a number for both places: the difference of a fixed power from that sent, 0 dBm.
LossPtr make_fixed(const PathLossOptions& options) {
  const auto model = ns3::CreateObject<ns3::FixedRssLossModel>();
  model->SetRss(-options.loss_db);
  return model;
}

LossPtr make_model(const PathLossOptions& options, ChannelMhz frequency) {
  switch (options.model) {
    case PathLossModel::kFriis: return make_friis(options, frequency);
    case PathLossModel::kLogDistance: return make_log_distance(options, frequency);
    case PathLossModel::kThreeLogDistance: return make_three_log_distance(options, frequency);
    case PathLossModel::kTwoRay: return make_two_ray(options, frequency);
    case PathLossModel::kOkumuraHata: return make_okumura_hata(options, frequency);
    case PathLossModel::kItuR1411Los: return make_itu_los(frequency);
    case PathLossModel::kItuR1411Nlos: return make_itu_nlos(options, frequency);
    case PathLossModel::kRange: return make_range(options);
    case PathLossModel::kFixed: return make_fixed(options);
  }
  TWINBED_CHECK(false, "a path-loss model that does not exist");
}

bool needs_height(PathLossModel model) {
  return model == PathLossModel::kOkumuraHata || model == PathLossModel::kItuR1411Los ||
         model == PathLossModel::kItuR1411Nlos;
}

}  // namespace

/// ns-3 knows places only as mobility models, which are moved to where they are asked about.
struct PathLoss::Ns3 {
  LossPtr model;
  PlacePtr from = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
  PlacePtr to = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
};

PathLoss::PathLoss(const PathLossOptions& options, ChannelMhz frequency)
    : model_(options.model), ns3_(std::make_unique<Ns3>()) {
  TWINBED_CHECK(mistake_in_path_loss(options).empty(), mistake_in_path_loss(options));
  ns3_->model = make_model(options, frequency);
}

PathLoss::~PathLoss() = default;

int PathLoss::loss_mdb(const Position& from, const Position& to) const {
  const double lowest_m = needs_height(model_) ? 1.0 : -1e9;
  ns3_->from->SetPosition({from.x, from.y, std::max(from.z, lowest_m)});
  ns3_->to->SetPosition({to.x, to.y, std::max(to.z, lowest_m)});
  return std::max(0, mdb_from_db(-ns3_->model->CalcRxPower(0, ns3_->from, ns3_->to)));
}

}  // namespace twinbed::sim
