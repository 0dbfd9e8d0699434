#include "sim/network/delivery_queue.h"

#include <gtest/gtest.h>

#include <vector>

namespace twinbed::sim {
namespace {

void add(DeliveryQueue& queue, std::uint32_t length) { queue.add().length = length; }

std::vector<std::uint32_t> take_all(DeliveryQueue& queue) {
  std::vector<std::uint32_t> lengths;
  while (const Delivery* delivery = queue.next()) lengths.push_back(delivery->length);
  return lengths;
}

TEST(DeliveryQueue, KeepsTheOrderAcrossBothLists) {
  DeliveryQueue queue;
  EXPECT_EQ(queue.next(), nullptr);
  add(queue, 1);
  add(queue, 2);
  EXPECT_EQ(queue.next()->length, 1U);
  add(queue, 3);
  EXPECT_EQ(queue.next()->length, 2U);
  add(queue, 4);
  EXPECT_EQ(take_all(queue), (std::vector<std::uint32_t>{3, 4}));
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(DeliveryQueue, ADeliveryStaysInItsPlaceWhileOthersComeAndGo) {
  DeliveryQueue queue;
  add(queue, 1);
  add(queue, 2);
  const Delivery* first = queue.next();
  for (std::uint32_t i = 0; i < 1000; ++i) add(queue, 100 + i);
  queue.drop([](const Delivery& delivery) { return delivery.length != 1; });
  EXPECT_EQ(first->length, 1U);
  EXPECT_EQ(queue.next(), nullptr);
}

TEST(DeliveryQueue, DropsFromBothListsWhatWasNotTakenAndAsksOnceForEach) {
  DeliveryQueue queue;
  for (std::uint32_t i = 0; i < 4; ++i) add(queue, i);
  EXPECT_EQ(queue.next()->length, 0U);
  for (std::uint32_t i = 4; i < 8; ++i) add(queue, i);
  std::vector<std::uint32_t> asked;
  queue.drop([&](const Delivery& delivery) {
    asked.push_back(delivery.length);
    return delivery.length % 2 == 0;
  });
  EXPECT_EQ(asked, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(take_all(queue), (std::vector<std::uint32_t>{1, 3, 5, 7}));
}

}  // namespace
}  // namespace twinbed::sim
