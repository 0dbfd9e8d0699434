// Hashes, keys and sealed streams of core/crypto: published vectors, and libsodium's own other end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <type_traits>

#include "core/base/random_stream.h"
#include "core/crypto/hash.h"
#include "core/crypto/key_exchange.h"
#include "core/crypto/secret_stream.h"

namespace twinbed {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// first, first + 1, first + 2, ...
Buffer counting(std::size_t count, unsigned first = 0) {
  Buffer bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(first + i));
  return bytes;
}

const unsigned char* raw_of(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw_of(Buffer& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

// ---- BLAKE2b ----------------------------------------------------------------------------------

// Made with Python's hashlib.
TEST(Blake2b256, AgreesWithKnownAnswers) {
  EXPECT_EQ(to_hex(blake2b({})),
            "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  EXPECT_EQ(to_hex(blake2b(as_bytes("abc"))),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  Blake2b256 keyed = Blake2b256::keyed(counting(32));
  keyed.update(as_bytes("abc"));
  EXPECT_EQ(to_hex(keyed.finish()),
            "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
}

TEST(Blake2b256, IsTheSameInAnyPieces) {
  const Buffer bytes = counting(300);  // More than two blocks of 128.
  for (std::size_t piece : {1, 7, 127, 128, 129, 256}) {
    Blake2b256 hash;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      hash.update(Bytes(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    }
    EXPECT_EQ(hash.finish(), blake2b(bytes)) << "pieces of " << piece;
  }
}

TEST(Blake2b256, ACopyGoesOnByItself) {
  Blake2b256 hash;
  hash.update(as_bytes("a"));
  Blake2b256 copy = hash;
  copy.update(as_bytes("bc"));
  EXPECT_EQ(copy.finish(), blake2b(as_bytes("abc")));
  EXPECT_EQ(hash.finish(), blake2b(as_bytes("a")));
}

TEST(Blake2b256DeathTest, AnswersOnce) {
  Blake2b256 hash;
  hash.finish();
  EXPECT_DEATH(hash.finish(), "finished twice");
  EXPECT_DEATH(hash.update(as_bytes("a")), "finished hash");
  EXPECT_DEATH(Blake2b256::keyed(counting(15)), "16 to 64 bytes");
}

// ---- Keys -------------------------------------------------------------------------------------

// RFC 7748, section 6.1.
constexpr std::string_view kAliceSecret =
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr std::string_view kAlicePublic =
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
constexpr std::string_view kBobSecret =
    "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr std::string_view kBobPublic =
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
constexpr std::string_view kProduct =
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

TEST(KeyExchange, AgreesWithTheRfc) {
  const KeyPair alice = *KeyPair::from_hex_secret(kAliceSecret);
  const KeyPair bob = *KeyPair::from_hex_secret(kBobSecret);
  EXPECT_EQ(to_hex(alice.public_key), kAlicePublic);
  EXPECT_EQ(to_hex(bob.public_key), kBobPublic);
  EXPECT_EQ(to_hex(shared_product(alice, bob.public_key)->bytes()), kProduct);
  EXPECT_EQ(to_hex(shared_product(bob, alice.public_key)->bytes()), kProduct);
}

TEST(KeyExchange, BothSidesDeriveTheSameSessionKeys) {
  const KeyPair alice = *KeyPair::from_hex_secret(kAliceSecret);
  const KeyPair bob = *KeyPair::from_hex_secret(kBobSecret);
  const auto of_alice = session_keys_of_initiator(alice, bob.public_key);
  const auto of_bob = session_keys_of_responder(bob, alice.public_key);
  ASSERT_TRUE(of_alice && of_bob);
  EXPECT_EQ(to_hex(of_alice->from_initiator.bytes()), to_hex(of_bob->from_initiator.bytes()));
  EXPECT_EQ(to_hex(of_alice->from_responder.bytes()), to_hex(of_bob->from_responder.bytes()));
  EXPECT_NE(to_hex(of_alice->from_initiator.bytes()), to_hex(of_alice->from_responder.bytes()));
}

TEST(KeyExchange, PairsComeFromTheRandomNumbersAlone) {
  RandomStream random(1, "keys");
  RandomStream same(1, "keys");
  RandomStream other(2, "keys");
  const KeyPair pair = KeyPair::generate(random);
  EXPECT_EQ(pair.public_key, KeyPair::generate(same).public_key);
  EXPECT_NE(pair.public_key, KeyPair::generate(other).public_key);
  EXPECT_NE(pair.public_key, KeyPair::generate(random).public_key);
  const KeyPair again = *KeyPair::from_hex_secret(to_hex(pair.secret_key.bytes()));
  EXPECT_EQ(again.public_key, pair.public_key);
}

// The points of order 1, 2, 4 and 8 (Bernstein, "Curve25519", 2006; RFC 7748, section 6.1).
TEST(KeyExchange, RefusesPointsOfLowOrder) {
  const KeyPair pair = *KeyPair::from_hex_secret(kAliceSecret);
  for (const std::string& hex : {
           std::string(64, '0'), "01" + std::string(62, '0'),
           std::string("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
           std::string("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
           "ec" + std::string(60, 'f') + "7f", "ed" + std::string(60, 'f') + "7f",
           "ee" + std::string(60, 'f') + "7f"}) {
    Buffer bytes;
    ASSERT_TRUE(from_hex(hex, bytes));
    PublicKey point{};
    ASSERT_EQ(bytes.size(), point.size());
    std::ranges::copy(bytes, point.begin());
    EXPECT_FALSE(shared_product(pair, point).has_value()) << hex;
    EXPECT_FALSE(session_keys_of_initiator(pair, point).has_value()) << hex;
    EXPECT_FALSE(session_keys_of_responder(pair, point).has_value()) << hex;
  }
}

TEST(SecretKeys, AreRefusedInOneSentenceThatDoesNotRepeatThem) {
  const auto error_of = [](const std::string& hex) {
    const Result<KeyPair> pair = KeyPair::from_hex_secret(hex);
    return pair.ok() ? std::string() : pair.error();
  };
  EXPECT_EQ(error_of(std::string(63, 'b')),
            "the secret key of this node must have 64 hexadecimal digits, not 63 characters; make "
            "one with `openssl rand -hex 32`");
  EXPECT_EQ(error_of(std::string(40, 'b') + "g" + std::string(23, 'b')),
            "the secret key of this node must have hexadecimal digits alone, but character 41 is "
            "none; make one with `openssl rand -hex 32`");
  EXPECT_EQ(error_of(std::string(64, '0')),
            "the secret key of this node is all zeros, which is no key; make one with `openssl "
            "rand -hex 32`");
  for (const std::string& bad : {std::string(), std::string(65, 'b'), std::string(128, 'b')}) {
    EXPECT_THAT(error_of(bad), AllOf(HasSubstr("must have 64"), Not(HasSubstr("bbb"))));
  }
  EXPECT_THAT(public_key_from_hex("12").error(), HasSubstr("the public key must have 64"));
  EXPECT_EQ(to_hex(*public_key_from_hex("AB" + std::string(62, '1'))), "ab" + std::string(62, '1'));
}

TEST(SecretKeys, AreWipedWhenTheyGo) {
  alignas(SecretKey) std::array<std::byte, sizeof(SecretKey)> place{};
  auto* key = new (place.data()) SecretKey(std::span<const std::byte, 32>(counting(32, 1)));
  EXPECT_EQ(key->bytes()[31], std::byte{32});
  key->~SecretKey();
  EXPECT_TRUE(std::ranges::all_of(place, [](std::byte byte) { return byte == std::byte{}; }));
}

TEST(SecretKeys, AreComparedByContentAndLength) {
  EXPECT_TRUE(equal_in_constant_time(counting(32), counting(32)));
  EXPECT_FALSE(equal_in_constant_time(counting(32), counting(32, 1)));
  EXPECT_FALSE(equal_in_constant_time(counting(32), counting(31)));
}

// ---- Sealed streams ---------------------------------------------------------------------------

const SecretKey kStreamKey{std::span<const std::byte, 32>(counting(32, 1))};

static_assert(!std::is_copy_constructible_v<StreamSealer>, "a copy would use a nonce twice");

TEST(SecretStream, IsReadByLibsodiumsOwnEnd) {
  RandomStream random(1, "stream");
  StreamSealer sealer(kStreamKey, random);
  crypto_secretstream_xchacha20poly1305_state state;
  ASSERT_EQ(crypto_secretstream_xchacha20poly1305_init_pull(&state, raw_of(sealer.header()),
                                                            raw_of(kStreamKey.bytes())),
            0);
  for (const StreamTag tag : {StreamTag::kMessage, StreamTag::kRekey, StreamTag::kMessage,
                              StreamTag::kFinal}) {
    Buffer sealed;
    sealer.seal(as_bytes("one of four"), tag, sealed);
    Buffer plain(sealed.size() - kSealOverheadBytes);
    unsigned char found = 0;
    ASSERT_EQ(crypto_secretstream_xchacha20poly1305_pull(&state, raw_of(plain), nullptr, &found,
                                                         raw_of(Bytes(sealed)), sealed.size(),
                                                         nullptr, 0),
              0);
    EXPECT_EQ(as_text(plain), "one of four");
    EXPECT_EQ(found, static_cast<unsigned char>(tag));
  }
}

TEST(SecretStream, ReadsWhatLibsodiumsOwnEndWrites) {
  crypto_secretstream_xchacha20poly1305_state state;
  Buffer header_bytes(sizeof(StreamHeader));
  crypto_secretstream_xchacha20poly1305_init_push(&state, raw_of(header_bytes),
                                                  raw_of(kStreamKey.bytes()));
  StreamHeader header{};
  std::ranges::copy(header_bytes, header.begin());
  StreamOpener opener(kStreamKey, header);
  const auto pushed = [&](std::string_view text, unsigned char tag) {
    Buffer sealed(text.size() + kSealOverheadBytes);
    crypto_secretstream_xchacha20poly1305_push(&state, raw_of(sealed), nullptr,
                                               raw_of(as_bytes(text)), text.size(), nullptr, 0,
                                               tag);
    return sealed;
  };
  const auto opened = opener.open(pushed("text", crypto_secretstream_xchacha20poly1305_TAG_REKEY));
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(as_text(opened->plain), "text");
  EXPECT_EQ(opened->tag, StreamTag::kRekey);
  // A tag that StreamTag does not name.
  EXPECT_FALSE(opener.open(pushed("text", crypto_secretstream_xchacha20poly1305_TAG_PUSH)));
}

TEST(SecretStream, TheHeaderComesFromTheRandomNumbersAlone) {
  RandomStream random(1, "stream");
  RandomStream same(1, "stream");
  RandomStream other(2, "stream");
  StreamSealer sealer(kStreamKey, random);
  StreamSealer twin(kStreamKey, same);
  EXPECT_EQ(sealer.header(), twin.header());
  EXPECT_NE(sealer.header(), StreamSealer(kStreamKey, other).header());
  StreamHeader drawn{};
  RandomStream(1, "stream").fill(drawn);
  EXPECT_EQ(sealer.header(), drawn);
  Buffer of_sealer;
  Buffer of_twin;
  sealer.seal(as_bytes("text"), StreamTag::kMessage, of_sealer);
  twin.seal(as_bytes("text"), StreamTag::kMessage, of_twin);
  EXPECT_EQ(of_sealer, of_twin);
}

TEST(SecretStream, RefusesWhatIsShorterThanItsOverhead) {
  RandomStream random(1, "stream");
  const StreamSealer sealer(kStreamKey, random);
  StreamOpener opener(kStreamKey, sealer.header());
  EXPECT_FALSE(opener.open({}));
  EXPECT_FALSE(opener.open(counting(kSealOverheadBytes - 1)));
}

}  // namespace
}  // namespace twinbed
