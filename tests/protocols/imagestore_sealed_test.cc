// Images at rest, sealed: the layout of one file, and servers that keep such files.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string_view>

#include "core/protocols/imagestore/sealed_file.h"
#include "tests/support/image_cluster.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using imagestore::FileOpener;
using imagestore::FileSealer;
using imagestore::kPieceBytes;
using imagestore::kSealedPieceBytes;

SecretKey key_of(std::string_view text) { return imagestore::at_rest_key(blake2b(as_bytes(text))); }

/// The file of an image that comes in parts of this size.
Buffer sealed(const Buffer& image, std::size_t part = 10'000) {
  RandomStream random(image.size(), "header");
  FileSealer sealer(key_of("key"), image.size(), random);
  Buffer file;
  for (std::size_t at = 0; at < image.size(); at += part) {
    sealer.add(Bytes(image).subspan(at, std::min(part, image.size() - at)), file);
  }
  return file;
}

/// The image in a file that is read in parts of this size; nothing where it does not open.
std::optional<Buffer> opened(const Buffer& file, std::uint64_t size, std::size_t part = 256 * 1024,
                             const SecretKey& key = key_of("key")) {
  FileOpener opener(key, size);
  Buffer image;
  for (std::size_t at = 0; at < file.size(); at += part) {
    const Bytes next = Bytes(file).subspan(at, std::min(part, file.size() - at));
    if (!opener.add(next, image)) return std::nullopt;
  }
  if (!opener.is_whole()) return std::nullopt;
  return image;
}

/// Every 64 bytes that stand next to each other in an image.
class Windows {
 public:
  explicit Windows(const Buffer& image) {
    const std::string_view text = as_text(image);
    for (std::size_t at = 0; at + 64 <= text.size(); ++at) windows_.insert(text.substr(at, 64));
  }
  /// Whether some of these stand anywhere in the file.
  bool are_shown_by(const Buffer& file) const {
    const std::string_view text = as_text(file);
    for (std::size_t at = 0; at + 64 <= text.size(); ++at) {
      if (windows_.contains(text.substr(at, 64))) return true;
    }
    return false;
  }

 private:
  std::set<std::string_view> windows_;
};

TEST(SealedFile, OpensToTheImageHoweverItCameAndIsRead) {
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{17}, kPieceBytes - 1,
                                   kPieceBytes, kPieceBytes + 1, 3 * kPieceBytes,
                                   3 * kPieceBytes + 100}) {
    const Buffer image = test_image(size, size);
    const Buffer file = sealed(image);
    EXPECT_EQ(file.size(), imagestore::sealed_bytes(size));
    EXPECT_EQ(imagestore::unsealed_bytes(file.size()), size);
    EXPECT_TRUE(imagestore::is_sealed(file));
    EXPECT_EQ(sealed(image, 100'000), file) << size;
    for (const std::size_t part : {std::size_t{7'000}, std::size_t{65'536}, file.size()}) {
      EXPECT_EQ(opened(file, size, part), image) << size << " in parts of " << part;
    }
    EXPECT_FALSE(Windows(image).are_shown_by(file)) << size;
  }
}

TEST(SealedFile, IsReadPieceByPiece) {
  const Buffer image = test_image(1, 2 * kPieceBytes + 5);
  const Buffer file = sealed(image);
  FileOpener opener(key_of("key"), image.size());
  std::size_t at = 0;
  for (const std::size_t piece : {kPieceBytes, kPieceBytes, std::uint64_t{5}}) {
    Buffer shown;
    const std::uint64_t next = opener.next_bytes();
    ASSERT_TRUE(opener.add(Bytes(file).subspan(at, next), shown));
    EXPECT_EQ(shown.size(), piece);
    at += next;
  }
  EXPECT_EQ(at, file.size());
  EXPECT_TRUE(opener.is_whole());
}

TEST(SealedFile, OpensNoMoreOnceAnyBitIsChanged) {
  const Buffer image = test_image(1, 2 * kPieceBytes + 100);
  const Buffer file = sealed(image);
  for (std::size_t at = 0; at < file.size(); at += at < 100 ? 1 : 997) {
    Buffer changed = file;
    changed[at] ^= std::byte{0x20};
    EXPECT_FALSE(opened(changed, image.size())) << "byte " << at;
  }
}

TEST(SealedFile, OpensNoMoreOnceItIsCutLengthenedOrPutTogetherAnew) {
  const Buffer image = test_image(1, 3 * kPieceBytes + 100);
  const Buffer file = sealed(image);
  const std::uint64_t end_of_second = 32 + 2 * kSealedPieceBytes;
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, std::size_t{32},
                                 std::size_t{end_of_second}, file.size() - 1}) {
    const Buffer cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(opened(cut, image.size())) << size;
  }
  // Cut at the end of a piece, and said to be no longer than that: the final tag is missing.
  const Buffer shorter(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(end_of_second));
  EXPECT_FALSE(opened(shorter, 2 * kPieceBytes));
  Buffer longer = file;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(opened(longer, image.size()));
  Buffer swapped = file;
  std::swap_ranges(swapped.begin() + 32, swapped.begin() + 32 + kSealedPieceBytes,
                   swapped.begin() + 32 + kSealedPieceBytes);
  EXPECT_FALSE(opened(swapped, image.size()));
  EXPECT_FALSE(opened(file, image.size(), file.size(), key_of("another key")));
  EXPECT_FALSE(opened(image, image.size())) << "the image itself is no sealed file";
}

