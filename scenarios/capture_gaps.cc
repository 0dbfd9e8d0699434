#include "scenarios/capture_gaps.h"

#include <algorithm>
#include <cmath>

#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

/// The shortest time that a frame takes on the air with the pause before it.
constexpr Duration kShortestFrame = std::chrono::microseconds(50);
/// So many frames may be missing at once, as captures have times that are a little off.
constexpr std::uint64_t kSlack = 256;
/// What comes later than this is not late: the numbers have begun anew.
constexpr std::uint64_t kLateBlocks = 8;
constexpr std::uint64_t kLateFrames = 64;

constexpr std::uint64_t kSequences = 4096;
/// Where sequence numbers begin here, so that there is room for late ones.
constexpr std::uint64_t kFirstSequence = kSequences;

/// Whether so many frames can have been sent in this time.
bool is_credible(std::uint64_t frames, Duration time) {
  return frames <= kSlack + static_cast<std::uint64_t>(std::max(time, Duration{}) / kShortestFrame);
}

/// WFB-NG's addresses 2 and 3 are equal, of a form that no card has.
bool is_wfb(const MacHeader& header) {
  return header.transmitter[0] == std::byte{0x57} && header.transmitter[1] == std::byte{0x42} &&
         header.third == header.transmitter;
}

struct SequenceOwner {
  MacAddress receiver{};
  std::byte traffic{16};  ///< the class of QoS data, 0 to 15; 16: one counter for all else
};

/// By which of its sender's counters the frame is numbered (IEEE 802.11-2020, section 10.3.2.14);
/// nothing where it bears no number.
std::optional<SequenceOwner> owner_of(const MacHeader& header, Bytes frame) {
  const unsigned type = header.frame_control >> 2 & 3, subtype = header.frame_control >> 4 & 15;
  constexpr unsigned kManagement = 0, kData = 2, kNull = 4, kQos = 8;
  if (type == kManagement) return SequenceOwner{};
  if (type != kData) return std::nullopt;
  if ((subtype & kQos) == 0) return SequenceOwner{};
  if ((subtype & kNull) != 0) return std::nullopt;  // its number means nothing
  const bool is_group = (std::to_integer<unsigned>(header.receiver[0]) & 1) != 0;
  if (is_group) return SequenceOwner{};
  const bool has_fourth_address = (header.frame_control & 0x0300) == 0x0300;
  const std::size_t control = MacHeader::kBytes + (has_fourth_address ? 6 : 0);
  if (frame.size() <= control) return std::nullopt;
  return SequenceOwner{header.receiver, frame[control] & std::byte{15}};
}

/// The nonce.
std::uint64_t number_of(wfb::FragmentId id) { return id.block << 8 | id.fragment; }

/// How many fragments a block has: some may be forged, or of another sender's blocks.
std::uint64_t fragments_of(const std::vector<std::uint64_t>& counts) {
  const std::uint64_t most = std::ranges::max(counts);
  std::size_t last = counts.size() - 1;
  while (counts[last] * 20 < most) --last;
  return last + 1;
}

}  // namespace

std::optional<Error> CaptureGaps::add(Time at, Bytes frame, const MacHeader& header) {
  if ((at - Time{}) / window_ >= kMostWindows) {
    return Error{"it is more than " + std::to_string(kMostWindows) + " steps later than the first "
                 "one; take a longer 'average' than " + format_duration(window_)};
  }
  std::optional<SequenceOwner> owner;
  if (!is_wfb(header)) {
    owner = owner_of(header, frame);
    if (!owner) return std::nullopt;
  }
  Key key{};
  auto end = std::ranges::copy(header.transmitter, key.begin()).out;
  if (owner) {
    end = std::ranges::copy(owner->receiver, end).out;
    *end = owner->traffic;
  }
  Numbering* const numbering = find(key);
  if (numbering == nullptr) {
    return Error{"with it frames are numbered in more than " + std::to_string(kMostNumberings) +
                 " ways, as of many senders; choose one by 'filter'"};
  }
  if (owner) {
    add_sequence(*numbering, at, header.sequence_control >> 4);
    return std::nullopt;
  }
  numbering->has_fragments = true;
  const Bytes packet = frame.subspan(MacHeader::kBytes);
  if (packet.empty()) return std::nullopt;
  if (packet[0] == static_cast<std::byte>(wfb::PacketType::kSession)) {
    add_session(*numbering, at, packet);
  } else if (packet[0] == static_cast<std::byte>(wfb::PacketType::kData) &&
             packet.size() >= wfb::kDataHeaderBytes) {
    add_fragment(*numbering, at, wfb::fragment_of(packet.subspan<1, 8>()));
  }
  return std::nullopt;
}

CaptureGaps::Numbering* CaptureGaps::find(const Key& key) {
  const auto at = numberings_.find(key);
  if (at != numberings_.end()) return &at->second;
  return numberings_.size() < kMostNumberings ? &numberings_[key] : nullptr;
}

void CaptureGaps::add_session(Numbering& numbering, Time at, Bytes packet) {
  if (std::ranges::equal(numbering.session, packet)) return;
  // The first one may have been announced before the capture, one whose numbers have been seen to
  // begin is not another, and two senders announce theirs in turn.
  const bool is_another = !numbering.session.empty() && numbering.is_announced;
  numbering.session.assign(packet.begin(), packet.end());
  numbering.is_announced = true;
  const bool is_new = numbering.sessions.insert(numbering.session).second;
  if (!is_another) return;
  const Time last = numbering.heard.empty() ? at : numbering.last;
  begin_anew(numbering, is_new ? std::optional(last) : std::nullopt);
}

