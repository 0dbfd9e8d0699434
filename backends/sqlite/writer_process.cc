#include "backends/sqlite/writer_process.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

namespace twinbed::backends {
namespace {

struct Process {
  std::string boot_id;
  std::string id_namespace;
  long id = 0;
  std::string start_time;
};

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id.empty() ? "unknown" : id;
}

std::string id_namespace() {
  struct stat status {};
  if (::stat("/proc/self/ns/pid", &status) != 0) return "unknown";
  return std::to_string(status.st_ino);
}

struct ProcessStatus {
  char state = '?';
  std::string start_time;
};

// Fields 3 and 22 of /proc/PID/stat (proc(5)). The second field is the program's name in
// parentheses and may itself hold spaces and parentheses, so that counting starts at the last one.
std::optional<ProcessStatus> read_status(long id) {
  std::ifstream file("/proc/" + std::to_string(id) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  ProcessStatus status;
  fields >> status.state;
  for (int field = 4; field <= 22; ++field) fields >> status.start_time;
  if (!fields) return std::nullopt;
  return status;
}

}  // namespace

std::string this_process() {
  const std::optional<ProcessStatus> status = read_status(::getpid());
  return boot_id() + ' ' + id_namespace() + ' ' + std::to_string(::getpid()) + ' ' +
         (status ? status->start_time : "unknown");
}

bool has_ended(std::string_view process) {
  std::istringstream words{std::string(process)};
  Process writer;
  if (!(words >> writer.boot_id >> writer.id_namespace >> writer.id >> writer.start_time)) {
    return false;
  }
  if (writer.boot_id == "unknown" || writer.id <= 0) return false;
  if (writer.boot_id != boot_id()) return true;
  if (writer.id_namespace != id_namespace()) return false;
  if (::kill(static_cast<pid_t>(writer.id), 0) != 0 && errno == ESRCH) return true;
  const std::optional<ProcessStatus> status = read_status(writer.id);
  if (!status) return false;
  const bool zombie = status->state == 'Z' || status->state == 'X';
  return zombie || (writer.start_time != "unknown" && status->start_time != writer.start_time);
}

}  // namespace twinbed::backends
