// A cluster of the robust cloud-p2p in the simulator, with clients, watched by checkers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random_stream.h"
#include "core/protocols/imagestore/client.h"
#include "core/protocols/imagestore/node.h"
#include "sim/checkers/checker.h"
#include "sim/simulator.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {

inline const std::string kClusterKey =
    "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f";

/// Bytes that look like noise, the same for the same number.
inline Buffer test_image(std::uint64_t number, std::size_t size) {
  RandomStream random(number, "image");
  Buffer bytes(size);
  random.fill(bytes);
  return bytes;
}

/// What the run has recorded, as far as these tests ask.
class ImageRecords final : public RunSink {
 public:
  struct Row {
    Time at{};
    NodeId node{};
    std::string type;
    std::map<std::string, std::string> fields;
  };

  const std::vector<Row>& rows() const { return rows_; }
  std::size_t count(std::string_view type, std::string_view key = {},
                    std::string_view value = {}) const {
    return static_cast<std::size_t>(std::count_if(rows_.begin(), rows_.end(), [&](const Row& row) {
      if (row.type != type) return false;
      const auto field = row.fields.find(std::string(key));
      return key.empty() || (field != row.fields.end() && field->second == value);
    }));
  }
  bool has_line(std::string_view part) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) {
      return row.type == "log" && row.fields.at("line").find(part) != std::string::npos;
    });
  }

  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    Row row{at, node, std::string(type.name), {}};
    for (const Field& field : fields) {
      const std::string key(field.key);
      if (const auto* text = std::get_if<std::string_view>(&field.value)) row.fields[key] = *text;
      if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
        row.fields[key] = std::to_string(*number);
      }
    }
    rows_.push_back(std::move(row));
  }
  void fault(Time, const FaultRow&) override {}

 private:
  std::vector<Row> rows_;
};

struct ImageClusterOptions {
  std::uint64_t seed = 1;
  std::uint32_t servers = 3;
  std::uint32_t clients = 1;
  sim::LinkParams link{};
  std::function<void(imagestore::NodeOptions&)> adjust;
  std::function<void(imagestore::ClientOptions&)> adjust_client;
  /// The key of a server or, from servers + 1 on, of a client.
  std::function<std::string(std::uint32_t)> key;
  std::size_t planned_faults = 0;
  /// The servers' images lie in one directory that all of them see.
  bool shared = false;
  /// The servers seal their images.
  bool at_rest = false;
  /// Checkers beside those of Raft and of delivery. They must find no breach, and may know nothing.
  std::vector<std::string> watchers;
};

/// Servers 1 to n are the nodes 0 to n-1; clients follow.
class ImageCluster {
 public:
  explicit ImageCluster(ImageClusterOptions options)
      : options_(std::move(options)),
        checkers_(options_.planned_faults),
        topology_(star_topology(options_.servers + options_.clients, options_.link)),
        simulator_(options_.seed, topology_, tee_) {
    tee_.add(checkers_);
    tee_.add(records);
    sim::RunNodes nodes;
    for (std::uint32_t id = 1; id <= options_.servers; ++id) {
      nodes.push_back({NodeId{id - 1}, "node" + std::to_string(id), "server", id});
      peers_.push_back({id, {topology_.devices[id].address, 7001}});
    }
    for (std::uint32_t client = 1; client <= options_.clients; ++client) {
      nodes.push_back({client_node(client), "client" + std::to_string(client), "client",
                       std::nullopt});
    }
    checkers_.add(*sim::make_checker("raft_safety", {}, nodes));
    checkers_.add(*sim::make_checker("delivery", {}, nodes));
    for (const std::string& name : options_.watchers) {
      checkers_.add(*sim::make_checker(name, {}, nodes));
    }
    for (std::uint32_t number = 1; number <= options_.servers + options_.clients; ++number) {
      const bool is_server = number <= options_.servers;
      simulator_.add_node({nodes[number - 1].name, is_server ? "server" : "client", number, {}, 0},
                          [this, number, is_server]() -> std::unique_ptr<Protocol> {
                            return is_server ? make_server(number) : make_client(number);
                          });
    }
    const auto directory = std::make_shared<sim::SharedStorage>();
    for (std::uint32_t id = 1; options_.shared && id <= options_.servers; ++id) {
      simulator_.node(server_node(id)).storage().mount("images/", directory);
    }
  }

  ImageRecords records;

  sim::Simulator& simulator() { return simulator_; }
  Time now() const { return simulator_.now(); }
  std::uint32_t size() const { return options_.servers; }
  NodeId server_node(std::uint32_t id) const { return NodeId{id - 1}; }
  NodeId client_node(std::uint32_t client) const { return NodeId{options_.servers + client - 1}; }

