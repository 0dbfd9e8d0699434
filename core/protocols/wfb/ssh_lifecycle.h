// How a central node starts its nodes by ssh, and how all of them end together.
//
//   central node                                    node
//   SshCentral ───── one TCP stream a node ──────► SshNode
//     is refused, closed or reset: it ends            is accepted: the init script starts
//                                                     is closed or reset: the script ends
//
// So one node's death ends the central node, whose own end ends the scripts of all others; and a
// central node that is started anew starts them anew. What cannot be told from silence is not
// noticed: nothing is said on a stream, as ssh is run without keep-alives, so that a cut line or a
// power failure changes nothing here.
//
// A protocol cannot end its own process. SshCentral records wfb.ended and is silent for good, until
// its node is started again; of SshNode what remains is the ssh server.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/protocols/wfb/process.h"

namespace twinbed::wfb {

/// A central node's side; it runs `program`, which uses no streams.
class SshCentral final : public Protocol {
 public:
  SshCentral(std::vector<Endpoint> nodes, std::unique_ptr<Protocol> program)
      : nodes_(std::move(nodes)), program_(std::move(program)) {}

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  void on_stream(Context& context, const StreamEvent& event) override;
  void on_storage(Context& context, const StorageResult& result) override;
  void on_command(Context& context, Bytes command) override;

 private:
  std::vector<Endpoint> nodes_;  ///< the stream to each has its index
  Process program_;
};

/// A node's side: an ssh server, and what it starts.
class SshNode final : public Protocol {
 public:
  using MakeScript = std::function<std::unique_ptr<Protocol>()>;

  /// Listens at the port; the script uses no streams and no storage.
  SshNode(std::uint16_t port, MakeScript make_script)
      : port_(port), make_script_(std::move(make_script)) {}

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;
  void on_datagram(Context& context, const Datagram& datagram) override;
  void on_stream(Context& context, const StreamEvent& event) override;

 private:
  std::uint16_t port_;
  MakeScript make_script_;
  std::optional<Process> script_;
  StreamId connection_{};  ///< of the script that runs
};

}  // namespace twinbed::wfb
