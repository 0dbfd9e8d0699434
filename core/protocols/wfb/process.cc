#include "core/protocols/wfb/process.h"

namespace twinbed::wfb {

void Process::end(Context& context) {
  program_.reset();
  for (const TimerId id : timers_) context.timers.cancel(id);
  for (const SocketId id : sockets_) context.datagrams.close(id);
  timers_.clear();
  sockets_.clear();
}

void Process::set(TimerId id, Time deadline) {
  timers_.insert(id);
  outer_->timers.set(id, deadline);
}

void Process::cancel(TimerId id) {
  timers_.erase(id);
  outer_->timers.cancel(id);
}

void Process::bind(SocketId id, const Endpoint& local) {
  sockets_.insert(id);
  outer_->datagrams.bind(id, local);
}

void Process::send(SocketId id, const Endpoint& to, Bytes payload) {
  outer_->datagrams.send(id, to, payload);
}

void Process::close(SocketId id) {
  sockets_.erase(id);
  outer_->datagrams.close(id);
}

}  // namespace twinbed::wfb