  /// Null while the process is down.
  imagestore::Node* server(std::uint32_t id) {
    return static_cast<imagestore::Node*>(simulator_.node(server_node(id)).protocol());
  }
  imagestore::Client* client(std::uint32_t number = 1) {
    return static_cast<imagestore::Client*>(simulator_.node(client_node(number)).protocol());
  }
  /// As a fault of a plan does, with the row that tells the checkers of it.
  void crash(std::uint32_t id, sim::CrashCause cause = sim::CrashCause::kKill) {
    record_fault("crash", id);
    simulator_.node(server_node(id)).crash(cause);
  }
  void restart(std::uint32_t id) {
    record_fault("restart", id);
    simulator_.node(server_node(id)).start();
  }
  void run_for(Duration duration) { simulator_.run_until(simulator_.now() + duration); }
  bool run_until(const std::function<bool()>& holds, Duration limit) {
    return holds() || simulator_.run_until(holds, simulator_.now() + limit);
  }
  /// Runs until the n-th event of this type since the start.
  bool run_until_event(std::string_view type, std::size_t count, Duration limit) {
    return run_until([&] { return records.count(type) >= count; }, limit);
  }
  void command(const std::string& text, std::uint32_t number = 1) {
    simulator_.schedule_command(simulator_.now(), client_node(number), as_bytes(text));
  }
  /// Puts the image on the client's disk as ID.bin and sends it under this id.
  void send_image(const std::string& id, Bytes image, std::uint32_t number = 1) {
    simulator_.put_file(client_node(number), id + ".bin", image);
    command("send-image " + id + ".bin " + id, number);
  }
  /// The same, until the client is told what became of it; true for SUCCESS.
  bool put(const std::string& id, Bytes image, std::uint32_t number = 1) {
    const std::size_t before = records.count("ack", "id", id);
    send_image(id, image, number);
    run_for(std::chrono::milliseconds(1));
    run_until([&] { return !client(number)->busy(); }, std::chrono::seconds(60));
    return records.count("ack", "id", id) > before;
  }

  /// The one server that leads and is followed by all that run; 0 where there is none.
  std::uint32_t leader() {
    std::uint32_t found = 0;
    for (std::uint32_t id = 1; id <= size(); ++id) {
      if (server(id) == nullptr) continue;
      const std::uint32_t view = server(id)->raft().leader();
      if (view == 0 || (found != 0 && view != found)) return 0;
      found = view;
    }
    return found != 0 && server(found) != nullptr && server(found)->raft().leads() ? found : 0;
  }
  bool elect(Duration limit = std::chrono::seconds(20)) {
    return run_until([&] { return leader() != 0; }, limit);
  }

  /// The file's bytes; empty where there is none.
  Buffer file(std::uint32_t id, const std::string& name) {
    Buffer bytes;
    simulator_.node(server_node(id)).storage().read(name, 0, UINT64_MAX, bytes);
    return bytes;
  }
  /// Names of the files of a server under a folder.
  std::vector<std::string> files(std::uint32_t id, const std::string& folder) {
    std::vector<std::string> names;
    for (const std::string& name : simulator_.node(server_node(id)).storage().list()) {
      if (name.starts_with(folder)) names.push_back(name);
    }
    return names;
  }
  /// The image under an id as this server has it; empty where it has none.
  Buffer stored(std::uint32_t id, const std::string& image) {
    const imagestore::Image* found = server(id) ? server(id)->catalogue().find(image) : nullptr;
    if (found == nullptr) return {};
    return image_in(file(id, server(id)->blobs().path_of(*found)));
  }
  /// The image in a file, which may be sealed; empty where that does not open.
  Buffer image_in(const Buffer& file) const {
    if (!imagestore::is_sealed(file)) return file;
    Buffer key;
    from_hex(key_of(1), key);
    imagestore::FileOpener opener(imagestore::at_rest_key(key),
                                  imagestore::unsealed_bytes(file.size()).value_or(0));
    Buffer image;
    return opener.add(file, image) && opener.is_whole() ? image : Buffer{};
  }
  /// Whether every server has every image of the catalogue of the first, as files.
  bool all_hold(std::size_t images) {
    for (std::uint32_t id = 1; id <= size(); ++id) {
      if (server(id) == nullptr || server(id)->catalogue().size() != images) return false;
      if (server(id)->status().missing != 0) return false;
      for (std::size_t place = 0; place < images; ++place) {
        if (!server(id)->blobs().holds(server(id)->catalogue().at(place).hash)) return false;
      }
    }
    return true;
  }

