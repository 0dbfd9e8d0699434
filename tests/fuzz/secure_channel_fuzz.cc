// libFuzzer target: a secure channel against strangers, against holders of the cluster key who
// forge a hello, against bytes put into an open stream, sealed or in clear, and against a peer that
// seals what it likes.
//
// Whatever comes in, nothing may crash; nobody gets in without a secret key; no message comes out
// that was not sealed for the channel; and the pieces in which bytes arrive make no difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/check.h"
#include "core/base/random_stream.h"
#include "core/crypto/hash.h"
#include "core/protocols/secure/channel.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace {

using namespace twinbed;
using namespace twinbed::secure;

const Credentials& credentials(PeerRole role) {
  static const ClusterKey key = *ClusterKey::from_hex(std::string(64, 'c'));
  static const Credentials client{key, *KeyPair::from_hex_secret(std::string(64, '1')),
                                  {.role = PeerRole::kClient, .id = 7}};
  static const Credentials server{key, *KeyPair::from_hex_secret(std::string(64, '2')),
                                  {.role = PeerRole::kServer, .id = 3}};
  return role == PeerRole::kClient ? client : server;
}

struct End {
  RandomStream random;
  Buffer out;
  Channel channel;
  std::vector<Buffer> messages;

  void receive(Bytes bytes, std::size_t chunk) {
    while (!bytes.empty()) {
      const Bytes piece = bytes.first(std::min(bytes.size(), chunk));
      bytes = bytes.subspan(piece.size());
      channel.receive(random, {}, piece, out);
      if (channel.wants_verdict()) channel.accept(random, out);
    }
    while (auto message = channel.next()) messages.push_back(std::move(*message));
  }
  bool operator==(const End& other) const {
    return channel.state() == other.channel.state() &&
           channel.failure() == other.channel.failure() && messages == other.messages &&
           out == other.out;
  }
};

End responder(Frames frames = Frames::kSealed) {
  return {RandomStream(1, "responder"), {},
          Channel::responder(credentials(PeerRole::kServer), frames), {}};
}
End initiator(Frames frames = Frames::kSealed) {
  RandomStream random(1, "initiator");
  Buffer out;
  Channel channel = Channel::initiator(credentials(PeerRole::kClient), random, out, frames);
  return {random, std::move(out), std::move(channel), {}};
}

void check_is_out(const End& end) {
  TWINBED_CHECK(end.channel.state() != Channel::State::kOpen && end.messages.empty(),
                "somebody without a secret key got in");
}

void check_stranger(Bytes input, std::size_t chunk) {
  End whole = initiator();
  End cut = initiator();
  whole.receive(input, input.size());
  cut.receive(input, chunk);
  TWINBED_CHECK(whole == cut, "the pieces of a stream make a difference");
  check_is_out(whole);
  End server = responder();
  server.receive(input, chunk);
  check_is_out(server);
  TWINBED_CHECK(server.out.empty(), "a stranger was answered");
}

/// The input as what follows the kind of message in a hello, under a good MAC; then the rest of it.
void check_forged_hello(Bytes input, std::size_t chunk) {
  constexpr std::size_t kBodyBytes = Handshake::kMessageBytes - sizeof(Digest);
  Buffer hello = to_buffer("twinbed\x01\x01");
  const Bytes fields = input.first(std::min(input.size(), kBodyBytes - hello.size()));
  hello.insert(hello.end(), fields.begin(), fields.end());
  hello.resize(kBodyBytes);
  Blake2b256 hash = Blake2b256::keyed(credentials(PeerRole::kClient).cluster_key.bytes());
  hash.update(as_bytes("twinbed/mac"));
  hash.update(hello);
  Writer(hello).bytes(hash.finish());
  End server = responder();
  server.receive(hello, hello.size());
  server.receive(input.subspan(fields.size()), chunk);
  check_is_out(server);
}

/// An initiator that goes its own way once the keys are derived.
struct Insider {
  End server = responder();
  RandomStream random{1, "insider"};
  Buffer out;
  std::optional<StreamSealer> sealer;

