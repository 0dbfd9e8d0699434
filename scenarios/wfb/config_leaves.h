// The kinds of single values in WFB-NG's configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "scenarios/fields_leaves.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

/// None, or null in YAML, where there is no value; written so, too.
template <class T>
class NullableKind final : public Kind<std::optional<T>> {
 public:
  explicit NullableKind(const Kind<T>& value) : value_(&value) {}

  bool read(Reader& reader, const YamlNode& node, std::optional<T>& out) const override {
    out.reset();
    return node.type == NodeType::kNull || value_->read(reader, node, out.emplace());
  }
  YamlNode write(const std::optional<T>& value) const override {
    return value ? value_->write(*value) : YamlNode{};
  }
  Json schema(Json& definitions) const override {
    return {{"anyOf", Json::array({value_->schema(definitions), Json{{"type", "null"}}})}};
  }
  std::string what() const override { return value_->what(); }

 private:
  const Kind<T>* value_;
};

/// One value for all cards, or a mapping from the names of cards to values.
template <class T>
class PerCardKind final : public Kind<PerCard<T>> {
 public:
  explicit PerCardKind(const Kind<T>& value) : value_(&value), map_("cards", value) {}

  bool read(Reader& reader, const YamlNode& node, PerCard<T>& out) const override {
    out = {};
    if (node.type != NodeType::kMap) return value_->read(reader, node, out.all);
    if (!node.entries.empty()) return map_.read(reader, node, out.by_card);
    return reader.fail(node.place, reader.subject() + " names no card; write one value for all "
                                                      "cards, or one for each by its name");
  }
  YamlNode write(const PerCard<T>& value) const override {
    return value.by_card.empty() ? value_->write(value.all) : map_.write(value.by_card);
  }
  Json schema(Json& definitions) const override {
    return {{"anyOf", Json::array({value_->schema(definitions), map_.schema(definitions)})}};
  }
  std::string what() const override { return value_->what() + ", or one for each card"; }

 private:
  const Kind<T>* value_;
  MapKind<T> map_;
};

const Kind<std::string>& wfb_text_kind();      ///< not empty
const Kind<bool>& wfb_bool_kind();
const Kind<double>& wfb_real_kind();           ///< from 0 to 1e9
const Kind<std::uint32_t>& wfb_byte_kind();    ///< 0 to 255
const Kind<std::uint32_t>& wfb_port_kind();    ///< 1 to 65535
const Kind<std::uint32_t>& wfb_count_kind();   ///< 0 to 2^31 - 1
const Kind<std::uint32_t>& wfb_positive_kind();
const Kind<IpAddress>& wfb_address_kind();
const Kind<std::string>& wfb_card_kind();      ///< the name of a network interface
const Kind<TxPower>& wfb_power_kind();
const Kind<Peer>& wfb_peer_kind();

/// A whole number that is one of a few, or within limits.
LeafKind<std::uint32_t> wfb_whole_kind(std::uint32_t least, std::uint32_t most);
LeafKind<std::uint32_t> wfb_choice_kind(std::vector<std::uint32_t> values);

/// A text of which a parser says what is wrong with it.
template <class T, class ParseText, class FormatText>
LeafKind<T> wfb_text_leaf(std::string what, ParseText parse, FormatText format);

/// Whether the value is a text rather than a number or a truth value.
bool is_text(const YamlNode& node);
/// The text, in quotes where it would be something else without them.
YamlNode text_node(std::string text);

/// "'8' is a text, write ... without quotes", or the other way round; nothing where it fits.
std::optional<Error> check_form(const YamlNode& node, bool wants_text, const std::string& what);

template <class T, class ParseText, class FormatText>
LeafKind<T> wfb_text_leaf(std::string what, ParseText parse, FormatText format) {
  auto read = [what, parse](const YamlNode& node) -> Result<T> {
    if (auto wrong = check_form(node, true, what)) return *wrong;
    return parse(node.text);
  };
  auto write = [format](const T& value) { return text_node(format(value)); };
  return {what, read, write, Json{{"type", "string"}}};
}

}  // namespace twinbed::scenarios
