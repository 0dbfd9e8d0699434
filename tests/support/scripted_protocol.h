// A protocol whose handlers are functions of the test, and which holds every call against the host
// contract: handlers do not nest, time does not run back.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "core/io/protocol.h"

namespace twinbed::testing {

using NodeFactory = std::function<std::unique_ptr<Protocol>(NodeId)>;

inline constexpr NodeId kNode0{0};
inline constexpr NodeId kNode1{1};
inline constexpr Duration kLong = std::chrono::seconds(20);
inline constexpr Duration kMs = std::chrono::milliseconds(1);

/// What a scripted node does in each handler; an empty function does nothing.
struct Script {
  std::function<void(Context&)> start;
  std::function<void(Context&, TimerId)> timer;
  std::function<void(Context&, const Datagram&)> datagram;
  std::function<void(Context&, const StreamEvent&)> stream;
  std::function<void(Context&, const StorageResult&)> storage;
  std::function<void(Context&, Bytes)> command;
  std::function<void(Context&)> stop;
};

/// What every handler call is held against, whatever the test is about.
struct ContractWatch {
  bool in_handler = false;
  std::map<NodeId, Time> last_now;
  std::uint64_t calls = 0;
};

/// Runs a script and checks on every call that handlers do not nest and time does not run back.
class ScriptedProtocol final : public Protocol {
 public:
  ScriptedProtocol(Script script, ContractWatch& watch)
      : script_(std::move(script)), watch_(watch) {}

  void on_start(Context& c) override { call(c, script_.start); }
  void on_timer(Context& c, TimerId id) override { call(c, script_.timer, id); }
  void on_datagram(Context& c, const Datagram& d) override { call(c, script_.datagram, d); }
  void on_stream(Context& c, const StreamEvent& e) override { call(c, script_.stream, e); }
  void on_storage(Context& c, const StorageResult& r) override { call(c, script_.storage, r); }
  void on_command(Context& c, Bytes command) override { call(c, script_.command, command); }
  void on_stop(Context& c) override { call(c, script_.stop); }

 private:
  template <class Function, class... Arguments>
  void call(Context& context, const Function& function, const Arguments&... arguments) {
    EXPECT_FALSE(watch_.in_handler) << "a handler was called within another";
    const auto [last, is_first] = watch_.last_now.try_emplace(context.self, context.now);
    EXPECT_GE(context.now, last->second) << "time ran back";
    last->second = context.now;
    ++watch_.calls;
    watch_.in_handler = true;
    if (function) function(context, arguments...);
    watch_.in_handler = false;
  }

  Script script_;
  ContractWatch& watch_;
};

}  // namespace twinbed::testing
