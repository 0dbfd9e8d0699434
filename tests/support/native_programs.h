// The native programs as processes, with their input, output and files in the test's hands.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/socket/posix.h"
#include "core/base/random_stream.h"

namespace twinbed::testing {

using Variables = std::map<std::string, std::string>;

inline const std::string kProgram = TWINBED_BUILD_DIR "/bin/twinbed-node";
inline const std::string kKey(64, 'a');
inline const std::string kOtherKey(64, 'b');
/// Only a broken program makes a test wait this long.
inline constexpr std::chrono::seconds kPatience{20};

inline bool wait_until(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// A directory of the test's own, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloud-p2p-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name = "") const { return (path_ / name).string(); }
  std::string make_directory(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return path(name);
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

/// An image of random bytes with the PNG signature before them.
inline std::string make_image(std::size_t size, std::uint64_t seed) {
  std::string image = "\x89PNG\r\n\x1a\n";
  RandomStream random(seed, "image");
  while (image.size() < size) image += static_cast<char>(random.next() & 0xff);
  return image;
}

/// An address of 127/8 that no test running beside this one uses, for a node from 1 to 250.
inline std::string address_of(int node) {
  const int pid = ::getpid();
  return "127." + std::to_string(100 + pid / 250 % 100) + "." + std::to_string(1 + pid % 250) +
         "." + std::to_string(node);
}

/// The node's address with a port that is free now.
inline std::string free_endpoint(int node) {
  const backends::Socket socket = backends::Socket::stream();
  EXPECT_EQ(backends::bind_socket(socket, {*parse_address(address_of(node)), 0}), 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
  return to_string(backends::from_sockaddr(address));
}

/// A process of the program with its standard input and output in the test's hands.
class Program {
 public:
  enum class Io { kPipe, kTerminal };

  Program(const std::vector<std::string>& arguments, const Variables& variables,
          Io io = Io::kPipe) {
    std::vector<std::string> words{kProgram};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> settings;
    for (const auto& [name, value] : variables) settings.push_back(name + "=" + value);
    if (io == Io::kTerminal) {
      winsize size{24, 80, 0, 0};
      pid_ = ::forkpty(&output_, nullptr, nullptr, &size);
      if (pid_ == 0) become(words, settings);
      input_ = output_;
    } else {
      int in[2];
      int out[2];
      EXPECT_EQ(::pipe2(in, O_CLOEXEC) + ::pipe2(out, O_CLOEXEC), 0);
      pid_ = ::fork();
      if (pid_ == 0) {
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(out[1], STDERR_FILENO);
        become(words, settings);
      }
      ::close(in[0]);
      ::close(out[1]);
      input_ = in[1];
      output_ = out[0];
    }
    ::fcntl(output_, F_SETFD, FD_CLOEXEC);
  }
  ~Program() {
    if (!status_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    end_input();
    ::close(output_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void type(const std::string& text) {
    ASSERT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end_input() {
    if (input_ >= 0 && input_ != output_) ::close(input_);
    input_ = -1;
  }
  void signal(int number) { ::kill(pid_, number); }

  /// All it has printed so far.
  const std::string& text() {
    pollfd ready{output_, POLLIN, 0};
    char chunk[4096];
    while (::poll(&ready, 1, 0) > 0) {
      const ssize_t got = ::read(output_, chunk, sizeof chunk);
      if (got <= 0) break;
      text_.append(chunk, static_cast<std::size_t>(got));
    }
    return text_;
  }
  /// Waits until it has printed this (`times` times); a failure shows what it did print.
  ::testing::AssertionResult shows(const std::string& part, std::size_t times = 1) {
    if (wait_until([&] { return count_of(text(), part) >= times; })) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "no '" << part << "' in:\n" << text_;
  }
  /// Waits for the end: the exit status, or minus the number of the signal.
  int wait() {
    int status = 0;
    wait_until([&] {
      text();  // a full pipe must not stop it
      return ::waitpid(pid_, &status, WNOHANG) == pid_;
    });
    text();
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return *status_;
  }
  int stop() {
    signal(SIGTERM);
    return wait();
  }

 private:
  [[noreturn]] static void become(std::vector<std::string>& words,
                                  std::vector<std::string>& settings) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> arguments;
    std::vector<char*> environment;
    for (std::string& word : words) arguments.push_back(word.data());
    for (std::string& setting : settings) environment.push_back(setting.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    ::execve(kProgram.c_str(), arguments.data(), environment.data());
    ::_exit(127);
  }

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string text_;
  std::optional<int> status_;
};

}  // namespace twinbed::testing
