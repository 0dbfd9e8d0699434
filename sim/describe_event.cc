// Events of the simulation in words.
#include <algorithm>

#include "sim/simulator.h"

namespace twinbed::sim {
namespace {

std::string describe_packet(const Packet& packet) {
  std::string text = packet.transport == Transport::kUdp ? "datagram" : "segment";
  const TcpHeader& tcp = packet.tcp;
  if (tcp.syn) text += " SYN";
  if (tcp.fin) text += " FIN";
  if (tcp.rst) text += " RST";
  if (tcp.probe) text += " probe";
  text += " " + to_string(packet.from) + " -> " + to_string(packet.to) + ", " +
          std::to_string(packet.length) + " bytes";
  if (packet.transport == Transport::kTcp) {
    text += ", sequence " + std::to_string(tcp.sequence) + ", acknowledges " +
            std::to_string(tcp.acknowledged);
  }
  return text;
}

std::string describe_command(Bytes command) {
  static constexpr std::size_t kShown = 60;
  std::string text(as_text(command.first(std::min(command.size(), kShown))));
  for (char& letter : text) {
    if (letter < ' ') letter = '.';
  }
  return "'" + text + (command.size() > kShown ? "...'" : "'");
}

}  // namespace

std::string Simulator::describe(const Event& event) const {
  const std::string when = format_time(world_.now) + "  ";
  const auto node = [&] { return nodes_[event.subject]->name(); };
  switch (event.kind) {
    case EventKind::kNodeStart: return when + node() + " starts";
    case EventKind::kNodeStop: return when + node() + " stops";
    case EventKind::kNodeTimer: return when + node() + " timer " + std::to_string(event.first);
    case EventKind::kNodeStorage: return when + node() + " storage answer";
    case EventKind::kNodeCommand:
      return when + node() + " command " +
             describe_command(world_.payloads.view(PayloadId{event.first}));
    case EventKind::kPacket:
      return when + "at " + network_.topology().devices[event.subject].name + ": " +
             describe_packet(network_.packet(event.first));
    case EventKind::kTcpTimer: return when + node() + " retransmission timer";
    case EventKind::kFrameEnd:
    case EventKind::kChannelAccess: {
      const CardAddress card = radio_->address_of(event.subject);
      const std::string name = nodes_[static_cast<std::size_t>(card.node)]->name() + " card " +
                               std::to_string(static_cast<std::uint32_t>(card.interface));
      return when + name +
             (event.kind == EventKind::kFrameEnd ? ": a frame ends" : ": the back-off is over");
    }
    case EventKind::kNs3: return when + "ns-3's event " + std::to_string(event.second);
    case EventKind::kFaultBegin:
    case EventKind::kFaultEnd: {
      const FaultSpec& fault = faults_.drawn()[event.first];
      return when + "fault " + std::to_string(event.first) + " (" +
             std::string(to_string(fault.action)) + ") " +
             (event.kind == EventKind::kFaultBegin ? "begins" : "ends");
    }
  }
  return when + "unknown event";
}

}  // namespace twinbed::sim
