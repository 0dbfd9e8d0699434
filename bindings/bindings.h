// The extension module twinbed._twinbed: one *_py.cc for each C++ folder, and no logic in any.
//
// Times cross as integer nanoseconds and seeds as integers of 64 bits. A user's mistake becomes a
// ScenarioError (a ValueError), a failure a RunError, each with the one sentence that C++ has for
// it.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "scenarios/run.h"

namespace twinbed::bindings {

/// Becomes ScenarioError in Python.
struct ScenarioMistake : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// Becomes RunError in Python.
struct RunFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The value, or the error as ScenarioError.
template <class T>
T value_of(Result<T> result) {
  if (!result) throw ScenarioMistake(result.error());
  return *std::move(result);
}

/// The value, or the error as RunError.
template <class T>
T outcome_of(Result<T> result) {
  if (!result) throw RunFailed(result.error());
  return *std::move(result);
}

void bind_core(pybind11::module_& module);
void bind_protocol(pybind11::module_& module);
void bind_sim(pybind11::module_& module);
void bind_backends(pybind11::module_& module);
void bind_scenarios(pybind11::module_& module);
void bind_wfb(pybind11::module_& module);
void bind_wfb_statistics(pybind11::module_& module);

/// Protocols made by calling `make(node index)` in Python, in place of the registered ones.
scenarios::FactoryOverride python_factory(const pybind11::object& make);

}  // namespace twinbed::bindings
