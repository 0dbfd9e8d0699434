#include "scenarios/radio_capture_trace.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "backends/pcap/capture_file.h"
#include "core/wire/ieee80211.h"
#include "core/wire/radiotap.h"
#include "scenarios/capture_gaps.h"
#include "scenarios/radio_trace.h"
#include "scenarios/trace_text.h"
#include "scenarios/units.h"
#include "sim/medium/decibel.h"

namespace twinbed::scenarios {
namespace {

using backends::CaptureFile;
using sim::LinkRecordStep;

/// The mean power in milliwatts at the antennas whose signal is known; nothing where none is.
std::optional<double> mean_power_mw(const RxFrame& frame) {
  double sum = 0;
  int count = 0;
  for (const AntennaReading& reading : frame.readings) {
    if (reading.signal_dbm == kUnknownReading.signal_dbm) continue;
    sum += sim::ratio_from_mdb(reading.signal_dbm * 1000);
    ++count;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

std::string to_string(const MacAddress& address) {
  std::string text;
  for (const std::byte& byte : address) text += (text.empty() ? "" : ":") + to_hex({&byte, 1});
  return text;
}

/// Takes frame by frame, and makes steps of them.
class TraceMaker {
 public:
  explicit TraceMaker(const CaptureTraceOptions& options)
      : average_(options.average),
        is_filtered_(!options.filter.empty()),
        has_signal_(options.signal == CaptureSignal::kMean) {
    if (options.losses == CaptureLosses::kGaps) gaps_.emplace(options.average);
  }

  std::optional<Error> add(const CaptureFile::Packet& packet, std::int64_t start_ns) {
    const std::optional<RadiotapRx> received = read_radiotap_rx(packet.bytes);
    if (!received || received->is_injected || received->frame.bad_fcs) return std::nullopt;
    const std::optional<MacHeader> header = read_mac_header(received->frame.frame);
    const std::optional<double> power_mw =
        has_signal_ ? mean_power_mw(received->frame) : std::nullopt;
    if (!header || !(power_mw || gaps_)) return std::nullopt;
    if (const auto error = check_sender(packet, header->transmitter)) return error;
    if (const auto error = check_time(packet, start_ns)) return error;
    const Time at{Duration{packet.time_ns - start_ns}};
    if (power_mw) add_power(at, *power_mw);
    if (!gaps_) return std::nullopt;
    const auto error = gaps_->add(at, received->frame.frame, *header);
    return error ? std::optional(at_frame(packet, error->message)) : std::nullopt;
  }

  Result<std::vector<LinkRecordStep>> finish() {
    if (count_ > 0) finish_step();
    const std::string filter = is_filtered_ ? ", check the filter" : "";
    if (has_signal_ && steps_.empty()) {
      return Error{"there is no frame of another station with a signal in it" + filter};
    }
    if (!gaps_) return std::move(steps_);
    const std::vector<CaptureGaps::Step> losses = gaps_->finish();
    if (!losses.empty()) return with_losses(losses);
    return Error{"there is no frame of another station with a number in it, by which losses would "
                 "be seen" + filter};
  }

 private:
  static Error at_frame(const CaptureFile::Packet& packet, const std::string& sentence) {
    return Error{"frame " + std::to_string(packet.number) + ": " + sentence};
  }

  std::optional<Error> check_sender(const CaptureFile::Packet& packet, const MacAddress& sender) {
    if (!sender_) {
      sender_ = sender;
      first_number_ = packet.number;
    }
    if (is_filtered_ || *sender_ == sender) return std::nullopt;
    return at_frame(packet, "its sender is " + to_string(sender) + ", that of frame " +
                                std::to_string(first_number_) + " is " + to_string(*sender_) +
                                "; choose one with 'filter: wlan addr2 " + to_string(*sender_) +
                                "'");
  }

  std::optional<Error> check_time(const CaptureFile::Packet& packet, std::int64_t start_ns) {
    if (packet.time_ns < last_ns_ || packet.time_ns < start_ns) {
      return at_frame(packet, "it is earlier than a frame before it, put the capture in order with "
                              "reordercap");
    }
    if (packet.time_ns - start_ns > to_ns(kLatestTraceTime)) {
      return at_frame(packet, "it is more than 100 years later than the first one, put its time "
                              "right with editcap");
    }
    last_ns_ = packet.time_ns;
    return std::nullopt;
  }

  void add_power(Time at, double power_mw) {
    const std::int64_t step = (at - Time{}) / average_;
    if (count_ > 0 && step != step_) finish_step();
    step_ = step;
    sum_mw_ += power_mw;
    ++count_;
  }

  void finish_step() {
    steps_.push_back({Time{average_ * step_}, sim::mdb_from_ratio(sum_mw_ / count_), 0});
    sum_mw_ = 0;
    count_ = 0;
  }

  /// Signals and losses change independently, and the first of each holds before it.
  std::vector<LinkRecordStep> with_losses(const std::vector<CaptureGaps::Step>& losses) const {
    std::vector<LinkRecordStep> merged;
    LinkRecordStep now{Time{}, std::nullopt, losses[0].loss};
    if (!steps_.empty()) now.signal_mdb = steps_[0].signal_mdb;
    auto signal = steps_.begin();
    auto loss = losses.begin();
    while (signal != steps_.end() || loss != losses.end()) {
      now.at = std::min(signal == steps_.end() ? kNever : signal->at,
                        loss == losses.end() ? kNever : loss->at);
      if (signal != steps_.end() && signal->at == now.at) now.signal_mdb = (signal++)->signal_mdb;
      if (loss != losses.end() && loss->at == now.at) now.loss = (loss++)->loss;
      merged.push_back(now);
    }
    return merged;
  }

  const Duration average_;
  const bool is_filtered_;
  const bool has_signal_;
  std::optional<CaptureGaps> gaps_;
  std::vector<LinkRecordStep> steps_;
  std::optional<MacAddress> sender_;
  std::uint64_t first_number_ = 0;
  std::int64_t last_ns_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t step_ = 0;
  double sum_mw_ = 0;
  int count_ = 0;
};

}  // namespace

bool is_capture_name(const std::string& file) {
  return file.ends_with(".pcap") || file.ends_with(".pcapng");
}

Result<std::vector<LinkRecordStep>> read_radio_capture(const std::string& path,
                                                       const CaptureTraceOptions& options) {
  Result<CaptureFile> file = CaptureFile::open(path, options.filter);
  if (!file) return Error{file.error()};
  TraceMaker maker(options);
  std::uint64_t last_number = 0;
  while (const std::optional<CaptureFile::Packet> packet = file->next()) {
    if (const auto error = maker.add(*packet, *file->first_time_ns())) return *error;
    last_number = packet->number;
  }
  if (!file->error().empty()) {
    return Error{"after frame " + std::to_string(last_number) + ": " + file->error()};
  }
  Result<std::vector<LinkRecordStep>> steps = maker.finish();
  if (!steps) return steps;
  if (format_radio_trace(*steps).size() > kMaxTraceBytes) {
    return Error{"the capture makes " + std::to_string(steps->size()) + " steps, which have more "
                 "than 1 MiB as text; take a longer 'average' than " +
                 format_duration(options.average)};
  }
  return steps;
}

}  // namespace twinbed::scenarios
