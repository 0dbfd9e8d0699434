// Kinds: what may stand at a place of a scenario file.
//
// A kind knows how a value is read from a document, written to one and described in the schema. The
// kinds of structs are lists of fields, and each field is stated once:
//
//     add("delay", &LinkParams::delay, duration_kind(), "propagation delay, one way");
//
// so that loader, dumper and schema cannot drift apart. Kinds are constants with static storage.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "scenarios/fields_yaml.h"
#include "scenarios/suggest.h"

namespace twinbed::scenarios {

/// Objects keep their keys in the order in which the fields were stated.
using Json = nlohmann::ordered_json;

/// Where the reading is, and the first problem it met.
class Reader {
 public:
  /// Relative file names start at the directory.
  explicit Reader(std::string directory = ".") : directory_(std::move(directory)) {}

  /// Where a file that the document names lies.
  std::string resolve(const std::string& file) const;

  /// Notes the problem unless there is one already; always false, so that a read can return it.
  bool fail(const Place& place, std::string message) {
    if (!problem_) problem_ = Problem{place, path(), std::move(message)};
    return false;
  }
  const std::optional<Problem>& problem() const { return problem_; }

  void enter(std::string part) { parts_.push_back(std::move(part)); }
  void leave() { parts_.pop_back(); }
  /// The name that messages start with: the last part of the path that is not an index.
  std::string subject() const;
  /// "faults.0.at"
  std::string path() const;

 private:
  std::string directory_;
  std::vector<std::string> parts_;
  std::optional<Problem> problem_;
};

template <class T>
class Kind {
 public:
  virtual ~Kind() = default;
  /// Reads a value; false after a problem, which the reader then holds.
  virtual bool read(Reader& reader, const YamlNode& node, T& out) const = 0;
  virtual YamlNode write(const T& value) const = 0;
  /// The schema of a value; schemas with a name go into `definitions`.
  virtual Json schema(Json& definitions) const = 0;
  /// "a duration such as '5 ms'", for messages.
  virtual std::string what() const = 0;
};

/// "loss must be a probability such as '2 %', not a list"
bool fail_type(Reader& reader, const YamlNode& node, const std::string& what);

/// A value that is one scalar. The sentence of a failed parse starts with the quoted value.
template <class T>
class LeafKind final : public Kind<T> {
 public:
  using Parse = std::function<Result<T>(const YamlNode&)>;
  using Format = std::function<YamlNode(const T&)>;

  LeafKind(std::string what, Parse parse, Format format, Json schema)
      : what_(std::move(what)),
        parse_(std::move(parse)),
        format_(std::move(format)),
        schema_(std::move(schema)) {}

  bool read(Reader& reader, const YamlNode& node, T& out) const override {
    if (node.type != NodeType::kScalar) return fail_type(reader, node, what_);
    Result<T> value = parse_(node);
    if (!value) return reader.fail(node.place, reader.subject() + " " + value.error());
    out = *std::move(value);
    return true;
  }
  YamlNode write(const T& value) const override { return format_(value); }
  Json schema(Json& /*definitions*/) const override { return schema_; }
  std::string what() const override { return what_; }

 private:
  std::string what_;
  Parse parse_;
  Format format_;
  Json schema_;
};

/// A list whose length is bounded.
template <class T>
class ListKind final : public Kind<std::vector<T>> {
 public:
  /// `noun` names the elements in the plural: "nodes".
  ListKind(std::string noun, const Kind<T>& element, std::size_t least = 0,
           std::size_t most = SIZE_MAX)
      : noun_(std::move(noun)), element_(&element), least_(least), most_(most) {}

