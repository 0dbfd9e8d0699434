// Why a secure channel did not come about, or ended badly. Owners count them by their names.
#pragma once

#include <cstdint>
#include <string_view>

namespace twinbed::secure {

/// The numbers are part of the wire format: a responder's answer carries them.
enum class Refusal : std::uint8_t {
  kNone = 0,
  // Found by the channel itself, and never told to the peer, who may be anybody.
  kProtocol = 1,      ///< not this protocol, or not its version
  kTooLarge = 2,      ///< a frame beyond the limit
  kNotAuthentic = 3,  ///< another key, or bytes that were changed, replayed or moved
  kTruncated = 4,     ///< the stream ended without the closing mark
  // A responder's verdict on an initiator that has proved the cluster key, who is told.
  kConfigDiffers = 5,
  kDuplicateId = 6,    ///< another node has this id, or this very key
  kUnknownClient = 7,  ///< the public key is not on the list
  kWrongServer = 8,    ///< not the node that was looked for at this address
  kBusy = 9,
  kEncryptionDiffers = 10,  ///< one side seals its frames and the other one does not
};

inline constexpr Refusal kLastRefusal = Refusal::kEncryptionDiffers;

/// Whether a responder may give this reason to its peer.
bool is_verdict(Refusal refusal);

/// "not_authentic": the name by which it is counted.
std::string_view to_string(Refusal refusal);

}  // namespace twinbed::secure