bool CaptureGaps::is_jump(const Numbering& numbering, Time at, wfb::FragmentId to) {
  const wfb::FragmentId from{numbering.highest >> 8,
                             static_cast<std::uint8_t>(numbering.highest)};
  if (number_of(to) <= numbering.highest) return from.block - to.block > kLateBlocks;
  const std::uint64_t missing =
      (to.block - from.block) * numbering.fragments + to.fragment - from.fragment - 1;
  return !is_credible(missing, at - numbering.last);
}

void CaptureGaps::add_fragment(Numbering& numbering, Time at, wfb::FragmentId id) {
  if (!numbering.heard.empty() && is_jump(numbering, at, id)) {
    begin_anew(numbering, std::nullopt);
    numbering.is_announced = false;
  }
  numbering.highest = std::max(numbering.highest, number_of(id));
  numbering.fragments = std::max<std::uint64_t>(numbering.fragments, id.fragment + 1U);
  numbering.heard.push_back({number_of(id), at});
  numbering.last = at;
}

void CaptureGaps::add_sequence(Numbering& numbering, Time at, std::uint16_t sequence) {
  const std::uint64_t ahead = (sequence + kSequences - numbering.highest % kSequences) % kSequences;
  std::uint64_t number = numbering.highest + ahead;
  if (numbering.heard.empty()) {
    number = kFirstSequence + sequence;
  } else if (ahead >= kSequences - kLateFrames) {
    number -= kSequences;
  } else if (ahead > 0 && !is_credible(ahead - 1, at - numbering.last)) {
    begin_anew(numbering, std::nullopt);
    number = kFirstSequence + sequence;
  }
  numbering.highest = std::max(numbering.highest, number);
  numbering.heard.push_back({number, at});
  numbering.last = at;
}

void CaptureGaps::begin_anew(Numbering& numbering, std::optional<Time> after) {
  finish(numbering);
  numbering.heard.clear();
  numbering.highest = 0;
  numbering.fragments = 1;
  numbering.began_after = after;
}

void CaptureGaps::number_without_holes(std::vector<Heard>& heard) {
  std::vector<std::uint64_t> counts(256);
  for (const Heard& frame : heard) ++counts[frame.number & 255];
  const std::uint64_t fragments = fragments_of(counts);
  std::erase_if(heard, [&](const Heard& frame) { return (frame.number & 255) >= fragments; });
  for (Heard& frame : heard) {
    frame.number = (frame.number >> 8) * fragments + (frame.number & 255);
  }
}

void CaptureGaps::finish(Numbering& numbering) {
  std::vector<Heard>& heard = numbering.heard;
  if (heard.empty()) return;
  if (numbering.has_fragments) number_without_holes(heard);
  const auto number_and_time = [](const Heard& frame) { return std::pair(frame.number, frame.at); };
  std::ranges::sort(heard, {}, number_and_time);
  const std::optional<Time> after = numbering.began_after;
  if (after && is_credible(heard[0].number, heard[0].at - *after)) {
    spread(heard[0].number, *after, heard[0].at);
  }
  for (std::size_t i = 0; i < heard.size(); ++i) {
    if (i > 0 && heard[i].number == heard[i - 1].number) continue;
    ++window_at(heard[i].at).heard;
    if (i == 0) continue;
    const auto [from, to] = std::minmax(heard[i - 1].at, heard[i].at);
    spread(heard[i].number - heard[i - 1].number - 1, from, to);
  }
}

/// The nth of so many frames was lost after n of `lost` + 1 equal parts of the time between.
void CaptureGaps::spread(std::uint64_t lost, Time from, Time to) {
  if (lost == 0) return;
  const auto parts = static_cast<double>(lost) + 1;
  const auto before = [&](Time at) {
    if (at >= to) return lost;
    const double passed = std::ceil(static_cast<double>((at - from).count()) /
                                    static_cast<double>((to - from).count()) * parts);
    return std::min(lost, static_cast<std::uint64_t>(std::max(passed - 1, 0.0)));
  };
  std::uint64_t counted = 0;
  for (Time at = from; counted < lost;) {
    Window& window = window_at(at);
    at = Time{((at - Time{}) / window_ + 1) * window_};
    const std::uint64_t until = before(at);
    window.lost += until - counted;
    counted = until;
  }
}

CaptureGaps::Window& CaptureGaps::window_at(Time at) {
  const auto index = static_cast<std::size_t>((at - Time{}) / window_);
  if (index >= windows_.size()) windows_.resize(index + 1);
  return windows_[index];
}

std::vector<CaptureGaps::Step> CaptureGaps::finish() {
  for (auto& [key, numbering] : numberings_) finish(numbering);
  numberings_.clear();
  std::vector<Step> steps;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const Window& window = windows_[i];
    if (window.heard + window.lost == 0) continue;
    const double loss = std::round(1e6 * static_cast<double>(window.lost) /
                                   static_cast<double>(window.lost + window.heard)) / 1e6;
    if (!steps.empty() && steps.back().loss == loss) continue;
    steps.push_back({Time{window_ * static_cast<std::int64_t>(i)}, loss});
  }
  return steps;
}

}  // namespace twinbed::scenarios
