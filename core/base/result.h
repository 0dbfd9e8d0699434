// A value or the reason why there is none. Decoders of outside bytes return it; nothing throws.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "core/base/check.h"

namespace twinbed {

/// One sentence that a person can act on.
struct Error {
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& operator*() const& { return checked(); }
  T& operator*() & { return const_cast<T&>(checked()); }
  T operator*() && { return std::move(const_cast<T&>(checked())); }  // safe in a range for
  const T* operator->() const { return &checked(); }
  T* operator->() { return const_cast<T*>(&checked()); }

  /// The reason; only where ok() is false.
  const std::string& error() const {
    TWINBED_CHECK(!ok(), "the error of a result that holds a value was asked for");
    return std::get<1>(state_).message;
  }

 private:
  const T& checked() const {
    TWINBED_CHECK(ok(), "the value of a result that holds an error was asked for");
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

}  // namespace twinbed
