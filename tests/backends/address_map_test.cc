// Which of several nodes a real address belongs to, where they share one of the scenario.
#include "backends/socket/address_map.h"

#include <gtest/gtest.h>

namespace twinbed::backends {
namespace {

constexpr IpAddress kStation{0x0a4d'0001};
constexpr NodeId kScreen{0};
constexpr NodeId kPilot{1};
constexpr NodeId kCentral{2};
constexpr NodeId kElsewhere{3};
constexpr std::uint16_t kScreenPort = 5600;
constexpr std::uint16_t kOwnPort = 14'550;  // of the central node's protocol

/// A screen, a pilot and a central node on one host.
class SharedHost : public ::testing::Test {
 protected:
  SharedHost() {
    map.add({kScreen, {kStation, kScreenPort}, {loopback_address(2, kScreen), kScreenPort}});
    map.add({kPilot, {kStation, 0}, {loopback_address(2, kPilot), 0}});
    map.add({kCentral, {kStation, 0}, {loopback_address(2, kCentral), 0}, true});
    map.add({kElsewhere, {IpAddress{0x0a4d'000b}, 0}, {loopback_address(2, kElsewhere), 0}});
  }
  AddressMap map;
};

TEST_F(SharedHost, PortsThatNobodyHasListedAreThoseOfTheNodeWithOtherPorts) {
  for (const NodeId sender : {kScreen, kPilot, kCentral, kElsewhere}) {
    EXPECT_EQ(map.to_real({kStation, kOwnPort}, sender).address, loopback_address(2, kCentral));
    EXPECT_EQ(map.to_real({kStation, kScreenPort}, sender).address, loopback_address(2, kScreen));
  }
  EXPECT_EQ(map.to_real({kStation, kOwnPort}, kPilot).port, kOwnPort);
}

TEST_F(SharedHost, ANodeListensAtItsOwnAddressWhateverThePort) {
  for (const NodeId node : {kScreen, kPilot, kCentral}) {
    EXPECT_EQ(map.to_own_real({kStation, kOwnPort}, node),
              (Endpoint{loopback_address(2, node), kOwnPort}));
  }
  const Endpoint elsewhere{IpAddress{0x0a4d'000b}, 7};
  EXPECT_EQ(map.to_own_real(elsewhere, kPilot), map.to_real(elsewhere, kPilot));
}

TEST_F(SharedHost, WithoutSuchANodeTheSenderWins) {
  AddressMap plain;
  plain.add({kScreen, {kStation, 0}, {loopback_address(2, kScreen), 0}});
  plain.add({kPilot, {kStation, 0}, {loopback_address(2, kPilot), 0}});
  EXPECT_EQ(plain.to_real({kStation, 9}, kPilot).address, loopback_address(2, kPilot));
  EXPECT_EQ(plain.to_real({kStation, 9}, kElsewhere).address, loopback_address(2, kScreen));
}

}  // namespace
}  // namespace twinbed::backends
