#include "core/protocols/wfb/central_node.h"

#include <algorithm>

#include "core/protocols/wfb/records.h"

namespace twinbed::wfb {

CentralNode::CentralNode(CentralOptions options) {
  for (ProfileOptions& profile : options.profiles) {
    Profile& made = profiles_.emplace_back();
    made.selection = AntennaSelection(profile.receive_only);
    for (StreamOptions& stream : profile.streams) {
      streams_.push_back(std::make_unique<Stream>(std::move(stream), first_part(streams_.size()),
                                                  profile.log_interval));
      made.streams.push_back(streams_.back().get());
    }
    profile.streams.clear();
    made.options = std::move(profile);
  }
}

void CentralNode::on_start(Context& context) {
  for (std::size_t i = 0; i < profiles_.size(); ++i) {
    context.timers.set(TimerId{static_cast<std::uint32_t>(i)},
                       context.now + profiles_[i].options.log_interval);
    for (Stream* stream : profiles_[i].streams) {
      // Before anything was heard, the first card that may transmits.
      for (const WlanId wlan : stream->options().cards) {
        if (profiles_[i].options.receive_only.contains(wlan)) continue;
        stream->select(wlan);
        break;
      }
      stream->start(context);
    }
  }
}

void CentralNode::on_timer(Context& context, TimerId id) {
  if (part_of(id) > 0) return owner_of(part_of(id)).on_timer(context, id);
  Profile& profile = profiles_[static_cast<std::uint32_t>(id)];
  end_interval(context, profile);
  context.timers.set(id, context.now + profile.options.log_interval);
}

void CentralNode::on_frame(Context& context, const RxFrame& frame) {
  for (const auto& stream : streams_) stream->on_frame(context, frame);
}

void CentralNode::on_datagram(Context& context, const Datagram& datagram) {
  owner_of(part_of(datagram.socket)).on_datagram(context, datagram);
}

void CentralNode::on_storage(Context& context, const StorageResult& result) {
  owner_of(part_of(result.token)).on_storage(context, result);
}

void CentralNode::on_command(Context& context, Bytes command) {
  const std::string_view text = as_text(command);
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view name = text.substr(0, space);
  for (const auto& stream : streams_) {
    if (stream->options().name != name) continue;
    return stream->take(context, command.subspan(std::min(space + 1, command.size())));
  }
  context.recorder.log("no stream is named \"" + std::string(name) +
                       "\"; a command is the name of a stream, a space and the payload");
}

const Stream* CentralNode::stream(std::string_view name) const {
  for (const auto& stream : streams_) {
    if (stream->options().name == name) return stream.get();
  }
  return nullptr;
}

void CentralNode::end_interval(Context& context, Profile& profile) {
  tables_.clear();
  for (const Stream* stream : profile.streams) stream->add_antennas(tables_);
  const std::optional<WlanId> before = profile.selection.chosen();
  const std::optional<WlanId> chosen = profile.selection.choose(tables_);
  if (chosen && chosen != before) {
    for (Stream* stream : profile.streams) stream->select(*chosen);
    context.recorder.event(kSelectedEvent, {{"profile", profile.options.name},
                                            {"wlan", static_cast<std::int64_t>(*chosen)}});
  }
  RadioStatus status;
  for (const Stream* stream : profile.streams) stream->add_status(status);
  for (Stream* stream : profile.streams) {
    stream->tell_status(context, status);
    stream->end_interval(context);
  }
}

}  // namespace twinbed::wfb
