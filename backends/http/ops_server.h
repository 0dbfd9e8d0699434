// The HTTP endpoint of a running server, for people, load balancers and Prometheus:
//
//   /healthz   200 while the process works as it should, 503 otherwise
//   /readyz    200 while it can serve, 503 otherwise
//   /metrics   what it counts and measures, as Prometheus reads it (prometheus.h)
//
// The first two answer with one line of text that says why. GET and HEAD of HTTP/1.0 and 1.1 (RFC
// 9110, RFC 9112), with keep-alive and pipelining; there is nothing to change here, so that bodies
// are refused. Anybody who reaches the port may ask: listen at an address that only those who
// should know can reach.
//
// Whatever arrives, little is held for it: see OpsLimits. Boost.Beast reads and writes the messages
// and ops_server.cc alone compiles it; sockets and time-outs are the loop's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "backends/event_loop.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/endpoint.h"

namespace twinbed::backends {

struct Health {
  bool ok = false;
  std::string text;  ///< one line for a person, without its end
};

/// Called in the loop for each request; all three must be there. They should answer at once, as
/// everything else in the loop waits for them.
struct OpsHandlers {
  std::function<Health()> healthz;
  std::function<Health()> readyz;
  std::function<std::string()> metrics;
};

/// What clients may take up.
struct OpsLimits {
  /// When one more comes, the connection that has been idle for longest is closed. While none is
  /// idle, new connections wait in the kernel.
  std::size_t connections = 32;
  std::size_t head_bytes = 8192;  ///< request line and header fields; longer ones get 431
  /// From the first byte of a request to its last, then for the answer to be taken.
  Duration request_time = std::chrono::seconds(5);
  Duration idle_time = std::chrono::minutes(2);  ///< between two requests of a connection
  /// A connection whose request or answer has been under way for longer counts as idle.
  Duration patience = std::chrono::seconds(1);
};

class OpsServer {
 public:
  /// The loop outlives the server. Port 0 takes a free one.
  OpsServer(EventLoop& loop, Endpoint local, OpsHandlers handlers, OpsLimits limits = {});
  ~OpsServer();
  OpsServer(const OpsServer&) = delete;
  OpsServer& operator=(const OpsServer&) = delete;

  /// Listens and serves from the loop's next turn on. Once. An error, such as a port that is in
  /// use, is a sentence with the remedy.
  Result<std::monostate> start();
  /// Where it listens; the port is the real one after start().
  Endpoint local() const;
  /// How many connections are open now.
  std::size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace twinbed::backends
