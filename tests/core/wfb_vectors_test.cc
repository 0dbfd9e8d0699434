// Byte for byte what WFB-NG's programs sent: keys, frames, sessions, data, parities, headers.
#include <gmock/gmock.h>

#include <numeric>

#include "core/crypto/short_hash.h"
#include "core/protocols/wfb/control.h"
#include "core/protocols/wfb/forwarder.h"
#include "core/wire/radiotap.h"
#include "core/wire/reader.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using nlohmann::json;
using testing::bytes_of;
using testing::CountingRandom;
using testing::SentPackets;
using testing::texts_of;
using testing::wfb_vectors;
using namespace std::chrono_literals;

constexpr Time kStart{};
constexpr std::uint32_t kDefaultLink = 7669206;

EncoderOptions options_of(std::uint32_t link, std::uint8_t port, FecParams fec,
                          std::uint64_t epoch = 0) {
  return {testing::wfb_link_keys().drone, ChannelId::of(link, port), epoch, fec, 1s};
}

// ---- Keys and addresses ----------------------------------------------------------------------

TEST(WfbKeys, OfAPasswordAreThoseOfTheKeyGenerator) {
  const json keys = wfb_vectors("vectors.json")["keys"];
  const auto made = link_keys_from_password(keys["password"].get<std::string>());
  ASSERT_TRUE(made.ok()) << made.error();
  EXPECT_EQ(to_hex(made->drone.write()), keys["drone.key"]);
  EXPECT_EQ(to_hex(made->ground.write()), keys["gs.key"]);
}

TEST(WfbKeys, MadeAtRandomFitEachOther) {
  CountingRandom random;
  const LinkKeys keys = make_link_keys(random);
  const LinkKeys others = make_link_keys(random);
  const auto product = [](const KeyFile& file) {
    KeyPair pair;
    pair.secret_key = file.mine;
    return to_hex(shared_product(pair, file.theirs)->bytes());
  };
  EXPECT_EQ(product(keys.drone), product(keys.ground));
  EXPECT_NE(product(keys.drone), product(others.drone));
}

TEST(WfbKeys, AFileOfAnotherLengthIsRefused) {
  const auto read = KeyFile::read(Buffer(63));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error(),
            "a key file has 64 bytes, not 63; make a pair of them with wfb-keygen");
}

TEST(WfbAddress, ALinkHasTheNumberOfItsName) {
  const json link = wfb_vectors("vectors.json")["link"];
  EXPECT_EQ(link_id_of(link["link_domain"].get<std::string>()), link["link_id"]);
  EXPECT_EQ(ChannelId::of(kDefaultLink, 32).value, 0x7505d620u);
}

// ---- The code --------------------------------------------------------------------------------

TEST(WfbCode, HasTheRowsOfZfec) {
  const json matrices = wfb_vectors("vectors.json")["fec_matrix"];
  for (const auto& [name, rows] : matrices.items()) {
    const auto slash = name.find('/');
    const int k = std::stoi(name.substr(0, slash));
    const int n = std::stoi(name.substr(slash + 1));
    ReedSolomon code(k, n);
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(n - k)) << name;
    for (int parity = 0; parity < n - k; ++parity) {
      EXPECT_EQ(to_hex(std::as_bytes(code.row(parity))), rows[static_cast<std::size_t>(parity)])
          << name << ", parity " << parity;
    }
  }
}

// ---- Sent packets ----------------------------------------------------------------------------

void send_stream(const json& vector, const EncoderOptions& options) {
  CountingRandom random;
  SentPackets sent;
  Encoder encoder(options, random, sent);
  for (const json& payload : vector["payloads"]) {
    encoder.send(kStart, bytes_of(payload), random);
  }
  while (encoder.has_open_block()) encoder.fill(random);
  EXPECT_EQ(sent.hex, texts_of(vector["packets"]));
}

TEST(WfbEncoder, SendsWhatWfbTxSends) {
  const json vectors = wfb_vectors("vectors.json");
  send_stream(vectors["stream_3_5"], options_of(kDefaultLink, 0, {3, 5}));
  send_stream(vectors["stream_8_12"], options_of(kDefaultLink, 16, {8, 12}, 1234567890123));
  send_stream(vectors["stream_fec_timeout_4_6"], options_of(1, 2, {4, 6}));
}

TEST(WfbEncoder, ClosesTheBlockAndBeginsASessionWithOtherParameters) {
  const json control = wfb_vectors("vectors.json")["control"];
  CountingRandom random;
  SentPackets sent;
  Encoder encoder(options_of(1, 2, {4, 6}), random, sent);
  encoder.send(kStart, as_bytes("one"), random);
  encoder.send(kStart, as_bytes("two"), random);
  random.next();  // when this was recorded, each draw began at a multiple of 32
  encoder.set_fec(kStart, {1, 2}, random);
  encoder.send(kStart, as_bytes("after"), random);
  EXPECT_EQ(sent.hex, texts_of(control["packets_on_air"]));
}

