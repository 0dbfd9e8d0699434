#include "scenarios/node/wfb_host.h"

#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <system_error>
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

Error wfb_bind_error(const std::string& where, int error) {
  std::string sentence = "cannot listen at " + where + ": " +
                         std::generic_category().message(error);
  if (error == EADDRINUSE) {
    sentence += "; stop the program that holds it, or choose another one";
  } else if (error == EACCES) {
    sentence += "; ports below 1024 need privileges, so choose a higher one";
  }
  return {sentence};
}

Result<backends::Socket> open_wfb_udp(const Endpoint& local) {
  backends::Socket socket = backends::Socket::datagram();
  const int error = socket.is_open() ? backends::bind_socket(socket, local) : errno;
  if (error != 0) return wfb_bind_error(to_string(local), error);
  return socket;
}

Result<backends::Socket> open_wfb_local(const std::string& name) {
  if (name.size() > backends::kMaxAbstractName) {
    return Error{"the local socket @" + name + ": a name has at most " +
                 std::to_string(backends::kMaxAbstractName) + " characters"};
  }
  backends::Socket socket = backends::Socket::local_datagram();
  const backends::AbstractAddress local = backends::to_abstract_address(name);
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&local.address), local.size) !=
      0) {
    return wfb_bind_error("the local socket @" + name, errno);
  }
  return socket;
}

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

std::string wfb_remark(const EventType& type, std::span<const Field> fields) {
  if (type.name != wfb::kRefusedEvent.name) return "";
  const auto* reason = wfb_field<std::string_view>(fields, "reason");
  if (reason != nullptr && *reason == "reflected") {
    return "refused a session that this side of the link has made itself: somebody sends back "
           "what was sent, or two sides have the same key file";
  }
  return "refused a session whose epoch is not above the last one's: it is a replay, or its "
         "transmitter runs without --refuse-replay; give both sides --policy robust, or this one "
         "--no-refuse-replay";
}

void WfbHost::Sink::event(Time, NodeId, const EventType& type, std::span<const Field> fields) {
  const std::string remark = wfb_remark(type, fields);
  if (!remark.empty()) std::fprintf(stderr, "%s\n", remark.c_str());
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
  options.storage.root = directory_;
  options.on_deliver = on_deliver_;
  options.on_log = on_log_;
  if (!on_log_) options.on_log = [](std::string_view line) { print_wfb_line(std::string(line)); };
  host_.emplace(loop_, std::move(options), *sink_, factory);
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
