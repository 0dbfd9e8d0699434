// Files of a live node on a real disk.
#include "backends/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "core/base/random_stream.h"
#include "tests/support/live_world.h"

namespace twinbed::backends {
namespace {

namespace fs = std::filesystem;

class StorageTest : public ::testing::Test {
 protected:
  std::string root() const { return directory.path() + "/root"; }
  FileStorage make(bool hold = false) { return FileStorage({root(), false, hold}, random); }
  static std::string text(const FileStorage::ReadAnswer& answer) {
    if (answer.status != StorageStatus::kOk) return std::string(to_string(answer.status));
    return std::string(as_text(answer.data));
  }
  static std::string read(FileStorage& storage, std::string_view file) {
    return text(storage.read(file, 0, 1'000'000));
  }
  std::string on_disk(const std::string& file) const {
    std::ifstream in(root() + "/" + file, std::ios::binary);
    if (!in) return "not found";
    return {std::istreambuf_iterator<char>(in), {}};
  }

  testing::TemporaryDirectory directory;
  RandomStream random{1, "storage_test"};
};

TEST_F(StorageTest, WritesAreFoundOnTheDiskUnderTheirNames) {
  FileStorage storage = make();
  storage.write("a/b/c", 3, as_bytes("def"));
  storage.write("a/b/c", 0, as_bytes("abc"));
  EXPECT_EQ(on_disk("a/b/c"), "abcdef");
  EXPECT_EQ(storage.sync("a/b/c"), StorageStatus::kOk);
  EXPECT_EQ(text(storage.read("a/b/c", 2, 3)), "cde");
  EXPECT_EQ(text(storage.read("a/b/c", 5, 100)), "f");
  EXPECT_EQ(text(storage.read("a/b/c", 6, 100)), "");
  EXPECT_EQ(text(storage.read("a/b/c", std::numeric_limits<std::uint64_t>::max(), 100)), "");
  EXPECT_EQ(text(storage.read("a/b/c", 1, std::numeric_limits<std::uint64_t>::max())), "bcdef");
}

TEST_F(StorageTest, AnotherProcessFindsWhatThisOneHasWritten) {
  make().write("f", 0, as_bytes("kept"));
  FileStorage storage = make();
  EXPECT_EQ(read(storage, "f"), "kept");
}

TEST_F(StorageTest, DirectoriesAndMissingFilesAreNotFound) {
  FileStorage storage = make();
  storage.write("dir/f", 0, as_bytes("x"));
  EXPECT_EQ(read(storage, "dir"), "not found");
  EXPECT_EQ(read(storage, "f"), "not found");
  EXPECT_EQ(read(storage, "dir/f/g"), "not found");
  EXPECT_EQ(storage.sync("f"), StorageStatus::kNotFound);
  EXPECT_EQ(storage.counters().errors, 4U);
}

TEST_F(StorageTest, NothingOutsideTheRootIsTouched) {
  std::ofstream(directory.path() + "/secret") << "secret";
  FileStorage storage = make();
  storage.write("inside", 0, as_bytes("x"));
  const std::string absolute = directory.path() + "/secret";
  for (const std::string& name : {std::string("../secret"), absolute, std::string("./inside"),
                                  std::string("a/../inside"), std::string("inside\0x", 8)}) {
    storage.write(name, 0, as_bytes("changed"));
    storage.rename("inside", name);
    storage.rename(name, "taken");
    storage.remove(name);
    EXPECT_EQ(read(storage, name), "not found") << name;
    EXPECT_EQ(storage.sync(name), StorageStatus::kNotFound) << name;
  }
  EXPECT_EQ(on_disk("../secret"), "secret");
  EXPECT_EQ(on_disk("inside"), "x");
  EXPECT_EQ(on_disk("taken"), "not found");
}

TEST_F(StorageTest, WithTheWholeFileSystemAnyPathCanBeRead) {
  std::ofstream(directory.path() + "/f") << "hello";
  FileStorage storage({root(), true, false}, random);
  EXPECT_EQ(read(storage, directory.path() + "/f"), "hello");
  EXPECT_NE(text(storage.read("/proc/self/status", 0, 1'000'000)), "") << "a file without a size";
}

TEST_F(StorageTest, WithoutARootThereIsNoStorage) {
  FileStorage storage({}, random);
  storage.write("f", 0, as_bytes("x"));
  EXPECT_EQ(read(storage, "f"), "not found");
  EXPECT_FALSE(fs::exists("f"));
}

TEST_F(StorageTest, RenameReplacesAndRemoveIsSilentAboutMissingFiles) {
  FileStorage storage = make();
  storage.write("old/a", 0, as_bytes("new content"));
  storage.write("new/b", 0, as_bytes("old"));
  storage.rename("old/a", "new/b");
  EXPECT_EQ(storage.sync("new/b"), StorageStatus::kOk);
  EXPECT_EQ(storage.sync("old/a"), StorageStatus::kOk) << "its removal becomes durable";
  EXPECT_EQ(storage.sync("old/a"), StorageStatus::kNotFound);
  EXPECT_EQ(on_disk("new/b"), "new content");
  storage.rename("missing", "new/b");
  EXPECT_EQ(read(storage, "new/b"), "new content");
  storage.remove("new/b");
  storage.remove("new/b");
  EXPECT_EQ(read(storage, "new/b"), "not found");
}

// Writes held until they are synced

TEST_F(StorageTest, HeldWritesAreSeenAtOnceAndLostWithTheProcess) {
  {
    FileStorage storage = make(true);
    storage.write("f", 0, as_bytes("abc"));
    EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
    storage.write("f", 1, as_bytes("XYZ"));
    storage.write("g", 4, as_bytes("!"));
    EXPECT_EQ(read(storage, "f"), "aXYZ");
    EXPECT_EQ(text(storage.read("f", 2, 1)), "Y");
    EXPECT_EQ(read(storage, "g"), std::string(4, '\0') + "!");
    EXPECT_EQ(text(storage.read("g", 0, 2)), std::string(2, '\0'));
    EXPECT_EQ(on_disk("f"), "abc");
  }
  FileStorage storage = make(true);
  EXPECT_EQ(read(storage, "f"), "abc");
  EXPECT_EQ(read(storage, "g"), "not found");
}

TEST_F(StorageTest, HeldWritesReachTheDiskByRenameAndAtAnOrderlyEnd) {
  FileStorage storage = make(true);
  storage.write("f.tmp", 0, as_bytes("abc"));
  storage.rename("f.tmp", "f");
  EXPECT_EQ(on_disk("f"), "abc");
  storage.write("g", 0, as_bytes("def"));
  storage.remove("g");
  storage.write("h", 0, as_bytes("ghi"));
  storage.flush();
  EXPECT_EQ(on_disk("g"), "not found");
  EXPECT_EQ(on_disk("h"), "ghi");
}

// Errors

TEST_F(StorageTest, AFailedWriteIsAnsweredByTheNextSyncOfThatFileOnly) {
  FileStorage storage = make();
  storage.write("f", 0, as_bytes("x"));
  storage.write("f/below", 0, as_bytes("x"));  // a file is no directory
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
  EXPECT_EQ(storage.sync("f/below"), StorageStatus::kNotFound);
  storage.write("f", std::numeric_limits<std::uint64_t>::max() - 1, as_bytes("beyond"));
  EXPECT_EQ(storage.sync("f"), StorageStatus::kNoSpace);
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
}

TEST_F(StorageTest, AFileThatWasTakenAwayIsNotBegunAnew) {
  FileStorage storage = make();
  storage.write("deep/log", 0, as_bytes("one"));
  ASSERT_EQ(storage.sync("deep/log"), StorageStatus::kOk);
  std::filesystem::remove_all(root() + "/deep");
  storage.write("deep/log", 3, as_bytes("two"));
  EXPECT_EQ(storage.sync("deep/log"), StorageStatus::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(root() + "/deep"));
  // What this process removes itself, or never had, it may begin.
  storage.remove("deep/log");
  storage.write("deep/log", 0, as_bytes("new"));
  EXPECT_EQ(storage.sync("deep/log"), StorageStatus::kOk);
  EXPECT_EQ(read(storage, "deep/log"), "new");
}

TEST_F(StorageTest, FaultOfAFullDiskLosesTheWriteAndTellsIt) {
  FileStorage storage = make();
  storage.write("f", 0, as_bytes("abc"));
  sim::DiskFault fault;
  fault.full = true;
  storage.set_fault(fault);
  storage.write("f", 0, as_bytes("xyz"));
  storage.set_fault({});
  EXPECT_EQ(storage.sync("f"), StorageStatus::kNoSpace);
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
  EXPECT_EQ(read(storage, "f"), "abc");
}

TEST_F(StorageTest, FaultOfALostWriteShowsOnlyAfterTheProcessHasGone) {
  {
    FileStorage storage = make();
    storage.write("f", 0, as_bytes("abc"));
    sim::DiskFault fault;
    fault.lose_write = 1;
    storage.set_fault(fault);
    storage.write("f", 0, as_bytes("L"));
    storage.write("lost", 0, as_bytes("L"));
    storage.set_fault({});
    storage.write("f", 2, as_bytes("C"));
    EXPECT_EQ(storage.sync("f"), StorageStatus::kOk) << "the disk does not admit it";
    EXPECT_EQ(storage.sync("lost"), StorageStatus::kOk);
    EXPECT_EQ(read(storage, "f"), "LbC");
    EXPECT_EQ(storage.counters().writes_lost, 2U);
  }
  EXPECT_EQ(on_disk("f"), "abC");
  EXPECT_EQ(on_disk("lost"), "not found");
}

TEST_F(StorageTest, ARealFullDiskIsNoSpaceAndLeavesNothingBehind) {
  fs::create_directories(root());
  if (geteuid() != 0 || ::mount("none", root().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mounting a small file system needs root";
  }
  FileStorage storage = make();
  storage.write("f", 0, Buffer(16 * 1024, std::byte{1}));
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk);
  storage.write("f", 16 * 1024, Buffer(1024 * 1024, std::byte{2}));
  EXPECT_EQ(storage.sync("f"), StorageStatus::kNoSpace);
  EXPECT_EQ(storage.read("f", 0, 10'000'000).data, Buffer(16 * 1024, std::byte{1}));
  storage.write("f", 16 * 1024, Buffer(1024, std::byte{3}));
  EXPECT_EQ(storage.sync("f"), StorageStatus::kOk) << "there is room again";
  ::umount(root().c_str());
}

}  // namespace
}  // namespace twinbed::backends
