// The secure channel against everything that somebody on the way, or a stranger, can do: change,
// cut, drop, repeat, move, send back, replay, lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "core/crypto/hash.h"
#include "core/protocols/secure/channel.h"
#include "core/wire/writer.h"
#include "tests/support/secure_pair.h"

namespace twinbed::secure {
namespace {

using namespace twinbed::testing;
using State = Channel::State;

const std::string kOtherKeyHex(64, 'e');

/// All that goes over the stream until both sides are open.
struct Flights {
  Buffer hello;
  Buffer answer;        ///< with the responder's stream header and first frame
  Buffer confirmation;  ///< the initiator's stream header and first frame
};
Flights recorded(const Credentials& initiating = client_credentials(),
                 const Credentials& responding = server_credentials(), std::uint64_t seed = 1) {
  SecurePair pair{secure_initiator(initiating, seed), secure_responder(responding, seed)};
  Flights flights;
  flights.hello = pair.initiator.take_out();
  pair.responder.receive(flights.hello);
  flights.answer = pair.responder.take_out();
  pair.initiator.receive(flights.answer);
  flights.confirmation = pair.initiator.take_out();
  return flights;
}

Buffer with_bit_changed(Buffer bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
  return bytes;
}

/// The hello with other bytes at a place, and a MAC of somebody who holds the cluster key.
Buffer forged(Buffer hello, std::size_t at, Bytes bytes) {
  std::ranges::copy(bytes, hello.begin() + static_cast<std::ptrdiff_t>(at));
  Blake2b256 hash = Blake2b256::keyed(client_credentials().cluster_key.bytes());
  hash.update(as_bytes("twinbed/mac"));
  hash.update(Bytes(hello).first(119));
  std::ranges::copy(hash.finish(), hello.begin() + 119);
  return hello;
}

/// The side that waits for the next flight of the recorded handshake: 0 hello, 1 answer, 2
/// confirmation.
SecureEnd waiting_for(int flight) {
  if (flight == 1) return secure_initiator();
  SecureEnd responder = secure_responder();
  if (flight == 2) responder.receive(recorded().hello);
  return responder;
}

// ---- Changed bytes ----------------------------------------------------------------------------

TEST(SecureHostile, EveryChangedBitOfAHelloIsRefusedWithoutAnAnswer) {
  const Buffer hello = recorded().hello;
  ASSERT_EQ(hello.size(), Handshake::kMessageBytes);
  for (std::size_t bit = 0; bit < 8 * hello.size(); ++bit) {
    SecureEnd responder = secure_responder();
    responder.receive(with_bit_changed(hello, bit));
    // The first nine bytes say which protocol, version and kind of message it is.
    const Refusal why = bit < 72 ? Refusal::kProtocol : Refusal::kNotAuthentic;
    ASSERT_EQ(responder.channel.failure(), why) << "bit " << bit;
    ASSERT_TRUE(responder.out.empty()) << "bit " << bit;
  }
}

TEST(SecureHostile, EveryChangedBitOfTheOtherFlightsIsRefused) {
  const Flights flights = recorded();
  for (int flight : {1, 2}) {
    const Buffer& bytes = flight == 1 ? flights.answer : flights.confirmation;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      SecureEnd end = waiting_for(flight);
      end.receive(with_bit_changed(bytes, bit));
      ASSERT_EQ(end.channel.state(), State::kFailed) << "flight " << flight << ", bit " << bit;
    }
    SecureEnd end = waiting_for(flight);
    end.receive(bytes);
    EXPECT_EQ(end.channel.state(), State::kOpen) << "the unchanged flight is good";
  }
}

TEST(SecureHostile, EveryChangedBitOfAFrameIsRefused) {
  for (std::size_t bit = 0;; ++bit) {
    SecurePair pair = open_secure_pair();
    pair.initiator.send("attack at dawn");
    const Buffer frame = pair.initiator.take_out();
    if (bit == 8 * frame.size()) break;
    pair.responder.receive(with_bit_changed(frame, bit));
    pair.responder.channel.on_end();  // A length that became larger waits for the rest.
    ASSERT_EQ(pair.responder.channel.state(), State::kFailed) << "bit " << bit;
    ASSERT_EQ(pair.responder.messages(), "") << "bit " << bit;
  }
}

TEST(SecureHostile, EveryChangedBitOfTheClosingMarkIsRefused) {
  for (std::size_t bit = 0;; ++bit) {
    SecurePair pair = open_secure_pair();
    pair.initiator.close();
    const Buffer frame = pair.initiator.take_out();
    if (bit == 8 * frame.size()) break;
    pair.responder.receive(with_bit_changed(frame, bit));
    pair.responder.channel.on_end();
    ASSERT_EQ(pair.responder.channel.state(), State::kFailed) << "bit " << bit;
  }
}

// ---- Frames dropped, repeated, moved, cut -----------------------------------------------------

/// What a responder gets of three sealed messages after somebody has had his hands on the frames.
void expect_only_first(const std::function<void(std::vector<Buffer>&)>& meddle) {
  SecurePair pair = open_secure_pair();
  std::vector<Buffer> frames;
  for (const char* text : {"one", "two", "three"}) {
    pair.initiator.send(text);
    frames.push_back(pair.initiator.take_out());
  }
  meddle(frames);
  Buffer all;
  for (const Buffer& frame : frames) all.insert(all.end(), frame.begin(), frame.end());
  pair.responder.receive(all);
  EXPECT_EQ(pair.responder.messages(), "one|");
  EXPECT_EQ(pair.responder.channel.failure(), Refusal::kNotAuthentic);
}

TEST(SecureHostile, ADroppedFrameIsNoticed) {
  expect_only_first([](auto& frames) { frames.erase(frames.begin() + 1); });
}

TEST(SecureHostile, ARepeatedFrameIsNoticed) {
  expect_only_first([](auto& frames) { frames.insert(frames.begin() + 1, frames[0]); });
}

TEST(SecureHostile, SwappedFramesAreNoticed) {
  expect_only_first([](auto& frames) { std::swap(frames[1], frames[2]); });
}

TEST(SecureHostile, AFrameOfAnotherChannelIsNoticed) {
  SecurePair other{secure_initiator(client_credentials(), 2),
                   secure_responder(server_credentials(), 2)};
  other.carry();
  other.initiator.send("one");
  other.carry();
  other.initiator.send("two");
  const Buffer frame = other.initiator.take_out();
  expect_only_first([&](auto& frames) { frames[1] = frame; });
}

TEST(SecureHostile, AFrameSentBackIsNoticed) {
  SecurePair pair = open_secure_pair();
  pair.initiator.send("one");
  pair.initiator.receive(pair.initiator.take_out());
  EXPECT_EQ(pair.initiator.channel.failure(), Refusal::kNotAuthentic);
  EXPECT_EQ(pair.initiator.messages(), "");
}

TEST(SecureHostile, AStreamCutAtAnyByteIsTruncated) {
  SecurePair pair = open_secure_pair();
  const Flights flights = recorded();
  Buffer stream = flights.hello;
  const auto append = [&stream](const Buffer& bytes) {
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  };
  append(flights.confirmation);
  pair.initiator.send("one");
  append(pair.initiator.take_out());
  const std::size_t after_one = stream.size();
  pair.initiator.send("two");
  append(pair.initiator.take_out());
  const std::size_t after_two = stream.size();
  pair.initiator.close();
  append(pair.initiator.take_out());
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    SecureEnd responder = secure_responder();
    const std::size_t hello = std::min(cut, flights.hello.size());
    responder.receive(Bytes(stream).first(hello));  // What follows waits for the answer.
    responder.receive(Bytes(stream).subspan(hello, cut - hello));
    responder.channel.on_end();
    const bool is_whole = cut == stream.size();
    ASSERT_EQ(responder.channel.state(), is_whole ? State::kClosed : State::kFailed) << cut;
    ASSERT_EQ(responder.channel.failure(), is_whole ? Refusal::kNone : Refusal::kTruncated) << cut;
    ASSERT_EQ(responder.messages(), cut >= after_two   ? "one|two|"
                                    : cut >= after_one ? "one|"
                                                       : "")
        << cut;
  }
  SecureEnd initiator = secure_initiator();
  initiator.receive(Bytes(flights.answer).first(flights.answer.size() - 1));
  initiator.channel.on_end();
  EXPECT_EQ(initiator.channel.failure(), Refusal::kTruncated);
}

