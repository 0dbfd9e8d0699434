#include "core/protocols/wfb/injector_node.h"

#include "core/protocols/wfb/packet.h"
#include "core/wire/radiotap.h"
#include "core/wire/reader.h"

namespace twinbed::wfb {
namespace {

constexpr std::size_t kMarkBytes = 4;
constexpr std::size_t kLeastRadiotap = 13;
constexpr std::size_t kMostRadiotap = 22;

}  // namespace

void InjectorNode::on_start(Context& context) {
  for (std::size_t i = 0; i < options_.interfaces.size(); ++i) {
    const auto port = static_cast<std::uint16_t>(options_.first_port + i);
    context.datagrams.bind(SocketId{static_cast<std::uint32_t>(i)}, {kAnyAddress, port});
  }
}

void InjectorNode::on_datagram(Context& context, const Datagram& datagram) {
  const std::size_t bytes = datagram.payload.size();
  const bool has_right_size = bytes >= kMarkBytes + kLeastRadiotap + MacHeader::kBytes &&
                              bytes <= kMarkBytes + kMostRadiotap + kMaxFrameBytes;
  const Bytes packet = has_right_size ? datagram.payload.subspan(kMarkBytes) : Bytes{};
  std::optional<RadiotapTx> header = read_radiotap_tx(packet);
  if (!header || packet.size() - header->header_bytes < MacHeader::kBytes) {
    ++refused_;
    return;
  }
  header->params.mark = Reader(datagram.payload).u32be();
  context.radio.transmit(options_.interfaces[static_cast<std::uint32_t>(datagram.socket)],
                         packet.subspan(header->header_bytes), header->params);
}

}  // namespace twinbed::wfb
