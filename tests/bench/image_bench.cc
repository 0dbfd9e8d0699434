// How fast images get to the servers of the robust cloud-p2p over loopback TCP, in millions of
// bytes a second (MB).
//
//   image/one_server/sealed       one client uploads to one server, which alone keeps the image
//   image/one_server/clear        the same with `encrypt: false`
//   image/three_servers/...       to three servers, two of which must have it on their disks
//   image/plain_tcp/file          what `cat FILE | nc HOST PORT` does to an `nc -l > FILE` that
//                                 then syncs the file and says so
//   image/plain_tcp/memory        the same from memory to nowhere
//   image/libsodium/secretstream  sealing and opening the image's chunks in one process
//   image/libsodium/blake2b       hashing them, which the client and each server do once, too
//
// One iteration is one image of 16 MiB, from the command to SUCCESS, in real time. Each server is a
// process of its own and writes to files, synced before it answers. No two images are alike, and
// the first upload, before which the servers elect, does not count. All files lie in a new
// directory below $TMPDIR, or else /tmp.
#include <array>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "backends/socket/posix.h"
#include "core/base/random_stream.h"
#include "core/crypto/hash.h"
#include "core/crypto/secret_stream.h"
#include "tests/bench/goal_table.h"
#include "tests/bench/image_cluster_processes.h"
#include "tests/support/temporary_directory.h"

