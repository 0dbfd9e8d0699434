// Virtual radios in a network namespace of the test's own, heard and used by libpcap and by cards'
// own backend.
#include "backends/virtual_radio/virtual_radio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "backends/pcap/monitor_radio.h"
#include "core/wire/radiotap.h"
#include "tests/support/own_network.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/virtual_air.h"

namespace twinbed::backends {
namespace {

using testing::heard;
using testing::OwnNetwork;
using testing::VirtualAir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr Duration kLong = std::chrono::seconds(10);
/// Long enough for what is on its way to arrive.
constexpr Duration kSettle = std::chrono::milliseconds(50);

/// A data frame of WFB-NG's to this channel.
std::string frame_of(const std::string& channel, const std::string& body) {
  return std::string("\x08\x01\0\0", 4) + std::string(6, '\xff') + "WB" + channel + "WB" +
         channel + std::string(2, '\0') + body;
}
const std::string kChannel("\x75\x05\xd6\x20", 4);
const std::string kOther("\x75\x05\xd6\x21", 4);
constexpr const char* kFilter = "wlan[10:2] == 0x5742 and wlan[12:4] == 0x7505d620";

class VirtualRadioTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!network.is_there()) GTEST_SKIP() << "network namespaces take root";
  }

  /// A radio over these interfaces whose errors and sent frames the test keeps.
  std::unique_ptr<MonitorRadio> open(const std::vector<std::string>& interfaces,
                                     const std::string& filter = {},
                                     const InjectionOptions& injection = {}) {
    MonitorRadioOptions options;
    options.interfaces = interfaces;
    options.filter = filter;
    options.injection = injection;
    options.events.on_frame = [this](const InjectedFrame& frame) { injected.push_back(frame); };
    options.events.on_error = [this](const std::string& error) { errors.push_back(error); };
    auto radio = MonitorRadio::open(loop, std::move(options));
    EXPECT_TRUE(radio) << radio.error();
    return radio ? *std::move(radio) : nullptr;
  }
  static std::string error_of(const MonitorRadioOptions& options) {
    EventLoop unused;
    const auto radio = MonitorRadio::open(unused, options);
    return radio ? "no error" : radio.error();
  }
  /// What the radio hears, as "interface: body", until there are so many or for a long time.
  std::vector<std::string> receive(MonitorRadio& radio, std::size_t count,
                                   Duration limit = kLong) {
    std::vector<std::string> bodies;
    const auto take = [&](const RxFrame& frame) {
      last = frame;
      bodies.push_back(std::to_string(static_cast<int>(frame.interface)) + ": " +
                       std::string(as_text(frame.frame.subspan(24))));
    };
    loop.run_until(
        [&] {
          for (const int descriptor : radio.descriptors()) {
            EXPECT_TRUE(radio.receive(descriptor, take));
          }
          return bodies.size() >= count;
        },
        limit);
    return bodies;
  }
  /// The loop turns at least every millisecond.
  void tick() {
    ticker.set(monotonic_now_ns() + 1'000'000, [this] { tick(); });
  }

  OwnNetwork network;
  EventLoop loop;
  Alarm ticker{loop};
  std::vector<InjectedFrame> injected;
  std::vector<std::string> errors;
  RxFrame last;
};

