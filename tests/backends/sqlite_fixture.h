// What the tests of the result store share: a directory, rows as text, plain SQL beside the store.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "backends/sqlite/store.h"
#include "backends/sqlite/store_reader.h"

namespace twinbed::backends {

inline constexpr Metric kDelay{"test.delay", "s", "a delay"};
inline constexpr Metric kLoad{"test.load", "1", "a load"};
inline constexpr EventType kPing{"test.ping", "a ping"};
inline constexpr EventType kPong{"test.pong", "a pong"};

inline RunInfo some_run(std::uint64_t seed = 1) {
  RunInfo info;
  info.scenario = "lan";
  info.scenario_text = "version: 1\nname: lan\n";
  info.mode = "sim";
  info.seed = seed;
  info.replication = 3;
  info.build_id = "abc123";
  info.fault_plan = "[]";
  info.started_at = "2024-05-06T07:08:09Z";
  info.parameters = {{"network.link.delay", "5 ms"}, {"nodes", "2"}};
  info.nodes = {{"alpha", "server", "h1"}, {"beta", "client", "h2"}};
  info.files = {{"/lan/a.png", std::string("\x89PNG\0", 5)}, {"/lan/empty", ""}};
  return info;
}

inline Time at_ns(std::int64_t ns) { return time_from_ns(ns); }

inline void record_event(RunSink& sink, std::int64_t ns, NodeId node, const EventType& type,
                         std::initializer_list<Field> fields) {
  sink.event(at_ns(ns), node, type, std::span<const Field>(fields.begin(), fields.size()));
}

/// Every row it is fed as one line of text.
class TextSink final : public RunSink {
 public:
  void sample(Time at, NodeId node, const Metric& metric, double value) override {
    lines.push_back(start(at, node) + std::string(metric.name) + "[" + std::string(metric.unit) +
                    "]=" + std::to_string(value));
  }
  void event(Time at, NodeId node, const EventType& type,
             std::span<const Field> fields) override {
    std::string line = start(at, node) + std::string(type.name);
    for (const Field& field : fields) {
      line += " " + std::string(field.key) + "=";
      if (const auto* text = std::get_if<std::string_view>(&field.value)) line += *text;
      if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
        line += std::to_string(*integer);
      }
      if (const auto* real = std::get_if<double>(&field.value)) line += std::to_string(*real);
    }
    lines.push_back(line);
  }
  void fault(Time at, const FaultRow& fault) override {
    lines.push_back(std::to_string(to_ns(at)) + " fault " + std::to_string(fault.index) +
                    (fault.phase == FaultPhase::kBegin ? " begin " : " end ") +
                    std::string(fault.action) + " " + std::string(fault.target) + " " +
                    std::string(fault.detail) + " " + std::to_string(fault.touched));
  }

  std::vector<std::string> lines;

 private:
  static std::string start(Time at, NodeId node) {
    const bool whole = node == kWholeRun;
    return std::to_string(to_ns(at)) + " n" +
           (whole ? "-" : std::to_string(static_cast<std::uint32_t>(node))) + " ";
  }
};

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::temp_directory_path() /
                 ("twinbed_" + std::string(info->name()) + "_" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~SqliteTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string path(const std::string& name = "results.db") const { return directory_ / name; }

  static std::unique_ptr<Store> open(const std::string& file) {
    auto store = Store::open(file);
    EXPECT_TRUE(store) << (store ? "" : store.error());
    return store ? *std::move(store) : nullptr;
  }
  static std::string error_of(const Result<std::unique_ptr<Store>>& store) {
    return store ? "no error" : store.error();
  }
  static std::string read_error(const std::string& file) {
    const auto reader = StoreReader::open(file);
    return reader ? "no error" : reader.error();
  }

  /// All values of a query through a connection of its own, columns by '|', rows by '\n'.
  static std::string sql(const std::string& file, const std::string& query) {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    std::string text;
    char* message = nullptr;
    const auto append = [](void* out, int count, char** values, char**) {
      auto& result = *static_cast<std::string*>(out);
      if (!result.empty()) result += '\n';
      for (int i = 0; i < count; ++i) {
        result += (i > 0 ? "|" : "") + std::string(values[i] != nullptr ? values[i] : "NULL");
      }
      return 0;
    };
    sqlite3_exec(handle, query.c_str(), append, &text, &message);
    EXPECT_EQ(message, nullptr) << message;
    sqlite3_free(message);
    sqlite3_close(handle);
    return text;
  }

  /// What the function returns when it is called in a child process.
  static std::string in_child(const std::function<std::string()>& function) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string text = function();
      const bool written = ::write(ends[1], text.data(), text.size()) >= 0;
      ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[512];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    return text;
  }

  std::filesystem::path directory_;
};

}  // namespace twinbed::backends
