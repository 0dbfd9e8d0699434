#include "core/protocols/wfb/part.h"

#include "core/protocols/wfb/records.h"

namespace twinbed::wfb {

void Part::set(TimerId id, Time deadline) {
  outer_->timers.set(TimerId{outer_number(id)}, deadline);
}

void Part::cancel(TimerId id) { outer_->timers.cancel(TimerId{outer_number(id)}); }

void Part::bind(SocketId id, const Endpoint& local) {
  outer_->datagrams.bind(SocketId{outer_number(id)}, local);
}

void Part::send(SocketId id, const Endpoint& to, Bytes payload) {
  outer_->datagrams.send(SocketId{outer_number(id)}, to, payload);
}

void Part::close(SocketId id) { outer_->datagrams.close(SocketId{outer_number(id)}); }

void Part::read(StorageToken token, std::string_view file, std::uint64_t offset,
                std::uint64_t size) {
  outer_->storage.read(outer_token(token), file, offset, size);
}

void Part::write(std::string_view file, std::uint64_t offset, Bytes data) {
  outer_->storage.write(file, offset, data);
}

void Part::sync(StorageToken token, std::string_view file) {
  outer_->storage.sync(outer_token(token), file);
}

void Part::rename(std::string_view from, std::string_view to) {
  outer_->storage.rename(from, to);
}

void Part::remove(std::string_view file) { outer_->storage.remove(file); }

void Part::deliver(Bytes message) { owner_.on_part_delivery(*outer_, number_, message); }

void Part::sample(const Metric& metric, double value) {
  outer_->recorder.sample(metric, value);
  figures_.push_back({metric.name, value});
}

void Part::event(const EventType& type, std::span<const Field> fields) {
  if (type.name == kLogEvent.name) {
    const auto* line = fields.empty() ? nullptr : std::get_if<std::string_view>(&fields[0].value);
    return outer_->recorder.log(name_ + "\t" + std::string(line != nullptr ? *line : ""));
  }
  fields_.assign(fields.begin(), fields.end());
  fields_.push_back({"stream", name_});
  outer_->recorder.event(type, fields_);
}

void Part::record_figures() {
  if (figures_.empty()) return;
  figures_.push_back({"stream", name_});
  outer_->recorder.event(kStreamEvent, figures_);
  figures_.clear();
}

}  // namespace twinbed::wfb
