// The published schema against real files: it accepts what is shipped, lists every key, and refuses
// what it can. The validator below knows the keywords that the schema uses and fails on any other.
#include "scenarios/schema.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <utility>

#include "scenarios/dump.h"
#include "scenarios/fields_kinds.h"
#include "scenarios/load.h"

namespace twinbed::scenarios {
namespace {

namespace fs = std::filesystem;

const std::string kFull = TWINBED_SOURCE_DIR "/tests/testdata/scenarios/full.yaml";

Json parse_document(const std::string& text) {
  const Parsed parsed = parse_yaml(text);
  EXPECT_TRUE(parsed.ok) << parsed.problem.message;
  return to_json(parsed.root);
}

Json read_document(const std::string& path) {
  std::ifstream file(path);
  return parse_document({std::istreambuf_iterator<char>(file), {}});
}

/// A subset of JSON Schema, draft 2020-12.
class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  /// Empty, or the first place in the document that does not fit.
  std::string check(const Json& schema, const Json& value, const std::string& place) {
    if (schema.is_boolean()) return schema.get<bool>() ? "" : place;
    for (const auto& [keyword, rule] : schema.items()) {
      if (std::string bad = apply(schema, keyword, rule, value, place); !bad.empty()) return bad;
    }
    return "";
  }

  /// (definition, key) of every property that some document had.
  const std::set<std::pair<std::string, std::string>>& seen() const { return seen_; }

 private:
  bool fits(const Json& schema, const Json& value) { return check(schema, value, "x").empty(); }

  static bool has_type(const std::string& type, const Json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    EXPECT_EQ(type, "number");
    return value.is_number();
  }

  static bool has_one_type(const Json& rule, const Json& value) {
    if (rule.is_string()) return has_type(rule, value);
    for (const Json& type : rule) {
      if (has_type(type, value)) return true;
    }
    return false;
  }

  std::string apply(const Json& schema, const std::string& keyword, const Json& rule,
                    const Json& value, const std::string& place) {
    static const std::set<std::string> notes{"description", "default", "title",
                                             "$schema", "$defs",   "then", "else", "format"};
    if (notes.contains(keyword)) return "";
    if (keyword == "type") return has_one_type(rule, value) ? "" : place;
    if (keyword == "const") return value == rule ? "" : place;
    if (keyword == "enum") {
      for (const Json& one : rule) {
        if (one == value) return "";
      }
      return place;
    }
    if (keyword == "pattern") {
      const bool matches = !value.is_string() || std::regex_search(value.get<std::string>(),
                                                                   std::regex(rule));
      return matches ? "" : place;
    }
    if (keyword == "minimum") return !value.is_number() || value >= rule ? "" : place;
    if (keyword == "maximum") return !value.is_number() || value <= rule ? "" : place;
    if (keyword == "minItems") return !value.is_array() || value.size() >= rule ? "" : place;
    if (keyword == "maxItems") return !value.is_array() || value.size() <= rule ? "" : place;
    return apply_structure(schema, keyword, rule, value, place);
  }

  std::string apply_structure(const Json& schema, const std::string& keyword, const Json& rule,
                              const Json& value, const std::string& place) {
    if (keyword == "$ref") {
      const std::string name = rule.get<std::string>().substr(std::string("#/$defs/").size());
      const std::string outer = std::exchange(definition_, name);
      std::string bad = check(root_.at("$defs").at(name), value, place);
      definition_ = outer;
      return bad;
    }
    if (keyword == "anyOf") {
      for (const Json& one : rule) {
        if (fits(one, value)) return "";
      }
      return place;
    }
    if (keyword == "allOf") {
      for (const Json& one : rule) {
        if (std::string bad = check(one, value, place); !bad.empty()) return bad;
      }
      return "";
    }
    if (keyword == "if") {
      const std::string branch = fits(rule, value) ? "then" : "else";
      return schema.contains(branch) ? check(schema.at(branch), value, place) : "";
    }
    if (keyword == "items") return check_items(rule, value, place);
    return check_members(schema, keyword, rule, value, place);
  }

  std::string check_items(const Json& rule, const Json& value, const std::string& place) {
    if (!value.is_array()) return "";
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string at = place + "." + std::to_string(i);
      if (std::string bad = check(rule, value[i], at); !bad.empty()) return bad;
    }
    return "";
  }

  std::string check_members(const Json& schema, const std::string& keyword, const Json& rule,
                            const Json& value, const std::string& place) {
    if (!value.is_object()) return "";
    if (keyword == "required") {
      for (const Json& key : rule) {
        if (!value.contains(key.get<std::string>())) return place;
      }
      return "";
    }
    const bool named = keyword == "properties";
    EXPECT_TRUE(named || keyword == "additionalProperties") << "unknown keyword " << keyword;
    for (const auto& [key, member] : value.items()) {
      const Json& properties = schema.contains("properties") ? schema.at("properties") : kNone;
      if (properties.contains(key) != named) continue;
      if (named && !rule.at(key).is_boolean()) seen_.emplace(definition_, key);
      const Json& one = named ? rule.at(key) : rule;
      if (std::string bad = check(one, member, place + "." + key); !bad.empty()) return bad;
    }
    return "";
  }

  const Json kNone = Json::object();
  const Json& root_;
  std::string definition_;
  std::set<std::pair<std::string, std::string>> seen_;
};

class SchemaTest : public testing::Test {
 protected:
  std::string check(const Json& document) { return validator_.check(schema_, document, ""); }

  const Json schema_ = Json::parse(scenario_schema());
  Validator validator_{schema_};
};

