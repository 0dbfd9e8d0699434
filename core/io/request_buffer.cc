#include "core/io/request_buffer.h"

#include "core/base/hash.h"

namespace twinbed {

Request& RequestBuffer::add(RequestKind kind, std::uint32_t id) {
  Request& request = requests_.emplace_back();
  request.kind = kind;
  request.id = id;
  return request;
}

void RequestBuffer::attach_data(Request& request, Bytes data) {
  request.data_at = static_cast<std::uint32_t>(arena_.size());
  request.data_size = static_cast<std::uint32_t>(data.size());
  arena_.insert(arena_.end(), data.begin(), data.end());
}

void RequestBuffer::attach_name(Request& request, std::string_view name) {
  request.name_at = static_cast<std::uint32_t>(arena_.size());
  request.name_size = static_cast<std::uint32_t>(name.size());
  const Bytes bytes = as_bytes(name);
  arena_.insert(arena_.end(), bytes.begin(), bytes.end());
}

void RequestBuffer::set(TimerId id, Time deadline) {
  add(RequestKind::kTimerSet, static_cast<std::uint32_t>(id)).number = to_ns(deadline);
}

void RequestBuffer::cancel(TimerId id) {
  add(RequestKind::kTimerCancel, static_cast<std::uint32_t>(id));
}

void RequestBuffer::transmit(InterfaceId interface, Bytes frame, const TxParams& params) {
  Request& request = add(RequestKind::kTransmit, static_cast<std::uint32_t>(interface));
  request.tx = params;
  attach_data(request, frame);
}

void RequestBuffer::tune(InterfaceId interface, ChannelMhz channel) {
  add(RequestKind::kTune, static_cast<std::uint32_t>(interface)).number =
      static_cast<std::int64_t>(channel);
}

void RequestBuffer::bind(SocketId id, const Endpoint& local) {
  add(RequestKind::kBind, static_cast<std::uint32_t>(id)).endpoint = local;
}

void RequestBuffer::send(SocketId id, const Endpoint& to, Bytes payload) {
  Request& request = add(RequestKind::kSend, static_cast<std::uint32_t>(id));
  request.endpoint = to;
  attach_data(request, payload);
}

void RequestBuffer::close(SocketId id) {
  add(RequestKind::kCloseSocket, static_cast<std::uint32_t>(id));
}

void RequestBuffer::listen(ListenerId id, const Endpoint& local) {
  add(RequestKind::kListen, static_cast<std::uint32_t>(id)).endpoint = local;
}

void RequestBuffer::open(StreamId id, const Endpoint& to) {
  add(RequestKind::kOpen, static_cast<std::uint32_t>(id)).endpoint = to;
}

void RequestBuffer::write(StreamId id, Bytes data) {
  attach_data(add(RequestKind::kStreamWrite, static_cast<std::uint32_t>(id)), data);
}

void RequestBuffer::close(StreamId id) {
  add(RequestKind::kCloseStream, static_cast<std::uint32_t>(id));
}

void RequestBuffer::read(StorageToken token, std::string_view file, std::uint64_t offset,
                         std::uint64_t size) {
  Request& request = add(RequestKind::kRead, 0);
  request.token = static_cast<std::uint64_t>(token);
  request.number = static_cast<std::int64_t>(offset);
  request.size = size;
  attach_name(request, file);
}

void RequestBuffer::write(std::string_view file, std::uint64_t offset, Bytes data) {
  Request& request = add(RequestKind::kFileWrite, 0);
  request.number = static_cast<std::int64_t>(offset);
  attach_name(request, file);
  attach_data(request, data);
}

void RequestBuffer::sync(StorageToken token, std::string_view file) {
  Request& request = add(RequestKind::kSync, 0);
  request.token = static_cast<std::uint64_t>(token);
  attach_name(request, file);
}

void RequestBuffer::rename(std::string_view from, std::string_view to) {
  Request& request = add(RequestKind::kRename, 0);
  attach_name(request, to);
  request.second_at = request.name_at;
  request.second_size = request.name_size;
  attach_name(request, from);
}

void RequestBuffer::remove(std::string_view file) {
  attach_name(add(RequestKind::kRemove, 0), file);
}

void RequestBuffer::deliver(Bytes message) {
  attach_data(add(RequestKind::kDeliver, 0), message);
}

Bytes RequestBuffer::data(const Request& request) const {
  return Bytes(arena_).subspan(request.data_at, request.data_size);
}

std::string_view RequestBuffer::name(const Request& request) const {
  return as_text(Bytes(arena_).subspan(request.name_at, request.name_size));
}

std::string_view RequestBuffer::second_name(const Request& request) const {
  return as_text(Bytes(arena_).subspan(request.second_at, request.second_size));
}

std::uint64_t RequestBuffer::fingerprint() const {
  std::uint64_t hash = requests_.size();
  for (const Request& request : requests_) {
    hash = hash_combine(hash, static_cast<std::uint64_t>(request.kind) << 32 | request.id);
    hash = hash_combine(hash, std::uint64_t{request.endpoint.address.value} << 16 |
                                  request.endpoint.port);
    hash = hash_combine(hash, request.token);
    hash = hash_combine(hash, static_cast<std::uint64_t>(request.number));
    hash = hash_combine(hash, request.size);
    hash = hash_combine(hash, std::uint64_t{request.data_size} << 32 | request.name_size);
    hash = hash_combine(hash, request.second_size);
    if (request.kind == RequestKind::kTransmit) {
      const TxParams& tx = request.tx;
      hash = hash_combine(hash, static_cast<std::uint64_t>(tx.modulation) |
                                    std::uint64_t{tx.mcs} << 8 |
                                    std::uint64_t{tx.spatial_streams} << 16 |
                                    std::uint64_t{tx.stbc_streams} << 24 |
                                    static_cast<std::uint64_t>(tx.bandwidth) << 32 |
                                    std::uint64_t{tx.short_guard_interval} << 40 |
                                    std::uint64_t{tx.ldpc} << 48);
      if (tx.mark != 0) hash = hash_combine(hash, tx.mark);
    }
  }
  return hash_bytes(arena_, hash);
}

void RequestBuffer::clear() {
  requests_.clear();
  arena_.clear();
}

}  // namespace twinbed
