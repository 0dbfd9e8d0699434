// A protocol that can end before its host does, as a process of an operating system: what it holds
// of the host is then taken back, and it hears nothing any more.
#pragma once

#include <memory>
#include <set>
#include <utility>

#include "core/io/protocol.h"

namespace twinbed::wfb {

/// Timers and sockets are taken back; streams are not, so that the protocol must not use any.
class Process final : private Timers, private Datagrams {
 public:
  explicit Process(std::unique_ptr<Protocol> program) : program_(std::move(program)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Calls a handler of the protocol, handler(protocol, context), unless it has ended.
  template <class Handler>
  void run(Context& outer, Handler&& handler) {
    if (!program_) return;
    outer_ = &outer;
    Context inner{outer.now,     outer.wall,    outer.self,        outer.random,
                  *this,         outer.radio,   *this,             outer.streams,
                  outer.storage, outer.application, outer.recorder};
    handler(*program_, inner);
  }
  void end(Context& context);
  bool has_ended() const { return !program_; }

 private:
  void set(TimerId id, Time deadline) override;
  void cancel(TimerId id) override;
  void bind(SocketId id, const Endpoint& local) override;
  void send(SocketId id, const Endpoint& to, Bytes payload) override;
  void close(SocketId id) override;

  std::unique_ptr<Protocol> program_;
  Context* outer_ = nullptr;  ///< of the handler that runs
  std::set<TimerId> timers_;
  std::set<SocketId> sockets_;
};

}  // namespace twinbed::wfb
