#include "core/protocols/wfb/init_digests.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/protocols/wfb/records.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

/// A forwarder tells its digest before anything else and again after a second; both may be lost.
constexpr Duration kPatience = std::chrono::seconds(3);
/// So long a digest holds: ten that are lost in a row are none.
constexpr Duration kHolds = std::chrono::seconds(10);
constexpr std::size_t kMostStrangers = 64;

std::optional<Bytes> digest_in(Bytes datagram) {
  const std::optional<Reception> header = read_reception(datagram);
  if (!header || header->wlan != kNoWlan || datagram.size() <= Reception::kBytes + 1) return {};
  const Bytes packet = datagram.subspan(Reception::kBytes);
  if (static_cast<PacketType>(packet.front()) != PacketType::kDigest) return {};
  if (packet.size() > 1 + kMaxDigestBytes) return {};
  return packet.subspan(1);
}

}  // namespace

Buffer digest_datagram(Bytes digest) {
  TWINBED_CHECK(!digest.empty() && digest.size() <= kMaxDigestBytes, "no digest of an init script");
  Buffer datagram;
  write_reception(reception_of_nobody(), datagram);
  Writer writer(datagram);
  writer.u8(static_cast<std::uint8_t>(PacketType::kDigest));
  writer.bytes(digest);
  return datagram;
}

InitDigests::InitDigests(const std::map<IpAddress, Buffer>& expected) {
  for (const auto& [address, digest] : expected) nodes_[address].expected = digest;
}

bool InitDigests::admit(Context& context, const Datagram& datagram) {
  if (nodes_.empty()) return true;
  const IpAddress address = datagram.from.address;
  const auto found = nodes_.find(address);
  if (found == nodes_.end()) {
    ++refused_;
    if (strangers_.size() < kMostStrangers || strangers_.contains(address)) {
      change(context, address, strangers_[address], State::kUnknown);
    }
    return false;
  }
  Node& node = found->second;
  if (const std::optional<Bytes> digest = digest_in(datagram.payload)) {
    node.told = context.now;
    change(context, address, node,
           std::ranges::equal(*digest, node.expected) ? State::kPresent : State::kStale);
    return false;
  }
  if (node.state == State::kPresent) {
    if (context.now - node.told < kHolds) return true;
    change(context, address, node, State::kSilent);
  }
  ++refused_;
  node.heard_first = std::min(node.heard_first, context.now);
  if (node.state == State::kNew && context.now - node.heard_first >= kPatience) {
    change(context, address, node, State::kSilent);
  }
  return false;
}

std::uint64_t InitDigests::take_refused() { return std::exchange(refused_, 0); }

void InitDigests::change(Context& context, IpAddress address, Node& node, State state) {
  if (node.state == state) return;
  const bool was_refused = node.state != State::kNew;
  node.state = state;
  const std::string name = to_string(address);
  const std::string remedy = "nothing of it is taken; run \"twinbed wfb gen-init --node " + name +
                             "\" again, adaptive or not as this central node is, and on that "
                             "node the script that it prints";
  std::string_view word;
  std::string sentence;
  switch (state) {
    case State::kNew: return;
    case State::kPresent:
      word = "present";
      if (was_refused) {
        sentence = "node " + name + " runs the init script of this configuration now";
      }
      break;
    case State::kStale:
      word = "stale";
      sentence = "node " + name + " runs the init script of another configuration: " + remedy;
      break;
    case State::kSilent:
      word = "silent";
      sentence = "node " + name + " does not say which init script it runs: " + remedy;
      break;
    case State::kUnknown:
      word = "unknown";
      sentence = "node " + name + " is not in this configuration: nothing of it is taken; add it " +
                 "to the nodes of the cluster, or stop its script";
      break;
  }
  context.recorder.event(kInitDigestEvent, {{"node", name}, {"state", word}});
  if (!sentence.empty()) context.recorder.log(sentence);
}

}  // namespace twinbed::wfb
