// The kinds of single values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/io/endpoint.h"
#include "scenarios/fields_kinds.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// Any text but none.
const Kind<std::string>& text_kind();
/// A letter, then letters, digits, '-' and '_', 64 at most: safe in paths, SQL and file names.
const Kind<std::string>& name_kind();
const Kind<bool>& bool_kind();
const Kind<Duration>& duration_kind();           ///< not negative
const Kind<Duration>& positive_duration_kind();
const Kind<Duration>& signed_duration_kind();
const Kind<Time>& instant_kind();                ///< not negative
const Kind<sim::DurationRange>& range_kind();    ///< not negative
const Kind<std::uint64_t>& rate_kind();
const Kind<std::uint64_t>& size_kind();
const Kind<std::uint64_t>& file_size_kind();     ///< 1 byte to 256 MiB
const Kind<double>& probability_kind();
const Kind<double>& drift_kind();                ///< within 500,000 ppm either way
const Kind<IpAddress>& address_kind();
const Kind<double>& number_kind();               ///< finite, without a unit
const Kind<double>& coordinate_kind();           ///< in metres, within 10,000 km
const Kind<double>& power_kind();                ///< "20 dBm"
const Kind<double>& ratio_kind();                ///< "3 dB"
const Kind<double>& gain_kind();                 ///< "2 dBi"
const Kind<double>& distance_kind();             ///< "150 m"
const Kind<double>& speed_kind();                ///< "12 m/s"
const Kind<double>& angle_kind();                ///< "45 deg"
const Kind<std::uint32_t>& frequency_kind();     ///< in MHz, 1 to 65535
/// What channel_kind() reads; the error is one sentence.
Result<ChannelMhz> parse_channel(std::string_view text);
const Kind<ChannelMhz>& channel_kind();          ///< a channel's number, or its frequency
const Kind<OptionValue>& option_kind();
const Kind<Options>& options_kind();

/// A whole number within limits.
LeafKind<std::uint32_t> whole_number_kind(std::uint32_t least, std::uint32_t most);
const Kind<std::uint16_t>& port_kind();

/// Which of the words the text is; `noun` names them in the plural: "actions".
Result<std::size_t> find_word(std::string_view text, std::span<const std::string> words,
                              std::string_view noun);

/// One word of a closed list.
LeafKind<std::string> word_kind(std::string noun, std::vector<std::string> words);

/// The words of an enumeration.
template <class E>
LeafKind<E> enum_kind(std::string noun, std::vector<std::pair<std::string, E>> values) {
  std::vector<std::string> words;
  for (const auto& [word, value] : values) words.push_back(word);
  auto parse = [words, values, noun](const YamlNode& node) -> Result<E> {
    Result<std::size_t> index = find_word(node.text, words, noun);
    if (!index) return Error{index.error()};
    return values[*index].second;
  };
  auto format = [values](const E& value) {
    for (const auto& [word, known] : values) {
      if (known == value) return scalar_node(word);
    }
    return YamlNode{};
  };
  return {"one of " + join_words(words, "or"), parse, format, Json{{"enum", words}}};
}

}  // namespace twinbed::scenarios
