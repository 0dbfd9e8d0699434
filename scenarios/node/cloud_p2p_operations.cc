#include "scenarios/node/cloud_p2p_operations.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "backends/http/prometheus.h"

namespace twinbed::scenarios {
namespace {

constexpr std::int64_t kPollNs = 1'000'000'000;
/// A server that was killed and is back may be refused while the others still wait for the former
/// one to fall silent; that takes 1.5 s at the most.
constexpr int kFatalPolls = 4;

std::string leader_text(const imagestore::Status& status) {
  return "node " + std::to_string(status.leader) + " leads in term " +
         std::to_string(status.term);
}

/// Why the server is not ready.
std::string trouble(const imagestore::Status& status) {
  if (!status.failure.empty()) return status.failure;
  if (status.leader != raft::kNobody) {
    return leader_text(status) + ", and this server has " +
           std::to_string(status.commit - status.applied) + " commands to catch up";
  }
  std::string text = "no leader: this server hears no majority of the servers";
  for (const auto& [peer, why] : status.refused_by) {
    if (why == secure::Refusal::kNone) continue;
    text += "; node " + std::to_string(peer) + " refuses it: " + std::string(to_string(why));
    if (why == secure::Refusal::kNotAuthentic) text += " (is ENCRYPTION_KEY the same there?)";
  }
  return text;
}

backends::ImageRow row_of(const nlohmann::json& json) {
  backends::ImageRow row;
  row.request_id = json.at("id");
  row.hash = json.at("hash");
  row.bytes = json.at("bytes");
  row.extension = json.at("extension");
  row.user = json.at("user");
  row.client = json.at("client");
  row.unix_seconds = json.at("unix_seconds");
  for (const std::uint32_t holder : json.at("holders")) {
    row.holders += (row.holders.empty() ? "" : " ") + std::to_string(holder);
  }
  row.term = json.at("term");
  row.file = json.at("file");
  return row;
}

void add_peers(backends::PrometheusText& text, const imagestore::Status& status, Time now) {
  using backends::MetricKind;
  text.metric("cloud_p2p_peer_silence_seconds", MetricKind::kGauge,
              "Since the server was last heard; absent if it never was.");
  for (const auto& [peer, heard] : status.last_heard) {
    if (heard) text.sample(to_seconds(now - *heard), {{"peer", std::to_string(peer)}});
  }
  text.metric("cloud_p2p_refused_connections_total", MetricKind::kCounter,
              "Connections refused or broken, by reason.");
  for (const auto& [reason, count] : status.refusals) {
    text.sample(static_cast<double>(count), {{"reason", to_string(reason)}});
  }
}

}  // namespace

CloudP2pOperations::CloudP2pOperations(backends::EventLoop& loop, ObservedServer observed,
                                       Service& service,
                                       std::function<void(const std::string&)> on_fatal)
    : loop_(loop),
      observed_(std::move(observed)),
      service_(service),
      on_fatal_(std::move(on_fatal)),
      alarm_(loop) {}

Result<std::monostate> CloudP2pOperations::open_table(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), code);
  auto table = backends::ImageTable::open(path);
  if (!table) return Error{table.error()};
  table_ = *std::move(table);
  return std::monostate{};
}

Result<std::monostate> CloudP2pOperations::listen(const Endpoint& local) {
  http_ = std::make_unique<backends::OpsServer>(
      loop_, local,
      backends::OpsHandlers{[this] { return healthz(); }, [this] { return readyz(); },
                            [this] { return metrics(); }});
  return http_->start();
}

void CloudP2pOperations::start() { poll(); }

void CloudP2pOperations::poll() {
  if (const imagestore::Node* node = observed_.node()) {
    const imagestore::Status status = node->status();
    was_ready_ = was_ready_ || status.is_ready();
    const std::string line = status.is_ready() ? leader_text(status) : trouble(status);
    if (std::exchange(shown_, line) != line) service_.status(line);
    std::string refusal;
    for (const auto& [peer, why] : status.refused_by) {
      const std::string name = "node " + std::to_string(peer);
      if (why == secure::Refusal::kDuplicateId) {
        refusal = name + " knows another server with this id; give each server a NODE_ID of its "
                  "own, and end the other one";
      } else if (why == secure::Refusal::kConfigDiffers) {
        refusal = name + " has another configuration; peers and replication must be the same at "
                  "all servers";
      }
    }
    refused_polls_ = refusal.empty() || was_ready_ ? 0 : refused_polls_ + 1;
    if (refused_polls_ == kFatalPolls) on_fatal_(refusal);
  }
  alarm_.set(backends::monotonic_now_ns() + kPollNs, [this] { poll(); });
}

void CloudP2pOperations::on_image(Bytes json) {
  if (!table_) return;
  if (images_.empty()) loop_.post([this] { write_images(); });
  images_.push_back(row_of(nlohmann::json::parse(as_text(json))));
}

/// All images of one turn of the loop at once.
void CloudP2pOperations::write_images() {
  const backends::Status done = table_->put(std::exchange(images_, {}));
  // The table follows the catalogue; without it the server still keeps its promises.
  if (!done) std::fprintf(stderr, "twinbed-node: %s\n", done.error().c_str());
}

backends::Health CloudP2pOperations::healthz() const {
  const imagestore::Node* node = observed_.node();
  if (node == nullptr) return {false, "the server is not running"};
  const std::string failure = node->status().failure;
  return {failure.empty(), failure.empty() ? "ok" : failure};
}

backends::Health CloudP2pOperations::readyz() const {
  const imagestore::Node* node = observed_.node();
  if (node == nullptr) return {false, "the server is not running"};
  const imagestore::Status status = node->status();
  return {status.is_ready(), status.is_ready() ? leader_text(status) : trouble(status)};
}

std::string CloudP2pOperations::metrics() const {
  using backends::MetricKind;
  const imagestore::Node* node = observed_.node();
  if (node == nullptr) return {};
  const imagestore::Status status = node->status();
  backends::PrometheusText text;
  const auto add = [&](std::string_view name, std::string_view help, auto value) {
    text.metric(name, MetricKind::kGauge, help);
    text.sample(static_cast<double>(value));
  };
  add("cloud_p2p_is_leader", "1 while this server leads.", status.role == raft::Role::kLeader);
  add("cloud_p2p_leader", "The id of the server that leads; 0: nobody.", status.leader);
  add("cloud_p2p_term", "The present term.", status.term);
  add("cloud_p2p_commit_index", "The last command known to be committed.", status.commit);
  add("cloud_p2p_applied_index", "The last command executed.", status.applied);
  add("cloud_p2p_images", "Images that the cluster has promised to keep.", status.images);
  add("cloud_p2p_image_bytes", "Their bytes together.", status.stored_bytes);
  add("cloud_p2p_files_held", "Image files on this server.", status.held);
  add("cloud_p2p_files_missing", "Image files that should be here and are not.", status.missing);
  add("cloud_p2p_uploads", "Uploads under way.", status.uploads);
  std::error_code code;
  const auto space = std::filesystem::space(observed_.directory, code);
  if (!code) add("cloud_p2p_disk_free_bytes", "Free space for images.", space.available);
  add_peers(text, status, observed_.now());
  return text.text();
}

}  // namespace twinbed::scenarios
