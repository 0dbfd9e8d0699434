#include "scenarios/key_watch.h"

#include <algorithm>

#include "core/crypto/box.h"
#include "core/io/key_events.h"
#include "core/protocols/wfb/packet.h"
#include "scenarios/protocol_parts.h"
#include "scenarios/protocol_wfb.h"
#include "sim/checkers/keys_checker.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kKeptBytes = std::size_t{16} << 20;
constexpr std::size_t kLargestFile = std::size_t{64} << 20;
constexpr NodeId kNobody{0xffff'ffffU};

std::size_t start_of(Bytes bytes) {
  return std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]);
}

bool wants_watch(const Scenario& scenario) {
  const auto is_it = [](const CheckerSpec& spec) { return spec.name == sim::kKeysStayName; };
  return scenario.protocol.name == "wfb" &&
         std::any_of(scenario.checkers.begin(), scenario.checkers.end(), is_it);
}

/// The passwords of all links of the scenario.
std::set<std::string> passwords_of(const Scenario& scenario) {
  std::set<std::string> passwords;
  for (const NodeSpec& node : scenario.nodes) {
    const Options options = merged_options(scenario, node);
    const auto found = options.find("password");
    const auto* text = found == options.end() ? nullptr : std::get_if<std::string>(&found->second);
    passwords.insert(text == nullptr ? kWfbPassword : *text);
  }
  return passwords;
}

}  // namespace

Result<std::unique_ptr<KeyWatch>> KeyWatch::make(const Scenario& scenario, RunSink& rows) {
  if (!wants_watch(scenario)) return std::unique_ptr<KeyWatch>{};
  std::unique_ptr<KeyWatch> watch(new KeyWatch(rows));
  for (const std::string& password : passwords_of(scenario)) {
    const Result<wfb::LinkKeys> keys = wfb_keys(password);
    if (!keys) return Error{keys.error()};
    watch->keys_.push_back(keys->ground);
    watch->add_secret("the ground's secret key", keys->ground.mine.bytes());
    watch->add_secret("the drone's secret key", keys->drone.mine.bytes());
  }
  return watch;
}

void KeyWatch::sent(const sim::TappedPacket& packet) {
  now_ = packet.at;
  ++packets_;
  keep({packet.at, packet.node.value_or(kNobody), "packet", to_buffer(packet.payload)});
}

void KeyWatch::sent(Time at, sim::CardAddress card, ChannelMhz, const TxParams&, Bytes frame) {
  now_ = at;
  ++frames_;
  learn_session(frame.subspan(std::min(frame.size(), MacHeader::kBytes)));
  keep({at, card.node, "frame", to_buffer(frame)});
}

void KeyWatch::keep(Sent sent) {
  search(0, sent, "");
  recent_bytes_ += sent.bytes.size();
  recent_.push_back(std::move(sent));
  for (; recent_bytes_ > kKeptBytes; recent_.pop_front()) {
    recent_bytes_ -= recent_.front().bytes.size();
  }
}

void KeyWatch::search(std::size_t first_secret, const Sent& where, std::string_view file) {
  const Bytes bytes = where.bytes;
  for (std::size_t at = 0; at + 2 <= bytes.size(); ++at) {
    if (!may_start_[start_of(bytes.subspan(at))]) continue;
    for (std::size_t i = first_secret; i < secrets_.size(); ++i) {
      const Secret& secret = secrets_[i];
      if (secret.bytes.size() > bytes.size() - at) continue;
      if (!std::equal(secret.bytes.begin(), secret.bytes.end(), bytes.begin() + at)) continue;
      const std::string place = std::string(where.place) + std::string(file);
      if (!told_.insert({secret.name, where.node, place}).second) continue;
      const std::array<Field, 4> fields{{{"key", std::string_view(secret.name)},
                                         {"place", where.place},
                                         {"file", file},
                                         {"sent_ns", to_ns(where.at)}}};
      rows_.event(now_, where.node, kKeyFoundEvent, fields);
    }
  }
}

bool KeyWatch::add_secret(std::string name, Bytes bytes) {
  for (const Secret& known : secrets_) {
    if (std::ranges::equal(known.bytes, bytes)) return false;
  }
  secrets_.push_back({std::move(name), to_buffer(bytes)});
  may_start_[start_of(bytes)] = true;
  for (const Sent& sent : recent_) search(secrets_.size() - 1, sent, "");
  return true;
}

void KeyWatch::learn_session(Bytes packet) {
  if (packet.size() < wfb::kMinSessionBytes) return;
  if (static_cast<wfb::PacketType>(packet.front()) != wfb::PacketType::kSession) return;
  if (!announced_.emplace(as_text(packet)).second) return;
  BoxNonce nonce;
  std::ranges::copy(packet.subspan(1, nonce.size()), nonce.begin());
  for (const wfb::KeyFile& keys : keys_) {
    Buffer plain;
    if (!open_box(keys.mine, keys.theirs, nonce, packet.subspan(1 + nonce.size()), plain)) continue;
    const std::optional<wfb::Session> session = wfb::read_session(plain);
    if (!session) continue;
    const std::string name = "the key of session " + std::to_string(sessions_ + 1);
    if (add_secret(name, session->key.bytes())) ++sessions_;
  }
}

void KeyWatch::search_file(Time end, NodeId node, const std::string& name, Bytes content) {
  now_ = end;
  ++files_;
  search(0, {end, node, "file", to_buffer(content)}, name);
}

void KeyWatch::finish(Time end) {
  const std::array<Field, 4> fields{
      {{"packets", packets_}, {"frames", frames_}, {"files", files_}, {"sessions", sessions_}}};
  rows_.event(end, kNobody, kKeysSearchedEvent, fields);
}

void KeyWatch::finish(sim::Simulator& simulator) {
  for (std::uint32_t i = 0; i < simulator.node_count(); ++i) {
    const sim::SimStorage& storage = simulator.node(NodeId{i}).storage();
    for (const std::string& name : storage.list()) {
      Buffer content;
      storage.read(name, 0, kLargestFile, content);
      search_file(simulator.now(), NodeId{i}, name, content);
    }
  }
  finish(simulator.now());
}

}  // namespace twinbed::scenarios
