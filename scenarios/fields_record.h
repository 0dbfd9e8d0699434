// The kind of a struct: a mapping whose keys are the struct's fields.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/fields_kinds.h"

namespace twinbed::scenarios {

/// One key of a struct: the single statement from which it is read, written and documented.
template <class S>
struct RecordField {
  std::string name;
  std::string doc;  ///< one sentence without its full stop
  std::string what;
  bool required = false;
  /// Where not empty, the key belongs only where the record's deciding key has one of these values.
  std::vector<std::string> only_for;
  std::function<bool(Reader&, const YamlNode&, S&)> read;
  std::function<YamlNode(const S&)> write;
  std::function<bool(const S&)> is_default;
  std::function<Json(Json&)> schema;

  RecordField& require() {
    required = true;
    return *this;
  }
  RecordField& only(std::vector<std::string> values) {
    only_for = std::move(values);
    return *this;
  }
};

template <class S>
class RecordKind final : public Kind<S> {
 public:
  /// `name` is the word for one such struct: "link".
  RecordKind(std::string name, std::string doc) : name_(std::move(name)), doc_(std::move(doc)) {}

  /// States a field; what is said of the returned reference must be said before the next add.
  template <class T>
  RecordField<S>& add(std::string name, T S::*member, const Kind<T>& kind, std::string doc) {
    RecordField<S> field;
    field.name = std::move(name);
    field.doc = std::move(doc);
    field.what = kind.what();
    field.read = [member, &kind](Reader& reader, const YamlNode& node, S& out) {
      return kind.read(reader, node, out.*member);
    };
    field.write = [member, &kind](const S& value) { return kind.write(value.*member); };
    field.is_default = [member](const S& value) { return value.*member == S{}.*member; };
    field.schema = [&kind](Json& definitions) { return kind.schema(definitions); };
    fields_.push_back(std::move(field));
    return fields_.back();
  }

  /// States a field that is more than one member.
  RecordField<S>& add(RecordField<S> field) {
    fields_.push_back(std::move(field));
    return fields_.back();
  }

  /// States all fields of another struct, which is a member of this one, as fields of this one.
  template <class T>
  void add_all(T S::*member, const RecordKind<T>& part) {
    for (const RecordField<T>& inner : part.fields()) {
      RecordField<S> field;
      field.name = inner.name;
      field.doc = inner.doc;
      field.what = inner.what;
      field.required = inner.required;
      field.read = [member, read = inner.read](Reader& reader, const YamlNode& node, S& out) {
        return read(reader, node, out.*member);
      };
      field.write = [member, write = inner.write](const S& value) { return write(value.*member); };
      field.is_default = [member, is_default = inner.is_default](const S& value) {
        return is_default(value.*member);
      };
      field.schema = inner.schema;
      fields_.push_back(std::move(field));
    }
  }
  const std::vector<RecordField<S>>& fields() const { return fields_; }

  /// Names the key whose value decides which others belong (RecordField::only_for).
  void decide_by(std::string key) { deciding_key_ = std::move(key); }

  bool read(Reader& reader, const YamlNode& node, S& out) const override {
    if (node.type != NodeType::kMap) return fail_type(reader, node, what());
    out = S{};
    const YamlNode* decider = node.find(deciding_key_);
    const std::string decision = decider != nullptr ? decider->text : "";
    for (const YamlEntry& entry : node.entries) {
      if (!read_entry(reader, entry, decision, out)) return false;
    }
    for (const RecordField<S>& field : fields_) {
      if (field.required && belongs(field, decision) && node.find(field.name) == nullptr) {
        return reader.fail(node.place, "missing key " + in_quotes(field.name) + " in " + name_ +
                                           ", add " + field.what);
      }
    }
    return true;
  }

  YamlNode write(const S& value) const override {
    YamlNode node = map_node();
    for (const RecordField<S>& field : fields_) {
      const bool always = field.required && field.only_for.empty();
      if (!always && field.is_default(value)) continue;
      node.entries.push_back({field.name, {}, field.write(value)});
    }
    return node;
  }

  Json schema(Json& definitions) const override {
    if (!definitions.contains(name_)) {
      definitions[name_] = Json::object();  // takes its place before what it refers to
      Json object = object_schema(definitions);
      definitions[name_] = std::move(object);
    }
    return {{"$ref", "#/$defs/" + name_}};
  }

  /// The schema of the struct itself rather than a reference to it.
  Json object_schema(Json& definitions) const {
    Json json{{"type", "object"}, {"description", doc_}};
    Json required = Json::array();
    Json conditions = Json::array();
    const YamlNode defaults = write_all(S{});
    for (const RecordField<S>& field : fields_) {
      Json& property = json["properties"][field.name] = field.schema(definitions);
      property["description"] = field.doc;
      const YamlNode* value = defaults.find(field.name);
      if (!field.required && value->type == NodeType::kScalar && !value->text.empty()) {
        property["default"] = to_json(*value);
      }
      if (field.required && field.only_for.empty()) required.push_back(field.name);
      if (!field.only_for.empty()) conditions.push_back(condition(field));
    }
    if (!required.empty()) json["required"] = required;
    json["additionalProperties"] = false;
    if (!conditions.empty()) json["allOf"] = conditions;
    return json;
  }

  std::string what() const override { return "a mapping with the keys of a " + name_; }

 private:
  static bool belongs(const RecordField<S>& field, const std::string& decision) {
    return field.only_for.empty() || std::find(field.only_for.begin(), field.only_for.end(),
                                               decision) != field.only_for.end();
  }

  bool read_entry(Reader& reader, const YamlEntry& entry, const std::string& decision,
                  S& out) const {
    for (const RecordField<S>& field : fields_) {
      if (field.name != entry.key) continue;
      if (!decision.empty() && !belongs(field, decision)) {
        return reader.fail(entry.place, "key " + in_quotes(entry.key) + " does not go with " +
                                            deciding_key_ + " " + in_quotes(decision) +
                                            ", only with " + join_words(field.only_for, "or"));
      }
      reader.enter(entry.key);
      if (!field.read(reader, entry.value, out)) return false;
      reader.leave();
      return true;
    }
    std::vector<std::string> names;
    for (const RecordField<S>& field : fields_) {
      if (belongs(field, decision)) names.push_back(field.name);
    }
    return reader.fail(entry.place, "unknown key " + in_quotes(entry.key) + " in " + name_ +
                                        suggestion(entry.key, names, "the keys"));
  }

  YamlNode write_all(const S& value) const {
    YamlNode node = map_node();
    for (const RecordField<S>& field : fields_) {
      node.entries.push_back({field.name, {}, field.write(value)});
    }
    return node;
  }

  /// "Where the deciding key has one of these values the field is required, or else forbidden."
  Json condition(const RecordField<S>& field) const {
    Json test{{"properties", {{deciding_key_, {{"enum", field.only_for}}}}}};
    Json rule{{"if", std::move(test)}};
    if (field.required) rule["then"] = {{"required", Json::array({field.name})}};
    rule["else"] = {{"properties", {{field.name, false}}}};
    return rule;
  }

  std::string name_;
  std::string doc_;
  std::string deciding_key_;
  std::vector<RecordField<S>> fields_;
};

}  // namespace twinbed::scenarios
