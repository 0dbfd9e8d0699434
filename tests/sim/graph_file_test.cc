// Graph files: what a Zoo file becomes, what is refused and how, and that nothing crashes.
#include "sim/network/graph_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <boost/property_map/dynamic_property_map.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "core/base/random_stream.h"
#include "sim/network/graph_text.h"
#include "sim/network/great_circle.h"

namespace twinbed::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string data_path(const std::string& name) {
  return std::string(TWINBED_SOURCE_DIR) + "/tests/testdata/topologies/" + name;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<Topology> load(const std::string& path, const LinkParams& link) {
  return parse_graph(path, read_text(path), link);
}

LinkParams default_link() {
  LinkParams params;
  params.delay = std::chrono::milliseconds(5);
  params.bandwidth_bps = 1'000'000;
  params.loss = 0.01;
  return params;
}

std::vector<std::string> names(const Topology& topology) {
  std::vector<std::string> result;
  for (const Device& device : topology.devices) result.push_back(device.name);
  return result;
}

std::string error_of(std::string_view text) {
  const Result<Topology> result = parse_graph("net.gml", text, LinkParams{});
  return result.ok() ? "no error" : result.error();
}

TEST(GraphFile, ZooGmlLoadsWhole) {
  const Result<Topology> net = load(data_path("Fjordnet.gml"), default_link());
  ASSERT_TRUE(net.ok()) << net.error();
  EXPECT_THAT(names(*net), ElementsAre("Tromsø–Nord", "Bodø", "Ålesund", "None", "None#2",
                                       "Rock & Pier “7”", "6", "Bodø#2"));
  for (const Device& device : net->devices) EXPECT_EQ(device.kind, DeviceKind::kRouter);
  ASSERT_EQ(net->links.size(), 9U);
  EXPECT_EQ(net->links[0].forward.bandwidth_bps, 10'000'000'000U);
  EXPECT_EQ(net->links[1].forward.bandwidth_bps, 155'000'000U) << "a second edge of one pair";
  EXPECT_EQ(net->links[7].forward.bandwidth_bps, 2'500'000'000U);
  for (const Link& link : net->links) {
    EXPECT_EQ(link.forward, link.backward);
    EXPECT_EQ(link.forward.loss, 0.01) << "what the file does not say is the default link's";
  }
  EXPECT_EQ(net->links[4].forward, default_link());
  EXPECT_EQ(net->links[3].forward.delay, default_link().delay) << "one end has no place";
  EXPECT_EQ(net->links[7].forward.delay, Duration{}) << "both ends at one place";
  EXPECT_EQ(net->links[8].a, net->links[8].b);
}

TEST(GraphFile, GraphmlAndGmlOfOneNetworkAreEqual) {
  const Result<Topology> gml = load(data_path("Fjordnet.gml"), default_link());
  const Result<Topology> graphml = load(data_path("Fjordnet.graphml"), default_link());
  ASSERT_TRUE(gml.ok()) << gml.error();
  ASSERT_TRUE(graphml.ok()) << graphml.error();
  EXPECT_EQ(*gml, *graphml);
}

TEST(GraphFile, AgreesWithBoostsOwnReader) {
  struct Vertex { std::string label; };
  struct Edge { double speed = 0; };
  using Graph =
      boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS, Vertex, Edge>;
  Graph graph;
  boost::dynamic_properties properties(boost::ignore_other_properties);
  properties.property("label", boost::get(&Vertex::label, graph));
  properties.property("LinkSpeedRaw", boost::get(&Edge::speed, graph));
  std::ifstream file(data_path("Fjordnet.graphml"));
  boost::read_graphml(file, graph, properties);

  const Result<Topology> net = load(data_path("Fjordnet.graphml"), LinkParams{});
  ASSERT_TRUE(net.ok()) << net.error();
  ASSERT_EQ(net->devices.size(), boost::num_vertices(graph));
  ASSERT_EQ(net->links.size(), boost::num_edges(graph));
  EXPECT_EQ(graph[0].label, net->devices[0].name);
  std::size_t i = 0;
  const auto [begin, end] = boost::edges(graph);
  for (auto edge = begin; edge != end; ++edge, ++i) {
    EXPECT_EQ(boost::source(*edge, graph), net->links[i].a);
    EXPECT_EQ(boost::target(*edge, graph), net->links[i].b);
    EXPECT_EQ(graph[*edge].speed, static_cast<double>(net->links[i].forward.bandwidth_bps));
  }
}

TEST(GraphFile, EdgesMayStandBeforeTheirNodes) {
  const Result<Topology> net = load(data_path("Sandbank.gml"), default_link());
  ASSERT_TRUE(net.ok()) << net.error();
  EXPECT_THAT(names(*net), ElementsAre("West", "East", "Lightship"));
  ASSERT_EQ(net->links.size(), 3U);
  EXPECT_EQ(net->links[1].a, 0U);
  EXPECT_EQ(net->links[1].b, 1U);
  EXPECT_EQ(net->links[2].forward, default_link()) << "a speed of 0 is not known";
}

TEST(GraphFile, DirectedGraphsAreRefused) {
  const std::string path = data_path("Oneway.graphml");
  const Result<Topology> net = load(path, LinkParams{});
  ASSERT_FALSE(net.ok());
  EXPECT_EQ(net.error(), path + ":3:3: the graph is directed, but links carry packets both ways; "
                                "if the direction means nothing, write edgedefault=\"undirected\"");
  EXPECT_THAT(error_of("graph [\n  directed 1\n]"),
              StartsWith("net.gml:2:3: the graph is directed"));
  EXPECT_THAT(error_of("<graphml><graph><node id='a'/><edge source='a' target='a' "
                       "directed='true'/></graph></graphml>"),
              HasSubstr("this edge is directed"));
}

TEST(GraphFile, AWrongDefaultLinkIsNamed) {
  LinkParams wrong;
  wrong.loss = -1;
  EXPECT_THAT(load(data_path("Sandbank.gml"), wrong).error(),
              HasSubstr("probability"));
}

TEST(GraphFile, ADefaultOfAKeyCounts) {
  const Result<Topology> net = parse_graph(
      "net.graphml",
      "<graphml><key id='k' for='edge' attr.name='LinkSpeedRaw'><default>2e6</default></key>"
      "<g:graph xmlns:g='x'><node id='a'/><node id='b'/><edge source='a' target='b'/>"
      "<edge source='a' target='b'><data key='k'>3000000</data></edge></g:graph></graphml>",
      LinkParams{});
  ASSERT_TRUE(net.ok()) << net.error();
  EXPECT_EQ(net->links[0].forward.bandwidth_bps, 2'000'000U);
  EXPECT_EQ(net->links[1].forward.bandwidth_bps, 3'000'000U);
}

TEST(GraphFile, NamesStayUniqueWhateverTheLabels) {
  const Result<Topology> net = parse_graph(
      "net.gml",
      "graph [ node [ id 1 label \"A\" ] node [ id 2 label \"A\" ] node [ id 3 label \"A#2\" ]"
      " node [ id 4 label \"A\" ] node [ id 5 label 7 ] node [ id 7 ] ]",
      LinkParams{});
  ASSERT_TRUE(net.ok()) << net.error();
  EXPECT_THAT(names(*net), ElementsAre("A", "A#2", "A#2#2", "A#3", "7", "7#2"));
}

TEST(GraphFile, GmlErrorsHaveAPlace) {
  EXPECT_EQ(error_of("graph [\n  node [ id 1 label \"open\n]"),
            "net.gml:2:21: this string has no closing '\"'");
  EXPECT_EQ(error_of("graph [\n  node [ id 1 ]\n"),
            "net.gml:3:1: the file ends inside a list; is its end missing?");
  EXPECT_EQ(error_of("graph [ ] ]"), "net.gml:1:11: this ']' closes no list");
  EXPECT_EQ(error_of("graph [ node [ id ] ]"), "net.gml:1:19: the key 'id' has no value");
  EXPECT_EQ(error_of("graph [ node [ id 1..2 ] ]"),
            "net.gml:1:19: a key, number, string, '[' or ']' was expected here");
  EXPECT_EQ(error_of("graph [ 5 ]"),
            "net.gml:1:9: a key was expected here, a word such as node or label");
  EXPECT_EQ(error_of("graph [ node [ label \"x\" ] ]"), "net.gml:1:9: this node has no id");
  EXPECT_EQ(error_of("graph [ node [ id [ a 1 ] ] ]"),
            "net.gml:1:19: 'id' must be a number or a string, not a list");
  EXPECT_EQ(error_of("graph [ node [ id 1 ] edge [ source 1 ] ]"),
            "net.gml:1:23: this edge needs a source and a target");
  EXPECT_EQ(error_of("graph [ node [ id 1 ]\nedge [ source 1 target 9 ] ]"),
            "net.gml:2:1: this edge ends at '9', which is no node's id");
  EXPECT_EQ(error_of("graph [ node [ id 1 ] node [ id 1 ] ]"),
            "net.gml:1:23: the id '1' belongs to an earlier node");
  EXPECT_EQ(error_of("graph [ node [ id 1 label \"é\" Latitude 91 ] ]"),
            "net.gml:1:40: Latitude must be a number from -90 to 90, not '91'")
      << "columns count characters, not bytes";
  EXPECT_THAT(error_of("graph [ node [ id 1 ] ] graph [ ]"), HasSubstr("a second graph"));
  EXPECT_EQ(error_of("Version 1"), "net.gml:1:1: this GML file holds no graph");
  EXPECT_EQ(error_of("graph [ ]"), "net.gml: the graph has no nodes");
  EXPECT_EQ(error_of(" \n"), "net.gml: the file is empty");
}

TEST(GraphFile, GraphmlErrorsHaveAPlace) {
  const auto graph = [](const std::string& inside) {
    return error_of("<graphml>\n<graph>" + inside + "</graph></graphml>");
  };
  EXPECT_EQ(graph("<node/>"), "net.gml:2:8: this node has no id");
  EXPECT_EQ(graph("<node id='a'/><edge source='a'/>"),
            "net.gml:2:22: this edge needs a source and a target");
  EXPECT_EQ(graph("<node id='a'><data key='d1'>x</data></node>"),
            "net.gml:2:21: no <key> with the id 'd1' was declared before this data");
  EXPECT_THAT(graph("<node id='a'><graph/></node>"), HasSubstr("a graph within a node"));
  EXPECT_THAT(graph("<hyperedge/>"), HasSubstr("hyperedges are not read"));
  EXPECT_EQ(graph("<node id='a'>"), "net.gml:2:21: </graph> does not close <node>");
  EXPECT_THAT(graph("<node id=a/>"), HasSubstr("needs a value in quotation marks"));
  EXPECT_THAT(graph("<node id='&nonsense;'/>"), HasSubstr("no known character reference"));
  EXPECT_THAT(graph("</graph><graph>"), HasSubstr("a second graph"));
  EXPECT_EQ(error_of("<graphml>\n<graph>"),
            "net.gml:2:8: the file ends inside the element <graph>");
  EXPECT_THAT(error_of("<svg/>"), HasSubstr("the root element is <svg>"));
  EXPECT_THAT(error_of("<graphml/>"), HasSubstr("holds no graph"));
  EXPECT_THAT(error_of("<graphml/><graphml/>"), HasSubstr("second root element"));
  EXPECT_THAT(error_of("<!-- only"), HasSubstr("this comment has no end"));
  EXPECT_THAT(error_of("<!DOCTYPE g [<!ENTITY a \"b\">]><graphml/>"),
              HasSubstr("a document type with declarations"));
}

TEST(GraphFile, HostileInputIsAnError) {
  EXPECT_THAT(error_of("graph [ node [ id 1 Latitude 1e999 ] ]"), HasSubstr("Latitude must be"));
  EXPECT_THAT(error_of("graph [ node [ id 1 Longitude \"nan\" ] ]"), HasSubstr("Longitude must"));
  EXPECT_THAT(error_of("graph [ node [ id 1 Latitude " + std::string(10'000'000, '9') + " ] ]"),
              HasSubstr("999...'"));
  EXPECT_THAT(error_of("graph [ node [ id 1 ] edge [ source 1 target 1 LinkSpeedRaw -5 ] ]"),
              HasSubstr("LinkSpeedRaw must be a number from 0 to 1e+15"));
  EXPECT_EQ(error_of("graph [ label \"caf\xe9\" ]"),
            "net.gml:1:19: the file is not UTF-8 from here on; save it with that encoding");
  std::string deep = "graph [ ";
  std::string elements;
  for (int i = 0; i < 200'000; ++i) {
    deep += "a [ ";
    elements += "<a>";
  }
  EXPECT_THAT(error_of(deep), HasSubstr("the file ends inside a list"));
  EXPECT_THAT(error_of(elements), HasSubstr("no GraphML"));
  EXPECT_THAT(error_of("<graphml>" + elements), HasSubstr("nested more than 1000 deep"));
  for (int i = 0; i < 200'000; ++i) deep += "] ";
  EXPECT_EQ(error_of(deep + "node [ id 1 ] ]"), "no error") << "depth alone is no mistake";
}

TEST(GraphFile, AFileThatIsTooLargeIsRefused) {
  EXPECT_THAT(error_of(std::string(kMaxGraphFileBytes + 1, ' ')), HasSubstr("larger than 64 MiB"));
  EXPECT_EQ(error_of(std::string(kMaxGraphFileBytes, ' ')), "net.gml: the file is empty");
}

TEST(GraphFile, EveryTruncationIsANetworkOrAnErrorWithAPlace) {
  for (const char* name : {"Fjordnet.gml", "Fjordnet.graphml"}) {
    const std::string text = read_text(data_path(name));
    const std::size_t end = text.find_last_not_of(" \n");
    for (std::size_t size = 0; size < end; ++size) {
      const auto net = parse_graph("f", std::string_view(text).substr(0, size), LinkParams{});
      ASSERT_FALSE(net.ok()) << name << " cut at " << size;
      ASSERT_THAT(net.error(), StartsWith("f:"));
    }
  }
}

TEST(GraphFile, RandomDamageNeverCrashes) {
  RandomStream random(31, "graph file test");
  int refused = 0;
  for (const char* name : {"Fjordnet.gml", "Fjordnet.graphml"}) {
    const std::string text = read_text(data_path(name));
    for (int round = 0; round < 3000; ++round) {
      std::string damaged = text;
      for (std::uint64_t i = random.below(4) + 1; i > 0; --i) {
        const std::size_t at = random.below(damaged.size());
        if (random.chance(0.5)) {
          damaged[at] = "<>[]\"'&;# 0e-./\xff\x80"[random.below(17)];
        } else {
          damaged.erase(at, random.below(20));
        }
      }
      const auto net = parse_graph("f", damaged, LinkParams{});
      if (net.ok()) continue;
      ++refused;
      ASSERT_THAT(net.error(), StartsWith("f:"));
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(GraphText, DecodesReferences) {
  const auto decode = [](std::string_view text) {
    std::string out;
    decode_references(text, out);
    return out;
  };
  EXPECT_EQ(decode("a&#8211;b"), "a–b");
  EXPECT_EQ(decode("&eacute;&Oslash;&yuml;&nbsp;&szlig;"), "éØÿ\u00a0ß");
  EXPECT_EQ(decode("&#x1F600;&lt;&quot;"), "😀<\"");
  EXPECT_EQ(decode("R&D &unknown; &#0; &#xD800; &#1114112; &;"),
            "R&D &unknown; &#0; &#xD800; &#1114112; &;");
  EXPECT_EQ(decode("&amp;lt;"), "&lt;") << "once, not twice";
  EXPECT_EQ(clean_label("\t a\n\n b\u00a0\x7f"), "a b");
}

TEST(GraphText, KnowsUtf8) {
  EXPECT_EQ(find_bad_utf8("plain, ø, –, 😀"), std::nullopt);
  for (const std::string_view bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_EQ(find_bad_utf8("ok" + std::string(bad)), std::size_t{2});
  }
}

/// The haversine formula with the C library's functions, as an independent answer.
double haversine_m(const GeoPoint& a, const GeoPoint& b) {
  const double degree = std::acos(-1.0) / 180.0;
  const double dy = std::sin((b.latitude_deg - a.latitude_deg) * degree / 2);
  const double dx = std::sin((b.longitude_deg - a.longitude_deg) * degree / 2);
  const double h = dy * dy + std::cos(a.latitude_deg * degree) *
                                 std::cos(b.latitude_deg * degree) * dx * dx;
  return 2 * 6'371'008.8 * std::asin(std::min(1.0, std::sqrt(h)));
}

TEST(GreatCircle, AgreesWithTheHaversineFormula) {
  RandomStream random(41, "great circle test");
  for (int i = 0; i < 10'000; ++i) {
    const GeoPoint a{180 * random.uniform() - 90, 720 * random.uniform() - 360};
    const double reach = i % 2 == 0 ? 1.0 : 1e-4;
    const GeoPoint b{a.latitude_deg * (1 - reach) + reach * (180 * random.uniform() - 90),
                     a.longitude_deg + reach * (360 * random.uniform() - a.longitude_deg)};
    ASSERT_NEAR(great_circle_m(a, b), haversine_m(a, b), 0.2);
  }
}

TEST(GreatCircle, KnownDistances) {
  const double half = std::acos(-1.0) * 6'371'008.8;
  EXPECT_NEAR(great_circle_m({90, 0}, {-90, 123}), half, 1e-6);
  EXPECT_NEAR(great_circle_m({0, 10}, {0, -170}), half, 1e-6);
  EXPECT_NEAR(great_circle_m({0, 179.5}, {0, -179.5}), half / 180, 1e-6);
  EXPECT_EQ(great_circle_m({51.5, -0.1}, {51.5, -0.1}), 0.0);
  // A degree of the equator: 111,195.08 m at 199,861.639 km/s.
  EXPECT_EQ(to_ns(fibre_delay({0, 0}, {0, 1})), 556'360);
  EXPECT_EQ(fibre_delay({1, 2}, {3, 4}), fibre_delay({3, 4}, {1, 2}));
}

}  // namespace
}  // namespace twinbed::sim
