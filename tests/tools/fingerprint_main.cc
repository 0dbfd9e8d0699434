// Prints the fingerprint of simulated runs: one line "SCENARIO SEED FINGERPRINT EVENTS" for each
// pair of arguments SCENARIO SEED. Built by several compilers, it shows that they agree.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "scenarios/load.h"
#include "scenarios/simulation.h"

namespace {

class NoRows final : public twinbed::RunSink {
 public:
  void sample(twinbed::Time, twinbed::NodeId, const twinbed::Metric&, double) override {}
  void event(twinbed::Time, twinbed::NodeId, const twinbed::EventType&,
             std::span<const twinbed::Field>) override {}
  void fault(twinbed::Time, const twinbed::FaultRow&) override {}
};

int print_fingerprint(const std::string& path, std::uint64_t seed) {
  const auto scenario = twinbed::scenarios::load_scenario(path);
  if (!scenario) {
    std::fprintf(stderr, "%s\n", scenario.error().c_str());
    return 2;
  }
  NoRows rows;
  auto simulator = twinbed::scenarios::build_simulation(*scenario, seed, rows);
  if (!simulator) {
    std::fprintf(stderr, "%s\n", simulator.error().c_str());
    return 2;
  }
  (*simulator)->run_until(twinbed::Time{scenario->duration});
  if (const auto& failure = (*simulator)->failure()) {
    std::fprintf(stderr, "%s\n", failure->c_str());
    return 3;
  }
  std::printf("%s %llu %s %llu\n", path.c_str(), static_cast<unsigned long long>(seed),
              (*simulator)->fingerprint().hex().c_str(),
              static_cast<unsigned long long>((*simulator)->events_executed()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const int status = print_fingerprint(argv[i], std::strtoull(argv[i + 1], nullptr, 10));
    if (status != 0) return status;
  }
  return 0;
}
