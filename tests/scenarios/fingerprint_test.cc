// Each shipped scenario's fingerprint is pinned in tests/testdata/fingerprints.csv. A change of it
// is a change of behaviour: TWINBED_REWRITE=1 writes the new ones, and the commit says why they
// changed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "scenarios/load.h"
#include "scenarios/simulation.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

constexpr const char* kPinned = TWINBED_SOURCE_DIR "/tests/testdata/fingerprints.csv";

std::string fingerprint_of(const std::string& file, std::uint64_t seed) {
  const auto scenario = load_scenario(TWINBED_SOURCE_DIR "/" + file);
  EXPECT_TRUE(scenario) << scenario.error();
  twinbed::testing::TextSink rows;
  auto simulator = build_simulation(*scenario, seed, rows);
  EXPECT_TRUE(simulator) << simulator.error();
  (*simulator)->run_until(Time{scenario->duration});
  EXPECT_FALSE((*simulator)->failure()) << *(*simulator)->failure();
  return (*simulator)->fingerprint().hex() + "," + std::to_string((*simulator)->events_executed());
}

/// "scenario,seed" -> "fingerprint,events" of every shipped scenario.
std::map<std::string, std::string> run_all() {
  std::map<std::string, std::string> found;
  const std::filesystem::path root(TWINBED_SOURCE_DIR);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string file = std::filesystem::relative(entry.path(), root).string();
    for (std::uint64_t seed : {1, 2}) {
      found[file + "," + std::to_string(seed)] = fingerprint_of(file, seed);
    }
  }
  return found;
}

TEST(Fingerprints, AreThoseThatArePinned) {
  const std::map<std::string, std::string> found = run_all();
  if (std::getenv("TWINBED_REWRITE") != nullptr) {
    std::ofstream out(kPinned);
    out << "scenario,seed,fingerprint,events\n";
    for (const auto& [key, value] : found) out << key << "," << value << "\n";
    GTEST_SKIP() << "rewrote " << kPinned;
  }
  std::map<std::string, std::string> pinned;
  std::ifstream in(kPinned);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::size_t seed_at = line.find(',') + 1;
    const std::size_t value_at = line.find(',', seed_at) + 1;
    pinned[line.substr(0, value_at - 1)] = line.substr(value_at);
  }
  EXPECT_EQ(found, pinned) << "TWINBED_REWRITE=1 rewrites tests/testdata/fingerprints.csv";
}

TEST(Fingerprints, AreTheSameTheSecondTime) { EXPECT_EQ(run_all(), run_all()); }

}  // namespace
}  // namespace twinbed::scenarios
