// The secure channel with frames in clear: what it still proves, and what it shows. That messages
// arrive is tested beside the sealed ones (secure_channel_test.cc).
#include <gtest/gtest.h>

#include <string>

#include "core/protocols/secure/channel.h"
#include "core/wire/writer.h"
#include "tests/support/secure_pair.h"

namespace twinbed::secure {
namespace {

using namespace twinbed::testing;
using State = Channel::State;

Buffer frame_in_clear(std::uint32_t length, std::string_view text = {}) {
  Buffer bytes;
  Writer writer(bytes);
  writer.u32be(length);
  writer.text(text);
  return bytes;
}

TEST(SecureClear, AMessageIsItsLengthAndItsBytes) {
  SecurePair pair = open_secure_pair(SecurePair::clear());
  pair.initiator.send("text");
  EXPECT_EQ(pair.initiator.take_out(), frame_in_clear(4, "text"));
  pair.responder.channel.set_rekey_limits({.bytes = 1});  // There is no key to be changed.
  pair.responder.send("text");
  EXPECT_EQ(pair.responder.take_out(), frame_in_clear(4, "text"));
  pair.initiator.close();
  EXPECT_EQ(pair.initiator.take_out(), frame_in_clear(0));
}

// Only the byte that asks for it, and so the MACs, tell the handshake from that of sealed frames.
TEST(SecureClear, EachSideStillProvesWhoItIs) {
  SecurePair pair = open_secure_pair(SecurePair::clear());
  EXPECT_EQ(pair.responder.channel.peer(), client_credentials().self);
  EXPECT_EQ(pair.initiator.channel.peer(), server_credentials().self);

  const Credentials liar = test_credentials(PeerRole::kServer, 9, '9');
  KeyPair stolen = liar.keys;
  stolen.public_key = client_credentials().keys.public_key;
  SecurePair lie = SecurePair::clear();
  lie.initiator =
      secure_initiator({liar.cluster_key, stolen, client_credentials().self}, 1, Frames::kClear);
  lie.carry();
  EXPECT_EQ(lie.responder.channel.peer(), client_credentials().self) << "a claim so far";
  EXPECT_EQ(lie.responder.channel.failure(), Refusal::kNotAuthentic);

  SecurePair stranger = SecurePair::clear();
  stranger.initiator =
      secure_initiator(client_credentials(std::string(64, 'e')), 1, Frames::kClear);
  stranger.carry();
  EXPECT_EQ(stranger.responder.channel.failure(), Refusal::kNotAuthentic);
}

TEST(SecureClear, ASideThatSealsAndOneThatDoesNotRefuseEachOther) {
  for (const Frames frames : {Frames::kSealed, Frames::kClear}) {
    const bool is_clear = frames == Frames::kClear;
    SecurePair pair{secure_initiator(client_credentials(), 1, frames),
                    secure_responder(server_credentials(), 1,
                                     is_clear ? Frames::kSealed : Frames::kClear)};
    pair.carry();
    EXPECT_EQ(pair.responder.channel.failure(), Refusal::kEncryptionDiffers) << is_clear;
    EXPECT_FALSE(pair.responder.channel.failed_by_peer());
    EXPECT_EQ(pair.initiator.channel.failure(), Refusal::kEncryptionDiffers) << is_clear;
    EXPECT_TRUE(pair.initiator.channel.failed_by_peer());
    EXPECT_EQ(pair.initiator.channel.peer(), server_credentials().self) << "by whom";
  }
}

// Somebody on the way asks in the name of a side that seals, of one that does not, for the other.
TEST(SecureClear, NobodyOnTheWayCanChangeWhatWasAskedFor) {
  for (const Frames frames : {Frames::kSealed, Frames::kClear}) {
    for (const Frames wanted : {Frames::kSealed, Frames::kClear}) {
      Buffer hello = secure_initiator(client_credentials(), 1, frames).take_out();
      ASSERT_EQ(hello[9], static_cast<std::byte>(frames));
      hello[9] ^= std::byte{1};
      SecureEnd responder = secure_responder(server_credentials(), 1, wanted);
      responder.receive(hello);
      EXPECT_EQ(responder.channel.failure(), Refusal::kNotAuthentic);
      EXPECT_TRUE(responder.out.empty());
    }
  }
}

TEST(SecureClear, LengthsBeyondTheLimitAreRefusedAtOnce) {
  const auto refusal_of = [](std::uint32_t length) {
    SecurePair pair = open_secure_pair(SecurePair::clear());
    pair.responder.receive(frame_in_clear(length));
    return pair.responder.channel.failure();
  };
  EXPECT_EQ(refusal_of(0xffffffff), Refusal::kTooLarge);
  EXPECT_EQ(refusal_of(kMaxMessageBytes + 1), Refusal::kTooLarge);
  EXPECT_EQ(refusal_of(kMaxMessageBytes), Refusal::kNone);
  EXPECT_EQ(refusal_of(1), Refusal::kNone);
}

TEST(SecureClear, NothingIsTakenInClearBeforeThePeerHasProvedItself) {
  SecurePair pair = SecurePair::clear();
  pair.responder.receive(pair.initiator.take_out());
  ASSERT_EQ(pair.responder.channel.state(), State::kHandshake);
  pair.responder.receive(Buffer(sizeof(StreamHeader)));
  pair.responder.receive(frame_in_clear(4, "text"));
  EXPECT_EQ(pair.responder.channel.state(), State::kFailed);
  EXPECT_EQ(pair.responder.messages(), "");
}

TEST(SecureClear, AStreamThatEndsWithoutTheClosingMarkIsTruncated) {
  for (const std::size_t cut : {0, 3, 4, 7, 8, 11}) {
    SecurePair pair = open_secure_pair(SecurePair::clear());
    pair.initiator.send("text");
    pair.initiator.close();
    const Buffer bytes = pair.initiator.take_out();
    ASSERT_EQ(bytes.size(), 12u);
    pair.responder.receive(Bytes(bytes).first(cut));
    pair.responder.channel.on_end();
    EXPECT_EQ(pair.responder.channel.failure(), Refusal::kTruncated) << cut;
    EXPECT_EQ(pair.responder.messages(), cut >= 8 ? "text|" : "") << cut;
  }
}

}  // namespace
}  // namespace twinbed::secure
