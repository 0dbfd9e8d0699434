#include "scenarios/air/air_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace twinbed::scenarios {
namespace {

constexpr std::int64_t kLineEveryNs = 250'000'000;

using Row = std::vector<std::string>;

/// Columns as wide as what stands in them.
void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    std::puts(line.c_str());
  }
  std::fflush(stdout);
}

std::string position_of(const NodeSpec& node) {
  char text[64];
  const sim::Position& at = node.position;
  std::snprintf(text, sizeof text, "%g %g %g m", at.x, at.y, at.z);
  return std::string(text) + (node.mobility ? ", moves" : "");
}

double milliseconds(Duration time) { return static_cast<double>(to_ns(time)) / 1e6; }

}  // namespace

AirDisplay::AirDisplay(backends::EventLoop& loop, const backends::RealTimeAir& air,
                       const Scenario& scenario, const std::vector<AirCard>& cards)
    : air_(air), scenario_(scenario), cards_(cards), alarm_(loop) {}

void AirDisplay::show_cards() const {
  std::vector<Row> rows{{"node", "card", "channel", "position"}};
  for (const AirCard& card : cards_) {
    const NodeSpec& node = scenario_.nodes[static_cast<std::size_t>(card.address.node)];
    rows.push_back({node.name, card.attachment,
                    std::to_string(static_cast<int>(card.options.channel)) + " MHz",
                    position_of(node)});
  }
  print_table(rows);
}

void AirDisplay::start() {
  if (::isatty(STDERR_FILENO) == 0) return;
  has_line_ = true;
  show_line();
}

void AirDisplay::show_line() {
  char time[32];
  std::snprintf(time, sizeof time, "%.1f s", to_seconds(air_.run_now().time_since_epoch()));
  std::string line = time;
  for (const AirCard& card : cards_) {
    const sim::CardCounters& figures = air_.counters(card.address);
    line += "  " + card.name + " sent " + std::to_string(figures.sent) + ", received " +
            std::to_string(figures.received);
  }
  winsize size{};
  ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
  if (size.ws_col > 1) line.resize(std::min<std::size_t>(line.size(), size.ws_col - 1U));
  std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
  alarm_.set(backends::monotonic_now_ns() + kLineEveryNs, [this] { show_line(); });
}

void AirDisplay::show_end() {
  alarm_.cancel();
  if (has_line_) std::fputs("\r\x1b[K", stderr);
  std::vector<Row> rows{{"card", "sent", "received", "corrupted", "missed", "refused"}};
  for (const AirCard& card : cards_) {
    const sim::CardCounters& figures = air_.counters(card.address);
    Row row{card.name};
    for (const std::uint64_t count :
         {figures.sent, figures.received, figures.corrupted, figures.missed,
          figures.queue_full + figures.no_card + figures.bad_rate}) {
      row.push_back(std::to_string(count));
    }
    rows.push_back(std::move(row));
  }
  print_table(rows);
  const auto late = air_.lateness().summary(backends::LatenessKind::kRelease);
  if (late.count == 0) return;
  std::printf("frames were handed over at most %.2f ms late, 99 %% of them within %.2f ms\n",
              milliseconds(late.worst), milliseconds(late.p99));
}

}  // namespace twinbed::scenarios