TEST(WfbEncoder, AnnouncesItsSessionEverySecondButNotWhileIdle) {
  CountingRandom random;
  SentPackets sent;
  Encoder encoder(options_of(1, 2, {1, 1}), random, sent);
  for (const Duration at : {0ms, 999ms, 1000ms, 1500ms, 5000ms}) {
    encoder.send(kStart + at, {}, random);
  }
  using enum PacketKind;
  EXPECT_THAT(sent.kinds,
              ::testing::ElementsAre(kSession, kData, kData, kSession, kData, kData, kSession,
                                     kData));
  EXPECT_EQ(sent.packets[0], sent.packets[3]);
}

TEST(WfbEncoder, CutsAPayloadThatIsTooLong) {
  CountingRandom random;
  SentPackets sent;
  Encoder encoder(options_of(1, 2, {1, 2}), random, sent);
  encoder.send(kStart, Buffer(kMaxPayloadBytes + 1), random);
  ASSERT_EQ(sent.packets.size(), 3u);
  EXPECT_EQ(sent.packets[1].size(), kMaxPacketBytes);
  EXPECT_EQ(sent.packets[2].size(), kMaxPacketBytes);
}

// ---- Frames, radiotap, receptions ------------------------------------------------------------

struct Radio {
  const char* options;
  TxParams params;
  FrameType type = FrameType::kData;
};

TEST(WfbFrame, HasTheHeadersOfTheDistributor) {
  using enum Modulation;
  using enum Bandwidth;
  const std::vector<Radio> radios{
      {"-M 1 -B 20 -S 1 -L 1", {kHt, 1, 1, 1, k20Mhz, false, true}},
      {"-Q -P 30 -M 1 -B 20 -S 1 -L 1", {kHt, 1, 1, 1, k20Mhz, false, true}},
      {"-M 7 -B 40 -G short -S 2 -L 0", {kHt, 7, 1, 2, k40Mhz, true, false}},
      {"-M 3 -B 80 -N 2 -S 1 -L 1 -G short", {kVht, 3, 2, 1, k80Mhz, true, true}},
      {"-V -M 3 -B 20", {kVht, 3, 1, 0, k20Mhz, false, false}},
      {"-M 1 -B 20 -f rts", {kHt, 1, 1, 0, k20Mhz, false, false}, FrameType::kRts},
  };
  const json vectors = wfb_vectors("vectors.json")["distributor"];
  ASSERT_EQ(vectors.size(), radios.size());
  for (const auto& [options, params, type] : radios) {
    SCOPED_TRACE(options);
    CountingRandom random;
    SentPackets sent;
    Encoder encoder(options_of(kDefaultLink, 32, {1, 2}), random, sent);
    encoder.send(kStart, as_bytes("payload"), random);
    ASSERT_EQ(vectors[options].size(), sent.packets.size());
    for (std::size_t i = 0; i < sent.packets.size(); ++i) {
      const Buffer datagram = bytes_of(vectors[options][i]);
      Buffer made;
      write_radiotap_tx(params, made);
      const auto number = static_cast<std::uint16_t>(i);
      write_mac_header(frame_header(ChannelId::of(kDefaultLink, 32), type, number), made);
      made.insert(made.end(), sent.packets[i].begin(), sent.packets[i].end());
      EXPECT_EQ(to_hex(made), to_hex(Bytes(datagram).subspan(4)));  // behind the fwmark
      const auto read = read_radiotap_tx(Bytes(datagram).subspan(4));
      ASSERT_TRUE(read);
      Buffer again;
      write_radiotap_tx(read->params, again);
      EXPECT_EQ(again, Buffer(made.begin(), made.begin() + static_cast<int>(again.size())));
      EXPECT_EQ(read->header_bytes, again.size());
    }
  }
}

TEST(WfbFrame, OfAnotherChannelIsPassedOver) {
  Buffer frame;
  write_mac_header(frame_header(ChannelId::of(1, 2), FrameType::kRts, 4097), frame);
  frame.push_back(std::byte{7});
  EXPECT_EQ(packet_in_frame(frame, ChannelId::of(1, 2))->size(), 1u);
  EXPECT_FALSE(packet_in_frame(frame, ChannelId::of(1, 3)));
  EXPECT_FALSE(packet_in_frame(frame, ChannelId::of(2, 2)));
  EXPECT_FALSE(packet_in_frame(Bytes(frame).first(23), ChannelId::of(1, 2)));
  EXPECT_EQ(read_mac_header(frame)->sequence_control, 16) << "twelve bits of the number are sent";
}

