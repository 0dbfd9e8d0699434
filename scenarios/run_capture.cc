#include "scenarios/run_capture.h"

#include <algorithm>
#include <map>
#include <utility>

#include "backends/pcap/packet_file.h"
#include "backends/pcap/radio_capture_file.h"
#include "backends/sqlite/store_reader.h"
#include "core/wire/radiotap.h"
#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

using backends::FrameDirection;
using backends::FrameRow;
using backends::PacketFile;
using backends::RadioCaptureFile;

Result<NodeId> find_node(const backends::RunRow& run, const std::string& name) {
  std::vector<std::string> names;
  for (const backends::NodeRow& node : run.info.nodes) names.push_back(node.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return NodeId{static_cast<std::uint32_t>(found - names.begin())};
  return Error{"the run has no node " + in_quotes(name) + suggestion(name, names, "its nodes")};
}

/// The file of packets, which are of no card.
class Packets {
 public:
  static Result<Packets> create(const std::string& path, const backends::RunRow&) {
    auto file = PacketFile::create(path, backends::LinkLayer::kRawIp);
    if (!file) return Error{file.error()};
    return Packets(*std::move(file));
  }
  void write(const FrameRow& row) { file_.write(row.at, row.bytes); }
  std::optional<Error> close() { return file_.close(); }

 private:
  explicit Packets(PacketFile file) : file_(std::move(file)) {}

  PacketFile file_;
};

/// The file of frames, which gets a card with its first frame.
class Frames {
 public:
  static Result<Frames> create(const std::string& path, const backends::RunRow& run) {
    auto file = RadioCaptureFile::create(path);
    if (!file) return Error{file.error()};
    return Frames(*std::move(file), run);
  }
  void write(const FrameRow& row) {
    const auto [card, is_new] = cards_.try_emplace({row.node, *row.card}, 0);
    if (is_new) card->second = file_.add_card(name_of(row));
    file_.write(card->second, row.at,
                row.direction == "sent" ? FrameDirection::kSent : FrameDirection::kReceived,
                row.bytes);
  }
  std::optional<Error> close() { return file_.close(); }

 private:
  Frames(RadioCaptureFile file, const backends::RunRow& run)
      : file_(std::move(file)), nodes_(run.info.nodes) {}

  std::string name_of(const FrameRow& row) const {
    const auto node = static_cast<std::size_t>(row.node);
    return (node < nodes_.size() ? nodes_[node].name : "") + ":" +
           std::to_string(static_cast<std::uint32_t>(*row.card));
  }

  RadioCaptureFile file_;
  std::vector<backends::NodeRow> nodes_;
  std::map<std::pair<NodeId, InterfaceId>, std::uint32_t> cards_;
};

/// Why there is nothing to write; `has_others`: the run's capture has rows of the other kind.
Error nothing_captured(const std::string& run, bool is_radio, bool has_others) {
  if (!has_others) return Error{run + " was not captured; run it again with --capture"};
  return Error{is_radio ? run + " has no radio frames; leave out --radio"
                        : run + " has radio frames alone; add --radio"};
}

template <class File>
Result<std::uint64_t> write_rows(backends::StoreReader& reader, const backends::RunRow& run,
                                 std::optional<NodeId> node, const std::string& store,
                                 const std::string& path) {
  constexpr bool kIsRadio = std::is_same_v<File, Frames>;
  std::optional<Result<File>> file;  // created with the first row of its kind
  std::uint64_t count = 0;
  bool has_others = false;
  const auto add = [&](const FrameRow& row) {
    if (row.card.has_value() != kIsRadio) {
      has_others = true;
      return;
    }
    if (!file) file.emplace(File::create(path, run));
    const bool is_wanted = node ? row.node == *node : row.direction == "sent";
    if (!*file || !is_wanted) return;
    (*file)->write(row);
    ++count;
  };
  const backends::Status read = reader.for_each_frame(run.run_id, add);
  if (!read) return Error{read.error()};
  if (!file) {
    return nothing_captured(store + "#" + std::to_string(run.run_id), kIsRadio, has_others);
  }
  if (!*file) return Error{file->error()};
  if (const auto failed = (*file)->close()) return *failed;
  return count;
}

}  // namespace

void ModelCapture::sent(const sim::TappedPacket& packet) {
  add(packet, "sent", bytes_.sent(packet.packet, packet.payload));
}

void ModelCapture::received(const sim::TappedPacket& packet) {
  add(packet, "received", bytes_.received(packet.packet, packet.payload));
}

void ModelCapture::add(const sim::TappedPacket& packet, std::string_view direction,
                           Bytes bytes) {
  store_.add_frame({packet.at, packet.node.value_or(backends::kWholeRun), direction, bytes});
}

void ModelCapture::sent(Time at, sim::CardAddress card, ChannelMhz channel,
                            const TxParams& params, Bytes frame) {
  frame_.clear();
  write_radiotap_sent(params, channel, frame_);
  frame_.insert(frame_.end(), frame.begin(), frame.end());
  store_.add_frame({at, card.node, "sent", frame_, card.interface});
}

void ModelCapture::received(Time at, NodeId node, const RxFrame& frame) {
  frame_.clear();
  write_radiotap_rx(frame, frame_);
  frame_.insert(frame_.end(), frame.frame.begin(), frame.frame.end());
  store_.add_frame({at, node, "received", frame_, frame.interface});
}

Result<std::uint64_t> write_capture(const std::string& store, std::int64_t run_id,
                                    const CaptureChoice& choice, const std::string& path) {
  auto reader = backends::StoreReader::open(store);
  if (!reader) return Error{reader.error()};
  const auto run = reader->run(run_id);
  if (!run) return Error{run.error()};
  std::optional<NodeId> node;
  if (choice.node) {
    const Result<NodeId> found = find_node(*run, *choice.node);
    if (!found) return Error{found.error()};
    node = *found;
  }
  return choice.is_radio ? write_rows<Frames>(*reader, *run, node, store, path)
                         : write_rows<Packets>(*reader, *run, node, store, path);
}

}  // namespace twinbed::scenarios
