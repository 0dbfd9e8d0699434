#include "backends/testbed/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace twinbed::backends {
namespace {

/// In the child, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* arguments, int channel, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = open("/dev/null", O_RDONLY);
  dup2(input, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  if (channel == ChildProcess::kControlDescriptor) {
    fcntl(channel, F_SETFD, 0);
  } else {
    dup2(channel, ChildProcess::kControlDescriptor);
  }
  execv(arguments[0], arguments);
  _exit(127);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(
    const std::vector<std::string>& arguments, const std::string& log_path) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error{std::string("cannot make a control channel: ") + std::strerror(errno)};
  }
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0 || access(arguments[0].c_str(), X_OK) != 0) {
    const std::string reason = std::strerror(errno);
    close(ends[0]);
    close(ends[1]);
    if (log < 0) return Error{"cannot write " + log_path + ": " + reason};
    close(log);
    return Error{"cannot run " + arguments[0] + ": " + reason};
  }
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(words.data(), ends[1], log, parent);
  close(ends[1]);
  close(log);
  if (pid < 0) {
    close(ends[0]);
    return Error{std::string("cannot start a process: ") + std::strerror(errno)};
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, ends[0], log_path));
}

ChildProcess::~ChildProcess() {
  if (!ended()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (channel_ >= 0) close(channel_);
}

void ChildProcess::send(const std::string& line) {
  const std::string text = line + "\n";
  std::size_t sent = 0;
  while (channel_ >= 0 && sent < text.size()) {
    const ssize_t count =
        ::send(channel_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

std::optional<std::string> ChildProcess::receive() {
  std::array<char, 4096> chunk{};
  while (channel_ >= 0) {
    const ssize_t count = read(channel_, chunk.data(), chunk.size());
    if (count > 0) {
      pending_.append(chunk.data(), static_cast<std::size_t>(count));
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    close(channel_);
    channel_ = -1;
  }
  const std::size_t end = pending_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  return line;
}

void ChildProcess::signal(int number) {
  if (!ended()) kill(pid_, number);
}

bool ChildProcess::ended() {
  if (status_) return true;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_.has_value();
}

std::string ChildProcess::how_it_ended() const {
  if (!status_) return "still running";
  if (WIFSIGNALED(*status_)) return "signal " + std::to_string(WTERMSIG(*status_));
  return "exit status " + std::to_string(WEXITSTATUS(*status_));
}

std::string ChildProcess::last_lines(std::size_t count) const {
  std::ifstream log(log_path_);
  std::deque<std::string> lines;
  for (std::string line; std::getline(log, line);) {
    lines.push_back(line);
    if (lines.size() > count) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace twinbed::backends