TEST(WfbReception, IsWrittenAsAForwarderWritesIt) {
  const json datagrams = wfb_vectors("vectors_tun.json")["forwarder"]["udp_datagrams"];
  for (const json& hex : datagrams) {
    const Buffer datagram = bytes_of(hex);
    const auto reception = read_reception(datagram);
    ASSERT_TRUE(reception);
    Buffer again;
    write_reception(*reception, again);
    EXPECT_EQ(to_hex(again), hex.get<std::string>().substr(0, 34));
  }
  const Reception two = *read_reception(bytes_of(datagrams[2]));
  EXPECT_EQ(two.readings[1].antenna, 1);
  EXPECT_EQ(two.readings[1].signal_dbm, -44);
  EXPECT_EQ(two.readings[1].noise_dbm, -94);
  EXPECT_EQ(two.mhz, 5825);
  EXPECT_FALSE(read_reception(Buffer(Reception::kBytes - 1)));
}

TEST(WfbDuplicates, HaveTheHashOfTheForwarder) {
  const json vectors = wfb_vectors("vectors.json");
  ShortHashKey key;
  std::ranges::copy(bytes_of(vectors["dedup_hash"]["key"]), key.begin());
  EXPECT_EQ(to_hex(short_hash(key, bytes_of(vectors["stream_8_12"]["packets"][1]))),
            vectors["dedup_hash"]["siphash24"]);
  EXPECT_EQ(to_hex(short_hash(key, {})), vectors["dedup_hash"]["siphash_empty"]);
}

// ---- Control ---------------------------------------------------------------------------------

struct Transmitter final : ControlTarget {
  FecParams fec() const override { return fec_; }
  void set_fec(FecParams fec) override { fec_ = fec; }
  RadioSettings radio() const override { return radio_; }
  void set_radio(const RadioSettings& settings) override { radio_ = settings; }

  FecParams fec_{4, 6};
  RadioSettings radio_{0, 0, 0, 0, 0, 0, 0};  // of a transmitter without a card
};

TEST(WfbControl, AnswersAsWfbTxDoes) {
  const json exchanges = wfb_vectors("vectors.json")["control"]["exchanges"];
  Transmitter transmitter;
  for (const char* name : {"get_fec", "get_radio", "set_radio", "get_radio2", "set_fec",
                           "get_fec2", "set_fec_bad", "unknown", "set_fec_short"}) {
    const auto reply = answer_control(bytes_of(exchanges[name]["req"]), transmitter);
    ASSERT_TRUE(reply) << name;
    EXPECT_EQ(to_hex(*reply), exchanges[name]["resp"]) << name;
  }
  EXPECT_EQ(exchanges.size(), 9u);
  EXPECT_FALSE(answer_control(bytes_of("11223344"), transmitter)) << "too short for an answer";
}

TEST(WfbControl, AsksAndReadsTheReply) {
  Transmitter transmitter;
  const RadioSettings settings{1, 1, 0, 80, 7, 0, 2};
  auto ask = [&](ControlCommand command, Bytes body = {}) {
    return *read_control_reply(*answer_control(control_request(7, command, body), transmitter));
  };
  EXPECT_EQ(ask(ControlCommand::kSetRadio, control_body(settings)).error, 0u);
  EXPECT_EQ(ask(ControlCommand::kGetRadio).radio, settings);
  EXPECT_EQ(ask(ControlCommand::kSetFec, control_body(FecParams{0, 1})).error, 22u);
  EXPECT_EQ(ask(ControlCommand::kGetFec).fec, (FecParams{4, 6}));
  EXPECT_EQ(ask(ControlCommand::kGetFec, Buffer(1)).error, 22u);
  EXPECT_FALSE(read_control_reply(Buffer(7)));
  EXPECT_FALSE(read_control_reply(Buffer(9)));
}

TEST(WfbControl, RefusesARadioThatNoHeaderCanName) {
  Transmitter transmitter;
  for (const RadioSettings& settings :
       {RadioSettings{4, 0, 0, 20, 1, 0, 1}, RadioSettings{0, 0, 0, 30, 1, 0, 1},
        RadioSettings{0, 0, 0, 80, 16, 0, 1}}) {
    const auto reply = read_control_reply(*answer_control(
        control_request(1, ControlCommand::kSetRadio, control_body(settings)), transmitter));
    EXPECT_EQ(reply->error, 22u);
  }
  EXPECT_EQ(tx_params_of({1, 0, 1, 80, 3, 0, 2})->modulation, Modulation::kVht);
  EXPECT_EQ(tx_params_of({1, 0, 1, 10, 3, 0, 2})->bandwidth, Bandwidth::k20Mhz);
}

