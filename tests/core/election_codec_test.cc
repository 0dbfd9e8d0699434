// Messages, their JSON and their frames: fixed vectors of other implementations, hostile input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/base/random_stream.h"
#include "core/protocols/election/frame.h"
#include "core/wire/writer.h"
#include "tests/support/election_cluster.h"

namespace twinbed::election {
namespace {

using twinbed::testing::kTestKey;
using twinbed::testing::kZeroKey;
using twinbed::testing::test_cipher;

/// Hands out given bytes, so that a frame has the nonce of a vector.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(Buffer bytes) : bytes_(std::move(bytes)) { bytes_.resize(16); }
  std::uint64_t next() override {
    std::uint64_t word = 0;
    for (int i = 7; i >= 0; --i) word = word << 8 | std::to_integer<std::uint64_t>(bytes_[at_ + i]);
    at_ += 8;
    return word;
  }

 private:
  Buffer bytes_;
  std::size_t at_ = 0;
};

Buffer bytes_of(const std::string& hex) {
  Buffer bytes;
  EXPECT_TRUE(from_hex(hex, bytes));
  return bytes;
}

Message decoded(std::string_view text) {
  std::variant<Message, DecodeError> result = decode_json(text);
  if (const auto* error = std::get_if<DecodeError>(&result)) {
    ADD_FAILURE() << text << ": " << error->message;
    return QueryLeader{};
  }
  return std::get<Message>(result);
}

DecodeError refused(std::string_view text) {
  std::variant<Message, DecodeError> result = decode_json(text);
  if (const auto* error = std::get_if<DecodeError>(&result)) return *error;
  ADD_FAILURE() << text << " was taken for a message";
  return {};
}

EncryptReply head_reply() {
  EncryptReply reply;
  reply.req_id = "id";
  reply.encrypted_image = bytes_of("010203");
  reply.original_filename = "a.png";
  reply.error = "no\tdisk";
  return reply;
}

const std::map<std::string, Message>& expected_messages() {
  static const std::map<std::string, Message> messages = {
      {"hello", Hello{0}},
      {"heartbeat", Heartbeat{3, 1}},
      {"election", Election{1}},
      {"ok", Ok{2}},
      {"coordinator", Coordinator{3, 18446744073709551615ULL}},
      {"query_leader", QueryLeader{}},
      {"leader_info_none", LeaderInfo{std::nullopt, 1}},
      {"leader_info", LeaderInfo{3, 1}},
      {"request_seed", EncryptRequest{0, "3f2a1b4c5d6e7f8a", "Zoë \"q\"\n",
                                      bytes_of("89504e470d0a1a0a00ff"), std::nullopt}},
      {"request_head", EncryptRequest{0, "id", "u", {}, "10.0.0.9:7100"}},
      {"reply_seed", EncryptReply{"id", true, "stored", {}, {}, {}}},
      {"reply_head", head_reply()},
  };
  return messages;
}

// tests/testdata/election/make_vectors.py made these with OpenSSL and Python's json.
TEST(ElectionFrame, AgreesWithFixedVectorsInBothDirections) {
  std::ifstream file(TWINBED_SOURCE_DIR "/tests/testdata/election/frames.txt");
  std::string line;
  int checked = 0;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string name, key, nonce, json, frame;
    words >> name >> key >> nonce >> json >> frame;
    SCOPED_TRACE(name);
    const Message& message = expected_messages().at(name);
    const Dialect dialect = name.ends_with("_head") ? Dialect::kHead : Dialect::kSeed;
    const Aes256Gcm cipher = test_cipher(key);
    EXPECT_EQ(encode_json(message, dialect), as_text(bytes_of(json)));
    ScriptedRandom random(bytes_of(nonce));
    EXPECT_EQ(to_hex(seal_frame(message, cipher, random, dialect)), frame);
    std::vector<FrameParser::Outcome> outcomes;
    FrameParser parser(cipher);
    parser.feed(bytes_of(frame), outcomes);
    ASSERT_EQ(outcomes.size(), 1u);
    EXPECT_EQ(std::get<Message>(outcomes[0]), message);
    ++checked;
  }
  EXPECT_EQ(checked, 24);
}