TEST(SealedFile, LengthsThatNoSealedFileHasAreKnown) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{32}, std::uint64_t{49},
                                   32 + kSealedPieceBytes + 17}) {
    EXPECT_FALSE(imagestore::unsealed_bytes(size)) << size;
  }
  EXPECT_EQ(imagestore::unsealed_bytes(50), 1U);
}

// ---- Servers ----------------------------------------------------------------------------------

ImageClusterOptions sealing(bool shared = false) {
  ImageClusterOptions options;
  options.at_rest = true;
  options.shared = shared;
  options.adjust = [](imagestore::NodeOptions& node) { node.scrub_every = 5s; };
  return options;
}

TEST(ImagesAtRest, AreSealedInEveryFileAndOpenedForClients) {
  for (const bool shared : {false, true}) {
    ImageCluster cluster(sealing(shared));
    ASSERT_TRUE(cluster.elect());
    const Buffer image = test_image(1, 150'000);
    const Windows windows(image);
    ASSERT_TRUE(windows.are_shown_by(image));
    cluster.send_image("secret", image);
    ASSERT_TRUE(cluster.run_until_event("image.proposed", 1, 10s));
    // Staged or named, no file of any server shows any of it.
    const auto expect_nothing_shown = [&] {
      std::size_t sealed_files = 0;
      for (std::uint32_t id = 1; id <= 3; ++id) {
        for (const std::string& name : cluster.files(id, "")) {
          const Buffer file = cluster.file(id, name);
          EXPECT_FALSE(windows.are_shown_by(file)) << "node " << id << ": " << name;
          sealed_files += imagestore::is_sealed(file);
        }
      }
      EXPECT_GE(sealed_files, 2U);
    };
    expect_nothing_shown();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 10s));
    expect_nothing_shown();
    EXPECT_EQ(cluster.server(3)->catalogue().find("secret")->hash, blake2b(image));
    cluster.command("get-image secret copy");
    cluster.run_for(2s);
    EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 1U);
    Buffer copy;
    cluster.simulator().node(cluster.client_node(1)).storage().read("copy", 0, UINT64_MAX, copy);
    EXPECT_EQ(copy, image);
    cluster.expect_no_stray_files();
    cluster.expect_kept_promises();
  }
}