// ---- Forwarder -------------------------------------------------------------------------------

struct Forwarded final : ForwarderOwner {
  void on_datagram(Bytes datagram) override { hex.push_back(to_hex(datagram)); }
  std::vector<std::string> hex;
};

/// The frame that a card heard when the datagram was recorded.
struct HeardFrame {
  RxFrame about;  // its bytes are those below
  std::uint8_t wlan = 0;
  Buffer bytes;

  HeardFrame(const HeardFrame&) = delete;
  HeardFrame& operator=(const HeardFrame&) = delete;
  HeardFrame(Bytes datagram, ChannelId channel) {
    const Reception reception = *read_reception(datagram);
    wlan = reception.wlan;
    about.readings = reception.readings;
    about.channel = ChannelMhz{reception.mhz};
    about.rate.mcs = reception.mcs;
    write_mac_header(frame_header(channel, FrameType::kData, 0), bytes);
    const Bytes packet = datagram.subspan(Reception::kBytes);
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    about.frame = bytes;
  }
};

/// A data packet that is nothing but its type: a forwarder does not look behind it.
HeardFrame shortest_frame(ChannelId channel) {
  Buffer datagram;
  write_reception({}, datagram);
  datagram.push_back(static_cast<std::byte>(PacketType::kData));
  return HeardFrame(datagram, channel);
}

TEST(WfbForwarder, SendsOnWhatItsCardsHearAndNamesDuplicates) {
  const auto datagrams =
      texts_of(wfb_vectors("vectors_tun.json")["forwarder"]["udp_datagrams"]);
  const ChannelId channel = ChannelId::of(kDefaultLink, 0);
  Forwarded forwarded;
  Forwarder forwarder(channel, forwarded);
  const auto hear = [&](const std::string& datagram, const std::string& header = {}) {
    const Buffer recorded =
        bytes_of(header.empty() ? datagram : header + datagram.substr(2 * Reception::kBytes));
    const HeardFrame frame(recorded, channel);
    forwarder.receive(kStart, frame.wlan, frame.about);
  };
  for (std::size_t i = 0; i < 5; ++i) hear(datagrams[i]);
  EXPECT_FALSE(forwarder.has_batch());
  // The records of the batch, each with the packet whose hash it bears.
  const std::string records = datagrams[5].substr(2 * (Reception::kBytes + 1));
  constexpr std::size_t kHashDigits = 16;
  constexpr std::size_t kRecordDigits = kHashDigits + 2 * Reception::kBytes;
  for (std::size_t at = 0; at < records.size(); at += kRecordDigits) {
    for (std::size_t i = 2; i < 5; ++i) {
      const Buffer packet = bytes_of(datagrams[i].substr(2 * Reception::kBytes));
      if (to_hex(packet_hash(packet)) != records.substr(at, kHashDigits)) continue;
      hear(datagrams[i], records.substr(at + kHashDigits, 2 * Reception::kBytes));
    }
  }
  ASSERT_TRUE(forwarder.has_batch());
  forwarder.send_batch();
  EXPECT_EQ(forwarded.hex, datagrams);
  EXPECT_FALSE(forwarder.has_batch());
}

TEST(WfbForwarder, RemembersAPacketForOneToTwoPeriods) {
  const ChannelId channel = ChannelId::of(1, 0);
  Forwarded forwarded;
  Forwarder forwarder(channel, forwarded);
  const HeardFrame frame = shortest_frame(channel);
  for (const Duration at : {0ms, 99ms, 199ms, 200ms, 5000ms}) {
    forwarder.receive(kStart + at, 0, frame.about);
  }
  EXPECT_EQ(forwarded.hex.size(), 3u) << "at 0, 200 and 5,000 ms";
  RxFrame wrong = frame.about;
  wrong.bad_fcs = true;
  forwarder.receive(kStart + 9s, 0, wrong);
  EXPECT_EQ(forwarded.hex.size(), 3u);
}

TEST(WfbForwarder, SendsABatchBeforeItIsTooLong) {
  const ChannelId channel = ChannelId::of(1, 0);
  Forwarded forwarded;
  Forwarder forwarder(channel, forwarded);
  const HeardFrame frame = shortest_frame(channel);
  for (int i = 0; i < 200; ++i) forwarder.receive(kStart, 1, frame.about);
  ASSERT_EQ(forwarded.hex.size(), 2u);
  // 160 records of 25 bytes behind the type make 4,001 bytes, and one more would be too much.
  EXPECT_EQ(forwarded.hex[1].size(), 2 * (Reception::kBytes + 1 + 160 * 25));
}

}  // namespace
}  // namespace twinbed::wfb
