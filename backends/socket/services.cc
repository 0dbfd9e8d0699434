#include "backends/socket/services.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace twinbed::backends {

void SocketServices::answer(EventLoop::Callback callback) {
  later.push([this, queued_ns = monotonic_now_ns(), call = std::move(callback)] {
    lateness.add(LatenessKind::kAnswer, Duration{monotonic_now_ns() - queued_ns});
    call();
  });
}

Endpoint SocketServices::local_real(Endpoint scenario) const {
  const std::optional<NodeAddress> own = addresses.of(self);
  if (scenario.address.is_any() && own) scenario.address = own->scenario.address;
  Endpoint real = addresses.to_own_real(scenario, self);
  if (bind_address) real.address = *bind_address;
  return real;
}

std::string SocketServices::bind_failure(const char* verb, const Endpoint& scenario,
                                         const Endpoint& real, int error) const {
  std::string sentence = "node '" + name + "' cannot " + verb + " " + to_string(real);
  if (scenario != real) sentence += " (" + to_string(scenario) + " in the scenario)";
  sentence += ": " + std::generic_category().message(error);
  if (error == EADDRINUSE) {
    sentence += "; stop the program that holds this endpoint, or give the node another port";
  } else if (error == EADDRNOTAVAIL) {
    sentence += "; this machine has no such address, so give the node one that it has";
  } else if (error == EACCES) {
    sentence += "; ports below 1024 need privileges, so give the node a higher one";
  }
  return sentence;
}

}  // namespace twinbed::backends
