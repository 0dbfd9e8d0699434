// The text exposition format of Prometheus, version 0.0.4: what the format's page prescribes.
#include "backends/http/prometheus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace twinbed::backends {
namespace {

/// How one value is written.
std::string written(double value) {
  PrometheusText text;
  text.metric("m", MetricKind::kGauge, "h");
  text.sample(value);
  const std::string head = "# HELP m h\n# TYPE m gauge\nm ";
  EXPECT_EQ(text.text().substr(0, head.size()), head);
  EXPECT_EQ(text.text().back(), '\n');
  return text.text().substr(head.size(), text.text().size() - head.size() - 1);
}

TEST(Prometheus, WritesMetricsWithHelpTypeAndLabels) {
  PrometheusText text;
  EXPECT_EQ(text.text(), "");
  text.metric("cloud_p2p_images_stored_total", MetricKind::kCounter, "Images stored.");
  text.sample(17);
  text.metric("cloud_p2p_peer_silence_seconds", MetricKind::kGauge, "Time since its last word.");
  text.sample(0.25, {{"peer", "2"}});
  text.sample(1.5, {{"peer", "3"}, {"address", "10.0.0.3:7001"}});
  EXPECT_EQ(text.text(),
            "# HELP cloud_p2p_images_stored_total Images stored.\n"
            "# TYPE cloud_p2p_images_stored_total counter\n"
            "cloud_p2p_images_stored_total 17\n"
            "# HELP cloud_p2p_peer_silence_seconds Time since its last word.\n"
            "# TYPE cloud_p2p_peer_silence_seconds gauge\n"
            "cloud_p2p_peer_silence_seconds{peer=\"2\"} 0.25\n"
            "cloud_p2p_peer_silence_seconds{peer=\"3\",address=\"10.0.0.3:7001\"} 1.5\n");
}

TEST(Prometheus, EscapesHelpAndLabelValues) {
  PrometheusText text;
  text.metric("m", MetricKind::kGauge, "a \\ b\nc \"d\"");
  text.sample(1, {{"l", "a \\ b\nc \"d\" \xff }"}});
  // A quote is escaped in a label's value alone; what is not UTF-8 becomes U+FFFD.
  EXPECT_EQ(text.text(),
            "# HELP m a \\\\ b\\nc \"d\"\n# TYPE m gauge\n"
            "m{l=\"a \\\\ b\\nc \\\"d\\\" \xef\xbf\xbd }\"} 1\n");
}

TEST(Prometheus, WritesNumbersThatReadBackTheSame) {
  EXPECT_EQ(written(0), "0");
  EXPECT_EQ(written(-3), "-3");
  EXPECT_EQ(written(1e6), "1000000");
  EXPECT_EQ(written(1700000000), "1700000000");
  EXPECT_EQ(written(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(written(std::nan("")), "NaN");
  EXPECT_EQ(written(-std::nan("")), "NaN");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), "-Inf");
  for (const double value : {0.1, 1.0 / 3, 6.02e23, -1e-300, 1e300, 5e-324,
                             std::numeric_limits<double>::max()}) {
    EXPECT_EQ(std::strtod(written(value).c_str(), nullptr), value) << written(value);
  }
}

TEST(Prometheus, KnowsNames) {
  for (const char* name : {"a", "_a", "A9_b", "a_total"}) {
    EXPECT_TRUE(is_metric_name(name)) << name;
    EXPECT_TRUE(is_label_name(name)) << name;
  }
  for (const char* name : {"", "9a", "a.b", "a-b", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(is_metric_name(name)) << name;
    EXPECT_FALSE(is_label_name(name)) << name;
  }
  EXPECT_TRUE(is_metric_name("job:rate"));
  EXPECT_FALSE(is_label_name("job:rate"));
  EXPECT_FALSE(is_label_name("__name__"));
}

TEST(PrometheusDeathTest, RefusesWhatAProgramMustNotWrite) {
  PrometheusText text;
  EXPECT_DEATH(text.sample(1), "begun before");
  EXPECT_DEATH(text.metric("a.b", MetricKind::kGauge, ""), "a metric's name");
  text.metric("m_total", MetricKind::kCounter, "h");
  EXPECT_DEATH(text.metric("m_total", MetricKind::kCounter, "h"), "written once");
  EXPECT_DEATH(text.sample(-1), "not negative");
  EXPECT_DEATH(text.sample(1, {{"a:b", "c"}}), "a label's name");
}

}  // namespace
}  // namespace twinbed::backends
