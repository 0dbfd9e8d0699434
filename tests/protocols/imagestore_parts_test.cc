// The parts of the robust cloud-p2p that need no cluster: messages and the catalogue.
#include <gtest/gtest.h>

#include "core/protocols/imagestore/catalogue.h"
#include "core/protocols/imagestore/message.h"
#include "core/wire/writer.h"

namespace twinbed::imagestore {
namespace {

Digest digest_of(std::string_view text) { return blake2b(as_bytes(text)); }

std::vector<Message> one_of_each() {
  return {RaftPart{raft::AppendRequest{7, 3, 2, 1, 9, {{7, raft::EntryKind::kCommand, {}}}}},
          Alive{},
          QueryLeader{6},
          LeaderInfo{6, 3, 8, 99},
          PutBegin{1, "abc", 12345, digest_of("a"), "ann"},
          PutResult{1, Outcome::kNotLeader, 2, "node 2 leads"},
          CopyBegin{4, 12345, digest_of("a")},
          CopyResult{4, Outcome::kStorage, "its disk is full"},
          Pending{42, {digest_of("a"), digest_of("b")}},
          Chunk{1, 65536, to_buffer("bytes")},
          End{1, digest_of("a")},
          Abort{1},
          Get{5, "abc", digest_of("a"), true},
          GetResult{5, Outcome::kNotFound, 3, 0, digest_of("a"), "no image has this id"}};
}

TEST(ImageMessages, ComeBackAsTheyWere) {
  const std::vector<Message> messages = one_of_each();
  ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
  for (const Message& message : messages) {
    const Frame frame{3, 8, message};
    const std::optional<Frame> back = decode(encode(frame));
    ASSERT_TRUE(back) << "type " << message.index();
    EXPECT_EQ(*back, frame) << "type " << message.index();
  }
}

TEST(ImageMessages, AreRefusedUnlessWhole) {
  for (const Message& message : one_of_each()) {
    const Buffer bytes = encode(Frame{3, 8, message});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::optional<Frame> cut = decode(Bytes(bytes).first(size));
      // What comes last in these has no length of its own: the frame is its end.
      const bool is_shorter = cut && (std::holds_alternative<Chunk>(cut->message) ||
                                      std::holds_alternative<Pending>(cut->message));
      EXPECT_TRUE(!cut || is_shorter) << "type " << message.index() << ", " << size;
    }
    if (std::holds_alternative<Chunk>(message)) continue;
    Buffer longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decode(longer)) << "type " << message.index();
  }
}

TEST(ImageMessages, OfAnotherVersionTypeOrOutcomeAreRefused) {
  const Buffer bytes = encode(Frame{3, 8, PutResult{1, Outcome::kNotFound, 2, ""}});
  ASSERT_TRUE(decode(bytes));
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Buffer copy = bytes;
    copy[at] = std::byte{value};
    return decode(copy).has_value();
  };
  EXPECT_FALSE(changed(0, 2));    // version
  EXPECT_FALSE(changed(1, 200));  // type
  EXPECT_FALSE(changed(3, 1));    // flags
  EXPECT_FALSE(changed(24, 9));   // outcome
}

TEST(ImageMessages, ATextIsAtMost1024Bytes) {
  const PutResult result{1, Outcome::kRefused, 2, std::string(1024, 'x')};
  Buffer bytes = encode(Frame{3, 8, result});
  ASSERT_TRUE(decode(bytes));
  const std::size_t size_at = bytes.size() - 1024 - 2;
  bytes[size_at + 1] = std::byte{1};  // 1025
  bytes.push_back(std::byte{'x'});
  EXPECT_FALSE(decode(bytes));
}

TEST(ImageMessages, APieceIsAtMost64KiB) {
  EXPECT_TRUE(decode(encode(Frame{0, 0, Chunk{1, 0, Buffer(kChunkBytes)}})));
  EXPECT_FALSE(decode(encode(Frame{0, 0, Chunk{1, 0, Buffer(kChunkBytes + 1)}})));
  EXPECT_FALSE(decode(encode(Frame{0, 0, Chunk{1, 0, {}}})));
}

