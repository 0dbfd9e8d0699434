// A node of a WFB-NG cluster as one program: all that its init script starts, over the cards of the
// node.
//
//   cards ──┬─► forwarder "video"   ──► aggregator, base_port_server + 0
//           ├─► forwarder "mavlink" ──► aggregator, base_port_server + 1
//           └── injector "mavlink"  ◄── distributor, base_port_node + 1
//
// The script ends with its first job (`wait -n`), so that all of them live and die together: a node
// is one process here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/protocols/wfb/forwarder_node.h"
#include "core/protocols/wfb/injector_node.h"
#include "core/protocols/wfb/part.h"

namespace twinbed::wfb {

struct ClusterNodeOptions {
  struct Stream {
    std::string name;
    std::optional<ForwarderOptions> forwarder;  ///< where the stream receives
    std::optional<InjectorOptions> injector;    ///< where it sends
  };
  std::vector<Stream> streams;
};

class ClusterNode final : public Protocol, private PartOwner {
 public:
  explicit ClusterNode(const ClusterNodeOptions& options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;
  void on_datagram(Context& context, const Datagram& datagram) override;

 private:
  /// Stays where it is made, as its part is known by its address.
  struct Job {
    Part part;
    std::unique_ptr<Protocol> program;
  };

  void add(const std::string& name, std::unique_ptr<Protocol> program);
  /// The job that has the number of this part.
  Job& owner_of(std::uint32_t part) { return *jobs_[part - 1]; }
  void on_part_delivery(Context&, std::uint32_t, Bytes) override {}

  std::vector<std::unique_ptr<Job>> jobs_;
};

}  // namespace twinbed::wfb