TEST(ElectionJson, IsReadAsSerdeReadsIt) {
  EXPECT_EQ(decoded(R"( { "Heartbeat" : { "term" : 1 , "from" : 3 } } )"),
            Message(Heartbeat{3, 1}));
  EXPECT_EQ(decoded(R"({"Ok":{"from":2,"more":[[1],{"a":null}],"x":-1.5}})"), Message(Ok{2}));
  EXPECT_EQ(decoded(R"({"Ok":{"deep":{"from":9},"from":2}})"), Message(Ok{2}));
  EXPECT_EQ(decoded(R"({"Ok":{"from":2,"image_bytes":["not bytes"],"x":1,"x":2}})"),
            Message(Ok{2}));
  EXPECT_EQ(decoded(R"({"LeaderInfo":{"term":1}})"), Message(LeaderInfo{std::nullopt, 1}));
  EXPECT_EQ(decoded(R"({"QueryLeader":null})"), Message(QueryLeader{}));
  EXPECT_EQ(decoded(R"({"EncryptReply":{"req_id":"a","ok":true,"payload":[7]}})"),
            Message(EncryptReply{"a", true, bytes_of("07"), {}, {}, {}}));
  EXPECT_EQ(decoded("{\"EncryptRequest\":{\"from\":0,\"req_id\":\"\\u00e9\",\"user\":\"\","
                    "\"image_bytes\":[0,255],\"client_addr\":null}}"),
            Message(EncryptRequest{0, "é", "", bytes_of("00ff"), std::nullopt}));
}

TEST(ElectionJson, IsRefusedWhereSerdeWouldRefuseIt) {
  for (std::string_view text : {
           "", " ", "{", "{}", "[]", "null", "3", "\"Ok", "nonsense", "{\"Ok\"", "\xff\xfe",
           R"("Hello")",                                  // has fields
           R"({"Hello":3})", R"({"Hello":null})", R"({"Hello":[0]})", R"({"QueryLeader":{}})",
           R"({"Hello":{}})", R"({"Heartbeat":{"from":3}})",             // missing
           R"({"Hello":{"from":-1}})", R"({"Hello":{"from":1.0}})",      // of another type
           R"({"Hello":{"from":"1"}})", R"({"Hello":{"from":null}})",
           R"({"Hello":{"from":4294967296}})", R"({"Heartbeat":{"from":1,"term":1e400}})",
           R"({"Heartbeat":{"from":1,"term":18446744073709551616}})",
           R"({"Hello":{"from":1,"from":1}})",                           // twice
           R"({"Hello":{"from":1},"Ok":{"from":1}})", R"({"Hello":{"from":1}} x)",
           R"({"EncryptRequest":{"from":0,"req_id":"a","user":"u","image_bytes":[256]}})",
           R"({"EncryptRequest":{"from":0,"req_id":"a","user":"u","image_bytes":[-1]}})",
           R"({"EncryptRequest":{"from":0,"req_id":"a","user":"u","image_bytes":[1,[2]]}})",
           R"({"EncryptRequest":{"from":0,"req_id":"a","user":"u","image_bytes":[1,null,2]}})",
           R"({"EncryptRequest":{"from":0,"req_id":"a","user":"u","image_bytes":"AA=="}})",
           R"({"EncryptRequest":{"from":0,"req_id":"a","user":"u"}})",
           R"({"EncryptReply":{"req_id":"a","ok":1}})",
           R"({"EncryptReply":{"req_id":"a","ok":true,"payload":3}})",
           R"({"LeaderInfo":{"leader_id":"3","term":1}})",
       }) {
    const DecodeError error = refused(text);
    EXPECT_EQ(error.failure, DecodeFailure::kNotJson) << text;
    EXPECT_FALSE(error.message.empty());
  }
  EXPECT_EQ(refused(R"("Goodbye")").failure, DecodeFailure::kUnknownVariant);
  EXPECT_EQ(refused(R"({"PreVote":{"term":4}})").failure, DecodeFailure::kUnknownVariant);
}

