// core: endpoints, metrics, event types and random numbers.
#include <set>

#include "bindings/bindings.h"
#include "bindings/core_py.h"
#include "core/base/random_stream.h"
#include "core/io/endpoint.h"

namespace twinbed::bindings {
namespace {

namespace py = pybind11;

/// Text that lives as long as the process, as the names of metrics and event types must. Equal
/// texts are kept once. Called with the GIL held.
std::string_view keep_text(const std::string& text) {
  static auto* const texts = new std::set<std::string>;  // never freed: see above
  return *texts->insert(text).first;
}

void bind_endpoint(py::module_& module) {
  py::class_<Endpoint>(module, "Endpoint", "An IPv4 address and a port: Endpoint('10.0.0.1:7001').")
      .def(py::init([](const std::string& text) { return value_of(parse_endpoint(text)); }),
           py::arg("text"), "From 'ADDRESS:PORT'.")
      .def(py::init([](const std::string& address, std::uint16_t port) {
             return Endpoint{value_of(parse_address(address)), port};
           }),
           py::arg("address"), py::arg("port"), "From a dotted address and a port.")
      .def_property_readonly(
          "address", [](const Endpoint& self) { return to_string(self.address); },
          "Dotted decimal; '0.0.0.0' is every address of the node.")
      .def_readonly("port", &Endpoint::port, "0 asks the host for a free one.")
      .def("__str__", [](const Endpoint& self) { return to_string(self); })
      .def("__repr__",
           [](const Endpoint& self) { return "Endpoint('" + to_string(self) + "')"; })
      .def("__eq__", [](const Endpoint& a, const Endpoint& b) { return a == b; },
           py::is_operator())
      .def("__lt__", [](const Endpoint& a, const Endpoint& b) { return a < b; },
           py::is_operator())
      .def("__hash__", [](const Endpoint& self) {
        return (std::uint64_t{self.address.value} << 16) | self.port;
      });
  py::implicitly_convertible<std::string, Endpoint>();
}

void bind_recorded(py::module_& module) {
  py::class_<Metric>(module, "Metric",
                     "A number that is sampled over a run. Define each once, in the module.")
      .def(py::init([](const std::string& name, const std::string& unit,
                       const std::string& description) {
             return Metric{keep_text(name), keep_text(unit), keep_text(description)};
           }),
           py::arg("name"), py::arg("unit"), py::arg("description"),
           "A dotted name, a unit such as 's', 'B' or '1', and one sentence.")
      .def_readonly("name", &Metric::name, "Dotted, the same in SQL: 'election.messages'.")
      .def_readonly("unit", &Metric::unit, "'s', 'B', '1', 'dBm', ...")
      .def_readonly("description", &Metric::description, "One sentence.");
  py::class_<EventType>(module, "EventType",
                        "A kind of thing that happens. Define each once, in the module.")
      .def(py::init([](const std::string& name, const std::string& description) {
             return EventType{keep_text(name), keep_text(description)};
           }),
           py::arg("name"), py::arg("description"), "A dotted name and one sentence.")
      .def_readonly("name", &EventType::name, "Dotted, the same in SQL: 'election.suspect'.")
      .def_readonly("description", &EventType::description, "One sentence.");
}

Duration checked_between(Random& random, std::int64_t low_ns, std::int64_t high_ns) {
  if (low_ns > high_ns) throw py::value_error("between: low_ns must not be above high_ns");
  return random.between(Duration{low_ns}, Duration{high_ns});
}

}  // namespace

void RandomView::bind(py::module_& module) {
  py::class_<RandomView>(module, "Random",
                         "The node's source of random numbers; equal seeds give equal numbers.")
      .def("next", [](const RandomView& self) { return self.get().next(); },
           "64 uniformly distributed bits.")
      .def("below",
           [](const RandomView& self, std::uint64_t bound) {
             if (bound == 0) throw py::value_error("below: the bound must be positive");
             return self.get().below(bound);
           },
           py::arg("bound"), "Uniform over 0 .. bound - 1.")
      .def("uniform", [](const RandomView& self) { return self.get().uniform(); },
           "Uniform over [0, 1).")
      .def("chance",
           [](const RandomView& self, double probability) {
             return self.get().chance(probability);
           },
           py::arg("probability"), "True with this probability.")
      .def("between",
           [](const RandomView& self, std::int64_t low_ns, std::int64_t high_ns) {
             return to_ns(checked_between(self.get(), low_ns, high_ns));
           },
           py::arg("low_ns"), py::arg("high_ns"), "Uniform over [low_ns, high_ns].")
      .def("exponential", [](const RandomView& self) { return self.get().exponential(); },
           "Exponential with mean 1.")
      .def("normal", [](const RandomView& self) { return self.get().normal(); },
           "Normal with mean 0 and standard deviation 1.")
      .def("pareto",
           [](const RandomView& self, double shape) {
             if (!(shape > 0)) throw py::value_error("pareto: the shape must be positive");
             return self.get().pareto(shape);
           },
           py::arg("shape"), "Pareto with minimum 1 and this shape.");
}

void bind_core(py::module_& module) {
  bind_endpoint(module);
  bind_recorded(module);
  RandomView::bind(module);
  module.def(
      "derive_seed",
      [](std::uint64_t seed, const std::string& purpose, std::uint64_t number) {
        return RandomStream(seed, purpose, number).next();
      },
      py::arg("seed"), py::arg("purpose"), py::arg("number"),
      "A seed for a part of an experiment: the first number of the stream of that key.");
}

}  // namespace twinbed::bindings
