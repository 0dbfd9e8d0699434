#include "sim/payload_pool.h"

#include <gtest/gtest.h>

#include <bit>

#include "core/base/hash.h"

namespace twinbed::sim {
namespace {

TEST(PayloadPool, AReleasedSlotIsUsedAgainForThingsOfItsSize) {
  PayloadPool pool;
  const PayloadId first = pool.make(as_bytes(std::string(100, 'a')));
  const std::byte* memory = pool.view(first).data();
  pool.release(first);
  const PayloadId large = pool.make(as_bytes(std::string(5000, 'b')));
  EXPECT_NE(pool.view(large).data(), memory);
  const PayloadId again = pool.make(as_bytes(std::string(128, 'c')));
  EXPECT_EQ(again, first);
  EXPECT_EQ(pool.view(again).data(), memory);
  EXPECT_EQ(as_text(pool.view(again)), std::string(128, 'c'));
  EXPECT_EQ(pool.in_use(), 2U);
}

TEST(PayloadPool, PayloadsOfEverySizeKeepTheirBytes) {
  PayloadPool pool;
  std::vector<PayloadId> ids;
  std::vector<std::string> texts;
  for (const std::size_t size : {1U, 63U, 64U, 65U, 127U, 128U, 129U, 1500U, 65'507U, 1'000'000U}) {
    texts.emplace_back(size, static_cast<char>('a' + texts.size()));
    ids.push_back(pool.make(as_bytes(texts.back())));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(as_text(pool.view(ids[i])), texts[i]);
}

TEST(PayloadPool, APayloadLivesUntilItsLastReferenceIsReleased) {
  PayloadPool pool;
  const PayloadId id = pool.make(as_bytes("shared"));
  pool.retain(id);
  pool.release(id);
  EXPECT_EQ(as_text(pool.view(id)), "shared");
  EXPECT_NE(pool.make(as_bytes("other")), id);
  {
    const PayloadHold hold(pool, id);
    pool.release(id);
    EXPECT_EQ(as_text(pool.view(id)), "shared");
  }
  EXPECT_EQ(pool.make(as_bytes("third")), id);
}

TEST(PayloadPool, NoBytesAreNoPayload) {
  PayloadPool pool;
  const PayloadId none = pool.make({});
  EXPECT_EQ(none, kNoPayload);
  EXPECT_TRUE(pool.view(none).empty());
  pool.release(none);
  pool.release(none);
  EXPECT_EQ(pool.make_corrupted(none, 5), kNoPayload);
  EXPECT_EQ(pool.in_use(), 0U);
}

TEST(PayloadPool, ACorruptedCopyDiffersInTheOneBitAskedForAndTheOriginalStays) {
  PayloadPool pool;
  const std::string text = "seventeen letters";
  const PayloadId id = pool.make(as_bytes(text));
  for (const std::uint64_t bit : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{135},
                                  std::uint64_t{136}, std::uint64_t{1} << 40}) {
    const PayloadId damaged = pool.make_corrupted(id, bit);
    const Bytes bytes = pool.view(damaged);
    ASSERT_EQ(bytes.size(), text.size());
    int different = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      different += std::popcount(static_cast<std::uint8_t>(bytes[i] ^ pool.view(id)[i]));
    }
    EXPECT_EQ(different, 1);
    EXPECT_EQ(bytes[bit / 8 % text.size()] ^ pool.view(id)[bit / 8 % text.size()],
              std::byte{1} << bit % 8);
    EXPECT_NE(pool.hash(damaged), pool.hash(id));
    pool.release(damaged);
  }
  EXPECT_EQ(as_text(pool.view(id)), text);
}

TEST(PayloadPool, TheHashIsThatOfTheBytesWhateverSlotTheyLieIn) {
  PayloadPool pool;
  const PayloadId one = pool.make(as_bytes("the same"));
  const PayloadId two = pool.make(as_bytes("the same"));
  const PayloadId other = pool.make(as_bytes("another"));
  EXPECT_NE(one, two);
  EXPECT_EQ(pool.hash(one), pool.hash(two));
  EXPECT_EQ(pool.hash(one), hash_bytes(as_bytes("the same")));
  EXPECT_NE(pool.hash(one), pool.hash(other));
  pool.release(one);
  EXPECT_EQ(pool.hash(pool.make(as_bytes("another"))), pool.hash(other));
}

TEST(PayloadPool, AHashThatWasNotReckonedAtFirstIsTheSame) {
  PayloadPool pool;
  const std::string text(200, 'h');
  const PayloadId hashed = pool.make(as_bytes(text));
  const PayloadId unhashed = pool.make_unhashed(as_bytes(text));
  EXPECT_EQ(as_text(pool.view(unhashed)), text);
  EXPECT_EQ(pool.hash(unhashed), pool.hash(hashed));
  EXPECT_EQ(pool.hash(unhashed), pool.hash(hashed)) << "asked for again";
  // Slots are used again by either kind.
  pool.release(hashed);
  const PayloadId again = pool.make_unhashed(as_bytes(std::string(200, 'i')));
  EXPECT_EQ(again, hashed);
  EXPECT_EQ(pool.hash(again), hash_bytes(as_bytes(std::string(200, 'i'))));
  pool.release(unhashed);
  EXPECT_EQ(pool.hash(pool.make(as_bytes(text))), hash_bytes(as_bytes(text)));
  EXPECT_EQ(pool.make_unhashed({}), kNoPayload);
}

TEST(PayloadPoolDeathTest, ReleasingTwiceAborts) {
  PayloadPool pool;
  const PayloadId id = pool.make(as_bytes("x"));
  pool.release(id);
  EXPECT_DEATH(pool.release(id), "released more often than it was retained");
}

}  // namespace
}  // namespace twinbed::sim
