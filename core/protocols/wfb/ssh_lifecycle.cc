#include "core/protocols/wfb/ssh_lifecycle.h"

#include <string>

#include "core/protocols/wfb/records.h"

namespace twinbed::wfb {
namespace {

bool is_end(StreamEventKind kind) {
  return kind == StreamEventKind::kFailed || kind == StreamEventKind::kClosed ||
         kind == StreamEventKind::kReset;
}

}  // namespace

// ---- SshCentral --------------------------------------------------------------------------------

void SshCentral::on_start(Context& context) {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) context.streams.open(StreamId{i}, nodes_[i]);
  program_.run(context, [](Protocol& program, Context& inner) { program.on_start(inner); });
}

void SshCentral::on_timer(Context& context, TimerId id) {
  program_.run(context, [&](Protocol& program, Context& inner) { program.on_timer(inner, id); });
}

void SshCentral::on_frame(Context& context, const RxFrame& frame) {
  program_.run(context,
               [&](Protocol& program, Context& inner) { program.on_frame(inner, frame); });
}

void SshCentral::on_datagram(Context& context, const Datagram& datagram) {
  program_.run(context,
               [&](Protocol& program, Context& inner) { program.on_datagram(inner, datagram); });
}

void SshCentral::on_storage(Context& context, const StorageResult& result) {
  program_.run(context,
               [&](Protocol& program, Context& inner) { program.on_storage(inner, result); });
}

void SshCentral::on_command(Context& context, Bytes command) {
  program_.run(context,
               [&](Protocol& program, Context& inner) { program.on_command(inner, command); });
}

void SshCentral::on_stream(Context& context, const StreamEvent& event) {
  if (!is_end(event.kind) || program_.has_ended()) return;
  const auto lost = static_cast<std::uint32_t>(event.stream);
  const std::string node = to_string(nodes_[lost].address);
  context.recorder.event(kEndedEvent, {{"node", node}, {"reason", to_string(event.kind)}});
  context.recorder.log("the connection to node " + node + " is lost: this central node ends, and " +
                       "with it all other nodes; start it again once that node is there");
  program_.end(context);
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (i != lost) context.streams.close(StreamId{i});
  }
}

// ---- SshNode -----------------------------------------------------------------------------------

void SshNode::on_start(Context& context) {
  context.streams.listen(ListenerId{0}, {kAnyAddress, port_});
}

void SshNode::on_timer(Context& context, TimerId id) {
  if (!script_) return;
  script_->run(context, [&](Protocol& script, Context& inner) { script.on_timer(inner, id); });
}

void SshNode::on_frame(Context& context, const RxFrame& frame) {
  if (!script_) return;
  script_->run(context, [&](Protocol& script, Context& inner) { script.on_frame(inner, frame); });
}

void SshNode::on_datagram(Context& context, const Datagram& datagram) {
  if (!script_) return;
  script_->run(context,
               [&](Protocol& script, Context& inner) { script.on_datagram(inner, datagram); });
}

void SshNode::on_stream(Context& context, const StreamEvent& event) {
  if (event.kind == StreamEventKind::kAccepted) {
    // A second script finds the ports of the first one taken, and ends.
    if (script_) return context.streams.close(event.stream);
    connection_ = event.stream;
    script_.emplace(make_script_());
    script_->run(context, [](Protocol& script, Context& inner) { script.on_start(inner); });
    return;
  }
  if (!is_end(event.kind) || !script_ || event.stream != connection_) return;
  context.recorder.event(kEndedEvent, {{"reason", to_string(event.kind)}});
  script_->end(context);
  script_.reset();
}

}  // namespace twinbed::wfb