TEST_F(VirtualRadioTest, FramesPassFromCardToCardWithWhatRadiotapSays) {
  VirtualAir air({"vr0", "vr1"});
  const auto sender = open({"vr0"});
  const auto receiver = open({"vr1"}, kFilter);
  tick();
  TxParams params;
  params.mcs = 3;
  params.short_guard_interval = true;
  params.ldpc = true;
  sender->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, "first")), params);
  sender->transmit(InterfaceId{0}, as_bytes(frame_of(kOther, "not for us")), params);
  params.modulation = Modulation::kVht;
  params.bandwidth = Bandwidth::k80Mhz;
  sender->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, "second")), params);
  EXPECT_THAT(receive(*receiver, 2), ElementsAre("0: first", "0: second"));
  EXPECT_EQ(last.channel, ChannelMhz{5825});
  EXPECT_EQ(last.rate.mcs, 3);
  EXPECT_EQ(last.rate.modulation, Modulation::kVht);
  EXPECT_EQ(last.rate.bandwidth, Bandwidth::k80Mhz);
  EXPECT_TRUE(last.rate.ldpc);
  ASSERT_EQ(last.antenna_count, 1);
  EXPECT_EQ(last.readings[0].signal_dbm, -41);
  EXPECT_EQ(last.readings[0].noise_dbm, -95);
  ASSERT_EQ(injected.size(), 3U);
  EXPECT_EQ(injected[0].frame.size(), frame_of(kChannel, "first").size());
  EXPECT_TRUE(injected[0].is_sent);
  EXPECT_EQ(receiver->counters().malformed, 0U);
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(VirtualRadioTest, ACardDoesNotHearWhatThisHostInjects) {
  VirtualAir air({"vr0", "vr1"});
  InjectionOptions through_qdisc;  // where captures see what goes out
  through_qdisc.uses_qdisc = true;
  const auto radio = open({"vr0", "vr1"}, {}, through_qdisc);
  tick();
  TxParams marked;
  marked.mark = 30;
  radio->transmit(InterfaceId{1}, as_bytes(frame_of(kChannel, "one")), marked);
  EXPECT_THAT(receive(*radio, 1), ElementsAre("0: one"));
  EXPECT_THAT(receive(*radio, 1, kSettle), IsEmpty());
  EXPECT_EQ(radio->counters().own, 1U);
  ASSERT_EQ(injected.size(), 1U);
  EXPECT_EQ(injected[0].interface, InterfaceId{1});
}

TEST_F(VirtualRadioTest, TheQueueingDisciplineSeesTheMarks) {
  auto card = VirtualRadio::create("vr0");
  ASSERT_TRUE(card) << card.error();
  // A packet socket that takes only what has this mark.
  std::array<sock_filter, 4> marked{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_MARK)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 31, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog program{marked.size(), marked.data()};
  const Socket tap(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::setsockopt(tap.number(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("vr0"));
  ASSERT_EQ(::bind(tap.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  InjectionOptions through_qdisc;
  through_qdisc.uses_qdisc = true;
  const auto radio = open({"vr0"}, {}, through_qdisc);
  tick();
  for (const std::uint32_t mark : {0, 30, 31}) {
    TxParams params;
    params.mark = mark;
    const std::string body = "mark " + std::to_string(mark);
    radio->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, body)), params);
  }
  loop.run_until([&] { return injected.size() == 3; }, kLong);
  std::array<char, 200> packet{};
  const ssize_t size = ::recv(tap.number(), packet.data(), packet.size(), 0);
  ASSERT_GT(size, 0);
  EXPECT_THAT(std::string(packet.data(), static_cast<std::size_t>(size)),
              ::testing::EndsWith("mark 31"));
  EXPECT_LT(::recv(tap.number(), packet.data(), packet.size(), 0), 0) << "the others have not";
}

TEST_F(VirtualRadioTest, LibpcapSeesAnInterfaceInMonitorMode) {
  auto radio = VirtualRadio::create("vr0");
  ASSERT_TRUE(radio) << radio.error();
  std::array<char, PCAP_ERRBUF_SIZE> reason{};
  pcap_t* const capture = pcap_create("vr0", reason.data());
  pcap_set_immediate_mode(capture, 1);
  ASSERT_EQ(pcap_activate(capture), 0) << pcap_geterr(capture);
  EXPECT_EQ(pcap_datalink(capture), DLT_IEEE802_11_RADIO);
  const std::string frame = frame_of(kChannel, "heard");
  EXPECT_TRUE(radio->write(heard({}, as_bytes(frame))));
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  ASSERT_EQ(pcap_next_ex(capture, &header, &bytes), 1);
  const auto packet = read_radiotap_rx({reinterpret_cast<const std::byte*>(bytes), header->caplen});
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->is_injected);
  EXPECT_EQ(as_text(packet->frame.frame), frame);
  // And injects by libpcap, as programs do.
  Buffer injection;
  write_radiotap_tx({}, injection);
  injection.insert(injection.end(), as_bytes(frame).begin(), as_bytes(frame).end());
  EXPECT_EQ(pcap_inject(capture, injection.data(), injection.size()),
            static_cast<int>(injection.size()));
  std::vector<std::string> sent;
  radio->read([&](const VirtualTransmission& each) { sent.emplace_back(as_text(each.frame)); });
  EXPECT_THAT(sent, ElementsAre(frame));
  pcap_close(capture);
}

