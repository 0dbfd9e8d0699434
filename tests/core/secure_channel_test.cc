// The secure channel in good order: what it carries, what each side learns, and its wire format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>

#include "core/protocols/secure/channel.h"
#include "core/wire/writer.h"
#include "tests/support/secure_pair.h"

namespace twinbed::secure {
namespace {

using ::testing::HasSubstr;
using namespace twinbed::testing;
using State = Channel::State;

constexpr std::array kVerdicts = {Refusal::kConfigDiffers, Refusal::kDuplicateId,
                                  Refusal::kUnknownClient, Refusal::kWrongServer, Refusal::kBusy,
                                  Refusal::kEncryptionDiffers};

TEST(SecureChannel, CarriesMessagesBothWaysInOrder) {
  SecurePair pair = open_secure_pair();
  pair.initiator.send("one");
  pair.initiator.send("two");
  pair.responder.send("three");
  pair.carry();
  EXPECT_EQ(pair.responder.messages(), "one|two|");
  EXPECT_EQ(pair.initiator.messages(), "three|");
}

/// Messages in frames of both kinds.
class SecureMessages : public ::testing::TestWithParam<Frames> {
 protected:
  static SecurePair make_pair() {
    return GetParam() == Frames::kClear ? SecurePair::clear() : SecurePair{};
  }
};

TEST_P(SecureMessages, ArriveHoweverTheBytesAreCut) {
  for (std::size_t piece : {1, 2, 3, 4, 5, 16, 17, 21, 150, 151, 152, 1000}) {
    SecurePair pair = make_pair();
    pair.carry(piece);
    pair.initiator.send(std::string(300, 'a'));
    pair.initiator.send("b");
    pair.responder.send("c");
    pair.carry(piece);
    pair.initiator.close();
    pair.carry(piece);
    EXPECT_EQ(pair.responder.messages(), std::string(300, 'a') + "|b|") << piece;
    EXPECT_EQ(pair.initiator.messages(), "c|") << piece;
    EXPECT_EQ(pair.responder.channel.state(), State::kClosed) << piece;
    EXPECT_EQ(pair.responder.channel.failure(), Refusal::kNone) << piece;
  }
}

TEST_P(SecureMessages, ArriveInRandomPieces) {
  RandomStream cuts(1, "cuts");
  for (int round = 0; round < 100; ++round) {
    SecurePair pair = open_secure_pair(make_pair());
    std::string sent;
    for (char letter = 'a'; letter < 'k'; ++letter) {
      const std::string message(1 + cuts.below(200), letter);
      pair.initiator.send(message);
      sent += message + "|";
    }
    const Buffer bytes = pair.initiator.take_out();
    for (Bytes rest = bytes; !rest.empty();) {
      const std::size_t piece = 1 + cuts.below(rest.size());
      pair.responder.receive(rest.first(piece));
      rest = rest.subspan(piece);
    }
    EXPECT_EQ(pair.responder.messages(), sent);
  }
}

INSTANTIATE_TEST_SUITE_P(Frames, SecureMessages,
                         ::testing::Values(Frames::kSealed, Frames::kClear),
                         [](const auto& frames) {
                           return frames.param == Frames::kClear ? "Clear" : "Sealed";
                         });

TEST(SecureChannel, CarriesAMessageOfAMebibyteAndJoinsHeadAndBody) {
  SecurePair pair = open_secure_pair();
  const std::string body(kMaxMessageBytes - 4, 'x');
  pair.initiator.channel.send({}, as_bytes("head"), as_bytes(body), pair.initiator.out);
  pair.carry(65536);
  EXPECT_EQ(pair.responder.messages(), "head" + body + "|");
}

TEST(SecureChannelDeathTest, TakesNoEmptyMessageAndNoneThatIsTooLarge) {
  SecurePair pair = open_secure_pair();
  EXPECT_DEATH(pair.initiator.send(""), "1 byte to 1 MiB");
  EXPECT_DEATH(pair.initiator.send(std::string(kMaxMessageBytes + 1, 'x')), "1 byte to 1 MiB");
  pair.initiator.close();
  EXPECT_DEATH(pair.initiator.send("x"), "not open");
}

TEST(SecureChannel, EachSideLearnsWhoTheOtherIs) {
  SecurePair pair = open_secure_pair();
  EXPECT_EQ(pair.responder.channel.peer(), client_credentials().self);
  EXPECT_EQ(pair.initiator.channel.peer(), server_credentials().self);
  EXPECT_EQ(pair.initiator.channel.peer().id, 3u);
  EXPECT_EQ(pair.initiator.channel.peer().role, PeerRole::kServer);
  EXPECT_EQ(pair.initiator.channel.peer().config_hash[31], std::byte{0xc0});
  EXPECT_EQ(pair.initiator.channel.peer().public_key, server_credentials().keys.public_key);
}

TEST(SecureChannel, AResponderAsksBeforeItLetsAnybodyIn) {
  SecureEnd initiator = secure_initiator();
  SecureEnd responder = secure_responder();
  const Buffer hello = initiator.take_out();
  Buffer out;
  responder.channel.receive(responder.random, {}, Bytes(hello).first(hello.size() - 1), out);
  EXPECT_FALSE(responder.channel.wants_verdict());
  responder.channel.receive(responder.random, {}, Bytes(hello).last(1), out);
  EXPECT_TRUE(responder.channel.wants_verdict());
  EXPECT_EQ(responder.channel.peer(), client_credentials().self);
  EXPECT_TRUE(out.empty());
  responder.channel.accept(responder.random, out);
  EXPECT_FALSE(responder.channel.wants_verdict());
  EXPECT_FALSE(out.empty());
  // The hello may have been recorded: nothing is open until the peer has used the new keys.
  EXPECT_EQ(responder.channel.state(), State::kHandshake);
}

TEST(SecureChannel, TheInitiatorSeesWhyAndByWhomItIsRefused) {
  for (const Refusal why : kVerdicts) {
    SecureEnd initiator = secure_initiator();
    SecureEnd responder = secure_responder();
    responder.channel.receive(responder.random, {}, initiator.take_out(), responder.out);
    ASSERT_TRUE(responder.channel.wants_verdict());
    responder.channel.refuse(why, responder.out);
    EXPECT_EQ(responder.channel.state(), State::kFailed);
    EXPECT_EQ(responder.channel.failure(), why);
    EXPECT_FALSE(responder.channel.failed_by_peer());
    initiator.receive(responder.take_out());
    EXPECT_EQ(initiator.channel.state(), State::kFailed);
    EXPECT_EQ(initiator.channel.failure(), why);
    EXPECT_TRUE(initiator.channel.failed_by_peer());
    EXPECT_EQ(initiator.channel.peer(), server_credentials().self);
    EXPECT_TRUE(initiator.out.empty());
    initiator.channel.on_end();
    EXPECT_EQ(initiator.channel.failure(), why);
  }
}

TEST(SecureChannelDeathTest, OnlyAVerdictRefusesAndOnlyWhenItIsAskedFor) {
  SecureEnd initiator = secure_initiator();
  SecureEnd responder = secure_responder();
  EXPECT_DEATH(responder.channel.refuse(Refusal::kBusy, responder.out), "asks for no verdict");
  EXPECT_DEATH(responder.channel.accept(responder.random, responder.out), "asks for no verdict");
  responder.channel.receive(responder.random, {}, initiator.take_out(), responder.out);
  EXPECT_DEATH(responder.channel.refuse(Refusal::kTruncated, responder.out), "no verdict");
}

// ---- The end ----------------------------------------------------------------------------------

TEST(SecureChannel, ClosesInGoodOrderFromEitherSide) {
  for (const bool is_initiator_first : {true, false}) {
    SecurePair pair = open_secure_pair();
    SecureEnd& first = is_initiator_first ? pair.initiator : pair.responder;
    SecureEnd& second = is_initiator_first ? pair.responder : pair.initiator;
    first.send("last words");
    first.close();
    EXPECT_EQ(first.channel.state(), State::kClosed);
    pair.carry();
    EXPECT_EQ(second.messages(), "last words|");
    EXPECT_EQ(second.channel.state(), State::kClosed);
    for (SecureEnd* end : {&first, &second}) {
      end->channel.on_end();
      end->close();
      end->receive(as_bytes("what comes after the end is passed over"));
      EXPECT_EQ(end->channel.state(), State::kClosed);
      EXPECT_EQ(end->channel.failure(), Refusal::kNone);
      EXPECT_TRUE(end->out.empty());
    }
  }
}

TEST(SecureChannel, ClosedDuringTheHandshakeItSaysNothing) {
  SecureEnd initiator = secure_initiator();
  initiator.take_out();
  initiator.close();
  EXPECT_EQ(initiator.channel.state(), State::kClosed);
  EXPECT_TRUE(initiator.out.empty());
}

// ---- Keys change ------------------------------------------------------------------------------

/// A responder that shows the tags of the frames, which a channel keeps to itself.
class TagReader {
 public:
  /// Opens the initiator's channel.
  explicit TagReader(SecureEnd& initiator) {
    RandomStream random(1, "tag reader");
    Handshake handshake(Handshake::Side::kResponder, server_credentials());
    EXPECT_EQ(handshake.read(initiator.take_out()), Refusal::kNone);
    Buffer answer;
    handshake.write(random, answer);
    const SessionKeys keys = *handshake.derive();
    StreamSealer sealer(keys.from_responder, random);
    Writer writer(answer);
    writer.bytes(sealer.header());
    writer.u32be(kSealOverheadBytes);
    sealer.seal({}, StreamTag::kMessage, answer);
    initiator.receive(answer);
    EXPECT_EQ(initiator.channel.state(), State::kOpen);
    StreamHeader header{};
    std::copy_n(initiator.out.begin(), header.size(), header.begin());
    initiator.out.erase(initiator.out.begin(), initiator.out.begin() + header.size());
    opener_.emplace(keys.from_initiator, header);
    EXPECT_EQ(next(initiator), 'm') << "the confirmation";
  }

