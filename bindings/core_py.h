// The context as Python sees it: it must not be used after the handler that it was given to.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <stdexcept>

#include "core/io/protocol.h"

namespace twinbed::bindings {

/// Where the views of one protocol object find the context of the handler that runs; null between
/// handlers, so that a context that Python kept is an error and not a dangling pointer.
struct ContextSlot {
  Context* current = nullptr;

  Context& get() const {
    if (current == nullptr) {
      throw std::runtime_error("a context can be used only within the handler it was given to");
    }
    return *current;
  }
};
using SharedSlot = std::shared_ptr<ContextSlot>;

/// Context.random.
struct RandomView {
  SharedSlot slot;

  Random& get() const { return slot->get().random; }
  static void bind(pybind11::module_& module);
};

}  // namespace twinbed::bindings
