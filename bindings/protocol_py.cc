// core/io: protocols written in Python, and the context that their handlers get.
//
// Requests go straight into the host's RequestBuffer, which keeps them until the handler has
// returned, so that a protocol in Python obeys the same contract as one in C++.
#include <pybind11/eval.h>

#include <vector>

#include "bindings/bindings.h"
#include "bindings/core_py.h"

namespace twinbed::bindings {
namespace {

namespace py = pybind11;

struct TimersView { SharedSlot slot; };
struct DatagramsView { SharedSlot slot; };
struct StreamsView { SharedSlot slot; };
struct StorageView { SharedSlot slot; };
struct ApplicationView { SharedSlot slot; };
struct RecorderView { SharedSlot slot; };
struct ContextView { SharedSlot slot; };

// What handlers get: copies, so that Python may keep them.
struct DatagramView {
  std::uint32_t socket;
  Endpoint from;
  py::bytes payload;
};
struct StreamEventView {
  std::string kind;
  std::uint32_t stream;
  std::uint32_t listener;
  Endpoint peer;
  std::string failure;
  py::bytes data;
};
struct StorageResultView {
  std::uint64_t token;
  std::string status;
  py::bytes data;
};

py::bytes to_python(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Bytes of any Python object that has them in one piece, borrowed for the call.
class BytesOf {
 public:
  explicit BytesOf(const py::buffer& object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
  }
  ~BytesOf() { PyBuffer_Release(&view_); }
  BytesOf(const BytesOf&) = delete;
  BytesOf& operator=(const BytesOf&) = delete;

  Bytes get() const {
    return {static_cast<const std::byte*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

/// The fields of an event from keyword arguments.
class EventFields {
 public:
  explicit EventFields(const py::kwargs& named) {
    texts_.reserve(2 * named.size());  // views into the texts must stay where they are
    for (const auto& [key, value] : named) add(keep(key), value);
  }
  std::span<const Field> get() const { return fields_; }

 private:
  std::string_view keep(py::handle text) {
    return texts_.emplace_back(py::cast<std::string>(text));
  }

  void add(std::string_view key, py::handle value) {
    if (py::isinstance<py::float_>(value)) {
      fields_.push_back({key, py::cast<double>(value)});
    } else if (PyIndex_Check(value.ptr()) != 0) {
      const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
      fields_.push_back({key, py::cast<std::int64_t>(number)});
    } else if (py::isinstance<py::str>(value)) {
      fields_.push_back({key, keep(value)});
    } else {
      throw py::type_error("the field '" + std::string(key) +
                           "' of an event must be a whole number, a float or a text");
    }
  }

  std::vector<std::string> texts_;
  std::vector<Field> fields_;
};

void bind_timers(py::module_& module) {
  py::class_<TimersView>(module, "Timers", "A table of deadlines named by the protocol.")
      .def("set",
           [](const TimersView& self, std::uint32_t id, std::int64_t deadline_ns) {
             self.slot->get().timers.set(TimerId{id}, time_from_ns(deadline_ns));
           },
           py::arg("id"), py::arg("deadline_ns"),
           "Asks for on_timer(id) at this time of the node's clock; replaces an earlier deadline.")
      .def("cancel",
           [](const TimersView& self, std::uint32_t id) {
             self.slot->get().timers.cancel(TimerId{id});
           },
           py::arg("id"), "Forgets the timer, if it is set.");
}

void bind_datagrams(py::module_& module) {
  py::class_<DatagramsView>(module, "Datagrams", "Unreliable messages between endpoints (UDP).")
      .def("bind",
           [](const DatagramsView& self, std::uint32_t socket, const Endpoint& local) {
             self.slot->get().datagrams.bind(SocketId{socket}, local);
           },
           py::arg("socket"), py::arg("local"), "Binds a socket to a local endpoint.")
      .def("send",
           [](const DatagramsView& self, std::uint32_t socket, const Endpoint& to,
              const py::buffer& payload) {
             self.slot->get().datagrams.send(SocketId{socket}, to, BytesOf(payload).get());
           },
           py::arg("socket"), py::arg("to"), py::arg("payload"),
           "Sends at most 65,507 bytes; nothing reports whether they arrive.")
      .def("close",
           [](const DatagramsView& self, std::uint32_t socket) {
             self.slot->get().datagrams.close(SocketId{socket});
           },
           py::arg("socket"), "Closes the socket.");
  py::class_<DatagramView>(module, "Datagram", "A datagram as it arrives.")
      .def_readonly("socket", &DatagramView::socket, "The socket it came in on.")
      .def_readonly("from_", &DatagramView::from, "The endpoint that sent it.")
      .def_readonly("payload", &DatagramView::payload, "Its bytes.");
}

void bind_streams(py::module_& module) {
  py::class_<StreamsView>(module, "Streams", "Reliable, ordered byte streams (TCP).")
      .def("listen",
           [](const StreamsView& self, std::uint32_t listener, const Endpoint& local) {
             self.slot->get().streams.listen(ListenerId{listener}, local);
           },
           py::arg("listener"), py::arg("local"), "Accepts streams at a local endpoint.")
      .def("open",
           [](const StreamsView& self, std::uint32_t stream, const Endpoint& to) {
             self.slot->get().streams.open(StreamId{stream}, to);
           },
           py::arg("stream"), py::arg("to"), "Connects; the answer is 'opened' or 'failed'.")
      .def("write",
           [](const StreamsView& self, std::uint32_t stream, const py::buffer& data) {
             self.slot->get().streams.write(StreamId{stream}, BytesOf(data).get());
           },
           py::arg("stream"), py::arg("data"), "Appends bytes to the stream.")
      .def("close",
           [](const StreamsView& self, std::uint32_t stream) {
             self.slot->get().streams.close(StreamId{stream});
           },
           py::arg("stream"), "Closes after what was written has been sent.");
  py::class_<StreamEventView>(module, "StreamEvent", "Something that happened to a stream.")
      .def_readonly("kind", &StreamEventView::kind,
                    "'accepted', 'opened', 'failed', 'data', 'drained', 'closed' or 'reset'.")
      .def_readonly("stream", &StreamEventView::stream, "Which stream.")
      .def_readonly("listener", &StreamEventView::listener, "Of 'accepted': who listened.")
      .def_readonly("peer", &StreamEventView::peer, "Of 'accepted' and 'opened': the other end.")
      .def_readonly("failure", &StreamEventView::failure,
                    "Of 'failed': 'refused', 'timed out' or 'unreachable'.")
      .def_readonly("data", &StreamEventView::data, "Of 'data': the next bytes.");
}

void bind_storage(py::module_& module) {
  py::class_<StorageView>(module, "Storage",
                          "Named files that survive a crash only as far as they were synced.")
      .def("read",
           [](const StorageView& self, std::uint64_t token, const std::string& file,
              std::uint64_t offset, std::uint64_t size) {
             self.slot->get().storage.read(StorageToken{token}, file, offset, size);
           },
           py::arg("token"), py::arg("file"), py::arg("offset"), py::arg("size"),
           "Reads up to `size` bytes; answered by on_storage with the token.")
      .def("write",
           [](const StorageView& self, const std::string& file, std::uint64_t offset,
              const py::buffer& data) {
             self.slot->get().storage.write(file, offset, BytesOf(data).get());
           },
           py::arg("file"), py::arg("offset"), py::arg("data"),
           "Writes at an offset; durable only after a later sync.")
      .def("sync",
           [](const StorageView& self, std::uint64_t token, const std::string& file) {
             self.slot->get().storage.sync(StorageToken{token}, file);
           },
           py::arg("token"), py::arg("file"),
           "Answered by on_storage once everything written to the file survives a crash.")
      .def("rename",
           [](const StorageView& self, const std::string& old_name, const std::string& new_name) {
             self.slot->get().storage.rename(old_name, new_name);
           },
           py::arg("old_name"), py::arg("new_name"), "Renames atomically over any other file.")
      .def("remove",
           [](const StorageView& self, const std::string& file) {
             self.slot->get().storage.remove(file);
           },
           py::arg("file"), "Removes the file, if it exists.");
  py::class_<StorageResultView>(module, "StorageResult", "The answer to a read or a sync.")
      .def_readonly("token", &StorageResultView::token, "The token of the request.")
      .def_readonly("status", &StorageResultView::status,
                    "'ok', 'not found', 'no space' or 'failed'.")
      .def_readonly("data", &StorageResultView::data, "Of a read; short at the end of the file.");
}

void bind_outputs(py::module_& module) {
  py::class_<ApplicationView>(module, "Application", "What stands above the protocol.")
      .def("deliver",
           [](const ApplicationView& self, const py::buffer& message) {
             self.slot->get().application.deliver(BytesOf(message).get());
           },
           py::arg("message"), "Hands a message to the protocol's user.");
  py::class_<RecorderView>(module, "Recorder", "What a run leaves behind.")
      .def("sample",
           [](const RecorderView& self, const Metric& metric, double value) {
             self.slot->get().recorder.sample(metric, value);
           },
           py::arg("metric"), py::arg("value"), "Records a value of a metric.")
      .def("event",
           [](const RecorderView& self, const EventType& type, const py::kwargs& fields) {
             self.slot->get().recorder.event(type, EventFields(fields).get());
           },
           py::arg("type"),
           "Records an event; its fields are keyword arguments: whole numbers, floats, texts.")
      .def("log",
           [](const RecorderView& self, const std::string& line) {
             self.slot->get().recorder.log(line);
           },
           py::arg("line"), "Records a line that the program would print.");
}

void bind_context(py::module_& module) {
  py::class_<ContextView>(module, "Context",
                          "The world as one handler sees it; valid only during the handler.")
      .def_property_readonly(
          "now", [](const ContextView& self) { return to_ns(self.slot->get().now); },
          "The node's monotonic clock in ns, from the start of the run.")
      .def_property_readonly(
          "wall", [](const ContextView& self) { return to_ns(self.slot->get().wall); },
          "The node's wall clock in ns since 1970, which a fault may have set wrong.")
      .def_property_readonly(
          "self_id",
          [](const ContextView& self) { return static_cast<std::uint32_t>(self.slot->get().self); },
          "The node's place in the scenario, from 0.")
      .def_property_readonly(
          "random", [](const ContextView& self) { return RandomView{self.slot}; },
          "Random numbers.")
      .def_property_readonly(
          "timers", [](const ContextView& self) { return TimersView{self.slot}; }, "Timers.")
      .def_property_readonly(
          "datagrams", [](const ContextView& self) { return DatagramsView{self.slot}; },
          "Datagrams.")
      .def_property_readonly(
          "streams", [](const ContextView& self) { return StreamsView{self.slot}; }, "Streams.")
      .def_property_readonly(
          "storage", [](const ContextView& self) { return StorageView{self.slot}; }, "Files.")
      .def_property_readonly(
          "application", [](const ContextView& self) { return ApplicationView{self.slot}; },
          "What stands above the protocol.")
      .def_property_readonly(
          "recorder", [](const ContextView& self) { return RecorderView{self.slot}; },
          "What the run leaves behind.");
}

/// The sentence and the traceback of an exception that left a Python handler.
std::string describe(const py::error_already_set& error, const std::string& node) {
  const py::list lines = py::module_::import("traceback")
                             .attr("format_exception")(error.type(), error.value(), error.trace());
  std::string traceback;
  for (const py::handle line : lines) traceback += py::cast<std::string>(line);
  const std::string kind = py::cast<std::string>(error.type().attr("__name__"));
  return "the protocol of node " + node + " raised " + kind + ": " +
         py::cast<std::string>(py::str(error.value())) + "\n" + traceback;
}

/// Calls Python; an exception there ends the run (run_simulated in scenarios_py.cc catches it).
template <class Call>
auto call_python(const std::string& node, Call&& call) {
  try {
    return call();
  } catch (const py::error_already_set& error) {
    if (!error.matches(PyExc_Exception)) throw;  // KeyboardInterrupt and SystemExit are no faults
    throw RunFailed(describe(error, node));
  }
}

/// A protocol whose handlers are methods of a Python object. Every call into Python takes the GIL.
class PythonProtocol final : public Protocol {
 public:
  PythonProtocol(std::string node, py::object object)
      : node_(std::move(node)),
        slot_(std::make_shared<ContextSlot>()),
        object_(std::move(object)),
        context_(py::cast(ContextView{slot_})) {}
  ~PythonProtocol() override {
    const py::gil_scoped_acquire gil;
    object_ = py::object();
    context_ = py::object();
  }
  PythonProtocol(const PythonProtocol&) = delete;
  PythonProtocol& operator=(const PythonProtocol&) = delete;

  void on_start(Context& context) override { call("on_start", context); }
  void on_stop(Context& context) override { call("on_stop", context); }
  void on_timer(Context& context, TimerId id) override {
    call("on_timer", context, static_cast<std::uint32_t>(id));
  }
  void on_datagram(Context& context, const Datagram& datagram) override {
    const py::gil_scoped_acquire gil;
    call("on_datagram", context,
         DatagramView{static_cast<std::uint32_t>(datagram.socket), datagram.from,
                      to_python(datagram.payload)});
  }
  void on_stream(Context& context, const StreamEvent& event) override {
    const py::gil_scoped_acquire gil;
    const bool failed = event.kind == StreamEventKind::kFailed;
    call("on_stream", context,
         StreamEventView{std::string(to_string(event.kind)),
                         static_cast<std::uint32_t>(event.stream),
                         static_cast<std::uint32_t>(event.listener), event.peer,
                         failed ? std::string(to_string(event.failure)) : "",
                         to_python(event.data)});
  }
  void on_storage(Context& context, const StorageResult& result) override {
    const py::gil_scoped_acquire gil;
    call("on_storage", context,
         StorageResultView{static_cast<std::uint64_t>(result.token),
                           std::string(to_string(result.status)), to_python(result.data)});
  }
  void on_command(Context& context, Bytes command) override {
    const py::gil_scoped_acquire gil;
    call("on_command", context, to_python(command));
  }

 private:
  template <class... Arguments>
  void call(const char* handler, Context& context, Arguments&&... arguments) {
    const py::gil_scoped_acquire gil;
    slot_->current = &context;
    const std::shared_ptr<void> at_end(nullptr, [this](void*) { slot_->current = nullptr; });
    call_python(node_, [&] {
      object_.attr(handler)(context_, std::forward<Arguments>(arguments)...);
    });
  }

  std::string node_;  // its name, for messages
  SharedSlot slot_;
  py::object object_;
  py::object context_;
};

}  // namespace

scenarios::FactoryOverride python_factory(const py::object& make) {
  // The last copy may go where the GIL is not held.
  const std::shared_ptr<py::object> shared(new py::object(make), [](py::object* object) {
    const py::gil_scoped_acquire gil;
    delete object;
  });
  return [shared](const scenarios::Scenario& scenario, std::size_t node) {
    const std::string& name = scenario.nodes[node].name;
    return sim::ProtocolFactory([shared, node, name]() -> std::unique_ptr<Protocol> {
      const py::gil_scoped_acquire gil;
      py::object object = call_python(name, [&] { return (*shared)(node); });
      return std::make_unique<PythonProtocol>(name, std::move(object));
    });
  };
}

void bind_protocol(py::module_& module) {
  bind_timers(module);
  bind_datagrams(module);
  bind_streams(module);
  bind_storage(module);
  bind_outputs(module);
  bind_context(module);
}

}  // namespace twinbed::bindings