// ---- Strangers, and limits --------------------------------------------------------------------

TEST(SecureHostile, AnotherProtocolIsKnownByItsFirstBytes) {
  const auto expect_refused = [](SecureEnd end, std::string_view text) {
    end.take_out();
    end.receive(as_bytes(text));
    EXPECT_EQ(end.channel.failure(), Refusal::kProtocol) << text;
    EXPECT_TRUE(end.out.empty()) << text;
  };
  for (const char* text : {"G", "GET / HTTP/1.1", "twinbee", "twinbed\x02"}) {
    expect_refused(secure_responder(), text);
    expect_refused(secure_initiator(), text);
  }
  expect_refused(secure_responder(), "twinbed\x01\x02");  // An answer, and a hello.
  expect_refused(secure_initiator(), "twinbed\x01\x01");
}

TEST(SecureHostile, AWrongClusterKeyIsRefusedOnEitherSide) {
  for (const bool is_initiator_wrong : {true, false}) {
    SecureEnd initiator =
        secure_initiator(client_credentials(is_initiator_wrong ? kOtherKeyHex : kClusterKeyHex));
    SecureEnd responder =
        secure_responder(server_credentials(is_initiator_wrong ? kClusterKeyHex : kOtherKeyHex));
    responder.receive(initiator.take_out());
    EXPECT_EQ(responder.channel.failure(), Refusal::kNotAuthentic);
    EXPECT_TRUE(responder.out.empty()) << "a stranger learns nothing";
    initiator.channel.on_end();
    EXPECT_EQ(initiator.channel.failure(), Refusal::kTruncated);
  }
  // A responder that answers whatever it was asked.
  SecureEnd initiator = secure_initiator();
  initiator.take_out();
  initiator.receive(
      recorded(client_credentials(kOtherKeyHex), server_credentials(kOtherKeyHex)).answer);
  EXPECT_EQ(initiator.channel.failure(), Refusal::kNotAuthentic);
  EXPECT_TRUE(initiator.out.empty());
}

