// backends: the result store.
#include "backends/sqlite/schema.h"
#include "backends/sqlite/store.h"
#include "bindings/bindings.h"

namespace twinbed::bindings {
namespace {

namespace py = pybind11;

std::vector<std::int64_t> absorb(const std::string& path, const std::vector<std::string>& others) {
  auto store = outcome_of(backends::Store::open(path));
  std::vector<std::int64_t> run_ids;
  for (const std::string& other : others) {
    for (const std::int64_t run_id : outcome_of(store->absorb(other))) run_ids.push_back(run_id);
  }
  return run_ids;
}

void create_store(const std::string& path) { outcome_of(backends::Store::open(path)); }

void create_indexes(const std::string& path) {
  outcome_of(outcome_of(backends::Store::open(path))->create_indexes());
}

std::optional<std::int64_t> time_ns(const backends::VerdictRow& row) {
  return row.time ? std::optional(to_ns(*row.time)) : std::nullopt;
}

std::optional<std::uint32_t> node_id(const backends::VerdictRow& row) {
  return row.node ? std::optional(static_cast<std::uint32_t>(*row.node)) : std::nullopt;
}

}  // namespace

void bind_backends(py::module_& module) {
  module.attr("SCHEMA_VERSION") = backends::kSchemaVersion;
  module.attr("APPLICATION_ID") = backends::kApplicationId;
  py::class_<backends::VerdictRow>(module, "Verdict", "What a checker found.")
      .def_readonly("checker", &backends::VerdictRow::checker, "Its name.")
      .def_readonly("verdict", &backends::VerdictRow::verdict,
                    "'valid', 'invalid', 'unknown' or 'vacuous'.")
      .def_property_readonly(
          "expected",
          [](const backends::VerdictRow& row) { return row.expected.value_or("valid"); },
          "The verdict that the scenario expects under its policy.")
      .def_readonly("explanation", &backends::VerdictRow::explanation, "One sentence.")
      .def_property_readonly("time_ns", time_ns, "Of the first violation, or None.")
      .def_property_readonly("node_id", node_id, "Where it was seen, or None.");
  module.def("create_store", create_store, py::arg("path"),
             py::call_guard<py::gil_scoped_release>(),
             "Opens a result store, or creates it; marks runs whose writer was killed.");
  module.def("absorb", absorb, py::arg("path"), py::arg("others"),
             py::call_guard<py::gil_scoped_release>(),
             "Copies all runs of other stores that have ended into a store; the new run ids.");
  module.def("create_indexes", create_indexes, py::arg("path"),
             py::call_guard<py::gil_scoped_release>(),
             "Builds the indexes that make reading a store fast.");
}

}  // namespace twinbed::bindings