Image image_of(const std::string& id, std::string_view content) {
  Image image;
  image.id = id;
  image.hash = digest_of(content);
  image.size = content.size();
  image.extension = "png";
  image.user = "ann";
  image.client = {{0x0a00'0005}, 50'000};
  image.unix_seconds = 1'762'034'551;
  image.holders = {1, 3};
  return image;
}

TEST(Catalogue, NamesFilesAsTheOriginalDoes) {
  Catalogue catalogue;
  const auto applied = catalogue.apply(4, Catalogue::command(image_of("abc", "x")));
  ASSERT_EQ(applied.verdict, Catalogue::Verdict::kAdded);
  EXPECT_EQ(applied.image->file, "abc_10.0.0.5_50000_1762034551.png");
  EXPECT_EQ(applied.image->term, 4U);
  EXPECT_EQ(applied.image->holders, (std::vector<raft::ServerId>{1, 3}));
}

TEST(Catalogue, AnImageAsJsonHasAllOfIt) {
  Catalogue catalogue;
  Image image = image_of("abc", "x");
  image.user = "b\xff";  // no UTF-8
  EXPECT_EQ(to_json(*catalogue.apply(4, Catalogue::command(image)).image),
            "{\"bytes\":1,\"client\":\"10.0.0.5:50000\",\"extension\":\"png\","
            "\"file\":\"abc_10.0.0.5_50000_1762034551.png\",\"hash\":\"" +
                to_hex(digest_of("x")) +
                "\",\"holders\":[1,3],\"id\":\"abc\",\"term\":4,"
                "\"unix_seconds\":1762034551,\"user\":\"b\\ufffd\"}");
}

TEST(Catalogue, TheFirstRequestUnderAnIdWins) {
  Catalogue catalogue;
  const Image* first = catalogue.apply(4, Catalogue::command(image_of("abc", "x"))).image;
  const auto again = catalogue.apply(5, Catalogue::command(image_of("abc", "x")));
  EXPECT_EQ(again.verdict, Catalogue::Verdict::kKnown);
  EXPECT_EQ(again.image, first);
  const auto other = catalogue.apply(5, Catalogue::command(image_of("abc", "y")));
  EXPECT_EQ(other.verdict, Catalogue::Verdict::kTaken);
  EXPECT_EQ(catalogue.size(), 1U);
  EXPECT_EQ(catalogue.find(digest_of("y")), nullptr);
}

TEST(Catalogue, ImagesOfOneContentShareAFile) {
  Catalogue catalogue;
  catalogue.apply(1, Catalogue::command(image_of("one", "x")));
  catalogue.apply(1, Catalogue::command(image_of("two", "x")));
  EXPECT_EQ(catalogue.size(), 2U);
  EXPECT_EQ(catalogue.find("two")->file, catalogue.find("one")->file);
  EXPECT_EQ(catalogue.find(digest_of("x"))->id, "one");
  EXPECT_EQ(catalogue.all_of(digest_of("x")).size(), 2U);
}

TEST(Catalogue, AnImageThatNobodyHoldsByHimselfBearsTheNumberOfItsStagedFile) {
  Image image = image_of("abc", "x");
  image.holders.clear();
  image.staged = 7;
  Catalogue catalogue;
  const Buffer command = Catalogue::command(image);
  ASSERT_EQ(catalogue.apply(4, command).verdict, Catalogue::Verdict::kAdded);
  EXPECT_EQ(catalogue.find("abc")->staged, 7U);
  EXPECT_EQ(catalogue.find("abc")->term, 4U);
  Catalogue copy;
  ASSERT_TRUE(copy.restore(catalogue.snapshot()));
  EXPECT_EQ(copy.at(0), catalogue.at(0));
  EXPECT_EQ(copy.at(0).staged, 7U);
  for (std::size_t size = 0; size < command.size(); ++size) {
    EXPECT_EQ(Catalogue().apply(1, Bytes(command).first(size)).verdict,
              Catalogue::Verdict::kInvalid);
  }
}

TEST(Catalogue, CommandsThatAreNoneAreRefused) {
  Catalogue catalogue;
  const Buffer command = Catalogue::command(image_of("abc", "x"));
  for (std::size_t size = 0; size < command.size(); ++size) {
    EXPECT_EQ(catalogue.apply(1, Bytes(command).first(size)).verdict, Catalogue::Verdict::kInvalid);
  }
  EXPECT_EQ(catalogue.apply(1, Catalogue::command(image_of("../x", "x"))).verdict,
            Catalogue::Verdict::kInvalid);
  EXPECT_EQ(catalogue.size(), 0U);
}

TEST(Catalogue, ASnapshotHoldsAllOfIt) {
  Catalogue catalogue;
  for (int i = 0; i < 20; ++i) {
    catalogue.apply(static_cast<raft::Term>(i),
                    Catalogue::command(image_of("id" + std::to_string(i),
                                                "content" + std::to_string(i % 7))));
  }
  Catalogue copy;
  ASSERT_TRUE(copy.restore(catalogue.snapshot()));
  ASSERT_EQ(copy.size(), catalogue.size());
  for (std::size_t i = 0; i < copy.size(); ++i) EXPECT_EQ(copy.at(i), catalogue.at(i));
  EXPECT_EQ(copy.snapshot(), catalogue.snapshot());
  const Buffer snapshot = catalogue.snapshot();
  EXPECT_FALSE(copy.restore(Bytes(snapshot).first(snapshot.size() - 1)));
  EXPECT_EQ(copy.size(), 0U);
}

}  // namespace
}  // namespace twinbed::imagestore
