// The simulated disk and clocks.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/random_stream.h"
#include "core/io/file_name.h"
#include "sim/clock.h"
#include "sim/storage.h"

namespace twinbed::sim {
namespace {

class StorageTest : public ::testing::Test {
 protected:
  std::string content(std::string_view file) {
    Buffer out;
    const StorageStatus status = storage.read(file, 0, 1000, out);
    return status == StorageStatus::kOk ? std::string(as_text(out))
                                        : "<" + std::string(to_string(status)) + ">";
  }
  RandomStream random{1, "disk"};
  SimStorage storage{random};
};

TEST_F(StorageTest, WhatWasNotSyncedIsLostAtACrash) {
  storage.write("log", 0, as_bytes("durable"));
  EXPECT_EQ(storage.sync("log"), StorageStatus::kOk);
  storage.write("log", 7, as_bytes(" lost"));
  storage.write("new", 0, as_bytes("never synced"));
  EXPECT_EQ(content("log"), "durable lost");
  storage.crash();
  EXPECT_EQ(content("log"), "durable");
  EXPECT_EQ(content("new"), "<not found>");
}

TEST_F(StorageTest, WritingBeyondTheEndLeavesZeros) {
  storage.write("f", 3, as_bytes("x"));
  EXPECT_EQ(content("f"), std::string("\0\0\0x", 4));
}

TEST_F(StorageTest, ARenameReplacesAtomicallyAndIsDurableAfterASync) {
  storage.write("state", 0, as_bytes("old"));
  storage.sync("state");
  storage.write("state.tmp", 0, as_bytes("new"));
  storage.sync("state.tmp");
  storage.rename("state.tmp", "state");
  EXPECT_EQ(content("state"), "new");
  storage.crash();
  EXPECT_EQ(content("state"), "old");
  EXPECT_EQ(content("state.tmp"), "new");
  storage.rename("state.tmp", "state");
  storage.sync("state");
  storage.crash();
  EXPECT_EQ(content("state"), "new");
  EXPECT_EQ(content("state.tmp"), "<not found>");
}

TEST_F(StorageTest, ARemovedFileComesBackUnlessTheRemovalWasSynced) {
  storage.preload("f", as_bytes("x"));
  storage.remove("f");
  EXPECT_EQ(content("f"), "<not found>");
  storage.crash();
  EXPECT_EQ(content("f"), "x");
  storage.remove("f");
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
  storage.crash();
  EXPECT_EQ(content("f"), "<not found>");
  EXPECT_EQ(storage.sync("f"), StorageStatus::kNotFound);
}

TEST_F(StorageTest, AFullDiskShowsAtTheNextSync) {
  DiskFault full;
  full.full = true;
  storage.write("f", 0, as_bytes("kept"));
  storage.set_fault(full);
  storage.write("f", 4, as_bytes(" dropped"));
  EXPECT_EQ(storage.sync("f"), StorageStatus::kNoSpace);
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
  EXPECT_EQ(content("f"), "kept");
  EXPECT_EQ(storage.touched(), 1U);
}

TEST_F(StorageTest, ALostWriteIsSeenUntilTheCrashAndNoSyncSavesIt) {
  storage.write("f", 0, as_bytes("one"));
  storage.sync("f");
  DiskFault lying;
  lying.lose_write = 1;
  storage.set_fault(lying);
  storage.write("f", 0, as_bytes("two"));
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
  EXPECT_EQ(content("f"), "two");
  storage.crash();
  EXPECT_EQ(content("f"), "one");
}

TEST_F(StorageTest, ATornWriteLeavesAPrefix) {
  DiskFault tearing;
  tearing.tear_write = 1;
  storage.set_fault(tearing);
  bool torn_inside = false;
  for (int attempt = 0; attempt < 50; ++attempt) {
    storage.preload("f", as_bytes("AAAAAAAA"));
    storage.write("f", 0, as_bytes("BBBBBBBB"));
    storage.crash();
    const std::string left = content("f");
    const std::size_t kept = left.find('A') == std::string::npos ? 8 : left.find('A');
    EXPECT_EQ(left, std::string(kept, 'B') + std::string(8 - kept, 'A'));
    torn_inside = torn_inside || (kept > 0 && kept < 8);
  }
  EXPECT_TRUE(torn_inside);
}

TEST_F(StorageTest, NamesCannotLeaveTheDisk) {
  for (const char* name : {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a"}) {
    EXPECT_FALSE(is_plain_file_name(name)) << name;
    storage.write(name, 0, as_bytes("x"));
  }
  EXPECT_TRUE(storage.list().empty());
  EXPECT_TRUE(is_plain_file_name("images/a.png"));
}

// Two nodes that see one directory.
class SharedStorageTest : public ::testing::Test {
 protected:
  SharedStorageTest() {
    const auto shared = std::make_shared<SharedStorage>();
    a.mount("shared/", shared);
    b.mount("shared/", shared);
  }
  static std::string content(const SimStorage& node, std::string_view file) {
    Buffer out;
    const StorageStatus status = node.read(file, 0, 1000, out);
    return status == StorageStatus::kOk ? std::string(as_text(out))
                                        : "<" + std::string(to_string(status)) + ">";
  }
  RandomStream random{1, "disk"};
  SimStorage a{random};
  SimStorage b{random};
};

TEST_F(SharedStorageTest, WhatOneNodeWritesTheOtherSeesAtOnce) {
  a.write("shared/f", 0, as_bytes("hello"));
  a.write("own", 0, as_bytes("mine"));
  EXPECT_EQ(content(b, "shared/f"), "hello");
  EXPECT_EQ(content(b, "own"), "<not found>");
  b.write("shared/f", 5, as_bytes(" you"));
  EXPECT_EQ(content(a, "shared/f"), "hello you");
  EXPECT_EQ(a.list(), (std::vector<std::string>{"own", "shared/f"}));
  EXPECT_EQ(b.list(), (std::vector<std::string>{"shared/f"}));
  EXPECT_EQ(a.sync("shared/g"), StorageStatus::kNotFound);
}

TEST_F(SharedStorageTest, ACrashTakesWhatItsNodeHadNotSyncedFromAll) {
  a.write("shared/f", 0, as_bytes("durable"));
  EXPECT_EQ(b.sync("shared/f"), StorageStatus::kOk);  // not what node a has in its memory
  a.crash();
  EXPECT_EQ(content(b, "shared/f"), "") << "the file was made, its bytes never came";
  a.write("shared/f", 0, as_bytes("durable"));
  EXPECT_EQ(a.sync("shared/f"), StorageStatus::kOk);
  a.write("shared/f", 7, as_bytes(" lost"));
  b.write("shared/f", 0, as_bytes("DUR"));
  a.crash();
  EXPECT_EQ(content(b, "shared/f"), "DURable") << "what node b has written stays";
  b.crash();
  EXPECT_EQ(content(a, "shared/f"), "durable");
}

TEST_F(SharedStorageTest, NamesAreTheServersAndSurviveACrash) {
  a.write("shared/f.tmp", 0, as_bytes("x"));
  a.sync("shared/f.tmp");
  a.rename("shared/f.tmp", "shared/f");
  a.crash();
  EXPECT_EQ(content(b, "shared/f"), "x");
  EXPECT_EQ(content(b, "shared/f.tmp"), "<not found>");
  b.rename("shared/f.tmp", "shared/f");  // whoever comes second finds nothing to rename
  EXPECT_EQ(content(a, "shared/f"), "x");
  b.remove("shared/f");
  b.crash();
  EXPECT_EQ(content(a, "shared/f"), "<not found>");
  // Bytes that were not synced do not become durable by a name.
  a.write("shared/g.tmp", 0, as_bytes("y"));
  a.rename("shared/g.tmp", "shared/g");
  a.crash();
  EXPECT_EQ(content(b, "shared/g"), "");
}

TEST_F(SharedStorageTest, ARenameBetweenTwoFileSystemsDoesNothing) {
  a.write("own", 0, as_bytes("x"));
  a.rename("own", "shared/f");
  EXPECT_EQ(content(a, "own"), "x");
  EXPECT_EQ(content(b, "shared/f"), "<not found>");
  a.write("shared/g", 0, as_bytes("y"));
  a.rename("shared/g", "../g");
  EXPECT_EQ(content(b, "shared/g"), "y");
}

TEST_F(SharedStorageTest, ANodesDiskFaultIsItsOwn) {
  DiskFault fault;
  fault.full = true;
  a.set_fault(fault);
  a.write("shared/f", 0, as_bytes("a"));
  b.write("shared/f", 0, as_bytes("b"));
  EXPECT_EQ(b.sync("shared/f"), StorageStatus::kOk);
  EXPECT_EQ(a.sync("shared/f"), StorageStatus::kNoSpace);
  EXPECT_EQ(a.sync("shared/f"), StorageStatus::kOk);
  EXPECT_EQ(content(a, "shared/f"), "b");
  fault = {};
  fault.lose_write = 1;
  a.set_fault(fault);
  a.write("shared/f", 0, as_bytes("A"));
  EXPECT_EQ(a.sync("shared/f"), StorageStatus::kOk);
  EXPECT_EQ(content(b, "shared/f"), "A");
  a.crash();
  EXPECT_EQ(content(b, "shared/f"), "b");
  EXPECT_EQ(a.touched(), 2U);
  EXPECT_EQ(b.touched(), 0U);
}

TEST_F(SharedStorageTest, ATornWriteLeavesAPrefixForAll) {
  DiskFault tearing;
  tearing.tear_write = 1;
  a.set_fault(tearing);
  bool torn_inside = false;
  for (int attempt = 0; attempt < 50; ++attempt) {
    b.preload("shared/f", as_bytes("AAAAAAAA"));
    a.write("shared/f", 0, as_bytes("BBBBBBBB"));
    a.crash();
    const std::string left = content(b, "shared/f");
    const std::size_t kept = left.find('A') == std::string::npos ? 8 : left.find('A');
    EXPECT_EQ(left, std::string(kept, 'B') + std::string(8 - kept, 'A'));
    torn_inside = torn_inside || (kept > 0 && kept < 8);
  }
  EXPECT_TRUE(torn_inside);
}

TEST_F(SharedStorageTest, ANewDiskOfOneNodeIsNotANewSharedOne) {
  a.write("own", 0, as_bytes("x"));
  a.write("shared/f", 0, as_bytes("x"));
  a.erase();
  EXPECT_EQ(a.list(), (std::vector<std::string>{"shared/f"}));
}

TEST(NodeClock, DriftStretchesBothClocksAndOffsetMovesTheWallClock) {
  using std::chrono::seconds;
  NodeClock clock;
  clock.step(seconds(5));
  clock.set_drift(Time{}, drift_to_ppb(100));  // 100 ppm fast
  const Time later{seconds(10'000)};
  EXPECT_EQ(clock.local(later), Time{seconds(10'001)});
  EXPECT_EQ(clock.wall(later), kSimulatedEpoch + seconds(10'006));
}

TEST(NodeClock, WhenIsTheFirstInstantAtWhichTheClockShowsATime) {
  for (double ppm : {-250.0, -0.001, 0.0, 3.0, 5000.0}) {
    NodeClock clock;
    clock.set_drift(Time{Duration{1000}}, drift_to_ppb(ppm));
    for (std::int64_t ns : {1'001LL, 12'345LL, 999'999'999LL, 86'400'000'000'123LL}) {
      const Time wanted = time_from_ns(ns);
      const Time at = clock.when(wanted);
      EXPECT_GE(clock.local(at), wanted) << ppm << " " << ns;
      EXPECT_LT(clock.local(at - Duration{1}), wanted) << ppm << " " << ns;
    }
    EXPECT_EQ(clock.when(kNever), kNever);
  }
}

TEST(NodeClock, AChangeOfDriftIsNoJump) {
  NodeClock clock;
  clock.set_drift(Time{}, drift_to_ppb(1000));
  const Time now{std::chrono::seconds(100)};
  const Time before = clock.local(now);
  clock.set_drift(now, drift_to_ppb(-1000));
  EXPECT_EQ(clock.local(now), before);
  EXPECT_EQ(clock.local(now + std::chrono::seconds(1)),
            before + std::chrono::milliseconds(999));
}

}  // namespace
}  // namespace twinbed::sim
