#include "bindings/bindings.h"

PYBIND11_MODULE(_twinbed, module) {
  using namespace twinbed::bindings;  // NOLINT: the module is nothing but this namespace
  module.doc() = "The C++ core of twinbed; use it through the package twinbed.";
  pybind11::register_exception<ScenarioMistake>(module, "ScenarioError", PyExc_ValueError)
      .attr("__doc__") = "A mistake in a scenario; the message names the place and the remedy.";
  pybind11::register_exception<RunFailed>(module, "RunError", PyExc_RuntimeError).attr("__doc__") =
      "A run, a replay or a result store failed; the message is one sentence.";
  bind_core(module);
  bind_protocol(module);
  bind_sim(module);
  bind_backends(module);
  bind_scenarios(module);
  bind_wfb(module);
  bind_wfb_statistics(module);
}
