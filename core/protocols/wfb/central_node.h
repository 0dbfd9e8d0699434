// The central node of a WFB-NG cluster, or a ground station or drone with cards of its own, as one
// program: what wfb-server starts as many.
//
//   profile ──┬── stream "video"     aggregator of what the nodes' forwarders, or own cards, hear
//             ├── stream "mavlink"   the same, and a distributor to injectors, or to own cards
//             └── stream "tunnel"
//             antenna selection: which card transmits, for all streams of the profile
//
// Once an interval each profile looks at what the antennas of all its streams heard, selects the
// card that transmits, tells the users of telemetry how the link is, and has the streams record
// their figures.
//
// Commands and deliveries of streams without a datagram end: the stream's name, a space, the
// payload.
#pragma once

#include <memory>

#include "core/protocols/wfb/stream.h"

namespace twinbed::wfb {

struct ProfileOptions {
  std::string name;
  std::vector<StreamOptions> streams;
  std::set<WlanId> receive_only;  ///< cards that never transmit
  Duration log_interval = std::chrono::seconds(1);
};

struct CentralOptions {
  std::vector<ProfileOptions> profiles;
};

class CentralNode final : public Protocol {
 public:
  /// The names of streams differ; their options are sound.
  explicit CentralNode(CentralOptions options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  void on_storage(Context& context, const StorageResult& result) override;
  void on_command(Context& context, Bytes command) override;

  /// Null where there is none of this name.
  const Stream* stream(std::string_view name) const;

  // For a host that opens sockets itself. Streams are counted from 0, over all profiles.
  /// At which the user of a stream is heard and spoken to.
  static constexpr SocketId user_socket(std::size_t stream) {
    return SocketId{first_part(stream) << Part::kBits};
  }
  /// What a stream's transmitter knows as its socket `own`.
  static constexpr SocketId transmitter_socket(std::size_t stream, SocketId own) {
    return SocketId{(first_part(stream) + Stream::kTransmitterPart) << Part::kBits |
                    static_cast<std::uint32_t>(own)};
  }

 private:
  struct Profile {
    ProfileOptions options;
    AntennaSelection selection;
    std::vector<Stream*> streams;
  };

  static constexpr std::uint32_t first_part(std::size_t stream) {
    return static_cast<std::uint32_t>(1 + Stream::kParts * stream);
  }
  /// The stream that has the number of this part.
  Stream& owner_of(std::uint32_t part) { return *streams_[(part - 1) / Stream::kParts]; }
  void end_interval(Context& context, Profile& profile);

  std::vector<Profile> profiles_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<const AntennaTable*> tables_;
};

}  // namespace twinbed::wfb
