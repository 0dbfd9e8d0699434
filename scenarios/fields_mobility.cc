// The kinds of positions and movements.
#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"

namespace twinbed::scenarios {
namespace {

using sim::Position;

/// [x, y] or [x, y, z] in metres.
class PositionKind final : public Kind<Position> {
 public:
  bool read(Reader& reader, const YamlNode& node, Position& out) const override {
    std::vector<double> values;
    if (!list().read(reader, node, values)) return false;
    out = {values[0], values[1], values.size() > 2 ? values[2] : 0};
    return true;
  }
  YamlNode write(const Position& value) const override {
    return list().write({value.x, value.y, value.z});
  }
  Json schema(Json& definitions) const override { return list().schema(definitions); }
  std::string what() const override { return "a position in metres such as [100, 20, 2]"; }

 private:
  static const ListKind<double>& list() {
    static const ListKind<double> kind("coordinates in metres", coordinate_kind(), 2, 3);
    return kind;
  }
};

/// [low, high]
class RangeOfNumbersKind final : public Kind<sim::Range> {
 public:
  bool read(Reader& reader, const YamlNode& node, sim::Range& out) const override {
    std::vector<double> values;
    if (!list().read(reader, node, values)) return false;
    if (values[0] > values[1]) {
      return reader.fail(node.place, reader.subject() +
                                         " runs backwards, write the smaller number first");
    }
    out = {values[0], values[1]};
    return true;
  }
  YamlNode write(const sim::Range& value) const override {
    return list().write({value.low, value.high});
  }
  Json schema(Json& definitions) const override { return list().schema(definitions); }
  std::string what() const override { return "two numbers such as [1, 5]"; }

 private:
  static const ListKind<double>& list() {
    static const ListKind<double> kind("numbers", number_kind(), 2, 2);
    return kind;
  }
};

const Kind<sim::Range>& numbers_kind() {
  static const RangeOfNumbersKind kind;
  return kind;
}

const Kind<sim::Velocity>& velocity_kind() {
  using V = sim::Velocity;
  static const RecordKind<V> kind = [] {
    RecordKind<V> record("velocity", "A speed along each axis");
    record.add("x", &V::x, speed_kind(), "along the first axis, eastwards");
    record.add("y", &V::y, speed_kind(), "along the second axis, northwards");
    record.add("z", &V::z, speed_kind(), "along the third axis, upwards");
    return record;
  }();
  return kind;
}

const Kind<sim::Waypoint>& waypoint_kind() {
  using W = sim::Waypoint;
  static const RecordKind<W> kind = [] {
    RecordKind<W> record("waypoint", "Where a node is at a time");
    record.add("at", &W::at, instant_kind(), "from the start of the run").require();
    record.add("position", &W::position, position_kind(), "where it is then, in metres").require();
    return record;
  }();
  return kind;
}

const Kind<sim::Box>& box_kind() {
  using B = sim::Box;
  static const RecordKind<B> kind = [] {
    RecordKind<B> record("box", "A part of the world");
    record.add("low", &B::low, position_kind(), "its corner with the smallest numbers").require();
    record.add("high", &B::high, position_kind(), "and the one across").require();
    return record;
  }();
  return kind;
}

const Kind<sim::BoundedNormal>& bounded_normal_kind() {
  using N = sim::BoundedNormal;
  static const RecordKind<N> kind = [] {
    RecordKind<N> record("bounded_normal", "A normal number, drawn again beyond its bound");
    record.add("variance", &N::variance, number_kind(), "its variance");
    record.add("bound", &N::bound, number_kind(), "the furthest that it may be from zero");
    return record;
  }();
  return kind;
}

const Kind<sim::GaussMarkovOptions>& gauss_markov_kind() {
  using G = sim::GaussMarkovOptions;
  static const RecordKind<G> kind = [] {
    RecordKind<G> record("gauss_markov",
                         "Movement with a memory, as ns3::GaussMarkovMobilityModel has it");
    record.add("time_step", &G::time_step, positive_duration_kind(), "how often it turns");
    record.add("alpha", &G::alpha, number_kind(), "memory: 0 is none, 1 a straight line");
    record.add("mean_velocity", &G::mean_velocity_mps, numbers_kind(),
               "drawn once, metres a second");
    record.add("mean_direction", &G::mean_direction_rad, numbers_kind(), "drawn once, radians");
    record.add("mean_pitch", &G::mean_pitch_rad, numbers_kind(), "drawn once, radians");
    record.add("normal_velocity", &G::normal_velocity, bounded_normal_kind(),
               "drawn at each step, metres a second");
    record.add("normal_direction", &G::normal_direction, bounded_normal_kind(),
               "drawn at each step, radians");
    record.add("normal_pitch", &G::normal_pitch, bounded_normal_kind(),
               "drawn at each step, radians");
    return record;
  }();
  return kind;
}

}  // namespace

const Kind<sim::Position>& position_kind() {
  static const PositionKind kind;
  return kind;
}

const Kind<MobilitySpec>& mobility_kind() {
  using M = MobilitySpec;
  using Model = MobilityModel;
  static const auto models = enum_kind<Model>("the mobility models",
                                              {{"velocity", Model::kVelocity},
                                               {"waypoints", Model::kWaypoints},
                                               {"random-waypoint", Model::kRandomWaypoint},
                                               {"gauss-markov", Model::kGaussMarkov},
                                               {"ns2", Model::kNs2}});
  static const ListKind<sim::Waypoint> points("waypoints", waypoint_kind(), 1, 100'000);
  static const auto number = whole_number_kind(0, 1'000'000);
  static const RecordKind<M> kind = [] {
    RecordKind<M> record("mobility", "How a node moves");
    record.decide_by("model");
    record.add("model", &M::model, models,
               "velocity: straight on; waypoints: from point to point, each at its time; "
               "random-waypoint: to random points of an area, with pauses; gauss-markov: with a "
               "memory of speed and direction; ns2: as a movement trace of ns-2 says").require();
    record.add("velocity", &M::velocity, velocity_kind(), "how fast, and where to")
        .only({"velocity"})
        .require();
    record.add("points", &M::points, points, "where it is when, in order of time; on straight "
                                             "lines between")
        .only({"waypoints"})
        .require();
    record.add("area", &M::area, box_kind(), "where it may be")
        .only({"random-waypoint", "gauss-markov"})
        .require();
    record.add("speed", &M::speed_mps, numbers_kind(), "metres a second, drawn for each way")
        .only({"random-waypoint"});
    record.add("pause", &M::pause, range_kind(), "at each point").only({"random-waypoint"});
    record.add("options", &M::gauss_markov, gauss_markov_kind(), "how it turns")
        .only({"gauss-markov"});
    record.add("file", &M::file, text_kind(), "the trace, relative to the scenario file")
        .only({"ns2"})
        .require();
    record.add("node", &M::ns2_node, number, "the number of the node in it").only({"ns2"});
    return record;
  }();
  return kind;
}

}  // namespace twinbed::scenarios