TEST(SecureHostile, NothingMayFollowAHelloBeforeTheVerdict) {
  SecureEnd responder = secure_responder();
  Buffer bytes = recorded().hello;
  bytes.push_back(std::byte{});
  responder.channel.receive(responder.random, {}, bytes, responder.out);
  EXPECT_EQ(responder.channel.failure(), Refusal::kProtocol);
  EXPECT_FALSE(responder.channel.wants_verdict());
  EXPECT_TRUE(responder.out.empty());
}

/// Why a channel fails that meets this length where a frame begins.
Refusal refusal_of_length(SecureEnd& end, std::uint32_t length) {
  Buffer bytes;
  for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::byte>(length >> shift & 255));
  end.receive(bytes);
  return end.channel.failure();
}

TEST(SecureHostile, LengthsBeyondTheLimitsAreRefusedAtOnce) {
  const std::uint32_t largest = kMaxMessageBytes + kSealOverheadBytes;
  const auto when_open = [](std::uint32_t length) {
    SecurePair pair = open_secure_pair();
    return refusal_of_length(pair.responder, length);
  };
  EXPECT_EQ(when_open(0xffffffff), Refusal::kTooLarge);
  EXPECT_EQ(when_open(largest + 1), Refusal::kTooLarge);
  EXPECT_EQ(when_open(largest), Refusal::kNone);
  EXPECT_EQ(when_open(17), Refusal::kNone);
  EXPECT_EQ(when_open(16), Refusal::kNotAuthentic);
  EXPECT_EQ(when_open(0), Refusal::kNotAuthentic);

  const auto before_proof = [](std::uint32_t length) {
    SecureEnd responder = waiting_for(2);
    responder.receive(Bytes(recorded().confirmation).first(sizeof(StreamHeader)));
    return refusal_of_length(responder, length);
  };
  EXPECT_EQ(before_proof(18), Refusal::kTooLarge);
  EXPECT_EQ(before_proof(17), Refusal::kNone);
}

// ---- Replays, reflections, lies ---------------------------------------------------------------

TEST(SecureHostile, AReplayedConversationNeverOpens) {
  const Flights flights = recorded();
  SecureEnd responder = secure_responder(server_credentials(), 2);
  responder.receive(flights.hello);
  EXPECT_EQ(responder.channel.state(), State::kHandshake);
  EXPECT_NE(responder.out, flights.answer);
  responder.receive(flights.confirmation);
  EXPECT_EQ(responder.channel.failure(), Refusal::kNotAuthentic);
}

TEST(SecureHostile, AnAnswerAndARefusalFitNoOtherHello) {
  SecureEnd initiator = secure_initiator(client_credentials(), 2);
  initiator.receive(recorded().answer);
  EXPECT_EQ(initiator.channel.failure(), Refusal::kNotAuthentic);

  SecureEnd responder = secure_responder();
  responder.channel.receive(responder.random, {}, recorded().hello, responder.out);
  responder.channel.refuse(Refusal::kBusy, responder.out);
  SecureEnd other = secure_initiator(client_credentials(), 2);
  other.receive(responder.out);
  EXPECT_EQ(other.channel.failure(), Refusal::kNotAuthentic);
  EXPECT_FALSE(other.channel.failed_by_peer());
}

TEST(SecureHostile, AHelloSentBackIsRefused) {
  SecureEnd initiator = secure_initiator();
  const Buffer hello = initiator.take_out();
  initiator.receive(hello);
  EXPECT_EQ(initiator.channel.failure(), Refusal::kProtocol);
  EXPECT_TRUE(initiator.out.empty());
}

