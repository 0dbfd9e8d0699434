#include "scenarios/run_capture.h"

#include <algorithm>

#include "backends/pcap/packet_file.h"
#include "backends/sqlite/store_reader.h"
#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

using backends::FrameRow;
using backends::PacketFile;

Result<NodeId> find_node(const backends::RunRow& run, const std::string& name) {
  std::vector<std::string> names;
  for (const backends::NodeRow& node : run.info.nodes) names.push_back(node.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return NodeId{static_cast<std::uint32_t>(found - names.begin())};
  return Error{"the run has no node " + in_quotes(name) + suggestion(name, names, "its nodes")};
}

/// Whether a row belongs into the file.
bool wanted(const FrameRow& row, const std::optional<NodeId>& node) {
  return node ? row.node == *node : row.direction == "sent";
}

}  // namespace

void SimulatedCapture::sent(const sim::TappedPacket& packet) {
  add(packet, "sent", bytes_.sent(packet.packet, packet.payload));
}

void SimulatedCapture::received(const sim::TappedPacket& packet) {
  add(packet, "received", bytes_.received(packet.packet, packet.payload));
}

void SimulatedCapture::add(const sim::TappedPacket& packet, std::string_view direction,
                           Bytes bytes) {
  store_.add_frame({packet.at, packet.node.value_or(backends::kWholeRun), direction, bytes});
}

Result<std::uint64_t> write_capture(const std::string& store, std::int64_t run_id,
                                    const std::optional<std::string>& node,
                                    const std::string& path) {
  auto reader = backends::StoreReader::open(store);
  if (!reader) return Error{reader.error()};
  const auto run = reader->run(run_id);
  if (!run) return Error{run.error()};
  std::optional<NodeId> node_id;
  if (node) {
    const Result<NodeId> found = find_node(*run, *node);
    if (!found) return Error{found.error()};
    node_id = *found;
  }
  std::optional<Result<PacketFile>> file;  // created with the first packet of the run
  std::uint64_t count = 0;
  const auto add = [&](const FrameRow& row) {
    if (!file) file.emplace(PacketFile::create(path, backends::LinkLayer::kRawIp));
    if (!*file || !wanted(row, node_id)) return;
    (*file)->write(row.at, row.bytes);
    ++count;
  };
  const backends::Status read = reader->for_each_frame(run_id, add);
  if (!read) return Error{read.error()};
  if (!file) {
    return Error{store + "#" + std::to_string(run_id) +
                 " was not captured; run it again with --capture"};
  }
  if (!*file) return Error{file->error()};
  if (const auto failed = (*file)->close()) return *failed;
  return count;
}

}  // namespace twinbed::scenarios
