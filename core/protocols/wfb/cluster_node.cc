#include "core/protocols/wfb/cluster_node.h"

namespace twinbed::wfb {

ClusterNode::ClusterNode(const ClusterNodeOptions& options) {
  for (const ClusterNodeOptions::Stream& stream : options.streams) {
    if (stream.forwarder) {
      add(stream.name + " rx", std::make_unique<ForwarderNode>(*stream.forwarder));
    }
    if (stream.injector) {
      add(stream.name + " tx", std::make_unique<InjectorNode>(*stream.injector));
    }
  }
}

void ClusterNode::add(const std::string& name, std::unique_ptr<Protocol> program) {
  const auto number = static_cast<std::uint32_t>(jobs_.size() + 1);
  jobs_.push_back(std::unique_ptr<Job>(new Job{Part(number, name, *this), std::move(program)}));
}

void ClusterNode::on_start(Context& context) {
  for (const auto& job : jobs_) {
    job->part.run(context, [&](Context& inner) { job->program->on_start(inner); });
  }
}

void ClusterNode::on_timer(Context& context, TimerId id) {
  Job& job = owner_of(part_of(id));
  job.part.run(context, [&](Context& inner) { job.program->on_timer(inner, inner_of(id)); });
}

void ClusterNode::on_frame(Context& context, const RxFrame& frame) {
  for (const auto& job : jobs_) {
    job->part.run(context, [&](Context& inner) { job->program->on_frame(inner, frame); });
  }
}

void ClusterNode::on_datagram(Context& context, const Datagram& datagram) {
  Job& job = owner_of(part_of(datagram.socket));
  job.part.run(context, [&](Context& inner) {
    job.program->on_datagram(inner,
                             {inner_of(datagram.socket), datagram.from, datagram.payload});
  });
}

}  // namespace twinbed::wfb
