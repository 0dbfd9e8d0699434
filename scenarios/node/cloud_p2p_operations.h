// What a robust server of cloud-p2p shows of itself while it runs: health and metrics over HTTP,
// the line in `systemctl status`, and the table of its images.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/http/ops_server.h"
#include "backends/sqlite/image_table.h"
#include "core/protocols/imagestore/node.h"
#include "scenarios/node/service.h"

namespace twinbed::scenarios {

/// What the operations look at; both are called in the loop.
struct ObservedServer {
  std::function<const imagestore::Node*()> node;  ///< null before the start and after the end
  std::function<Time()> now;                      ///< the node's clock
  std::string directory;                          ///< of the images
};

class CloudP2pOperations {
 public:
  /// All of them outlive the operations. `on_fatal` is called with one sentence if the other
  /// servers refuse this one for good.
  CloudP2pOperations(backends::EventLoop& loop, ObservedServer observed, Service& service,
                     std::function<void(const std::string&)> on_fatal);

  /// Opens the table of images.
  Result<std::monostate> open_table(const std::string& path);
  /// Serves health and metrics.
  Result<std::monostate> listen(const Endpoint& local);
  /// Begins to watch the server.
  void start();

  /// What the protocol delivers: an image as JSON.
  void on_image(Bytes json);

 private:
  void poll();
  void write_images();
  backends::Health healthz() const;
  backends::Health readyz() const;
  std::string metrics() const;

  backends::EventLoop& loop_;
  ObservedServer observed_;
  Service& service_;
  std::function<void(const std::string&)> on_fatal_;
  std::unique_ptr<backends::OpsServer> http_;
  std::optional<backends::ImageTable> table_;
  std::vector<backends::ImageRow> images_;  // to be written in a later turn
  backends::Alarm alarm_;
  std::string shown_;     // in systemctl's status
  bool was_ready_ = false;
  int refused_polls_ = 0;  // in a row, before the server was ever ready
};

}  // namespace twinbed::scenarios
