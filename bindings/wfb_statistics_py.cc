// scenarios/wfb: the statistics of WFB-NG as messages.
#include "bindings/bindings.h"
#include "scenarios/wfb/cluster_plan.h"
#include "scenarios/wfb/statistics.h"

namespace twinbed::bindings {
namespace {

namespace py = pybind11;
using scenarios::IntervalCount;
using scenarios::PacketCounts;
using scenarios::ReceiverMessage;
using scenarios::RxAntennaRow;
using scenarios::SessionInfo;
using scenarios::StatisticsMessage;
using scenarios::StatisticsReader;
using scenarios::TitleMessage;
using scenarios::TransmitterMessage;
using scenarios::TxAntennaRow;

using Pairs = std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>;

template <class Message>
Pairs packets_of(const Message& message) {
  Pairs pairs;
  for (const auto& [name, count] : message.packets) pairs[name] = {count.interval, count.total};
  return pairs;
}

template <class Message>
void set_packets(Message& message, const Pairs& pairs) {
  message.packets.clear();
  for (const auto& [name, count] : pairs) message.packets[name] = {count.first, count.second};
}

void bind_rows(py::module_& module) {
  py::class_<RxAntennaRow>(module, "WfbRxAntenna", "What an antenna heard in an interval.")
      .def(py::init<>())
      .def_readwrite("mhz", &RxAntennaRow::mhz, "Frequency.")
      .def_readwrite("mcs", &RxAntennaRow::mcs, "Modulation and coding.")
      .def_readwrite("bandwidth_mhz", &RxAntennaRow::bandwidth_mhz, "Bandwidth.")
      .def_readwrite("antenna", &RxAntennaRow::antenna, "Its number among those of all nodes.")
      .def_readwrite("packets", &RxAntennaRow::packets, "Data packets that it heard.")
      .def_readwrite("rssi_min", &RxAntennaRow::rssi_min, "dBm.")
      .def_readwrite("rssi_avg", &RxAntennaRow::rssi_avg, "dBm.")
      .def_readwrite("rssi_max", &RxAntennaRow::rssi_max, "dBm.")
      .def_readwrite("snr_min", &RxAntennaRow::snr_min, "dB.")
      .def_readwrite("snr_avg", &RxAntennaRow::snr_avg, "dB.")
      .def_readwrite("snr_max", &RxAntennaRow::snr_max, "dB.");
  py::class_<TxAntennaRow>(module, "WfbTxAntenna", "What a card sent in an interval.")
      .def(py::init<>())
      .def_readwrite("antenna", &TxAntennaRow::antenna, "The card, as an antenna's number.")
      .def_readwrite("injected", &TxAntennaRow::injected, "Frames that it sent.")
      .def_readwrite("dropped", &TxAntennaRow::dropped, "Frames that it could not take.")
      .def_readwrite("latency_min_us", &TxAntennaRow::latency_min_us, "Of a call that sends.")
      .def_readwrite("latency_avg_us", &TxAntennaRow::latency_avg_us, "Of a call that sends.")
      .def_readwrite("latency_max_us", &TxAntennaRow::latency_max_us, "Of a call that sends.");
}

void bind_messages(py::module_& module) {
  py::class_<TitleMessage>(module, "WfbTitle", "The first message: who speaks.")
      .def(py::init<>())
      .def_readwrite("title", &TitleMessage::title, "One line.")
      .def_readwrite("profile", &TitleMessage::profile, "Name of the profile.")
      .def_readwrite("is_cluster", &TitleMessage::is_cluster, "Whether there are nodes.")
      .def_readwrite("log_interval_ms", &TitleMessage::log_interval_ms, "Between messages.");
  py::class_<ReceiverMessage>(module, "WfbReceiver", "An interval of a receiver.")
      .def(py::init<>())
      .def_readwrite("timestamp", &ReceiverMessage::timestamp, "Seconds since 1970.")
      .def_readwrite("id", &ReceiverMessage::id, "Such as 'video rx'.")
      .def_readwrite("tx_wlan", &ReceiverMessage::tx_wlan, "The card that sends, or None.")
      .def_property("packets", packets_of<ReceiverMessage>, set_packets<ReceiverMessage>,
                    "Name -> (in the interval, since the start).")
      .def_readwrite("antennas", &ReceiverMessage::antennas, "What the antennas heard.")
      .def_property(
          "session",
          [](const ReceiverMessage& self) {
            return self.session ? std::optional(std::tuple(self.session->fec_k,
                                                           self.session->fec_n,
                                                           self.session->epoch))
                                : std::nullopt;
          },
          [](ReceiverMessage& self,
             const std::optional<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>>& value) {
            self.session.reset();
            if (!value) return;
            self.session = SessionInfo{std::get<0>(*value), std::get<1>(*value),
                                       std::get<2>(*value)};
          },
          "(k, n, epoch), or None before the first session.");
  py::class_<TransmitterMessage>(module, "WfbTransmitter", "An interval of a transmitter.")
      .def(py::init<>())
      .def_readwrite("timestamp", &TransmitterMessage::timestamp, "Seconds since 1970.")
      .def_readwrite("id", &TransmitterMessage::id, "Such as 'mavlink tx'.")
      .def_property("packets", packets_of<TransmitterMessage>, set_packets<TransmitterMessage>,
                    "Name -> (in the interval, since the start).")
      .def_readwrite("antennas", &TransmitterMessage::antennas, "What the cards sent.")
      .def_readwrite("rf_temperature", &TransmitterMessage::rf_temperature,
                     "Card -> degrees Celsius.");
}

}  // namespace

void bind_wfb_statistics(py::module_& module) {
  bind_rows(module);
  bind_messages(module);
  py::class_<StatisticsReader>(module, "WfbStatisticsReader", "Takes apart what a stats_port says.")
      .def(py::init<>())
      .def("feed",
           [](StatisticsReader& self, const py::bytes& bytes) {
             return outcome_of(self.feed(as_bytes(std::string_view(bytes))));
           },
           py::arg("bytes"), "The messages that are whole now; RunError for what is none.");
  module.def(
      "wfb_statistics_frame",
      [](const StatisticsMessage& message) {
        const Buffer frame = scenarios::statistics_frame(message);
        return py::bytes(reinterpret_cast<const char*>(frame.data()), frame.size());
      },
      py::arg("message"), "The message as a stats_port sends it.");
  module.def("wfb_statistics_line", &scenarios::statistics_line, py::arg("message"),
             "The message as a line of JSON, as an api_port sends it.");
  module.def(
      "wfb_antenna_name",
      [](std::uint64_t antenna, bool is_cluster) {
        return scenarios::antenna_name({antenna}, is_cluster);
      },
      py::arg("antenna"), py::arg("is_cluster"), "How people call an antenna: '0A4D000B:0:1'.");
}

}  // namespace twinbed::bindings