/// What befalls a file of node 2.
class DamagedAtRest : public ::testing::TestWithParam<const char*> {
 protected:
  static Buffer damaged(Buffer file) {
    const std::string_view how = GetParam();
    if (how == "flipped") file[100'000] ^= std::byte{1};
    if (how == "header") file[20] ^= std::byte{1};
    if (how == "cut") file.resize(32 + 2 * kSealedPieceBytes);
    if (how == "emptied") file.clear();
    if (how == "lengthened") file.push_back(std::byte{0});
    if (how == "swapped") {
      std::swap_ranges(file.begin() + 32, file.begin() + 32 + kSealedPieceBytes,
                       file.begin() + 32 + kSealedPieceBytes);
    }
    return file;
  }
};

TEST_P(DamagedAtRest, IsFoundByTheScrubAndRepairedFromAnother) {
  ImageCluster cluster(sealing());
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  ASSERT_TRUE(cluster.put("image", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  const std::string name = cluster.files(2, "images/").front();
  sim::SimStorage& disk = cluster.simulator().node(cluster.server_node(2)).storage();
  disk.preload(name, damaged(cluster.file(2, name)));
  ASSERT_NE(cluster.stored(2, "image"), image);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.stored(2, "image") == image; }, 20s));
  EXPECT_EQ(cluster.records.count("image.missing"), 1U);
  EXPECT_EQ(cluster.records.count("image.repair"), 1U);
  EXPECT_TRUE(imagestore::is_sealed(cluster.file(2, name)));
  cluster.expect_kept_promises();
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedAtRest,
                         ::testing::Values("flipped", "header", "cut", "emptied", "lengthened",
                                           "swapped"),
                         [](const auto& how) { return std::string(how.param); });

// Damage that no scrub has found yet shows when the file is read for a client.
TEST(ImagesAtRest, WhatDoesNotOpenIsNeverServed) {
  ImageClusterOptions options = sealing();
  options.adjust = [](imagestore::NodeOptions& node) {
    node.scrub_every = {};
    node.repair = false;
  };
  options.adjust_client = [](imagestore::ClientOptions& client) { client.give_up = 3s; };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  ASSERT_TRUE(cluster.put("image", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  for (std::uint32_t id = 1; id <= 3; ++id) {
    const std::string name = cluster.files(id, "images/").front();
    cluster.simulator().node(cluster.server_node(id)).storage().write(name, 200'000,
                                                                     as_bytes("rot"));
  }
  cluster.command("get-image image copy");
  cluster.run_for(5s);
  EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 0U);
  EXPECT_GE(cluster.records.count("image.missing"), 1U);
  Buffer copy;
  EXPECT_EQ(cluster.simulator().node(cluster.client_node(1)).storage().read("copy", 0, UINT64_MAX,
                                                                           copy),
            StorageStatus::kNotFound);
}

TEST(ImagesAtRest, AServerThatBeginsOrEndsToSealFetchesItsImagesAnew) {
  std::set<std::uint32_t> sealing_servers{1, 2, 3};
  ImageClusterOptions options = sealing();
  options.adjust = [&](imagestore::NodeOptions& node) {
    node.at_rest = sealing_servers.contains(node.id);
  };
  ImageCluster cluster(options);
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  ASSERT_TRUE(cluster.put("image", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  const std::string name = cluster.files(1, "images/").front();
  const auto restart = [&](std::uint32_t id) {
    cluster.crash(id);
    cluster.restart(id);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 30s));
    EXPECT_EQ(cluster.stored(id, "image"), image);
  };
  sealing_servers = {2, 3};
  restart(1);
  EXPECT_EQ(cluster.file(1, name), image) << "not sealed";
  EXPECT_TRUE(cluster.records.has_line(
      "[Node 1] " + name + " is sealed, and this server does not seal images: it counts as "
      "missing"));
  sealing_servers = {1, 2, 3};
  restart(1);
  EXPECT_TRUE(imagestore::is_sealed(cluster.file(1, name)));
  EXPECT_TRUE(cluster.records.has_line(
      "[Node 1] " + name + " is not sealed, and this server seals images: it counts as missing"));
  cluster.expect_no_stray_files();
  cluster.expect_kept_promises();
}

TEST(ImagesAtRest, ServersThatShareTheirStorageMustBeAlike) {
  ImageClusterOptions options = sealing(true);
  options.adjust = [](imagestore::NodeOptions& node) { node.at_rest = node.id != 3; };
  ImageCluster cluster(options);
  cluster.run_for(5s);
  EXPECT_EQ(cluster.server(3)->status().refused_by.at(2), secure::Refusal::kConfigDiffers);
}

}  // namespace
}  // namespace twinbed::testing
