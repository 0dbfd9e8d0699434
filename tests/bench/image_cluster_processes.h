// A cluster of the robust cloud-p2p for benchmarks: servers in processes of their own, a client in
// this one, over loopback TCP and files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/live_host.h"
#include "backends/testbed/loopback_claim.h"
#include "core/protocols/imagestore/client.h"
#include "core/protocols/imagestore/node.h"
#include "tests/bench/dropping_sink.h"
#include "tests/bench/forked_process.h"

namespace twinbed::bench {

class ImageClusterProcesses {
 public:
  /// The files of server N lie in `directory`/N, those of the client in `directory`.
  ImageClusterProcesses(std::uint32_t servers, bool encrypt, std::string directory)
      : encrypt_(encrypt),
        directory_(std::move(directory)),
        claim_(*backends::LoopbackClaim::take()) {
    addresses_.add({NodeId{0}, endpoint(0, 0), endpoint(0, 0)});
    for (std::uint32_t id = 1; id <= servers; ++id) {
      peers_.push_back({id, endpoint(id, kPort)});
      addresses_.add({NodeId{id}, endpoint(id, kPort), endpoint(id, kPort)});
    }
    for (std::uint32_t id = 1; id <= servers; ++id) {
      servers_.push_back(std::make_unique<ForkedProcess>([this, id] { serve(id); }));
    }
    loop_ = std::make_unique<backends::EventLoop>();
    start_client();
  }

  /// Hands a file of the client's over and waits until it is told what became of it; true for
  /// SUCCESS.
  bool upload(const std::string& file, const std::string& id) {
    const std::size_t before = successes_;
    client_host_->command(as_bytes("send-image " + file + " " + id));
    const std::uint64_t command = ++commands_;
    loop_->run_until(
        [&] { return client_ != nullptr && !client_->busy_with(command); }, kUploadLimit);
    return successes_ > before;
  }

 private:
  static constexpr std::uint16_t kPort = 7001;
  static constexpr std::chrono::seconds kUploadLimit{60};
  static inline const std::string kKey = std::string(64, 'a');

  Endpoint endpoint(std::uint32_t node, std::uint16_t port) const {
    return {backends::loopback_address(claim_.run_number(), NodeId{node}), port};
  }
  backends::LiveHostOptions host_options(std::uint32_t node, const std::string& root) const {
    backends::LiveHostOptions options;
    options.self = NodeId{node};
    options.storage.root = root;
    options.addresses = addresses_;
    return options;
  }

  void serve(std::uint32_t id) const {
    imagestore::NodeOptions server;
    server.id = id;
    server.peers = peers_;
    server.links.encrypt = encrypt_;
    imagestore::set_timeout(server, std::chrono::milliseconds(300));
    backends::EventLoop loop;
    DroppingSink rows;
    backends::LiveHost host(loop, host_options(id, directory_ + "/" + std::to_string(id)), rows,
                            [&] { return *imagestore::make_node(server, kKey); });
    host.start();
    host.run();
  }

  void start_client() {
    imagestore::ClientOptions client;
    client.peers = peers_;
    client.links.encrypt = encrypt_;
    backends::LiveHostOptions options = host_options(0, directory_);
    options.on_log = [this](std::string_view line) {
      if (line.find("SUCCESS") != std::string_view::npos) ++successes_;
    };
    client_host_ = std::make_unique<backends::LiveHost>(
        *loop_, std::move(options), rows_, [this, client]() -> std::unique_ptr<Protocol> {
          auto made = *imagestore::make_client(client, kKey);
          client_ = made.get();
          return made;
        });
    client_host_->start();
  }

  bool encrypt_;
  std::string directory_;
  backends::LoopbackClaim claim_;
  backends::AddressMap addresses_;
  std::vector<election::Peer> peers_;
  std::vector<std::unique_ptr<ForkedProcess>> servers_;

  DroppingSink rows_;
  std::unique_ptr<backends::EventLoop> loop_;  // made after the other processes
  std::unique_ptr<backends::LiveHost> client_host_;
  const imagestore::Client* client_ = nullptr;
  std::uint64_t commands_ = 0;
  std::size_t successes_ = 0;
};

}  // namespace twinbed::bench
