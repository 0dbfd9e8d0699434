// Keeps the rows of the current run in memory and writes them in batches.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/sqlite/database.h"
#include "backends/sqlite/row_insert.h"
#include "backends/sqlite/store.h"

namespace twinbed::backends {

/// The ids of names in one of the tables metric and event_type. A name is numbered here when it is
/// first seen, and gets its id in the file with the next batch.
class NameTable {
 public:
  explicit NameTable(const char* insert_sql, const char* find_sql)
      : insert_sql_(insert_sql), find_sql_(find_sql) {}

  /// The number of a name; `unit` is empty for event types.
  std::uint32_t number(std::string_view name, std::string_view unit, std::string_view description);
  /// Finds or adds the ids of all names that have none yet; call it inside a transaction.
  Status resolve(Database& database);
  /// Forgets the ids: the transaction that added them was rolled back.
  void forget_ids();
  std::int64_t id(std::uint32_t number) const { return entries_[number].id; }

 private:
  struct Entry {
    std::string name;
    std::string unit;
    std::string description;
    std::int64_t id = 0;
  };

  const char* insert_sql_;
  const char* find_sql_;
  std::vector<Entry> entries_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::uint32_t resolved_ = 0;
};

class RunRecorder final : public RunSink {
 public:
  explicit RunRecorder(Database& database);

  void begin(std::int64_t run_id);
  void end();
  std::int64_t run_id() const { return run_id_; }

  void sample(Time at, NodeId node, const Metric& metric, double value) override;
  void event(Time at, NodeId node, const EventType& type,
             std::span<const Field> fields) override;
  void fault(Time at, const FaultRow& fault) override;
  void input(const InputRow& input);
  void frame(const FrameRow& frame);
  void verdict(const VerdictRow& verdict);

  /// Writes everything in memory as one transaction. Answers with the first error since begin().
  Status flush();
  /// The same, with a write of another kind at the end of the transaction, even where nothing is in
  /// memory. After an error nothing is written, as with flush().
  Status flush_with(const std::function<Status()>& write);
  /// The id of a metric in the file.
  Result<std::int64_t> metric_id(const Metric& metric);
  /// Goes on counting where the rows of the run in the file end.
  Status count_stored_rows();
  void set_limits(const BatchLimits& limits) { limits_ = limits; }

 private:
  struct Slice {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct SampleItem {
    std::int64_t time_ns;
    NodeId node;
    std::uint32_t metric;
    double value;
  };
  struct EventItem {
    std::int64_t sequence;
    std::int64_t time_ns;
    NodeId node;
    std::uint32_t type;
    Slice fields;
  };
  struct FaultItem {
    std::int64_t sequence;
    std::int64_t time_ns;
    std::int64_t index;
    FaultPhase phase;
    std::int64_t touched;
    Slice action, target, detail;
  };
  struct InputItem {
    std::int64_t time_ns;
    NodeId node;
    std::int64_t sequence;
    Slice kind, payload;
  };
  struct FrameItem {
    std::int64_t time_ns;
    NodeId node;
    std::optional<std::int64_t> card;
    Slice direction, bytes;
  };

  /// Keeps the first error; rows are dropped from then on.
  void remember(const Status& status);
  bool accepts();
  void added();
  Slice keep(std::string_view text);
  std::string_view view(Slice slice) const {
    return std::string_view(arena_).substr(slice.at, slice.size);
  }
  std::size_t rows() const {
    return samples_.size() + events_.size() + faults_.size() + inputs_.size() + frames_.size() +
           verdicts_.size();
  }
  Status write_batch(const std::function<Status()>& write);
  Status write_rows();
  Status write_samples();
  Status write_events();
  Status write_faults();
  Status write_inputs();
  Status write_frames();
  Status write_verdicts();
  void clear();

  Database& database_;
  BatchLimits limits_;
  std::int64_t run_id_ = 0;
  std::optional<Error> failure_;

  NameTable metrics_;
  NameTable types_;
  std::int64_t next_sequence_ = 0;
  std::map<NodeId, std::int64_t> next_input_;

  std::string arena_;
  std::vector<SampleItem> samples_;
  std::vector<EventItem> events_;
  std::vector<FaultItem> faults_;
  std::vector<InputItem> inputs_;
  std::vector<FrameItem> frames_;
  std::vector<VerdictRow> verdicts_;
  std::chrono::steady_clock::time_point oldest_{};

  RowInsert insert_sample_{"sample", "run_id, time_ns, node_id, metric_id, value"};
  RowInsert insert_event_{"event", "run_id, sequence, time_ns, node_id, type_id, fields"};
  RowInsert insert_fault_{"fault", "run_id, sequence, time_ns, fault_index, phase, action, target, "
                                   "detail, touched"};
  RowInsert insert_input_{"input", "run_id, node_id, sequence, time_ns, kind, payload"};
  RowInsert insert_frame_{"frame", "run_id, time_ns, node_id, card, direction, bytes"};
  RowInsert insert_verdict_{"verdict", "run_id, checker, verdict, expected, explanation, time_ns, "
                                       "node_id"};
};

/// The node of a row as the file has it: NULL for the whole run.
inline std::optional<std::int64_t> stored_node(NodeId node) {
  if (node == kWholeRun) return std::nullopt;
  return static_cast<std::int64_t>(node);
}

}  // namespace twinbed::backends