  /// How every server sees the world, for messages of failed tests; with TWINBED_TRACE in the
  /// environment all that was recorded, too.
  std::string describe() {
    std::string text;
    for (std::uint32_t id = 1; id <= size(); ++id) {
      text += "node " + std::to_string(id) + ": ";
      if (server(id) == nullptr) {
        text += "down\n";
        continue;
      }
      const imagestore::Status status = server(id)->status();
      text += std::string(raft::to_string(status.role)) + ", term " + std::to_string(status.term) +
              ", leader " + std::to_string(status.leader) + ", commit " +
              std::to_string(status.commit) + ", applied " + std::to_string(status.applied) +
              ", images " + std::to_string(status.images) + ", held " +
              std::to_string(status.held) + ", missing " + std::to_string(status.missing) +
              ", uploads " + std::to_string(status.uploads) + ", slots " +
              std::to_string(server(id)->blobs().free_slots()) + " " + status.failure + "\n";
    }
    if (std::getenv("TWINBED_TRACE") != nullptr) {
      for (const ImageRecords::Row& row : records.rows()) {
        text += format_time(row.at) + " " + std::to_string(static_cast<std::uint32_t>(row.node)) +
                " " + row.type;
        for (const auto& [key, value] : row.fields) text += " " + key + "=" + value;
        text += "\n";
      }
    }
    return text;
  }

  /// What waits in the shared directory for its name.
  std::vector<std::string> staged() { return files(1, "images/.incoming/"); }
  /// The files that bear an image's name.
  std::vector<std::string> images(std::uint32_t id) {
    std::vector<std::string> names = files(id, "images/");
    std::erase_if(names, [](const std::string& name) {
      return name.starts_with("images/.incoming/");
    });
    return names;
  }

  /// Every file under images/ is one that is committed, whole.
  void expect_no_stray_files() {
    for (std::uint32_t id = 1; id <= size(); ++id) {
      if (server(id) == nullptr) continue;
      for (const std::string& name : images(id)) {
        const Digest hash = blake2b(image_in(file(id, name)));
        const imagestore::Image* image = server(id)->catalogue().find(hash);
        ASSERT_NE(image, nullptr) << "seed " << options_.seed << ": node " << id << " has " << name
                                  << ", which is partial or was never committed";
        EXPECT_EQ(server(id)->blobs().path_of(*image), name);
      }
    }
  }
  /// Raft's promises and those to the clients.
  void expect_kept_promises() {
    ASSERT_FALSE(simulator_.failure().has_value()) << *simulator_.failure();
    simulator_.finish();
    for (const sim::CheckerOutcome& outcome : checkers_.finish(simulator_.now())) {
      const bool may_be_unknown = std::find(options_.watchers.begin(), options_.watchers.end(),
                                            outcome.checker) != options_.watchers.end();
      if (may_be_unknown && outcome.verdict.kind == sim::VerdictKind::kUnknown) continue;
      EXPECT_EQ(sim::to_string(outcome.verdict.kind), "valid")
          << "seed " << options_.seed << ", " << outcome.checker << ": "
          << outcome.verdict.explanation << "\n" << describe();
    }
  }

 private:
  void record_fault(std::string_view action, std::uint32_t id) {
    const std::string target = "node" + std::to_string(id);
    tee_.fault(now(), {next_fault_++, FaultPhase::kBegin, action, target, "{}", 1});
  }
  std::string key_of(std::uint32_t number) const {
    return options_.key ? options_.key(number) : kClusterKey;
  }
  std::unique_ptr<Protocol> make_server(std::uint32_t id) const {
    imagestore::NodeOptions server;
    server.id = id;
    server.peers = peers_;
    server.shared_storage = options_.shared;
    server.at_rest = options_.at_rest;
    imagestore::set_timeout(server, 1000 * kMs);
    if (options_.adjust) options_.adjust(server);
    return std::move(*imagestore::make_node(server, key_of(id)));
  }
  std::unique_ptr<Protocol> make_client(std::uint32_t number) const {
    imagestore::ClientOptions client;
    client.peers = peers_;
    if (options_.adjust_client) options_.adjust_client(client);
    return std::move(*imagestore::make_client(client, key_of(number)));
  }

  ImageClusterOptions options_;
  sim::CheckerSet checkers_;
  TeeSink tee_;
  sim::Topology topology_;
  std::vector<election::Peer> peers_;
  sim::Simulator simulator_;
  std::uint32_t next_fault_ = 1000;  // beyond those of a plan
};

}  // namespace twinbed::testing
