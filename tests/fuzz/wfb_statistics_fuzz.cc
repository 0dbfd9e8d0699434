// Fuzzes the reader of WFB-NG's statistics: whatever comes over the connection, the answer is
// messages or one sentence, and a message is written and read back as itself.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "scenarios/wfb/statistics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  scenarios::StatisticsReader reader;
  const auto messages = reader.feed({reinterpret_cast<const std::byte*>(data), size});
  if (!messages) {
    TWINBED_CHECK(!messages.error().empty(), "statistics were refused without a reason");
    return 0;
  }
  for (const scenarios::StatisticsMessage& message : *messages) {
    (void)scenarios::statistics_line(message);
    const Buffer frame = scenarios::statistics_frame(message);
    scenarios::StatisticsReader second;
    const auto again = second.feed(frame);
    TWINBED_CHECK(again.ok() && again->size() == 1, "a message that was written is refused");
    // Written once more, since what is no number does not equal itself.
    TWINBED_CHECK(scenarios::statistics_frame(again->front()) == frame,
                  "a message that was written reads back as another one");
  }
  return 0;
}
