// The bytes of a database file, given to everything that reads a result store. Each must be refused
// or read, within bounded time, whatever they are. Good seeds are small result stores: SQLite's
// pages have no checksum, so that mutations of them get past the first checks.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "backends/sqlite/store.h"
#include "backends/sqlite/store_reader.h"

namespace {

using namespace twinbed;
using namespace twinbed::backends;

class NullSink final : public RunSink {
 public:
  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time, NodeId, const EventType&, std::span<const Field>) override {}
  void fault(Time, const FaultRow&) override {}
};

void read_everything(const std::string& path) {
  auto reader = StoreReader::open(path);
  if (!reader) return;
  const auto runs = (*reader).runs();
  if (!runs) return;
  NullSink sink;
  constexpr std::size_t kEnoughRuns = 4;
  for (std::size_t i = 0; i < runs->size() && i < kEnoughRuns; ++i) {
    const std::int64_t run_id = (*runs)[i].run_id;
    (void)(*reader).run(run_id);
    (void)(*reader).feed(run_id, sink);
    (void)(*reader).for_each_event(run_id, [](const EventRow&) {});
    (void)(*reader).inputs(run_id, NodeId{0});
    (void)(*reader).samples(run_id, "m");
    (void)(*reader).verdicts(run_id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path =
      std::filesystem::temp_directory_path() / ("sqlite_fuzz_" + std::to_string(::getpid()));
  {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  read_everything(path);
  // With the log that a damaged file may leave, so that no input sees another one's.
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    std::filesystem::remove(path + suffix);
  }
  return 0;
}