  Insider() {
    Handshake handshake(Handshake::Side::kInitiator, credentials(PeerRole::kClient));
    handshake.write(random, out);
    server.receive(out, out.size());
    const Bytes answer = Bytes(server.out).first(Handshake::kMessageBytes);
    TWINBED_CHECK(handshake.read(answer) == Refusal::kNone, "a good hello is refused");
    sealer.emplace(handshake.derive()->from_initiator, random);
    out = to_buffer(sealer->header());
    seal({}, StreamTag::kMessage);
    server.receive(out, out.size());
    out.clear();
    TWINBED_CHECK(server.channel.state() == Channel::State::kOpen, "a good peer does not get in");
  }
  void seal(Bytes plain, StreamTag tag) {
    Writer(out).u32be(static_cast<std::uint32_t>(plain.size() + kSealOverheadBytes));
    sealer->seal(plain, tag, out);
  }
};

void check_injected(Bytes input, std::size_t chunk) {
  Insider whole;
  Insider cut;
  whole.server.receive(input, input.size());
  cut.server.receive(input, chunk);
  TWINBED_CHECK(whole.server == cut.server, "the pieces of a stream make a difference");
  TWINBED_CHECK(whole.server.messages.empty(), "bytes of nobody became a message");
}

/// Bytes put into a stream in clear are messages, where they keep to the frames.
void check_injected_in_clear(Bytes input, std::size_t chunk) {
  End client = initiator(Frames::kClear);
  End whole = responder(Frames::kClear);
  whole.receive(client.out, client.out.size());
  client.out.clear();
  client.receive(whole.out, whole.out.size());
  whole.receive(client.out, client.out.size());
  TWINBED_CHECK(whole.channel.state() == Channel::State::kOpen, "a good peer does not get in");
  whole.out.clear();
  End cut = responder(Frames::kClear);
  cut.receive(initiator(Frames::kClear).out, Handshake::kMessageBytes);
  cut.receive(client.out, client.out.size());
  cut.out.clear();
  whole.receive(input, input.size());
  cut.receive(input, chunk);
  TWINBED_CHECK(whole == cut, "the pieces of a stream make a difference");
  Buffer taken;
  for (const Buffer& message : whole.messages) {
    TWINBED_CHECK(!message.empty() && message.size() <= kMaxMessageBytes, "a message has no size");
    Writer(taken).u32be(static_cast<std::uint32_t>(message.size()));
    Writer(taken).bytes(message);
  }
  TWINBED_CHECK(taken.size() <= input.size() &&
                    std::equal(taken.begin(), taken.end(), input.begin()),
                "other messages come out than went in");
}

/// The input as messages, each a tag, a length and the text.
void check_insider(Bytes input, std::size_t chunk) {
  Insider insider;
  std::vector<Buffer> expected;
  bool is_over = false;
  for (Reader reader(input); reader.remaining() > 0;) {
    const auto tag = static_cast<StreamTag>(reader.u8() & 3);
    const std::size_t length = reader.u8();
    const Bytes plain = reader.bytes(std::min(length, reader.remaining()));
    insider.seal(plain, tag);
    is_over = is_over || plain.empty() ||
              (tag != StreamTag::kMessage && tag != StreamTag::kRekey);
    if (!is_over) expected.push_back(to_buffer(plain));
  }
  insider.server.receive(insider.out, chunk);
  TWINBED_CHECK(insider.server.messages == expected, "other messages come out than went in");
  TWINBED_CHECK((insider.server.channel.state() == Channel::State::kOpen) == !is_over,
                "a peer that broke the rules is still there, or one that kept them is not");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes input{reinterpret_cast<const std::byte*>(data) + 2, size - 2};
  const std::size_t chunk = std::size_t{data[1]} + 1;
  switch (data[0] % 6) {
    case 0: check_stranger(input, chunk); break;
    case 1: check_forged_hello(input, chunk); break;
    case 2: check_injected(input, chunk); break;
    case 3: check_insider(input, chunk); break;
    case 4: (void)AllowList::parse(as_text(input)); break;
    case 5: check_injected_in_clear(input, chunk); break;
  }
  return 0;
}
