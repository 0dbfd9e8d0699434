// Metrics as Prometheus reads them: the text exposition format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace twinbed::backends {

enum class MetricKind : std::uint8_t {
  kGauge,    ///< goes up and down
  kCounter,  ///< only grows until the process ends; its name should end in "_total"
};

/// [a-zA-Z_:][a-zA-Z0-9_:]*
bool is_metric_name(std::string_view name);
/// [a-zA-Z_][a-zA-Z0-9_]*, without the names in "__" that Prometheus keeps for itself.
bool is_label_name(std::string_view name);

/// Builds the answer of /metrics, one metric after the other. Names come from the program and are
/// checked; help and label values may be any bytes and are escaped.
///
///   PrometheusText text;
///   text.metric("cloud_p2p_peer_silence_seconds", MetricKind::kGauge, "Since its last word.");
///   text.sample(0.25, {{"peer", "2"}});
class PrometheusText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;

  /// Begins a metric: the samples that follow are its. Each name once, as the format asks.
  void metric(std::string_view name, MetricKind kind, std::string_view help);
  /// A value of the metric that was begun last; its samples must differ in their labels. A
  /// counter's is not negative.
  void sample(double value, std::initializer_list<Label> labels = {});

  const std::string& text() const { return text_; }

 private:
  std::set<std::string, std::less<>> names_;
  std::string name_;
  MetricKind kind_ = MetricKind::kGauge;
  std::string text_;
};

}  // namespace twinbed::backends
