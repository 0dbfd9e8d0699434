// A TCP port of a central node of WFB-NG, which tells all who connect the same: its statistics, or
// the messages of telemetry.
//
// Who connects is greeted, and then told each message. What he sends goes to a reader of his own,
// or is read and lost. For one who does not read what he is told, `most_pending` bytes are kept;
// then his connection is closed, or he misses messages, each of them whole, until he reads again.
// One who does not answer for a minute is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

namespace twinbed::scenarios {

class WfbTcpPort {
 public:
  static constexpr std::size_t kMostClients = 32;  ///< later ones wait until one goes
  /// Takes what one client sends, as it comes; it may be hostile.
  using Reader = std::function<void(Bytes)>;
  struct Options {
    std::string greeting{};
    std::size_t most_pending = std::size_t{1} << 20;
    bool skips_messages = false;  ///< in place of closing the connection
    std::function<Reader()> make_reader{};  ///< one for each client; none: nothing is read
  };

  /// The loop outlives the port.
  WfbTcpPort(backends::EventLoop& loop, Options options)
      : loop_(loop), options_(std::move(options)) {}
  WfbTcpPort(const WfbTcpPort&) = delete;
  WfbTcpPort& operator=(const WfbTcpPort&) = delete;

  /// Listens at all addresses of this host. Once. The error is a sentence with the remedy.
  Result<std::monostate> listen(std::uint16_t port);
  void tell(std::string_view message);

 private:
  struct Client {
    Client(backends::EventLoop& loop, backends::Socket open_socket)
        : socket(std::move(open_socket)), watch(loop, socket.number()), pause(loop) {}
    backends::Socket socket;
    backends::Watch watch;  // after the socket, so that it is destroyed first
    backends::Alarm pause;
    Reader reader;
    std::string pending;
    bool is_waiting = false;  ///< for room to write
  };
  using Clients = std::list<Client>;

  void wait_for_clients();
  void accept_all();
  void wait_for_bytes(Clients::iterator client);
  void read(Clients::iterator client);
  void close(Clients::iterator client);
  bool write(Clients::iterator client);

  backends::EventLoop& loop_;
  Options options_;
  backends::Socket listener_;
  std::optional<backends::Watch> watch_;  // after the listener
  Clients clients_;
};

}  // namespace twinbed::scenarios
