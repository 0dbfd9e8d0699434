// The host contract over real sockets and files.
#include "tests/support/host_contract.h"
#include "tests/support/live_world.h"

namespace twinbed::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Live, HostContract, LiveWorld);

}  // namespace twinbed::testing
