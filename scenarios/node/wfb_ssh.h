// The nodes of a cluster that its central node starts by ssh: a process of OpenSSH's client for
// each, to which the node's script is piped.
//
//   script ──► ssh ──► bash on the node ──► forwarders and injectors
//   end of the pipe ─► ssh ends ─► so does the script
//
// What a node prints is printed here behind its address, with controls of terminals made visible.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/result.h"
#include "scenarios/wfb/cluster_commands.h"

namespace twinbed::scenarios {

class WfbSshNodes {
 public:
  using OnEnd = std::function<void(IpAddress node)>;

  /// Calls `on_end` when the connection to a node ends, however that comes about. The loop outlives
  /// the nodes.
  WfbSshNodes(backends::EventLoop& loop, OnEnd on_end);
  /// Ends all scripts, and waits for that for up to 3 s.
  ~WfbSshNodes();
  WfbSshNodes(const WfbSshNodes&) = delete;
  WfbSshNodes& operator=(const WfbSshNodes&) = delete;

  /// Starts ssh and pipes the script to it. The error is a sentence.
  Result<std::monostate> start(IpAddress node, const CommandLine& ssh, const std::string& script);

 private:
  struct Node;

  void wait_for_output(Node& node);
  void wait_for_end(Node& node);

  backends::EventLoop& loop_;
  OnEnd on_end_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace twinbed::scenarios
