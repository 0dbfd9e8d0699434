// Fuzzes the scenario loader with documents and settings.
//
// Whatever the bytes are, the loader answers with a scenario or with one sentence; a scenario that
// it accepts survives a dump, and the checks for scenarios that programs build agree with it. Text
// after a line that holds only "%%" is taken for settings, one a line.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "scenarios/dump.h"
#include "scenarios/load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> settings;
  if (const std::size_t cut = text.find("\n%%\n"); cut != std::string_view::npos) {
    std::string_view rest = text.substr(cut + 4);
    text = text.substr(0, cut + 1);
    while (!rest.empty() && settings.size() < 16) {
      const std::size_t end = rest.find('\n');
      settings.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  const Result<scenarios::Scenario> scenario =
      scenarios::load_scenario_text(text, "fuzz", ".", settings);
  if (!scenario) {
    TWINBED_CHECK(!scenario.error().empty(), "a scenario was refused without a reason");
    return 0;
  }
  TWINBED_CHECK(!scenarios::check_scenario(*scenario),
                "the loader accepts a scenario that the check refuses");
  const std::string dump = scenarios::dump_scenario(*scenario);
  const Result<scenarios::Scenario> again = scenarios::load_scenario_text(dump, "dump", ".");
  TWINBED_CHECK(again.ok(), "the dump of a scenario is refused");
  TWINBED_CHECK(*again == *scenario, "the dump of a scenario reads back as another one");
  return 0;
}
