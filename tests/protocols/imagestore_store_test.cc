// The files of one server of the robust cloud-p2p, on a simulated disk that answers when it is told
// to.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <utility>

#include "core/protocols/imagestore/blob_store.h"
#include "sim/storage.h"
#include "tests/support/fake_context.h"

namespace twinbed::imagestore {
namespace {

using testing::FakeContext;

Buffer noise(std::uint64_t number, std::size_t size) {
  RandomStream random(number, "image");
  Buffer bytes(size);
  random.fill(bytes);
  return bytes;
}

/// A store, the disk it works on, and the answers that it still waits for.
class StoreOnDisk final : private BlobOwner {
 public:
  StoreOnDisk(sim::SimStorage& disk, const BlobOptions& options)
      : disk_(disk), store_(options, *this) {
    call([this](Context& context) { store_.open(context); });
    answer_all();
  }

  BlobStore& store() { return store_; }
  bool is_open() const { return is_open_; }
  std::size_t missing_told() const { return missing_told_; }
  FakeContext& fake() { return fake_; }

  /// Calls the store in a handler; what it asks of the disk is done at the handler's end.
  template <class Handler>
  void call(Handler&& handler) {
    fake_.run(std::forward<Handler>(handler));
    for (const Request& request : fake_.requests.requests()) carry_out(request);
    fake_.requests.clear();
  }
  bool answer_one() {
    if (answers_.empty()) return false;
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    call([&](Context& context) {
      store_.on_storage(context, {answer.token, answer.status, answer.data});
    });
    return true;
  }
  void answer_all() {
    while (answer_one()) {
    }
  }
  /// Stages an image whole and answers what that takes.
  Slot stage(const Buffer& image, raft::Term term) {
    std::optional<Slot> slot;
    call([&](Context& context) {
      slot = store_.begin(context, blake2b(image), image.size(), term);
      for (std::size_t at = 0; at < image.size(); at += 50'000) {
        const std::size_t size = std::min<std::size_t>(50'000, image.size() - at);
        EXPECT_TRUE(store_.append(context, *slot, at, Bytes(image).subspan(at, size)));
      }
      EXPECT_TRUE(store_.finish(context, *slot));
    });
    answer_all();
    return *slot;
  }
  void keep(const Image& image) {
    call([&](Context& context) { store_.keep(context, image); });
  }

 private:
  struct Answer {
    StorageToken token{};
    StorageStatus status{};
    Buffer data;
  };

  void on_opened(Context&) override { is_open_ = true; }
  void on_staged(Context&, Slot, StorageStatus status) override {
    EXPECT_EQ(status, StorageStatus::kOk);
  }
  void on_held(Context&, const Digest&) override {}
  void on_missing(Context&, const Digest&, StorageStatus) override { ++missing_told_; }
  void on_other_kind(Context&, const std::string&, bool) override {
    ADD_FAILURE() << "all files are of one kind";
  }

  void carry_out(const Request& request) {
    const std::string file(fake_.requests.name(request));
    Answer answer{StorageToken{request.token}, StorageStatus::kOk, {}};
    switch (request.kind) {
      case RequestKind::kRead:
        answer.status = disk_.read(file, static_cast<std::uint64_t>(request.number), request.size,
                                   answer.data);
        answers_.push_back(std::move(answer));
        break;
      case RequestKind::kSync:
        answer.status = disk_.sync(file);
        answers_.push_back(std::move(answer));
        break;
      case RequestKind::kFileWrite:
        disk_.write(file, static_cast<std::uint64_t>(request.number), fake_.requests.data(request));
        break;
      case RequestKind::kRename: disk_.rename(file, fake_.requests.second_name(request)); break;
      case RequestKind::kRemove: disk_.remove(file); break;
      default: ADD_FAILURE() << "the store asks for nothing else";
    }
  }

  sim::SimStorage& disk_;
  FakeContext fake_;
  BlobStore store_;
  std::deque<Answer> answers_;
  bool is_open_ = false;
  std::size_t missing_told_ = 0;
};

Image image_of(const Buffer& bytes, raft::Term term, std::uint64_t staged) {
  Image image;
  image.id = "abc";
  image.hash = blake2b(bytes);
  image.size = bytes.size();
  image.term = term;
  image.staged = staged;
  image.file = "abc.bin";
  return image;
}

class BlobStoreTest : public ::testing::Test {
 protected:
  Buffer content(const std::string& name) {
    Buffer bytes;
    disk.read(name, 0, UINT64_MAX, bytes);
    return bytes;
  }
  RandomStream random{1, "disk"};
  sim::SimStorage disk{random};
};

// In the shared directory the staged file may be all that there is of an image, until it has its
// name: the entry has been executed, and another one of a later term, while it is still being read.
TEST_F(BlobStoreTest, WhatMayBeAllThereIsOfAnImageIsNotDropped) {
  BlobOptions options;
  options.is_shared = true;
  const Buffer image = noise(1, 600'000);
  {
    StoreOnDisk before(disk, options);
    before.stage(image, 4);
  }
  StoreOnDisk store(disk, options);
  ASSERT_TRUE(store.is_open());
  store.keep(image_of(image, 4, 1));
  for (int step = 0; step < 10; ++step) {
    store.call([&](Context& context) { store.store().drop_before(context, 5); });
    store.answer_one();
  }
  EXPECT_TRUE(store.store().holds(blake2b(image)));
  EXPECT_EQ(content("images/abc.bin"), image);
  EXPECT_EQ(disk.list(), (std::vector<std::string>{"images/abc.bin"}));
  EXPECT_EQ(store.store().free_slots(), options.slots);
}

TEST_F(BlobStoreTest, AServerWithoutTheNoteFindsTheStagedFileByTheEntry) {
  BlobOptions options;
  options.is_shared = true;
  options.state_prefix = "state3/";
  const Buffer image = noise(1, 600'000);
  StoreOnDisk writer(disk, options);
  writer.stage(image, 4);
  options.state_prefix = "state2/";
  StoreOnDisk other(disk, options);
  other.keep(image_of(image, 4, 1));
  other.answer_all();
  EXPECT_TRUE(other.store().holds(blake2b(image)));
  EXPECT_EQ(content("images/abc.bin"), image);
  // The writer comes second, and finds it done.
  writer.keep(image_of(image, 4, 1));
  writer.answer_all();
  EXPECT_TRUE(writer.store().holds(blake2b(image)));
  EXPECT_EQ(content("images/abc.bin"), image);
  EXPECT_EQ(disk.list(), (std::vector<std::string>{"images/abc.bin"}));
}

TEST_F(BlobStoreTest, AStagedFileThatIsNotTheImageGetsNoName) {
  BlobOptions options;
  options.is_shared = true;
  const Buffer image = noise(1, 600'000);
  {
    StoreOnDisk before(disk, options);
    before.stage(image, 4);
  }
  disk.write("images/.incoming/4-1", 300'000, as_bytes("rot"));
  StoreOnDisk store(disk, options);
  store.keep(image_of(image, 4, 1));
  store.answer_all();
  EXPECT_FALSE(store.store().holds(blake2b(image)));
  EXPECT_TRUE(store.store().lacks(blake2b(image)));
  EXPECT_EQ(store.missing_told(), 1U);
  EXPECT_EQ(content("images/abc.bin"), Buffer{});
}

}  // namespace
}  // namespace twinbed::imagestore