TEST(ElectionJson, SurvivesDeepNesting) {
  std::string text = R"({"Ok":{"from":2,"x":)" + std::string(100'000, '[');
  refused(text);
  text += std::string(100'000, ']') + "}}";
  EXPECT_EQ(decoded(text), Message(Ok{2}));
}

TEST(ElectionJson, RoundTripsRandomMessages) {
  RandomStream random(7, "codec");
  for (int i = 0; i < 300; ++i) {
    EncryptRequest request;
    request.from = static_cast<PeerId>(random.next());
    request.image_bytes.resize(random.below(300));
    random.fill(request.image_bytes);
    for (std::size_t n = random.below(20); n > 0; --n) {
      request.user += static_cast<char>(random.below(128));
    }
    if (random.chance(0.5)) request.client_addr = request.user;
    EXPECT_EQ(decoded(encode_json(request, Dialect::kHead)), Message(request));
  }
}

std::vector<FrameParser::Outcome> parse(Bytes stream, std::size_t chunk, FrameParser& parser) {
  std::vector<FrameParser::Outcome> outcomes;
  for (std::size_t at = 0; at < stream.size(); at += chunk) {
    parser.feed(stream.subspan(at, std::min(chunk, stream.size() - at)), outcomes);
  }
  return outcomes;
}

TEST(FrameParser, FindsTheSameFramesWhateverTheChunks) {
  const Aes256Gcm cipher = test_cipher();
  RandomStream random(1, "chunks");
  Buffer stream;
  std::vector<Message> sent;
  for (const auto& [name, message] : expected_messages()) {
    const Buffer frame = seal_frame(message, cipher, random, Dialect::kHead);
    stream.insert(stream.end(), frame.begin(), frame.end());
    sent.push_back(decoded(encode_json(message, Dialect::kHead)));
  }
  for (std::size_t chunk : {1u, 2u, 3u, 5u, 64u, 1000u, 100'000u}) {
    FrameParser parser(cipher);
    const std::vector<FrameParser::Outcome> outcomes = parse(stream, chunk, parser);
    ASSERT_EQ(outcomes.size(), sent.size()) << chunk;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(std::get<Message>(outcomes[i]), sent[i]);
    }
    EXPECT_EQ(parser.pending(), 0u);
  }
}

TEST(FrameParser, RefusesImpossibleLengthsBeforeAnythingElseArrives) {
  FrameParser too_long(test_cipher());
  std::vector<FrameParser::Outcome> outcomes;
  too_long.feed(bytes_of("06400001"), outcomes);  // 100 MiB + 1
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(std::get<Refusal>(outcomes[0]), Refusal::kTooLong);
  EXPECT_TRUE(too_long.ended());

  FrameParser largest(test_cipher());
  outcomes.clear();
  largest.feed(bytes_of("06400000"), outcomes);
  largest.feed(Buffer(1000), outcomes);
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(largest.pending(), 1004u) << "memory follows what arrived, not what is announced";

  FrameParser too_short(test_cipher());
  too_short.feed(bytes_of("0000001b"), outcomes);  // 27 = nonce + tag - 1
  EXPECT_EQ(std::get<Refusal>(outcomes.at(0)), Refusal::kTooShort);
}

TEST(FrameParser, EndsTheStreamAtAFrameOfAnotherKey) {
  RandomStream random(1, "keys");
  Buffer stream = seal_frame(Ok{1}, test_cipher(), random);
  const Buffer foreign = seal_frame(Ok{2}, test_cipher(kZeroKey), random);
  const Buffer late = seal_frame(Ok{3}, test_cipher(), random);
  stream.insert(stream.end(), foreign.begin(), foreign.end());
  stream.insert(stream.end(), late.begin(), late.end());
  FrameParser parser(test_cipher());
  const std::vector<FrameParser::Outcome> outcomes = parse(stream, 7, parser);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(std::get<Message>(outcomes[0]), Message(Ok{1}));
  EXPECT_EQ(std::get<Refusal>(outcomes[1]), Refusal::kNotAuthentic);
  EXPECT_TRUE(parser.ended());
  EXPECT_EQ(parser.pending(), 0u);
}

/// A frame around any text.
Buffer frame_around(std::string_view text) {
  Buffer frame;
  Writer writer(frame);
  const Buffer sealed = test_cipher().seal({}, as_bytes(text));
  writer.u32be(static_cast<std::uint32_t>(sealed.size() + 12));
  writer.zeros(12);
  writer.bytes(sealed);
  return frame;
}

TEST(FrameParser, PassesOverAuthenticFramesThatMeanNothing) {
  RandomStream random(1, "json");
  Buffer stream = frame_around("not json");
  for (const Buffer& frame : {frame_around(R"({"PreVote":{}})"), frame_around(""),
                              seal_frame(Ok{1}, test_cipher(), random)}) {
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  FrameParser parser(test_cipher());
  const std::vector<FrameParser::Outcome> outcomes = parse(stream, 100'000, parser);
  ASSERT_EQ(outcomes.size(), 4u);
  EXPECT_EQ(std::get<Refusal>(outcomes[0]), Refusal::kNotJson);
  EXPECT_EQ(std::get<Refusal>(outcomes[1]), Refusal::kUnknownVariant);
  EXPECT_EQ(std::get<Refusal>(outcomes[2]), Refusal::kNotJson);
  EXPECT_EQ(std::get<Message>(outcomes[3]), Message(Ok{1}));
  EXPECT_FALSE(parser.ended());
}

TEST(FrameParser, NoticesAFlippedBitAnywhereInTheBody) {
  RandomStream random(1, "bits");
  const Buffer frame = seal_frame(Heartbeat{3, 1}, test_cipher(), random);
  for (std::size_t at = 4; at < frame.size(); ++at) {
    Buffer changed = frame;
    changed[at] ^= std::byte{1};
    FrameParser parser(test_cipher());
    const std::vector<FrameParser::Outcome> outcomes = parse(changed, frame.size(), parser);
    EXPECT_EQ(std::get<Refusal>(outcomes.at(0)), Refusal::kNotAuthentic) << at;
  }
}

TEST(ElectionFrame, NoncesDiffer) {
  RandomStream random(1, "nonce");
  const Aes256Gcm cipher = test_cipher();
  EXPECT_NE(seal_frame(Ok{1}, cipher, random), seal_frame(Ok{1}, cipher, random));
}

}  // namespace
}  // namespace twinbed::election