TEST_F(VirtualRadioTest, AFullQueueDropsFramesAndRetriesWaitForRoom) {
  constexpr int kRoom = 20;
  constexpr int kSent = 50;
  auto full = VirtualRadio::create("vr0", kRoom);
  auto slow = VirtualRadio::create("vr1", kRoom);
  ASSERT_TRUE(full && slow);
  const std::string frame = frame_of(kChannel, "x");
  tick();
  const auto hasty = open({"vr0"});
  for (int i = 0; i < kSent; ++i) hasty->transmit(InterfaceId{0}, as_bytes(frame), {});
  loop.run_until([&] { return injected.size() == kSent; }, kLong);
  const auto sent = std::count_if(injected.begin(), injected.end(),
                                  [](const InjectedFrame& each) { return each.is_sent; });
  EXPECT_EQ(sent, kRoom);

  injected.clear();
  const auto patient = open({"vr1"}, {}, {1'000, std::chrono::milliseconds(1), false});
  for (int i = 0; i < kSent; ++i) patient->transmit(InterfaceId{0}, as_bytes(frame), {});
  loop.run_until([] { return false; }, kSettle);
  EXPECT_EQ(injected.size(), kRoom) << "the others wait";
  EXPECT_EQ(slow->read([](const VirtualTransmission&) {}), kRoom);
  loop.run_until([&] { return injected.size() == 2 * kRoom; }, kLong);
  EXPECT_EQ(slow->read([](const VirtualTransmission&) {}), kRoom);
  loop.run_until([&] { return injected.size() == kSent; }, kLong);
  for (const InjectedFrame& each : injected) EXPECT_TRUE(each.is_sent);
  EXPECT_GE(injected.back().latency, kSettle);
  EXPECT_THAT(errors, IsEmpty());
}

TEST_F(VirtualRadioTest, RetriesEndAndAWaitingQueueHasALimit) {
  auto full = VirtualRadio::create("vr0", 1);
  ASSERT_TRUE(full) << full.error();
  tick();
  const auto radio = open({"vr0"}, {}, {3, std::chrono::milliseconds(1), false});
  const std::string large = frame_of(kChannel, std::string(4000, 'x'));
  radio->transmit(InterfaceId{0}, as_bytes(large), {});
  radio->transmit(InterfaceId{0}, as_bytes(large), {});
  loop.run_until([&] { return injected.size() == 2; }, kLong);
  ASSERT_EQ(injected.size(), 2U);
  EXPECT_TRUE(injected[0].is_sent);
  EXPECT_FALSE(injected[1].is_sent);
  EXPECT_GE(injected[1].latency, std::chrono::milliseconds(3)) << "three more tries";

  injected.clear();
  radio->transmit(InterfaceId{0}, as_bytes(large), {});
  loop.run_until([] { return false; }, std::chrono::milliseconds(2));
  for (int i = 0; i < 1000; ++i) radio->transmit(InterfaceId{0}, as_bytes(large), {});
  EXPECT_GE(injected.size(), 1000U - (2U << 20) / large.size()) << "what is beyond 2 MiB";
  for (const InjectedFrame& each : injected) EXPECT_FALSE(each.is_sent);
}

TEST_F(VirtualRadioTest, AFrameLargerThanTheInterfaceTakesIsDropped) {
  auto radio = VirtualRadio::create("vr0");
  ASSERT_TRUE(radio) << radio.error();
  tick();
  const auto card = open({"vr0"});
  card->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, std::string(20'000, 'x'))), {});
  card->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, "small")), {});
  loop.run_until([&] { return injected.size() == 2; }, kLong);
  ASSERT_EQ(injected.size(), 2U);
  EXPECT_FALSE(injected[0].is_sent);
  EXPECT_TRUE(injected[1].is_sent);
}

