// A TCP port at which a central node of WFB-NG tells its statistics to all who connect.
//
// Who connects is greeted, and then told each message; what he sends is read and lost. One who does
// not read what he is told is left behind at kMostPending bytes: his connection is closed.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/result.h"

namespace twinbed::scenarios {

class WfbStatisticsPort {
 public:
  static constexpr std::size_t kMostClients = 32;  ///< later ones wait until one goes
  static constexpr std::size_t kMostPending = std::size_t{1} << 20;

  /// The loop outlives the port.
  WfbStatisticsPort(backends::EventLoop& loop, std::string greeting)
      : loop_(loop), greeting_(std::move(greeting)) {}
  WfbStatisticsPort(const WfbStatisticsPort&) = delete;
  WfbStatisticsPort& operator=(const WfbStatisticsPort&) = delete;

  /// Listens at all addresses of this host. Once. The error is a sentence with the remedy.
  Result<std::monostate> listen(std::uint16_t port);
  void tell(const std::string& message);

 private:
  struct Client {
    Client(backends::EventLoop& loop, backends::Socket open_socket)
        : socket(std::move(open_socket)), watch(loop, socket.number()) {}
    backends::Socket socket;
    backends::Watch watch;  // after the socket, so that it is destroyed first
    std::string pending;
    bool is_waiting = false;  ///< for room to write
  };
  using Clients = std::list<Client>;

  void wait_for_clients();
  void accept_all();
  void wait_for_end(Clients::iterator client);
  void close(Clients::iterator client);
  bool write(Clients::iterator client);

  backends::EventLoop& loop_;
  std::string greeting_;
  backends::Socket listener_;
  std::optional<backends::Watch> watch_;  // after the listener
  Clients clients_;
};

}  // namespace twinbed::scenarios
