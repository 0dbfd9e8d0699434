#include <gtest/gtest.h>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed {
namespace {

TEST(Writer, WritesEachFieldInItsByteOrder) {
  Buffer out;
  Writer writer(out);
  writer.u8(0x01);
  writer.u16be(0x0203);
  writer.u32be(0x04050607);
  writer.u64be(0x08090a0b0c0d0e0f);
  writer.u16le(0x1110);
  writer.u32le(0x15141312);
  writer.u64le(0x1d1c1b1a19181716);
  writer.text("AB");
  writer.zeros(2);
  EXPECT_EQ(to_hex(out),
            "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d41420000");
}

TEST(Writer, PatchesALengthThatWasLeftOpen) {
  Buffer out = to_buffer("x");
  Writer writer(out);
  const std::size_t at = writer.size();
  writer.u32be(0);
  writer.u16be(0);
  writer.text("body");
  writer.patch_u32be(at, 0xdeadbeef);
  writer.patch_u16be(at + 4, 0xcafe);
  EXPECT_EQ(to_hex(out), "78deadbeefcafe626f6479");
}

TEST(WriterDeathTest, RefusesToPatchOutsideOfTheBuffer) {
  Buffer out(3);
  Writer writer(out);
  EXPECT_DEATH(writer.patch_u32be(0, 1), "outside of the buffer");
}

TEST(Reader, ReadsBackWhatAWriterWrote) {
  Buffer out;
  Writer writer(out);
  writer.u8(0xff);
  writer.u16be(0xfffe);
  writer.u32be(0xfffffffd);
  writer.u64be(0xfffffffffffffffc);
  writer.u16le(0x8001);
  writer.u32le(0x80000002);
  writer.u64le(0x8000000000000003);
  writer.text("tail");
  Reader reader(out);
  EXPECT_EQ(reader.u8(), 0xff);
  EXPECT_EQ(reader.u16be(), 0xfffe);
  EXPECT_EQ(reader.u32be(), 0xfffffffd);
  EXPECT_EQ(reader.u64be(), 0xfffffffffffffffc);
  EXPECT_EQ(reader.u16le(), 0x8001);
  EXPECT_EQ(reader.u32le(), 0x80000002);
  EXPECT_EQ(reader.u64le(), 0x8000000000000003);
  EXPECT_EQ(reader.remaining(), 4u);
  EXPECT_EQ(as_text(reader.bytes(2)), "ta");
  EXPECT_FALSE(reader.done());
  EXPECT_EQ(as_text(reader.rest()), "il");
  EXPECT_TRUE(reader.done());
}

TEST(Reader, ReturnsZerosFromTheFirstFailureOn) {
  const Buffer bytes = to_buffer("\x01\x02\x03");
  Reader reader(bytes);
  EXPECT_EQ(reader.u16be(), 0x0102);
  EXPECT_EQ(reader.u32be(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "the third byte is there, but a failure is final";
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_FALSE(reader.done());
}

TEST(Reader, CannotBeMadeToOverflowByAHugeLength) {
  const Buffer bytes(8);
  Reader reader(bytes);
  reader.skip(1);
  EXPECT_TRUE(reader.bytes(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(Reader, OfNothingIsDoneAndFailsOnAnyRead) {
  Reader reader({});
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace twinbed
