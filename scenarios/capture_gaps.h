// Losses of a radio link from a capture: which numbers of its sender's frames are missing between
// those that were heard. Each that is missing was lost at an interpolated time.
//
//   of frames        number                                     begins anew
//   WFB-NG, data     the nonce, in the clear: block << 8 |      at 0, with each session that is
//                    fragment, of the fragments 0 to n - 1      announced
//   others, with     802.11's sequence number of 12 bits, of    no frame tells
//   a number         the sender, or of its QoS data to one
//                    receiver in one class of traffic
//
// WFB-NG sends every fragment of a block, fillers of one that is closed early, too, so that each
// one below n that is missing was lost; those from n on do not exist. n is sealed in the session
// packet: here it is told by the fragments that are heard. What follows the last fragment that is
// heard of a session is not known and counts for nothing; what the sender's own host dropped is
// missing as if it were lost. WFB-NG's sequence numbers are not asked: drivers put their own
// there, and all streams of a card share these.
//
// A number that comes again counts once, such as of a retry or a second card, and one that comes
// late fills its gap. Numbers that jump further than the air carries frames meanwhile, or back,
// begin anew; between two sequence numbers at most 4095 frames are missing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/protocols/wfb/packet.h"
#include "core/wire/ieee80211.h"

namespace twinbed::scenarios {

class CaptureGaps {
 public:
  /// How many windows a capture may last, and how many numberings its frames may have.
  static constexpr std::int64_t kMostWindows = 1'000'000;
  static constexpr std::size_t kMostNumberings = 256;

  /// From this time on so large a part of the frames is lost.
  struct Step {
    Time at{};
    double loss = 0;
  };

  /// Losses are those of windows of this length.
  explicit CaptureGaps(Duration window) : window_(window) {}

  /// A frame that was heard at this time since the capture's begin, not before the last one; its
  /// header is that at its beginning. Frames without a number count for nothing. An error says, as
  /// the end of a sentence on the frame, why there can be no losses.
  std::optional<Error> add(Time at, Bytes frame, const MacHeader& header);

  /// One step for each change, in parts of a million; empty: no frame had a number.
  std::vector<Step> finish();

 private:
  /// Who counts: the transmitter and, of its QoS data, receiver and class of traffic.
  using Key = std::array<std::byte, 13>;
  struct Heard {
    std::uint64_t number = 0;
    Time at{};
  };
  struct Numbering {
    std::vector<Heard> heard;  ///< since the numbers began anew
    std::uint64_t highest = 0;
    Time last{};  ///< when the last one was heard
    // Of WFB-NG.
    bool has_fragments = false;
    std::uint64_t fragments = 1;      ///< of a block, as far as they were heard
    Buffer session;                   ///< as it was announced last
    std::set<Buffer> sessions;        ///< all that were
    bool is_announced = true;         ///< the numbers did not begin anew since then
    std::optional<Time> began_after;  ///< the last frame before it, where it began at 0 here
  };
  struct Window {
    std::uint64_t heard = 0;
    std::uint64_t lost = 0;
  };

  Numbering* find(const Key& key);
  void add_session(Numbering& numbering, Time at, Bytes packet);
  static bool is_jump(const Numbering& numbering, Time at, wfb::FragmentId to);
  void add_fragment(Numbering& numbering, Time at, wfb::FragmentId id);
  void add_sequence(Numbering& numbering, Time at, std::uint16_t sequence);
  void begin_anew(Numbering& numbering, std::optional<Time> after);
  static void number_without_holes(std::vector<Heard>& heard);
  void finish(Numbering& numbering);
  void spread(std::uint64_t lost, Time from, Time to);
  Window& window_at(Time at);

  Duration window_;
  std::map<Key, Numbering> numberings_;
  std::vector<Window> windows_;
};

}  // namespace twinbed::scenarios