TEST_F(VirtualRadioTest, ACardThatIsDownIsASentence) {
  auto radio = VirtualRadio::create("vr0");
  ASSERT_TRUE(radio) << radio.error();
  tick();
  const auto card = open({"vr0"});
  ASSERT_EQ(std::system("ip link set vr0 down"), 0);
  card->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, "lost")), {});
  loop.run_until([&] { return !errors.empty(); }, kLong);
  EXPECT_THAT(errors, ElementsAre("frames cannot be sent on the interface vr0: it is down; ip link "
                                  "set vr0 up"));
}

TEST_F(VirtualRadioTest, ACardThatGoesIsASentence) {
  auto radio = VirtualRadio::create("vr0");
  ASSERT_TRUE(radio) << radio.error();
  tick();
  const auto card = open({"vr0"});
  { const VirtualRadio gone = *std::move(radio); }
  card->transmit(InterfaceId{0}, as_bytes(frame_of(kChannel, "lost")), {});
  loop.run_until([&] { return !errors.empty(); }, kLong);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0], StartsWith("frames cannot be sent on the interface vr0: "));
  loop.run_until(
      [&] { return !card->receive(card->descriptors()[0], [](const RxFrame&) {}); }, kLong);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_THAT(errors[1], StartsWith("the interface vr0 has gone: "));
}

TEST_F(VirtualRadioTest, ACardIsTunedByIw) {
  auto card = VirtualRadio::create("vr0");
  ASSERT_TRUE(card) << card.error();
  const auto radio = open({"vr0"});
  // No virtual radio has channels, so a script stands for iw here.
  const testing::TemporaryDirectory directory;
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", directory.path().c_str(), 1);
  radio->tune(InterfaceId{0}, ChannelMhz{5825});
  const std::string script = directory.path() + "/iw";
  std::ofstream(script) << "#!/bin/sh\necho \"$@\" > " << directory.path() << "/words\n"
                        << "[ $5 = 5825 ]\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  radio->tune(InterfaceId{0}, ChannelMhz{5825});
  std::string words;
  std::getline(std::ifstream(directory.path() + "/words"), words);
  radio->tune(InterfaceId{0}, ChannelMhz{1});
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(words, "dev vr0 set freq 5825");
  EXPECT_THAT(errors, ElementsAre("the interface vr0 cannot be tuned to 5825 MHz: iw is not "
                                  "installed; apt-get install iw",
                                  "the interface vr0 cannot be tuned to 1 MHz: iw has failed, see "
                                  "its message above"));
}

TEST_F(VirtualRadioTest, ThePrivilegeThatIsMissingIsNamed) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(1);
    const auto radio = VirtualRadio::create("vr0");
    ::_exit(!radio && radio.error() ==
                          "the virtual radio vr0 cannot be created without the privilege "
                          "CAP_NET_ADMIN; run as root (sudo), or in a namespace of your own: "
                          "unshare -rn"
                ? 0
                : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(VirtualRadioTest, MistakesAreSentences) {
  MonitorRadioOptions options;
  options.interfaces = {"nosuch0"};
  EXPECT_EQ(error_of(options),
            "there is no interface nosuch0; ip link lists those there are");
  options.interfaces = {"lo"};
  EXPECT_EQ(error_of(options),
            "the interface lo is not in monitor mode; ip link set lo down, iw dev lo set monitor "
            "otherbss, ip link set lo up");
  auto radio = VirtualRadio::create("vr0");
  ASSERT_TRUE(radio) << radio.error();
  EXPECT_EQ(VirtualRadio::create("vr0").error(),
            "the virtual radio vr0 cannot be created: there is an interface of this name; choose "
            "another one");
  EXPECT_EQ(VirtualRadio::create("a-name-of-sixteen").error(),
            "'a-name-of-sixteen' is no name of a virtual radio; it has 1 to 15 characters");
  options.interfaces = {"vr0"};
  options.filter = "wlan[";
  EXPECT_THAT(error_of(options), StartsWith("the filter 'wlan[' is not one of libpcap: "));
}

}  // namespace
}  // namespace twinbed::backends
