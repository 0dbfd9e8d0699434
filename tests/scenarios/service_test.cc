// What a server tells its service manager, over a socket as systemd's.
#include "scenarios/node/service.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "backends/socket/posix.h"
#include "tests/support/temporary_directory.h"

namespace twinbed::scenarios {
namespace {

/// The manager's end, at a path that NOTIFY_SOCKET names, and the variables it sets.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string path = directory_.path() + "/notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address),
                     sizeof address), 0);
    set("NOTIFY_SOCKET", path);
  }
  ~Manager() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }

  void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  bool has_message() const {
    pollfd ready{socket_.number(), POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }
  /// The next message, which is there already: a local datagram takes no time.
  std::string message() const {
    if (!has_message()) return "nothing";
    std::array<char, 4096> text{};
    const ssize_t got = ::recv(socket_.number(), text.data(), text.size(), 0);
    return std::string(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  }

 private:
  testing::TemporaryDirectory directory_;
  backends::Socket socket_;
};

TEST(Service, TellsThatItIsReadyAndThatItStops) {
  const Manager manager;
  backends::EventLoop loop;
  Service service(loop);
  EXPECT_FALSE(manager.has_message());
  service.ready("node 1 is listening");
  EXPECT_EQ(manager.message(), "READY=1\nSTATUS=node 1 is listening");
  service.status("follows node 3");
  EXPECT_EQ(manager.message(), "STATUS=follows node 3");
  service.stopping();
  EXPECT_EQ(manager.message(), "STOPPING=1\nSTATUS=stopping");
  EXPECT_FALSE(manager.has_message());
}

TEST(Service, AStatusIsOneLine) {
  const Manager manager;
  backends::EventLoop loop;
  Service(loop).status("a\nSTOPPING=1\n" + std::string("b\0c", 3));
  EXPECT_EQ(manager.message(), "STATUS=a STOPPING=1 b c");
}

TEST(Service, FeedsTheWatchdogFromTheLoopWhileItIsReady) {
  Manager manager;
  manager.set("WATCHDOG_USEC", "20000");
  manager.set("WATCHDOG_PID", std::to_string(::getpid()));
  backends::EventLoop loop;
  Service service(loop);
  int fed = 0;
  const auto feed = [&] {
    while (manager.has_message()) fed += manager.message() == "WATCHDOG=1" ? 1 : 0;
    return fed >= 5;
  };
  EXPECT_FALSE(loop.run_until(feed, std::chrono::milliseconds(50)));  // not ready yet
  EXPECT_EQ(fed, 0);
  service.ready("listening");
  EXPECT_TRUE(loop.run_until(feed, std::chrono::seconds(20)));
  // A loop that does not run feeds nothing, and so a server that hangs is found out.
  feed();
  const int before = fed;
  ::usleep(50'000);
  feed();
  EXPECT_EQ(fed, before);
}

TEST(Service, FeedsNoWatchdogThatIsAnotherProcesss) {
  Manager manager;
  manager.set("WATCHDOG_USEC", "1000");
  manager.set("WATCHDOG_PID", "1");
  backends::EventLoop loop;
  Service service(loop);
  service.ready("listening");
  loop.run_until([] { return false; }, std::chrono::milliseconds(30));
  EXPECT_EQ(manager.message(), "READY=1\nSTATUS=listening");
  EXPECT_FALSE(manager.has_message());
}

TEST(Service, WorksWithoutAManagerAndWhenItHasGone) {
  backends::EventLoop loop;
  {
    Service service(loop);
    service.ready("listening");
    service.stopping();
  }
  ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);
  Service service(loop);
  service.ready("listening");
  service.stopping();
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace twinbed::scenarios
