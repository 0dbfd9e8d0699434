// Searches all that the nodes of a simulated run send, and what is on their disks at its end, for
// the secret keys of protocol wfb: those of both sides of each link, and that of each session.
//
//   packets ──┐                         ┌──► keys.found, once for each key and place
//   frames  ──┼──► the keys so far ─────┤
//   files   ──┘         ▲               └──► keys.searched, at the end
//                       └── sessions, from their announcements in frames
//
// The key of a session is known once the session is announced on the air; what was sent before is
// then searched again, as far as it is among the last 16 MiB. A key that is cut in two by the
// border of packets is not found. Memory is not searched: forwarders, injectors and the nodes of a
// cluster are made of options that have no room for a key, so that they only have what they hear.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/io/run_sink.h"
#include "core/protocols/wfb/keys.h"
#include "scenarios/scenario.h"
#include "sim/network/packet_tap.h"
#include "sim/radio_medium.h"
#include "sim/simulator.h"

namespace twinbed::scenarios {

class KeyWatch final : public sim::PacketTap, public sim::RadioTap {
 public:
  /// Null where no checker of the scenario wants it, or its protocol is not wfb. The sink, which
  /// gets the events, outlives it.
  static Result<std::unique_ptr<KeyWatch>> make(const Scenario& scenario, RunSink& rows);

  void sent(const sim::TappedPacket& packet) override;
  void received(const sim::TappedPacket&) override {}
  void sent(Time at, sim::CardAddress card, ChannelMhz channel, const TxParams& params,
            Bytes frame) override;
  void received(Time, NodeId, const RxFrame&) override {}

  /// Searches a file of a node's disk, as it is at the end of the run.
  void search_file(Time end, NodeId node, const std::string& name, Bytes content);
  /// Says how much was searched. Once, after all else.
  void finish(Time end);
  /// Searches the disks of all nodes and finishes. Once, after the last event.
  void finish(sim::Simulator& simulator);

 private:
  struct Secret {
    std::string name;
    Buffer bytes;
  };
  struct Sent {
    Time at{};
    NodeId node{};
    std::string_view place;
    Buffer bytes;
  };

  explicit KeyWatch(RunSink& rows) : rows_(rows) {}
  void keep(Sent sent);
  /// Tells of the secrets, from this one on, that stand in the bytes.
  void search(std::size_t first_secret, const Sent& where, std::string_view file);
  /// False where it is known already.
  bool add_secret(std::string name, Bytes bytes);
  void learn_session(Bytes packet);

  RunSink& rows_;
  Time now_{};
  std::vector<wfb::KeyFile> keys_;  ///< of one side of each link: a box opens for both
  std::vector<Secret> secrets_;
  std::set<std::string> announced_;  ///< session packets that were looked at
  std::int64_t sessions_ = 0;
  std::array<bool, 65536> may_start_{};  ///< with which two bytes a secret begins
  std::deque<Sent> recent_;
  std::size_t recent_bytes_ = 0;
  std::set<std::tuple<std::string, NodeId, std::string>> told_;
  std::int64_t packets_ = 0;
  std::int64_t frames_ = 0;
  std::int64_t files_ = 0;
};

}  // namespace twinbed::scenarios