  bool read(Reader& reader, const YamlNode& node, std::vector<T>& out) const override {
    if (node.type != NodeType::kList) return fail_type(reader, node, what());
    if (node.items.size() < least_ || node.items.size() > most_) {
      const bool too_short = node.items.size() < least_;
      const char* fault =
          node.items.empty() ? " is empty" : too_short ? " is too short" : " is too long";
      return reader.fail(node.place, "this list of " + noun_ + fault + ", write " + length());
    }
    out.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      reader.enter(std::to_string(i));
      if (!element_->read(reader, node.items[i], out.emplace_back())) return false;
      reader.leave();
    }
    return true;
  }
  YamlNode write(const std::vector<T>& value) const override {
    YamlNode node = list_node();
    for (const T& item : value) node.items.push_back(element_->write(item));
    return node;
  }
  Json schema(Json& definitions) const override {
    Json json{{"type", "array"}, {"items", element_->schema(definitions)}};
    if (least_ > 0) json["minItems"] = least_;
    if (most_ < SIZE_MAX) json["maxItems"] = most_;
    return json;
  }
  std::string what() const override { return "a list of " + noun_; }

 private:
  std::string length() const {
    const std::string number = std::to_string(least_);
    if (least_ == most_) return "exactly " + number;
    return most_ == SIZE_MAX ? "at least " + number : number + " to " + std::to_string(most_);
  }

  std::string noun_;
  const Kind<T>* element_;
  std::size_t least_;
  std::size_t most_;
};

/// A mapping whose keys are the user's, or come from a closed list.
template <class V>
class MapKind final : public Kind<std::map<std::string, V>> {
 public:
  /// `noun` names the keys in the plural: "options"; no `keys` means that all are allowed.
  MapKind(std::string noun, const Kind<V>& value, std::vector<std::string> keys = {})
      : noun_(std::move(noun)), value_(&value), keys_(std::move(keys)) {}

  bool read(Reader& reader, const YamlNode& node, std::map<std::string, V>& out) const override {
    if (node.type != NodeType::kMap) return fail_type(reader, node, what());
    out.clear();
    for (const YamlEntry& entry : node.entries) {
      if (!allowed(entry.key)) {
        return reader.fail(entry.place, "unknown key " + in_quotes(entry.key) + " in " +
                                            reader.subject() +
                                            suggestion(entry.key, keys_, "the " + noun_));
      }
      reader.enter(entry.key);
      if (!value_->read(reader, entry.value, out[entry.key])) return false;
      reader.leave();
    }
    return true;
  }
  YamlNode write(const std::map<std::string, V>& value) const override {
    YamlNode node = map_node();
    for (const auto& [key, item] : value) node.entries.push_back({key, {}, value_->write(item)});
    return node;
  }
  Json schema(Json& definitions) const override {
    Json json{{"type", "object"}};
    for (const std::string& key : keys_) json["properties"][key] = value_->schema(definitions);
    json["additionalProperties"] = keys_.empty() ? value_->schema(definitions) : Json(false);
    return json;
  }
  std::string what() const override { return "a mapping of " + noun_; }

 private:
  bool allowed(const std::string& key) const {
    if (keys_.empty()) return true;
    for (const std::string& known : keys_) {
      if (known == key) return true;
    }
    return false;
  }

  std::string noun_;
  const Kind<V>* value_;
  std::vector<std::string> keys_;
};

/// A value that need not be there; written only where it is.
template <class T>
class OptionalKind final : public Kind<std::optional<T>> {
 public:
  explicit OptionalKind(const Kind<T>& value) : value_(&value) {}

  bool read(Reader& reader, const YamlNode& node, std::optional<T>& out) const override {
    return value_->read(reader, node, out.emplace());
  }
  YamlNode write(const std::optional<T>& value) const override {
    return value ? value_->write(*value) : YamlNode{};
  }
  Json schema(Json& definitions) const override { return value_->schema(definitions); }
  std::string what() const override { return value_->what(); }

 private:
  const Kind<T>* value_;
};

/// The JSON value that a document stands for, for the defaults in the schema.
Json to_json(const YamlNode& node);

}  // namespace twinbed::scenarios