namespace twinbed::bench {
namespace {

using testing::TemporaryDirectory;

constexpr std::size_t kImageBytes = std::size_t{16} << 20;
constexpr std::int64_t kImages = 6;  ///< in one repetition
/// As cat and nc use them.
constexpr std::size_t kPlainBytes = std::size_t{128} << 10;

/// An image of random bytes that differs from those of all other numbers.
Buffer make_image() {
  Buffer image(kImageBytes);
  RandomStream(1, "image").fill(image);
  return image;
}
void number_image(Buffer& image, std::uint64_t number) {
  for (std::size_t byte = 0; byte < 8; ++byte) {
    image[byte] = static_cast<std::byte>(number >> 8 * byte & 255);
  }
}
void write_file(const std::string& path, Bytes content) {
  std::ofstream(path, std::ios::binary) << as_text(content);
}

void count_bytes(benchmark::State& state) {
  const auto bytes = static_cast<double>(state.iterations()) * static_cast<double>(kImageBytes);
  state.counters["MB"] = benchmark::Counter(bytes / 1e6, benchmark::Counter::kIsRate);
}

// ---- The servers ------------------------------------------------------------------------------

void upload_images(benchmark::State& state, std::uint32_t servers, bool encrypt) {
  TemporaryDirectory directory;
  ImageClusterProcesses cluster(servers, encrypt, directory.path());
  Buffer image = make_image();
  std::uint64_t number = 0;
  const auto prepare = [&] {
    number_image(image, ++number);
    write_file(directory.path() + "/image.bin", image);
  };
  prepare();
  bool is_stored = cluster.upload("image.bin", "first");
  while (is_stored && state.KeepRunning()) {
    state.PauseTiming();
    prepare();
    state.ResumeTiming();
    is_stored = cluster.upload("image.bin", "image" + std::to_string(number));
  }
  if (!is_stored) state.SkipWithError("an upload found no SUCCESS");
  count_bytes(state);
}

// ---- Plain TCP --------------------------------------------------------------------------------

bool send_all(const backends::Socket& socket, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Takes connections one by one: the bytes of each to the file, if there is one, and one byte back.
void receive_plain(const backends::Socket& listener, const std::string& path) {
  Buffer buffer(kPlainBytes);
  for (;;) {
    const backends::Socket peer(::accept(listener.number(), nullptr, nullptr));
    if (!peer.is_open()) return;
    ::unlink(path.c_str());
    const int file = path.empty() ? -1 : ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
    for (ssize_t got = 0; (got = ::recv(peer.number(), buffer.data(), buffer.size(), 0)) > 0;) {
      if (file >= 0 && ::write(file, buffer.data(), static_cast<std::size_t>(got)) != got) return;
    }
    if (file >= 0 && (::fsync(file) != 0 || ::close(file) != 0)) return;
    send_all(peer, std::array{std::byte{1}});
  }
}

/// The file's bytes, or without a file those in memory; true once the receiver has answered.
bool send_plain(const sockaddr_in& to, const std::string& path, Bytes memory) {
  const backends::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    return false;
  }
  bool is_sent = true;
  if (path.empty()) {
    is_sent = send_all(socket, memory);
  } else {
    Buffer buffer(kPlainBytes);
    const int file = ::open(path.c_str(), O_RDONLY);
    for (ssize_t got = 0; (got = ::read(file, buffer.data(), buffer.size())) > 0 && is_sent;) {
      is_sent = send_all(socket, Bytes(buffer).first(static_cast<std::size_t>(got)));
    }
    ::close(file);
  }
  ::shutdown(socket.number(), SHUT_WR);
  std::byte answer{};
  return is_sent && ::recv(socket.number(), &answer, 1, 0) == 1;
}

void send_images(benchmark::State& state, bool with_files) {
  TemporaryDirectory directory;
  const backends::Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  backends::bind_socket(listener, {*parse_address("127.0.0.1"), 0});
  ::listen(listener.number(), 1);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener.number(), reinterpret_cast<sockaddr*>(&address), &size);
  const std::string sent = with_files ? directory.path() + "/image.bin" : "";
  const std::string received = with_files ? directory.path() + "/received.bin" : "";
  const ForkedProcess receiver([&] { receive_plain(listener, received); });
  Buffer image = make_image();
  std::uint64_t number = 0;
  bool is_received = true;
  while (is_received && state.KeepRunning()) {
    state.PauseTiming();
    number_image(image, ++number);
    if (with_files) write_file(sent, image);
    state.ResumeTiming();
    is_received = send_plain(address, sent, image);
  }
  if (!is_received) state.SkipWithError("the receiver did not answer");
  count_bytes(state);
}

// ---- libsodium alone --------------------------------------------------------------------------

void seal_and_open(benchmark::State& state) {
  RandomStream random(1, "seal");
  SecretKey key;
  random.fill(key.writable());
  StreamSealer sealer(key, random);
  StreamOpener opener(key, sealer.header());
  const Buffer image = make_image();
  Buffer sealed;
  for (auto _ : state) {
    for (std::size_t at = 0; at < image.size(); at += imagestore::kChunkBytes) {
      sealed.clear();
      sealer.seal(Bytes(image).subspan(at, imagestore::kChunkBytes), StreamTag::kMessage, sealed);
      const auto opened = opener.open(sealed);
      if (!opened) state.SkipWithError("what was sealed could not be opened");
      benchmark::DoNotOptimize(opened);
    }
  }
  count_bytes(state);
}

void hash(benchmark::State& state) {
  const Buffer image = make_image();
  for (auto _ : state) benchmark::DoNotOptimize(blake2b(image));
  count_bytes(state);
}

// ---- Names and goals --------------------------------------------------------------------------

void add(const std::string& name, void (*run)(benchmark::State&)) {
  benchmark::RegisterBenchmark(("image/" + name).c_str(), run)
      ->Unit(benchmark::kMillisecond)->Iterations(kImages)->UseRealTime();
}

/// How many times as fast the one is as the other; nobody judges it.
void show(const std::string& ours, const std::string& theirs) {
  add_goal({"image/" + ours, {"image/" + theirs}, 0.0});
}

const bool kRegistered = [] {
  add("one_server/sealed", [](benchmark::State& state) { upload_images(state, 1, true); });
  add("one_server/clear", [](benchmark::State& state) { upload_images(state, 1, false); });
  add("three_servers/sealed", [](benchmark::State& state) { upload_images(state, 3, true); });
  add("three_servers/clear", [](benchmark::State& state) { upload_images(state, 3, false); });
  add("plain_tcp/file", [](benchmark::State& state) { send_images(state, true); });
  add("plain_tcp/memory", [](benchmark::State& state) { send_images(state, false); });
  add("libsodium/secretstream", seal_and_open);
  add("libsodium/blake2b", hash);
  for (const std::string servers : {"one_server/", "three_servers/"}) {
    show(servers + "sealed", servers + "clear");
    show(servers + "sealed", "plain_tcp/file");
    show(servers + "clear", "plain_tcp/file");
  }
  show("three_servers/sealed", "one_server/sealed");
  show("three_servers/clear", "one_server/clear");
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
