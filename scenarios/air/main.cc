// twinbed-air: the emulated air of a scenario in real time, between virtual radios or UDP ports.
//
// It is a program of its own, as it alone needs ns-3's libraries, which the nodes on small machines
// do without.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "scenarios/air/air_process.h"
#include "scenarios/load.h"
#include "scenarios/units.h"

namespace {

constexpr const char* kNotes = R"(
Each radio card of the scenario becomes a network interface in monitor mode, which wfb-tx, wfb-rx,
tshark and every other program take for a real card; between them is the scenario's own air, in real
time: positions and movement, path loss, fading, interference, queues, and the faults of radios. A
program that sends more than the card can finds the interface's queue full (ENOBUFS). The interfaces
go when this program does. Nodes of the scenario are not started; that is `twinbed run FILE --mode
virtual-radio`.

Example, in three terminals, as root:
  twinbed air scenarios/wfb/fec_curve.yaml          creates drone-0 and ground-0
  twinbed node wfb-rx -K gs.key -u 5600 ground-0    (wfb-keygen has made the keys)
  twinbed node wfb-tx -K drone.key -u 5602 drone-0
and `tshark -i ground-0` shows the frames. Without root: `unshare -rn` and `ip link set lo up`, then
all in that shell; or --udp, with which each card is a UDP port of 127.0.0.1 that takes and gives
radiotap packets: the nodes of a scenario join by `twinbed node --card 127.0.0.1:PORT`.

Exit status: 0 ended by time or Ctrl-C, 2 bad arguments or scenario, 3 the air failed.)";

struct Arguments {
  std::string scenario;
  std::vector<std::string> settings;
  std::optional<std::uint64_t> seed;
  std::string duration;
  twinbed::scenarios::AirProcessOptions options;
};

void add_arguments(CLI::App& app, Arguments& arguments) {
  app.footer(kNotes);
  app.add_option("SCENARIO", arguments.scenario, "scenario file (YAML)")->required();
  app.add_flag("--udp", arguments.options.uses_udp,
               "UDP ports of 127.0.0.1 in place of interfaces; needs no root");
  app.add_option("--seed", arguments.seed, "of all that is random in the air; drawn if not given");
  app.add_option("--duration", arguments.duration,
                 "how long it runs, such as '10 min'; default: as long as the scenario says");
  app.add_option("--set", arguments.settings, "setting PATH=VALUE, as for twinbed run");
  app.add_option("--prefix", arguments.options.prefix,
                 "names interfaces PREFIXn0c0, PREFIXn0c1, ... by node and card, so that several "
                 "airs do not clash")
      ->check([](const std::string& text) {
        return text.size() <= 8 ? std::string{} : "a prefix has at most 8 characters";
      });
  app.add_option("--database", arguments.options.database,
                 "result store to write, used by twinbed run");
  app.add_flag("--capture", arguments.options.captures,
               "the store gets the frames at all cards, used by twinbed run");
  app.add_option("--control", arguments.options.control,
                 "descriptor of a control channel, used by twinbed run");
}

int fail(int status, const std::string& sentence) {
  std::fprintf(stderr, "twinbed-air: %s\n", sentence.c_str());
  return status;
}

std::uint64_t draw_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 31 ^ device();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The emulated air of a scenario, in real time, for programs to attach to.",
               "twinbed air"};
  Arguments arguments;
  add_arguments(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // 0: it was asked for help
  }
  auto scenario = twinbed::scenarios::load_scenario(arguments.scenario, arguments.settings);
  if (!scenario) return fail(2, scenario.error());
  twinbed::scenarios::AirProcessOptions& options = arguments.options;
  options.scenario = std::move(*scenario);
  if (!arguments.duration.empty()) {
    const auto duration = twinbed::scenarios::parse_duration(arguments.duration);
    if (!duration) return fail(2, "--duration: " + duration.error());
    options.scenario.duration = *duration;
  }
  options.seed = arguments.seed ? *arguments.seed : draw_seed();
  if (options.control < 0) {
    std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(options.seed));
  }
  const auto status = twinbed::scenarios::run_air_process(options);
  return status ? *status : fail(3, status.error());
}
