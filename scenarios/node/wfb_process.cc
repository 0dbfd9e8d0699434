#include "scenarios/node/wfb_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace twinbed::scenarios {
namespace {

/// 0, or a number from errno.
int spawn(const CommandLine& command, int input, int output, pid_t& pid) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (input >= 0) ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (output >= 0) ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (output >= 0) ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
  sigset_t all;
  ::sigfillset(&all);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  const int error =
      ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

int start_wfb_process(const CommandLine& command, int input, int output, WfbProcess& process) {
  const int error = spawn(command, input, output, process.pid);
  if (error != 0) return error;
  // The header of glibc 2.36 for it is none for C++.
  process.end = backends::Socket(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (process.end.is_open()) return 0;
  const int number = errno;
  ::kill(process.pid, SIGKILL);
  ::waitpid(process.pid, nullptr, 0);
  return number;
}

}  // namespace twinbed::scenarios
