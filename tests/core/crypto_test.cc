#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/crypto/aes256gcm.h"
#include "core/crypto/hash.h"

namespace twinbed {
namespace {

using ::testing::HasSubstr;

const std::string kKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

Buffer bytes_of(const std::string& hex) {
  Buffer bytes;
  EXPECT_TRUE(hex == "-" || from_hex(hex, bytes)) << hex;
  return bytes;
}

Aes256Gcm::Nonce nonce_of(const std::string& hex) {
  Aes256Gcm::Nonce nonce{};
  const Buffer bytes = bytes_of(hex);
  std::copy_n(bytes.begin(), nonce.size(), nonce.begin());
  return nonce;
}

class Aes256GcmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Aes256Gcm::available()) GTEST_SKIP() << "this processor has no AES instructions";
  }
};

// Made by another implementation: tests/testdata/election/make_vectors.py.
TEST_F(Aes256GcmTest, AgreesWithOpenSslOnFixedVectors) {
  std::ifstream file(TWINBED_SOURCE_DIR "/tests/testdata/election/crypto.txt");
  std::string line;
  int checked = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind, key, nonce, plain, sealed;
    words >> kind >> key >> nonce >> plain >> sealed;
    if (kind != "gcm") continue;
    const Result<Aes256Gcm> cipher = Aes256Gcm::from_hex_key(key);
    ASSERT_TRUE(cipher.ok());
    EXPECT_EQ(to_hex(cipher->seal(nonce_of(nonce), bytes_of(plain))), sealed);
    const Result<Buffer> opened = cipher->open(nonce_of(nonce), bytes_of(sealed));
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, bytes_of(plain));
    ++checked;
  }
  EXPECT_EQ(checked, 7);
}

// The GCM specification's test case 14 (McGrew and Viega, 2004): zero key, zero nonce, a zero
// block.
TEST_F(Aes256GcmTest, AgreesWithTheSpecificationsZeroKeyCase) {
  const Result<Aes256Gcm> cipher = Aes256Gcm::from_hex_key(std::string(64, '0'), true);
  ASSERT_TRUE(cipher.ok());
  EXPECT_EQ(to_hex(cipher->seal({}, Buffer(16))),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST_F(Aes256GcmTest, NoticesEveryChangedBit) {
  const Aes256Gcm cipher = *Aes256Gcm::from_hex_key(kKey);
  const Buffer sealed = cipher.seal({}, as_bytes("attack at dawn"));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Buffer changed = sealed;
    changed[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    EXPECT_FALSE(cipher.open({}, changed).ok()) << "bit " << bit;
  }
  EXPECT_FALSE(cipher.open(nonce_of("010000000000000000000000"), sealed).ok());
  EXPECT_FALSE(cipher.open({}, Bytes(sealed).first(15)).ok());
  EXPECT_TRUE(cipher.open({}, sealed).ok());
}

TEST_F(Aes256GcmTest, RefusesAnotherKey) {
  const Aes256Gcm cipher = *Aes256Gcm::from_hex_key(kKey);
  const Aes256Gcm other = *Aes256Gcm::from_hex_key(std::string(64, 'a'));
  EXPECT_THAT(other.open({}, cipher.seal({}, as_bytes("x"))).error(), HasSubstr("not authentic"));
}

TEST_F(Aes256GcmTest, RefusesBadKeysAndNamesTheRemedy) {
  for (const std::string& bad : {std::string(), std::string(63, '1'), std::string(65, '1'),
                                 std::string(64, 'g'), std::string(64, '0')}) {
    const Result<Aes256Gcm> cipher = Aes256Gcm::from_hex_key(bad);
    ASSERT_FALSE(cipher.ok()) << bad;
    EXPECT_THAT(cipher.error(), HasSubstr("openssl rand -hex 32"));
  }
  EXPECT_TRUE(Aes256Gcm::from_hex_key(std::string(64, '0'), true).ok());
}

TEST(Blake2b, AgreesWithPythonOnFixedVectors) {
  std::ifstream file(TWINBED_SOURCE_DIR "/tests/testdata/election/crypto.txt");
  std::string line;
  int checked = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind, data, digest;
    words >> kind >> data >> digest;
    if (kind != "blake2b") continue;
    EXPECT_EQ(blake2b_hex(bytes_of(data)), digest);
    ++checked;
  }
  EXPECT_EQ(checked, 7);
}

}  // namespace
}  // namespace twinbed