// A relay leads a node to its own door, or two nodes have a copy of one key.
TEST(SecureHostile, AHelloOfOnesOwnKeyIsRefused) {
  SecureEnd initiator = secure_initiator(server_credentials());
  SecureEnd responder = secure_responder(server_credentials());
  responder.channel.receive(responder.random, {}, initiator.take_out(), responder.out);
  EXPECT_FALSE(responder.channel.wants_verdict());
  EXPECT_EQ(responder.channel.failure(), Refusal::kDuplicateId);
  initiator.receive(responder.out);
  EXPECT_EQ(initiator.channel.failure(), Refusal::kDuplicateId);
  EXPECT_TRUE(initiator.channel.failed_by_peer());
}

TEST(SecureHostile, WhoClaimsAKeyWithoutItsSecretNeverOpens) {
  const auto claiming_key_of = [](const Credentials& victim, Credentials liar) {
    liar.keys.public_key = victim.keys.public_key;
    return Credentials(liar.cluster_key, liar.keys, victim.self);
  };
  const Credentials liar = test_credentials(PeerRole::kServer, 9, '9');
  SecurePair pair;
  pair.initiator = secure_initiator(claiming_key_of(client_credentials(), liar));
  pair.carry();
  EXPECT_EQ(pair.responder.channel.peer(), client_credentials().self) << "a claim so far";
  EXPECT_EQ(pair.responder.channel.failure(), Refusal::kNotAuthentic);

  SecurePair other;
  other.responder = secure_responder(claiming_key_of(server_credentials(), liar));
  other.carry();
  EXPECT_EQ(other.initiator.channel.peer(), server_credentials().self) << "a claim so far";
  EXPECT_EQ(other.initiator.channel.failure(), Refusal::kNotAuthentic);
}

TEST(SecureHostile, KeysOfLowOrderFailAtTheVerdict) {
  const Buffer hello = recorded().hello;
  for (const std::size_t place : {55, 87}) {  // The static and the ephemeral key.
    SecureEnd responder = secure_responder();
    responder.receive(forged(hello, place, Buffer(32)));
    EXPECT_EQ(responder.channel.failure(), Refusal::kNotAuthentic) << place;
  }
  SecureEnd responder = secure_responder();
  responder.receive(forged(hello, 55, server_credentials().cluster_key.bytes()));
  EXPECT_EQ(responder.channel.failure(), Refusal::kNone) << "forged() makes a good MAC";
}

TEST(SecureHostile, AHolderOfTheKeyMustKeepToTheLayout) {
  const Buffer hello = recorded().hello;
  for (const std::size_t place : {9, 10}) {  // A verdict in a hello; a role that does not exist.
    SecureEnd responder = secure_responder();
    responder.receive(forged(hello, place, std::array{std::byte{5}}));
    EXPECT_EQ(responder.channel.failure(), Refusal::kProtocol) << place;
    EXPECT_TRUE(responder.out.empty()) << place;
  }
}

/// The responder's failure after these sealed messages of an initiator that has the session keys
/// and frames what it likes.
Refusal refusal_of_frames(const std::vector<std::pair<std::string_view, StreamTag>>& messages) {
  RandomStream random(1, "liar");
  SecureEnd responder = secure_responder();
  Handshake handshake(Handshake::Side::kInitiator, client_credentials());
  Buffer hello;
  handshake.write(random, hello);
  responder.receive(hello);
  EXPECT_EQ(handshake.read(Bytes(responder.out).first(Handshake::kMessageBytes)), Refusal::kNone);
  StreamSealer sealer(handshake.derive()->from_initiator, random);
  Buffer stream = to_buffer(sealer.header());
  for (const auto& [text, tag] : messages) {
    Writer(stream).u32be(static_cast<std::uint32_t>(text.size() + kSealOverheadBytes));
    sealer.seal(as_bytes(text), tag, stream);
  }
  responder.receive(stream);
  EXPECT_EQ(responder.messages(), "");
  return responder.channel.failure();
}

TEST(SecureHostile, AHolderOfTheKeysMustKeepToTheFrames) {
  constexpr auto kMessage = StreamTag::kMessage;
  constexpr auto kRekey = StreamTag::kRekey;
  constexpr auto kFinal = StreamTag::kFinal;
  EXPECT_EQ(refusal_of_frames({{"", kMessage}, {"", kFinal}}), Refusal::kNone);
  EXPECT_EQ(refusal_of_frames({{"", kRekey}}), Refusal::kProtocol);
  EXPECT_EQ(refusal_of_frames({{"", kFinal}}), Refusal::kProtocol);
  EXPECT_EQ(refusal_of_frames({{"text", kMessage}}), Refusal::kTooLarge);
  EXPECT_EQ(refusal_of_frames({{"", kMessage}, {"", kMessage}}), Refusal::kProtocol);
  EXPECT_EQ(refusal_of_frames({{"", kMessage}, {"", kRekey}}), Refusal::kProtocol);
  EXPECT_EQ(refusal_of_frames({{"", kMessage}, {"text", kFinal}}), Refusal::kProtocol);
}

}  // namespace
}  // namespace twinbed::secure
