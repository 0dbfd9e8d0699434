// The keys of a WFB-NG link as files: the inside of `twinbed-node wfb-keygen`.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "core/base/result.h"

namespace twinbed::scenarios {

/// Writes gs.key and drone.key into the directory, readable for their owner alone: new random ones,
/// or those that follow from the password, with which everybody can make them. Files that hold
/// other keys are replaced only if `replaces` says so, for their link would be lost.
Result<std::monostate> write_wfb_keys(const std::string& directory,
                                      const std::optional<std::string>& password, bool replaces);

}  // namespace twinbed::scenarios
