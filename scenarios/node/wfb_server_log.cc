#include "scenarios/node/wfb_server_log.h"

#include <cctype>
#include <cstdio>

#include "core/io/endpoint.h"
#include "core/protocols/wfb/records.h"
#include "scenarios/node/wfb_host.h"

namespace twinbed::scenarios {
namespace {

constexpr std::int64_t kSaidOnceMs = 10'000;

/// Of a receiver that has lost something, to be told on standard error as the original's tells it.
void print_losses(std::span<const Field> fields) {
  const auto* service = wfb_field<std::string_view>(fields, "stream");
  if (service == nullptr) return;
  const std::string name(*service);
  for (const auto& [metric, words] : {std::pair{&wfb::kRxOverrides, "block overrides"},
                                      std::pair{&wfb::kRxLost, "packets lost"}}) {
    const auto* count = wfb_field<double>(fields, metric->name);
    if (count == nullptr || *count <= 0) continue;
    std::fprintf(stderr, "%s: %.0f %s\n", name.c_str(), *count, words);
  }
}

}  // namespace

void WfbServerLog::line(std::string_view text) {
  const std::size_t tab = text.find('\t');
  const std::string_view rest = tab == text.npos ? text : text.substr(tab + 1);
  const std::string service(text.substr(0, tab == text.npos ? 0 : tab));
  const bool is_statistics = !rest.empty() && std::isdigit(static_cast<unsigned char>(rest[0]));
  if (!is_statistics) return say(std::string(rest));
  const bool is_session = rest.find("\tSESSION\t") != rest.npos;
  if (is_session || prints_statistics_) print_wfb_line(service + "\t" + std::string(rest));
}

void WfbServerLog::say(const std::string& sentence) {
  const std::int64_t now_ms = wfb_time_ms();
  std::erase_if(said_ms_, [&](const auto& said) { return now_ms - said.second >= kSaidOnceMs; });
  if (said_ms_.emplace(sentence, now_ms).second) print_wfb_line(sentence);
}

void WfbServerLog::event(Time, NodeId, const EventType& type, std::span<const Field> fields) {
  if (type.name == wfb::kStreamEvent.name) return print_losses(fields);
  if (type.name == wfb::kSelectedEvent.name) {
    const std::string profile(*wfb_field<std::string_view>(fields, "profile"));
    const auto wlan = static_cast<std::uint64_t>(*wfb_field<std::int64_t>(fields, "wlan"));
    on_selected_(profile, wlan);
    const IpAddress node{static_cast<std::uint32_t>(wlan >> 24)};
    return print_wfb_line(profile + " sends through card " + std::to_string(wlan & 0xffffff) +
                          (node.is_any() ? "" : " of node " + to_string(node)));
  }
  const std::string remark = wfb_remark(type, fields);
  if (remark.empty()) return;
  const auto* service = wfb_field<std::string_view>(fields, "stream");
  say(service == nullptr ? remark : std::string(*service) + " " + remark);
}

}  // namespace twinbed::scenarios
