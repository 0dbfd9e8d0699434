// The command lines of WFB-NG's programs, with the options of the originals:
//
//   twinbed-node wfb-rx | wfb-tx | wfb-keygen | wfb-cmd | wfb-server
//
// The same program does it under the originals' names, wfb_rx, wfb_tx, wfb_keygen, wfb_tx_cmd and
// wfb-server: by a link to it, say.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/node/wfb_cmd.h"
#include "scenarios/node/wfb_rx.h"
#include "scenarios/node/wfb_server.h"
#include "scenarios/node/wfb_tx.h"

namespace twinbed::scenarios {

/// The program that a name of the original stands for; empty for any other name.
std::string wfb_program_of(std::string_view name_of_the_original);

class WfbCommandLine {
 public:
  /// Adds a program with this name and description to the command line.
  using AddProgram = std::function<CLI::App*(const char* name, const char* description)>;
  using Fail = std::function<int(int status, const std::string& sentence)>;

  /// The object outlives the command line, which fills it.
  explicit WfbCommandLine(const AddProgram& add);
  WfbCommandLine(const WfbCommandLine&) = delete;
  WfbCommandLine& operator=(const WfbCommandLine&) = delete;

  /// Runs the program that the command line asks for: its exit status; nothing where it asks for
  /// none of these. `fail` prints a sentence.
  std::optional<int> run(const Fail& fail);

 private:
  void add_rx_options();
  void add_tx_options();
  void add_tx_stream_options();
  static void add_radio_options(CLI::App& program, wfb::RadioSettings& radio);
  void add_keygen_options();
  void add_cmd_options();
  void add_server_options();
  int run_keygen(const Fail& fail) const;
  int run_cmd(const Fail& fail) const;
  int run_server(const Fail& fail);

  CLI::App* rx_;
  CLI::App* tx_;
  CLI::App* keygen_;
  CLI::App* cmd_;
  CLI::App* server_;
  WfbRxOptions rx_options_;
  WfbTxOptions tx_options_;
  std::optional<std::string> password_;
  bool replaces_keys_ = false;
  std::uint16_t control_port_ = 0;
  WfbRequest request_;
  WfbServerOptions server_options_;
};

}  // namespace twinbed::scenarios