TEST_F(SchemaTest, IsADraft202012Schema) {
  EXPECT_EQ(schema_.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema_.at("additionalProperties"), false);
  EXPECT_EQ(schema_.at("$defs").at("link").at("properties").at("delay").at("default"), "0 s");
  EXPECT_EQ(schema_.at("$defs").at("protocol").at("properties").at("policy").at("default"),
            "robust");
}

TEST_F(SchemaTest, AcceptsEveryShippedScenarioAndItsDump) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(TWINBED_SOURCE_DIR "/scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string path = entry.path().string();
    EXPECT_EQ(check(read_document(path)), "") << path;
    const Result<Scenario> scenario = load_scenario(path);
    ASSERT_TRUE(scenario) << scenario.error();
    EXPECT_EQ(check(parse_document(dump_scenario(*scenario))), "") << path;
    ++count;
  }
  EXPECT_GE(count, 4);
}

/// The full scenario has every key there is, so that tests which use it leave nothing out; but a
/// network from a file, which excludes a generator.
TEST_F(SchemaTest, ListsExactlyTheKeysOfTheFullScenario) {
  Json full = read_document(kFull);
  EXPECT_EQ(check(full), "");
  full["network"] = {{"file", "zoo.graphml"}};
  EXPECT_EQ(check(full), "");
  // A section has one air alone: the keys of its other models.
  for (const char* const path_loss :
       {"{model: friis, system_loss: 1.5, min_loss: 1 dB}",
        "{model: three-log-distance, distances: [1 m, 2 m, 9 m], exponents: [1, 2, 3.5]}",
        "{model: two-ray, min_distance: 1 m, height_above_z: 2 m}",
        "{model: itu-r-1411-nlos, environment: suburban, city_size: small, rooftop: 9 m, "
        "street_width: 9 m, street_orientation: 30 deg, buildings_extend: 9 m, "
        "building_separation: 9 m}",
        "{model: range, max_range: 9 m}", "{model: fixed, loss: 9 dB}"}) {
    full["radio"] = {{"error_rate", "nist"},
                     {"path_loss", parse_document(path_loss)},
                     {"fading", {{"model", "rician"}, {"k", "3 dB"}}}};
    EXPECT_EQ(check(full), "") << path_loss;
  }
  std::set<std::pair<std::string, std::string>> listed;
  const std::function<void(const std::string&, const Json&)> list = [&](const std::string& name,
                                                                         const Json& object) {
    if (!object.contains("properties")) return;
    for (const auto& [key, property] : object.at("properties").items()) {
      listed.emplace(name, key);
      list(name, property);
    }
  };
  list("", schema_);
  for (const auto& [name, definition] : schema_.at("$defs").items()) list(name, definition);
  for (const auto& [name, key] : listed) {
    EXPECT_TRUE(validator_.seen().contains({name, key})) << name << "." << key << " is not used";
  }
  EXPECT_EQ(validator_.seen().size(), listed.size());
  EXPECT_GE(listed.size(), 70U);
}

TEST_F(SchemaTest, EveryKeyIsDocumented) {
  const auto documented = [](const Json& object, const std::string& name) {
    EXPECT_FALSE(object.at("description").get<std::string>().empty()) << name;
    for (const auto& [key, property] : object.at("properties").items()) {
      EXPECT_TRUE(property.contains("description")) << name << "." << key;
      if (!property.contains("description")) continue;
      const std::string text = property.at("description");
      EXPECT_GE(text.size(), 10U) << name << "." << key;
      EXPECT_FALSE(text.ends_with(".")) << name << "." << key;
    }
  };
  documented(schema_, "scenario");
  for (const auto& [name, definition] : schema_.at("$defs").items()) documented(definition, name);
}

TEST_F(SchemaTest, RefusesWhatTheLoaderRefuses) {
  const Json good = read_document(kFull);
  const auto refused = [&](const std::string& pointer, const Json& value) {
    Json bad = good;
    bad[Json::json_pointer(pointer)] = value;
    return check(bad);
  };
  EXPECT_EQ(refused("/version", 2), ".version");
  EXPECT_EQ(refused("/duration", "60"), ".duration");
  EXPECT_EQ(refused("/duration", 60), ".duration");
  EXPECT_EQ(refused("/network/link/dealy", "5 ms"), ".network.link.dealy");
  EXPECT_EQ(refused("/network/link/loss", 2), ".network.link.loss");
  EXPECT_EQ(refused("/network/link/bandwidth", "5 ms"), ".network.link.bandwidth");
  EXPECT_EQ(refused("/nodes/0/port", 70000), ".nodes.0.port");
  EXPECT_EQ(refused("/nodes/0/name", "my node"), ".nodes.0.name");
  EXPECT_EQ(refused("/protocol/policy", "orginal"), ".protocol.policy");
  EXPECT_EQ(refused("/faults/0/action", "kill"), ".faults.0.action");
  EXPECT_EQ(refused("/faults/0/kind", "isolate"), ".faults.0.kind");
  EXPECT_EQ(refused("/faults/2/for", "1 s"), ".faults.2.for");
  EXPECT_EQ(refused("/faults/0/select", Json::array()), ".faults.0.select");
  EXPECT_EQ(refused("/faults/5/groups", Json::array({Json::array({"node1"})})),
            ".faults.5.groups");
  EXPECT_EQ(refused("/faults/0", {{"at", "1 s"}, {"action", "link"}}), ".faults.0");
  EXPECT_EQ(refused("/checkers/0/expect/robust", "fail"), ".checkers.0.expect.robust");
  EXPECT_EQ(refused("/nodes", Json::array()), ".nodes");
}

}  // namespace
}  // namespace twinbed::scenarios
