#include "scenarios/node/wfb_ssh.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>

#include "scenarios/node/wfb_host.h"
#include "scenarios/node/wfb_process.h"
#include "scenarios/node/wfb_terminal.h"

namespace twinbed::scenarios {
namespace {

/// As much as the kernel lets a pipe hold without privileges: a script is written at once.
constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kMostLine = 4096;
constexpr auto kPatience = std::chrono::seconds(3);

/// Descriptors that close themselves.
struct Pipe {
  backends::Socket read;
  backends::Socket write;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{backends::Socket(ends[0]), backends::Socket(ends[1])};
}

}  // namespace

struct WfbSshNodes::Node {
  Node(backends::EventLoop& loop, IpAddress its_address, WfbProcess process,
       backends::Socket its_input, backends::Socket its_output)
      : address(its_address),
        pid(process.pid),
        end(std::move(process.end)),
        input(std::move(its_input)),
        output(std::move(its_output)),
        watch_end(loop, end.number()),
        watch_output(loop, output.number()) {}

  /// Prints the lines that have come. False where there will be no more.
  bool print_output() {
    std::array<char, 4096> room{};
    for (;;) {
      const ssize_t got = ::read(output.number(), room.data(), room.size());
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
      if (got < 0) return true;
      line.append(room.data(), static_cast<std::size_t>(got));
      print_lines();
    }
  }

  void print_lines() {
    std::size_t length = 0;
    while ((length = line.find('\n')) != std::string::npos) {
      print(line.substr(0, length));
      line.erase(0, length + 1);
    }
    if (line.size() > kMostLine) print_rest();
  }

  /// A node may say anything, and what a terminal would obey is not obeyed here.
  void print(std::string_view text) const {
    if (text.ends_with('\r')) text.remove_suffix(1);  // as ssh itself ends its lines
    print_wfb_line(to_string(address) + ": " + visible_text(text));
  }

  /// What is no whole line, and either too long for one or the last.
  void print_rest() {
    if (!line.empty()) print(line);
    line.clear();
  }

  IpAddress address;
  pid_t pid;
  backends::Socket end;     ///< readable once the process has ended
  backends::Socket input;
  backends::Socket output;
  backends::Watch watch_end;  // after what they watch
  backends::Watch watch_output;
  std::string line;  ///< that is not whole yet
};

WfbSshNodes::WfbSshNodes(backends::EventLoop& loop, OnEnd on_end)
    : loop_(loop), on_end_(std::move(on_end)) {}

Result<std::monostate> WfbSshNodes::start(IpAddress node, const CommandLine& ssh,
                                          const std::string& script) {
  const std::string subject = "node " + to_string(node) + " cannot be started by ssh: ";
  const auto error = [&](int number) {
    return Error{subject + std::generic_category().message(number)};
  };
  auto input = make_pipe();
  auto output = make_pipe();
  if (!input || !output) return error(errno);
  ::fcntl(input->write.number(), F_SETPIPE_SZ, kPipeBytes);
  ::fcntl(input->write.number(), F_SETFL, O_NONBLOCK);
  ::fcntl(output->read.number(), F_SETFL, O_NONBLOCK);
  if (::write(input->write.number(), script.data(), script.size()) !=
      static_cast<ssize_t>(script.size())) {
    return Error{subject + "its script is too long for a pipe; make custom_init_script shorter, "
                           "say by a script that lies on the node"};
  }
  WfbProcess process;
  const int number =
      start_wfb_process(ssh, input->read.number(), output->write.number(), process);
  if (number == ENOENT) return Error{subject + "install OpenSSH's client, ssh"};
  if (number != 0) return error(number);
  nodes_.push_back(std::make_unique<Node>(loop_, node, std::move(process),
                                          std::move(input->write), std::move(output->read)));
  wait_for_output(*nodes_.back());
  wait_for_end(*nodes_.back());
  return std::monostate{};
}

void WfbSshNodes::wait_for_output(Node& node) {
  node.watch_output.when_readable([this, &node] {
    if (node.print_output()) wait_for_output(node);
  });
}

void WfbSshNodes::wait_for_end(Node& node) {
  node.watch_end.when_readable([this, &node] {
    node.print_output();  // which may say why
    node.print_rest();
    on_end_(node.address);
  });
}

WfbSshNodes::~WfbSshNodes() {
  for (const auto& node : nodes_) node->input = {};
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (const auto& node : nodes_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{node->end.number(), POLLIN, 0};
    const int limit = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    if (::poll(&wait, 1, limit) != 1) ::kill(node->pid, SIGTERM);
    ::waitpid(node->pid, nullptr, 0);
  }
}

}  // namespace twinbed::scenarios
