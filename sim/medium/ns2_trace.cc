#include "sim/medium/ns2_trace.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "core/base/source_text.h"

namespace twinbed::sim {
namespace {

struct Token {
  std::string_view text;
  std::size_t offset = 0;
};

/// A line in its words; a quotation mark parts words as a space does.
std::vector<Token> words_of(std::string_view line, std::size_t offset) {
  constexpr std::string_view kGaps = " \t\r\";";
  std::vector<Token> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(kGaps, at)) != std::string_view::npos) {
    const std::size_t end = std::min(line.find_first_of(kGaps, at), line.size());
    words.push_back({line.substr(at, end - at), offset + at});
    at = end;
  }
  return words;
}

struct Command {
  Time at{};
  bool is_setdest = false;
  char axis = 0;  // of set: X, Y or Z
  double x = 0;   // of set: the value
  double y = 0;
  double speed_mps = 0;
};

struct NodeTrace {
  Position start;
  std::vector<Command> commands;
};

/// Axis of "X_", "Y_" and "Z_".
double& coordinate(Position& position, char axis) {
  return axis == 'X' ? position.x : axis == 'Y' ? position.y : position.z;
}

class Parser {
 public:
  Parser(std::string_view name, std::string_view text) : source_{name, text} {}

  std::optional<Error> parse() {
    std::size_t begin = 0;
    while (begin < source_.text.size() && !error_) {
      const std::size_t end = std::min(source_.text.find('\n', begin), source_.text.size());
      parse_line(source_.text.substr(begin, end - begin), begin);
      begin = end + 1;
    }
    return error_;
  }

  std::map<int, NodeTrace>& nodes() { return nodes_; }

 private:
  static constexpr double kFarthestM = 1e7;
  static constexpr double kLatestS = 1e9;
  static constexpr double kSlowestMps = 0.01;
  static constexpr double kFastestMps = 1e6;

  void parse_line(std::string_view line, std::size_t offset) {
    words_ = words_of(line, offset);
    next_ = 0;
    end_ = offset + line.size();
    if (words_.empty() || words_[0].text.starts_with('#')) return;
    const bool names_god = std::ranges::any_of(
        words_, [](const Token& word) { return word.text == "$god_"; });
    if (names_god) return;
    Command command;
    const bool is_scheduled = words_[0].text == "$ns_";
    if (is_scheduled) {
      ++next_;
      expect("at", "'at' and a time");
      command.at = Time{Duration{std::llround(number("a time in s", 0, kLatestS) * 1e9)}};
    }
    const int node = node_number();
    parse_verb(command, is_scheduled);
    if (!error_ && next_ < words_.size()) fail("the end of the line");
    if (error_) return;
    NodeTrace& trace = nodes_[node];
    if (is_scheduled) {
      trace.commands.push_back(command);
    } else {
      coordinate(trace.start, command.axis) = command.x;
    }
  }

  void parse_verb(Command& command, bool is_scheduled) {
    if (error_) return;
    command.is_setdest = is_scheduled && peek() == "setdest";
    if (command.is_setdest) {
      ++next_;
      command.x = number("x in m", -kFarthestM, kFarthestM);
      command.y = number("y in m", -kFarthestM, kFarthestM);
      command.speed_mps = number("a speed in m/s", 0, kFastestMps);
      if (!error_ && command.speed_mps > 0 && command.speed_mps < kSlowestMps) {
        --next_;
        fail("a speed of 0 or of at least 0.01 m/s");
      }
      return;
    }
    expect("set", is_scheduled ? "'setdest X Y SPEED' or 'set X_ VALUE'"
                               : "'set X_ VALUE'; movements stand in $ns_ at TIME \"...\"");
    const std::string_view axis = peek();
    if (axis != "X_" && axis != "Y_" && axis != "Z_") return fail("X_, Y_ or Z_");
    command.axis = axis[0];
    ++next_;
    command.x = number("a coordinate in m", -kFarthestM, kFarthestM);
  }

