// A cluster of three servers of cloud-p2p under the policy robust, as processes of this machine.
#pragma once

#include <set>

#include "tests/support/native_programs.h"

namespace twinbed::testing {

class RobustCloudP2p : public ::testing::Test {
 protected:
  RobustCloudP2p() {
    for (int node = 1; node <= 3; ++node) {
      endpoints_.push_back(free_endpoint(node));
      peers_ += (node > 1 ? "," : "") + std::to_string(node) + "=" + endpoints_.back();
      scratch_.make_directory("images" + std::to_string(node));
    }
  }
  std::string directory(int node) const {
    return scratch_.path("images" + std::to_string(node));
  }
  std::unique_ptr<Program> start_server(int node, const std::vector<std::string>& more = {},
                                        Variables variables = {}) const {
    std::vector<std::string> arguments{"cloud-p2p", "--timeout", "300 ms"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    variables.insert({{"PEERS", peers_},
                      {"ENCRYPTION_KEY", kKey},
                      {"NODE_ID", std::to_string(node)},
                      {"SHARED_DIR", directory(node)}});
    return std::make_unique<Program>(arguments, variables);
  }
  void start_all(const std::vector<std::string>& more = {}) {
    for (int node = 1; node <= 3; ++node) servers_[node] = start_server(node, more);
    for (int node = 1; node <= 2; ++node) {
      ASSERT_TRUE(servers_[node]->shows("Coordinator announced: 3"));
    }
  }
  /// Gives a client these commands; the exit status.
  int run_client(const std::string& commands, const std::vector<std::string>& more = {},
                 const std::string& key = kKey) {
    std::vector<std::string> arguments{"cloud-p2p-client"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Program client(arguments, {{"PEERS", peers_}, {"ENCRYPTION_KEY", key}, {"USER", "ada"}});
    client.type(commands);
    client.end_input();
    const int status = client.wait();
    client_text_ = client.text();
    return status;
  }
  /// Sends an image under an id; true for SUCCESS.
  bool send(const std::string& id, const std::string& image) {
    run_client("send-image " + scratch_.write(id + ".png", image) + " " + id + "\n");
    return client_text_.find("SUCCESS: Image " + id) != std::string::npos;
  }
  /// The images of a node, as the files that a user sees.
  std::multiset<std::string> images_of(int node) const {
    std::multiset<std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(directory(node))) {
      if (entry.is_regular_file()) contents.insert(read_file(entry.path()));
    }
    return contents;
  }
  bool all_have(const std::multiset<std::string>& images) const {
    return wait_until([&] {
      for (int node = 1; node <= 3; ++node) {
        if (images_of(node) != images) return false;
      }
      return true;
    });
  }

  Scratch scratch_;
  std::vector<std::string> endpoints_;
  std::string peers_;
  std::map<int, std::unique_ptr<Program>> servers_;
  std::string client_text_;
};

/// What the endpoint answers, head and all; empty where nobody does.
inline std::string http_get(const std::string& endpoint, const std::string& path) {
  const backends::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = backends::to_sockaddr(*parse_endpoint(endpoint));
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.number(), raw, sizeof address) != 0) return {};
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  (void)::send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::recv(socket.number(), chunk, sizeof chunk, 0)) > 0;) {
    answer.append(chunk, static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace twinbed::testing
