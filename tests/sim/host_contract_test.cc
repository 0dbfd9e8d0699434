// The host contract in the simulator.
#include "tests/support/host_contract.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, HostContract, SimWorld);

}  // namespace twinbed::testing
