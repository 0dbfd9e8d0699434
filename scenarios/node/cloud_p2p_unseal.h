// `twinbed-node cloud-p2p unseal FILE OUT`: an image that a server has sealed, for a person who has
// the cluster's key and no cluster.
#pragma once

#include <string>
#include <variant>

#include "core/base/result.h"
#include "core/protocols/election/config.h"

namespace twinbed::scenarios {

/// Writes the image in a sealed file (core/protocols/imagestore/sealed_file.h) to `out`, which must
/// not be there yet. The key is that of read_cluster_key. Errors are sentences with the remedy.
Result<std::monostate> unseal_image(const std::string& file, const std::string& out,
                                    const election::Environment& environment);

}  // namespace twinbed::scenarios
