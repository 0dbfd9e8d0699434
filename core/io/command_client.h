// A protocol that takes the commands of a user, one a line, and knows which it has not answered.
#pragma once

#include "core/io/protocol.h"

namespace twinbed {

/// Commands are known by their place, from 1, for whoever gives them: a prompt or a test.
class CommandClient : public Protocol {
 public:
  /// Whether a command is under way.
  virtual bool busy() const = 0;
  /// Whether this command is still to be answered: it is under way, or has not been taken yet.
  virtual bool busy_with(std::uint64_t command) const = 0;
};

}  // namespace twinbed
