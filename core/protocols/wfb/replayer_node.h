// Somebody near a WFB-NG link who has none of its keys: records the frames of its channel as his
// cards hear them, and sends the same bytes again later, as often as he likes.
//
//   waits ─ record_at ─► records ─ for record_for ─► waits ─ replay_at ─► sends, replay_count times
//
// Frames go out on the card that heard them, 802.11 headers included, at the distances in time at
// which they came; one pass takes as long as the recording did. What comes while he sends is not
// recorded, his own frames included.
#pragma once

#include <vector>

#include "core/io/protocol.h"
#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

struct ReplayerOptions {
  ChannelId channel;
  TxParams rate;            ///< of all that is sent, whatever it was heard at
  Duration record_at{};     ///< from the start of the run
  Duration record_for{};    ///< positive
  Duration replay_at{};     ///< from the start of the run, not before the recording ends
  std::int64_t replay_count = 1;
};

class ReplayerNode final : public Protocol {
 public:
  /// What comes when so much is recorded is left out.
  static constexpr std::size_t kMostBytes = 16u << 20;

  explicit ReplayerNode(const ReplayerOptions& options) : options_(options) {}

  /// A replayer that starts again has lost its recording.
  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;

 private:
  struct Recorded {
    Duration at{};  ///< from the beginning of the recording
    InterfaceId interface{};
    std::size_t begin = 0;  ///< of its bytes
    std::size_t size = 0;
  };

  Time record_end() const { return Time{options_.record_at + options_.record_for}; }
  void end_recording(Context& context);
  void send_due(Context& context);
  /// When the next frame is to be sent.
  Time next_at() const;

  ReplayerOptions options_;
  std::vector<Recorded> frames_;
  Buffer bytes_;  ///< of all frames
  std::int64_t left_out_ = 0;
  std::int64_t pass_ = 0;
  std::size_t next_ = 0;  ///< frame of the pass
};

}  // namespace twinbed::wfb