  /// 'm' for a frame of an ordinary message, 'R' for one with which the key changes.
  char next(SecureEnd& initiator) {
    const auto opened = opener_->open(Bytes(initiator.take_out()).subspan(4));
    if (!opened) return '?';
    return opened->tag == StreamTag::kRekey ? 'R' : 'm';
  }

 private:
  std::optional<StreamOpener> opener_;
};

/// The tags of ten messages of ten bytes, a minute apart, the first one right after the opening.
std::string tags_under(const RekeyLimits& limits) {
  SecureEnd initiator = secure_initiator();
  initiator.now += std::chrono::hours(5);  // The age is that of the key, not of the run.
  TagReader reader(initiator);
  initiator.channel.set_rekey_limits(limits);
  std::string tags;
  for (int i = 0; i < 10; ++i) {
    initiator.send("ten bytes.");
    tags += reader.next(initiator);
    initiator.now += std::chrono::minutes(1);
  }
  return tags;
}

TEST(SecureChannel, TakesANewKeyAfterSoManyBytes) {
  EXPECT_EQ(tags_under({.bytes = 1}), "RRRRRRRRRR");
  EXPECT_EQ(tags_under({.bytes = 30}), "mmRmmRmmRm");
  EXPECT_EQ(tags_under({.bytes = 31}), "mmmRmmmRmm");
  EXPECT_EQ(RekeyLimits{}.bytes, 1'073'741'824u);
}

TEST(SecureChannel, TakesANewKeyAfterSoLong) {
  EXPECT_EQ(tags_under({.age = std::chrono::minutes(3)}), "mmmRmmRmmR");
  EXPECT_EQ(tags_under({.age = std::chrono::minutes(10)}), "mmmmmmmmmm");
  EXPECT_EQ(tags_under({}), "mmmmmmmmmm");
  EXPECT_EQ(RekeyLimits{}.age, std::chrono::hours(1));
}

TEST(SecureChannel, TheOtherSideFollowsToTheNewKeys) {
  SecurePair pair = open_secure_pair();
  pair.initiator.channel.set_rekey_limits({.bytes = 8});
  pair.responder.channel.set_rekey_limits({.bytes = 3});
  std::string sent;
  for (int i = 0; i < 20; ++i) {
    pair.initiator.send("text");
    pair.responder.send("text");
    pair.carry();
    sent += "text|";
  }
  EXPECT_EQ(pair.responder.messages(), sent);
  EXPECT_EQ(pair.initiator.messages(), sent);
}

// ---- Bytes on the wire ------------------------------------------------------------------------

Buffer conversation(std::uint64_t seed) {
  SecurePair pair{secure_initiator(client_credentials(), seed),
                  secure_responder(server_credentials(), seed)};
  Buffer wire = pair.initiator.out;
  const auto pass = [&wire](SecureEnd& from, SecureEnd& to) {
    const Buffer bytes = from.take_out();
    wire.insert(wire.end(), bytes.begin(), bytes.end());
    to.receive(bytes);
  };
  pass(pair.initiator, pair.responder);
  pass(pair.responder, pair.initiator);
  pair.initiator.send("text");
  pass(pair.initiator, pair.responder);
  EXPECT_EQ(pair.responder.messages(), "text|");
  return wire;
}

TEST(SecureChannel, TheSameSeedSpeaksTheSameBytes) {
  EXPECT_EQ(conversation(1), conversation(1));
  EXPECT_NE(conversation(1), conversation(2));
}

TEST(SecureChannel, NoWindowOfTheTextIsOnTheWire) {
  SecurePair pair = open_secure_pair();
  std::string text = std::string(500, 'a');  // What repeats must not show either.
  Buffer noise(4000);
  RandomStream(1, "noise").fill(noise);
  text += as_text(noise);
  pair.initiator.send(text);
  const Buffer wire = pair.initiator.take_out();
  for (std::size_t at = 0; at + 16 <= text.size(); ++at) {
    ASSERT_EQ(as_text(wire).find(text.substr(at, 16)), std::string_view::npos) << at;
  }
  pair.responder.receive(wire);
  EXPECT_EQ(pair.responder.messages(), text + "|");
}

/// Bytes that count up, so that a transcript can be made elsewhere.
class CountingRandom final : public Random {
 public:
  explicit CountingRandom(unsigned first) : next_(first) {}
  std::uint64_t next() override {
    std::uint64_t word = 0;
    for (int byte = 0; byte < 8; ++byte) word |= std::uint64_t{next_++ & 255} << 8 * byte;
    return word;
  }

 private:
  unsigned next_;
};

std::map<std::string, Buffer> transcript() {
  std::map<std::string, Buffer> lines;
  std::ifstream file(TWINBED_SOURCE_DIR "/tests/testdata/secure/transcript.txt");
  std::string name;
  std::string hex;
  while (file >> name >> hex) EXPECT_TRUE(from_hex(hex, lines[name])) << name;
  return lines;
}

// Made by other implementations: tests/testdata/secure/make_vectors.py.
TEST(SecureChannel, SpeaksTheWireFormatOfTheFixedTranscript) {
  std::map<std::string, Buffer> lines = transcript();
  ASSERT_EQ(lines.size(), 8u);
  Credentials client = client_credentials();
  client.self.instance = 0x0102030405060708;
  Credentials server = server_credentials();
  server.self.instance = 0x1112131415161718;
  CountingRandom initiator_random(0);
  CountingRandom responder_random(128);
  Buffer out;
  const auto said = [&out] { return to_hex(std::exchange(out, {})); };
  Channel initiator = Channel::initiator(client, initiator_random, out);
  EXPECT_EQ(said(), to_hex(lines["hello"]));
  Channel responder = Channel::responder(server);
  responder.receive(responder_random, {}, lines["hello"], out);
  ASSERT_TRUE(responder.wants_verdict());
  responder.accept(responder_random, out);
  EXPECT_EQ(said(), to_hex(lines["answer"]));
  initiator.receive(initiator_random, {}, lines["answer"], out);
  EXPECT_EQ(said(), to_hex(lines["confirmation"]));
  responder.receive(responder_random, {}, lines["confirmation"], out);
  ASSERT_EQ(responder.state(), State::kOpen);
  ASSERT_EQ(initiator.state(), State::kOpen);

  initiator.send({}, as_bytes("first message"), out);
  EXPECT_EQ(said(), to_hex(lines["first"]));
  responder.send({}, as_bytes("a reply"), out);
  EXPECT_EQ(said(), to_hex(lines["reply"]));
  initiator.set_rekey_limits({.bytes = 33});
  initiator.send({}, as_bytes("twenty bytes of text"), out);
  EXPECT_EQ(said(), to_hex(lines["last_under_key"]));
  initiator.send({}, as_bytes("afterwards"), out);
  EXPECT_EQ(said(), to_hex(lines["under_new_key"]));
  initiator.close({}, out);
  EXPECT_EQ(said(), to_hex(lines["closing"]));
}

// ---- Keys and lists as people write them ------------------------------------------------------

std::string cluster_key_error(const std::string& hex) {
  const Result<ClusterKey> key = ClusterKey::from_hex(hex);
  return key.ok() ? "" : key.error();
}

TEST(SecureClusterKey, IsRefusedInOneSentenceWithTheRemedy) {
  EXPECT_EQ(cluster_key_error(kClusterKeyHex), "");
  EXPECT_EQ(cluster_key_error(""),
            "the encryption key must have 64 hexadecimal digits, not 0 characters; make one with "
            "`openssl rand -hex 32`");
  EXPECT_EQ(cluster_key_error(kClusterKeyHex.substr(1)),
            "the encryption key must have 64 hexadecimal digits, not 63 characters; make one with "
            "`openssl rand -hex 32`");
  EXPECT_EQ(cluster_key_error("x" + kClusterKeyHex.substr(1)),
            "the encryption key must have hexadecimal digits alone, but character 1 is none; make "
            "one with `openssl rand -hex 32`");
  EXPECT_EQ(cluster_key_error(std::string(64, '0')),
            "the encryption key is all zeros, which is no key; make one with `openssl rand -hex "
            "32`");
}

TEST(SecureAllowList, HoldsTheKeysOfItsLines) {
  const std::string key = to_hex(client_credentials().keys.public_key);
  const Result<AllowList> list =
      AllowList::parse("# clients\n\n  " + key + "\t# Zoe's\r\n" + std::string(64, 'b'));
  ASSERT_TRUE(list.ok()) << list.error();
  EXPECT_EQ(list->keys.size(), 2u);
  EXPECT_TRUE(list->contains(client_credentials().keys.public_key));
  EXPECT_FALSE(list->contains(server_credentials().keys.public_key));
  EXPECT_TRUE(AllowList::parse("")->keys.empty());
}

TEST(SecureAllowList, NamesTheLineOfAMistake) {
  const std::string key = to_hex(client_credentials().keys.public_key);
  EXPECT_EQ(AllowList::parse(key + "\n" + key.substr(2)).error(),
            "line 2 of the list of clients: the public key must have 64 hexadecimal digits, not 62 "
            "characters; ask the owner of the key for it");
  EXPECT_THAT(AllowList::parse(key + " " + key).error(), HasSubstr("not 129 characters"));
  EXPECT_THAT(AllowList::parse("\n\n" + std::string(64, '0')).error(), HasSubstr("line 3 of"));
}

TEST(SecureRefusals, HaveNamesOfTheirOwn) {
  std::map<std::string_view, int> names;
  for (int i = 0; i <= static_cast<int>(kLastRefusal); ++i) {
    ++names[to_string(static_cast<Refusal>(i))];
  }
  EXPECT_EQ(names.size(), 11u);
  EXPECT_EQ(names.count("unknown"), 0u);
  EXPECT_EQ(to_string(static_cast<Refusal>(200)), "unknown");
}

}  // namespace
}  // namespace twinbed::secure
