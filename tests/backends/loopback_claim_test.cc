// Claims of loopback networks: by this process, by another one, and when none is left.
#include "backends/testbed/loopback_claim.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <set>
#include <vector>

namespace twinbed::backends {
namespace {

TEST(LoopbackClaim, EachHolderHasItsOwnNumber) {
  std::set<std::uint32_t> numbers;
  std::vector<LoopbackClaim> claims;
  for (int i = 0; i < 20; ++i) {
    auto claim = LoopbackClaim::take();
    ASSERT_TRUE(claim.ok()) << claim.error();
    EXPECT_GT(claim->run_number(), kManualRunNumber);
    EXPECT_LE(claim->run_number(), 254U);
    EXPECT_TRUE(numbers.insert(claim->run_number()).second);
    claims.push_back(*std::move(claim));
  }
}

/// Runs `body` in a process of its own that ends with its value; the exit status.
int in_child(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// In a network namespace of its own no number is taken, and taking them all disturbs nobody.
bool enter_own_network() {
  return ::unshare(::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

constexpr int kNoNamespace = 77;

TEST(LoopbackClaim, SaysSoWhenNoneIsLeftAndTakesWhatIsGivenBack) {
  const int status = in_child([] {
    if (!enter_own_network()) return kNoNamespace;
    std::vector<LoopbackClaim> claims;
    auto claim = LoopbackClaim::take();
    for (; claim; claim = LoopbackClaim::take()) claims.push_back(*std::move(claim));
    if (claims.size() != 253) return 1;
    if (claim.error().find("253 real runs are under way on this machine") != 0) return 2;
    const std::uint32_t given_back = claims[100].run_number();
    claims.erase(claims.begin() + 100);
    claim = LoopbackClaim::take();
    return claim && claim->run_number() == given_back ? 0 : 3;
  });
  if (status == kNoNamespace) GTEST_SKIP() << "network namespaces cannot be made here";
  EXPECT_EQ(status, 0);
}

TEST(LoopbackClaim, IsSeenByOtherProcessesAndEndsWithItsOwn) {
  const int status = in_child([] {
    if (!enter_own_network()) return kNoNamespace;
    std::array<int, 2> ready{};
    if (::pipe(ready.data()) != 0) return 1;
    // The other process takes all but one number, and is killed as no program is ended in order.
    const pid_t other = ::fork();
    if (other == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::vector<LoopbackClaim> claims;
      for (int i = 0; i < 252; ++i) claims.push_back(*LoopbackClaim::take());
      if (::write(ready[1], "", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char byte = 0;
    if (::read(ready[0], &byte, 1) != 1) return 2;
    const auto last = LoopbackClaim::take();
    if (!last || LoopbackClaim::take().ok()) return 3;
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    return LoopbackClaim::take().ok() ? 0 : 4;
  });
  if (status == kNoNamespace) GTEST_SKIP() << "network namespaces cannot be made here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace twinbed::backends
