#include "scenarios/real_capture.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <limits>

#include "backends/event_loop.h"
#include "backends/socket/address_map.h"
#include "core/wire/ipv4.h"

namespace twinbed::scenarios {
namespace {

using backends::CapturedFrame;
using backends::monotonic_now_ns;

constexpr char kInterface[] = "lo";
constexpr std::uint32_t kRunMask = 0xffff'0000;  // all addresses of a run are in one /16

constexpr Metric kCaptureDropped{
    "capture.dropped", "1",
    "Frames of the capture that the kernel had no room for; a packet on loopback is two"};

std::int64_t wall_now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// How far the wall clock is ahead of the monotonic one: the reading that was least disturbed.
std::int64_t wall_less_monotonic() {
  std::int64_t best_ns = 0;
  std::int64_t least_ns = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < 3; ++i) {
    const std::int64_t before = monotonic_now_ns();
    const std::int64_t wall = wall_now_ns();
    const std::int64_t took = monotonic_now_ns() - before;
    if (took >= least_ns) continue;
    least_ns = took;
    best_ns = wall - before - took / 2;
  }
  return best_ns;
}

std::string filter_of(std::uint32_t run_number) {
  const IpAddress any{backends::loopback_address(run_number, NodeId{0}).value & kRunMask};
  return "ip and net " + to_string(any) + "/16";
}

}  // namespace

std::optional<Error> RealCapture::problem() {
  const auto capture = backends::LiveCapture::open({kInterface, "ip", std::size_t{1} << 20, {}});
  return capture ? std::nullopt : std::optional(Error{capture.error()});
}

Result<std::unique_ptr<RealCapture>> RealCapture::open(std::uint32_t run_number, std::size_t nodes,
                                                       backends::Store& store) {
  backends::LiveCaptureOptions options;
  options.interface = kInterface;
  options.filter = filter_of(run_number);
  auto live = backends::LiveCapture::open(options);
  if (!live) return Error{live.error()};
  std::unique_ptr<RealCapture> capture(new RealCapture(*std::move(live), store));
  for (std::uint32_t node = 0; node < nodes; ++node) {
    capture->nodes_.emplace(backends::loopback_address(run_number, NodeId{node}), NodeId{node});
  }
  return capture;
}

std::string RealCapture::read() {
  const std::int64_t distance_ns = wall_less_monotonic();
  const auto count =
      capture_.read([&](const CapturedFrame& frame) { add(frame, distance_ns); });
  return count ? "" : count.error();
}

void RealCapture::add(const CapturedFrame& frame, std::int64_t wall_less_monotonic_ns) {
  const std::int64_t monotonic_ns =
      std::min(frame.wall_ns - wall_less_monotonic_ns, monotonic_now_ns());
  const Bytes found = backends::ipv4_packet(capture_.link_layer(), frame.bytes);
  const std::optional<PacketEnds> ends = packet_ends(found);
  if (start_ns_ == 0 || monotonic_ns < start_ns_ || !ends) return;
  packet_.assign(found.begin(), found.end());
  finish_checksum(packet_);
  const Time at = time_from_ns(monotonic_ns - start_ns_);
  const auto sender = nodes_.find(ends->from.address);
  const auto receiver = nodes_.find(ends->to.address);
  if (sender != nodes_.end()) store_.add_frame({at, sender->second, "sent", packet_});
  if (receiver != nodes_.end()) store_.add_frame({at, receiver->second, "received", packet_});
}

std::string RealCapture::finish(Time end) {
  // Twice the time that the kernel may gather, so that its last batch is here.
  const int limit_ms =
      2 * static_cast<int>(backends::LiveCaptureOptions{}.gathering.count());
  const std::int64_t until_ns = monotonic_now_ns() + std::int64_t{limit_ms} * 1'000'000;
  std::string problem;
  while (problem.empty() && monotonic_now_ns() < until_ns) {
    pollfd descriptor{capture_.descriptor(), POLLIN, 0};
    poll(&descriptor, 1, limit_ms);
    problem = read();
  }
  if (start_ns_ != 0) {
    store_.sink().sample(end, backends::kWholeRun, kCaptureDropped,
                         static_cast<double>(capture_.dropped()));
  }
  return problem;
}

}  // namespace twinbed::scenarios
