#include "scenarios/node/wfb_host.h"

#include <signal.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

#include "core/protocols/wfb/records.h"

namespace twinbed::scenarios {
namespace {

/// The node's clock is CLOCK_MONOTONIC itself: the run began with the machine. (0 means now.)
constexpr std::int64_t kSinceBootNs = 1;

}  // namespace

void print_wfb_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

std::int64_t wfb_time_ms() { return backends::monotonic_now_ns() / 1'000'000; }

Result<wfb::KeyFile> read_wfb_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error{"the key file " + path +
                 " cannot be read; make a pair of them with twinbed-node wfb-keygen"};
  }
  // One byte more than a key file has tells one that is too long.
  std::string bytes(wfb::KeyFile::kBytes + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  auto key = wfb::KeyFile::read(as_bytes(bytes));
  if (!key) return Error{path + ": " + key.error()};
  return key;
}

void WfbHost::Sink::sample(Time, NodeId, const Metric& metric, double value) {
  if (value <= 0) return;
  if (metric.name == wfb::kRxOverrides.name) std::fprintf(stderr, "%.0f block overrides\n", value);
  if (metric.name == wfb::kRxLost.name) std::fprintf(stderr, "%.0f packets lost\n", value);
}

WfbHost::WfbHost(int receive_buffer_bytes, int send_buffer_bytes) {
  if (receive_buffer_bytes > 0) buffers_.receive_bytes = receive_buffer_bytes;
  buffers_.send_bytes = send_buffer_bytes;
}

Result<std::monostate> WfbHost::open_radio(
    backends::MonitorRadioOptions options,
    std::function<void(const backends::InjectedFrame&)> on_frame) {
  options.events = {std::move(on_frame), [this](const std::string& error) { fail(error); }};
  auto radio = backends::MonitorRadio::open(loop_, std::move(options));
  if (!radio) return Error{radio.error()};
  radio_ = *std::move(radio);
  return std::monostate{};
}

void WfbHost::adopt(SocketId id, backends::Socket socket,
                    std::optional<backends::AbstractAddress> destination) {
  adopted_.push_back({id, std::move(socket), destination});
}

Result<int> WfbHost::run(const backends::ProtocolFactory& factory) {
  signal(SIGPIPE, SIG_IGN);  // the program outlives the reader of its lines
  backends::LiveHostOptions options;
  options.name = "wfb";
  options.run_start_monotonic_ns = kSinceBootNs;
  options.datagram_buffers = buffers_;
  options.radio = radio_.get();
  options.on_datagram_sent = observer_;
  options.on_log = [](std::string_view line) { print_wfb_line(std::string(line)); };
  host_.emplace(loop_, std::move(options), sink_, factory);
  for (Adopted& each : adopted_) {
    host_->adopt(each.id, std::move(each.socket), each.destination);
  }
  loop_.on_signals({SIGINT, SIGTERM}, [this](int) { host_->request_stop(); });
  host_->start();
  host_->run();
  if (!host_->error().empty()) return Error{host_->error()};
  if (!fatal_.empty()) return Error{fatal_};
  return 0;
}

void WfbHost::fail(const std::string& sentence) {
  if (fatal_.empty()) fatal_ = sentence;
  if (host_) host_->request_stop();
}

}  // namespace twinbed::scenarios