  /// N of $node_(N).
  int node_number() {
    constexpr std::string_view kBegin = "$node_(";
    constexpr int kMostNodes = 1'000'000;
    const std::string_view word = peek();
    int node = -1;
    if (word.starts_with(kBegin) && word.ends_with(')')) {
      const char* const last = word.data() + word.size() - 1;
      const auto [end, status] = std::from_chars(word.data() + kBegin.size(), last, node);
      if (status != std::errc{} || end != last) node = -1;
    }
    if (node < 0 || node >= kMostNodes) {
      fail(next_ == 0 ? "'$node_(NUMBER) set ...', '$ns_ at TIME \"...\"' or a comment (#)"
                      : "$node_(NUMBER) with a number below 1,000,000");
    }
    ++next_;
    return node;
  }

  double number(const std::string& what, double low, double high) {
    const std::string_view word = peek();
    double value = 0;
    const auto [end, status] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool is_number = status == std::errc{} && end == word.data() + word.size();
    if (!is_number || !(value >= low && value <= high)) {
      fail(what + " from " + std::to_string(static_cast<std::int64_t>(low)) + " to " +
           std::to_string(static_cast<std::int64_t>(high)));
    }
    ++next_;
    return value;
  }

  void expect(std::string_view word, const std::string& what) {
    if (peek() != word) fail(what);
    ++next_;
  }

  /// The next word, empty at the end of the line.
  std::string_view peek() const {
    return next_ < words_.size() ? words_[next_].text : std::string_view{};
  }

  /// Keeps the first error: what is expected, and what there is instead.
  void fail(const std::string& what) {
    if (error_) return;
    constexpr std::size_t kQuoted = 40;
    const bool is_end = next_ >= words_.size();
    const std::string found =
        is_end ? "the end of the line"
               : "'" + std::string(peek().substr(0, kQuoted)) +
                     (peek().size() > kQuoted ? "...'" : "'");
    error_ = source_.error_at(is_end ? end_ : words_[next_].offset,
                              "expected " + what + ", not " + found);
  }

  SourceText source_;
  std::map<int, NodeTrace> nodes_;
  std::optional<Error> error_;
  std::vector<Token> words_;  // of this line
  std::size_t next_ = 0;      // word
  std::size_t end_ = 0;       // offset of the line's end
};

/// The points of a node's way; the last one may be an arrival that is still to come.
class Way {
 public:
  explicit Way(const Position& start) : points_{{Time{}, start}} {}

  void apply(const Command& command) {
    stop_at(command.at);
    Position position = points_.back().position;
    if (!command.is_setdest) {
      coordinate(position, command.axis) = command.x;
      points_.push_back({command.at, position});
      return;
    }
    const Position destination{command.x, command.y, position.z};
    const double way_m = distance_m(position, destination);
    if (command.speed_mps <= 0 || way_m <= 0) return;
    const Duration time{std::max<std::int64_t>(1, std::llround(way_m / command.speed_mps * 1e9))};
    points_.push_back({command.at + time, destination});
  }

  std::vector<Waypoint> points() && { return std::move(points_); }

 private:
  /// Makes the last point that of a time which is not before that of the last command.
  void stop_at(Time now) {
    Waypoint here = points_.back();
    if (here.at > now) {
      points_.pop_back();
      here.position = position_between(points_.back(), here, now);
    }
    here.at = now;
    if (points_.back() != here) points_.push_back(here);
  }

  std::vector<Waypoint> points_;
};

}  // namespace

Result<std::map<int, std::vector<Waypoint>>> parse_ns2_trace(std::string_view name,
                                                             std::string_view text) {
  Parser parser(name, text);
  if (std::optional<Error> error = parser.parse()) return *std::move(error);
  std::map<int, std::vector<Waypoint>> ways;
  for (auto& [node, trace] : parser.nodes()) {
    std::ranges::stable_sort(trace.commands, {}, &Command::at);
    Way way(trace.start);
    for (const Command& command : trace.commands) way.apply(command);
    ways.emplace(node, std::move(way).points());
  }
  return ways;
}

}  // namespace twinbed::sim
