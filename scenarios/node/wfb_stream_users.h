// Joins the streams of a server to whoever uses them, where the configuration says: sockets that
// the protocol finds open, tunnels, serial lines, and the TCP ports and OSDs of telemetry.
//
//   user ──► command "STREAM payload" ──► central node ──► delivery "STREAM payload" ──► user
//
// Plain datagrams take no such way, but that of the protocol's own sockets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/protocols/wfb/stream.h"
#include "scenarios/node/wfb_host.h"
#include "scenarios/node/wfb_telemetry.h"
#include "scenarios/node/wfb_tunnel.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

class WfbStreamUsers {
 public:
  using Say = std::function<void(const std::string&)>;
  using LogFrame = std::function<void(std::string_view profile, Bytes frame)>;

  /// The host and the configuration outlive the users. Sentences for people go to `say`, frames of
  /// telemetry that is logged to `log_frame`.
  WfbStreamUsers(WfbHost& host, const CommonConfig& common, Say say, LogFrame log_frame)
      : host_(host),
        common_(common),
        say_(std::move(say)),
        log_frame_(std::move(log_frame)) {}
  WfbStreamUsers(const WfbStreamUsers&) = delete;
  WfbStreamUsers& operator=(const WfbStreamUsers&) = delete;

  /// Opens what joins a profile's stream with this number, counted over all profiles, to its user,
  /// and changes its options so that it uses that. The error is a sentence with the remedy.
  Result<std::monostate> open(const std::string& profile, const StreamConfig& config,
                              std::size_t number, wfb::StreamOptions& stream);
  /// Hands on what the protocol delivers.
  void deliver(Bytes message);

 private:
  Result<std::monostate> open_socket(const StreamConfig& config, SocketId id,
                                     wfb::StreamOptions& stream);
  Result<std::monostate> open_tunnel(const StreamConfig& config, const std::string& name);
  Result<std::monostate> open_telemetry(const std::string& profile, const StreamConfig& config,
                                        wfb::StreamOptions& stream);
  /// Of payloads that go to the stream of this name.
  std::function<void(Bytes)> commands_to(const std::string& name);

  WfbHost& host_;
  const CommonConfig& common_;
  Say say_;
  LogFrame log_frame_;
  // By stream.
  std::map<std::string, std::unique_ptr<WfbTunnel>, std::less<>> tunnels_;
  std::map<std::string, std::unique_ptr<WfbTelemetry>, std::less<>> telemetry_;
};

}  // namespace twinbed::scenarios
