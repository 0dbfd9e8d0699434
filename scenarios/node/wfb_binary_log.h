// The binary log of a profile, a file for each run: records framed as on stats_port, compressed by
// gzip.
//
//   loop ──► queue ──► thread ──► gzip ──► disk, for good every 10 s
//
// A disk may take seconds for a write, and the loop waits for none. Where 4 MiB of records wait,
// later ones are lost. What a power failure leaves can be read up to the last 10 s.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

namespace twinbed::scenarios {

class WfbBinaryLog {
 public:
  using Say = std::function<void(const std::string&)>;

  /// Creates the file, whose name is `path` and the local time of `unix_seconds`, as in
  /// "wfb_gs.log.20260131-235959"; where there is one, as on machines whose clock begins anew at
  /// each start, -2, -3 and so on are added. Failures while it is written are told to `say` in the
  /// loop, which outlives the log. The error is a sentence with the remedy.
  static Result<std::unique_ptr<WfbBinaryLog>> create(backends::EventLoop& loop,
                                                      const std::string& path,
                                                      std::int64_t unix_seconds, Say say);
  /// Writes what is waiting.
  ~WfbBinaryLog();
  WfbBinaryLog(const WfbBinaryLog&) = delete;
  WfbBinaryLog& operator=(const WfbBinaryLog&) = delete;

  void add(Bytes record);

 private:
  class File;

  WfbBinaryLog(backends::EventLoop& loop, std::unique_ptr<File> file, Say say);
  void write_until_end();
  void tell(const std::string& sentence);

  backends::EventLoop& loop_;
  Say say_;
  std::unique_ptr<File> file_;  ///< the thread's
  std::mutex mutex_;            ///< of what follows
  std::condition_variable has_changed_;
  Buffer waiting_;
  bool is_over_ = false;
  bool has_failed_ = false;
  bool has_lost_ = false;
  std::thread thread_;  // after all that it uses
};

/// The path of a profile's binary log: `name` below `directory`, with the profile's name for %s.
std::string binary_log_path(const std::string& directory, std::string name,
                            const std::string& profile);

}  // namespace twinbed::scenarios
