#include "core/protocols/secure/refusal.h"

namespace twinbed::secure {

bool is_verdict(Refusal refusal) {
  return refusal >= Refusal::kConfigDiffers && refusal <= kLastRefusal;
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone: return "none";
    case Refusal::kProtocol: return "protocol";
    case Refusal::kTooLarge: return "too_large";
    case Refusal::kNotAuthentic: return "not_authentic";
    case Refusal::kTruncated: return "truncated";
    case Refusal::kConfigDiffers: return "config_differs";
    case Refusal::kDuplicateId: return "duplicate_id";
    case Refusal::kUnknownClient: return "unknown_client";
    case Refusal::kWrongServer: return "wrong_server";
    case Refusal::kBusy: return "busy";
    case Refusal::kEncryptionDiffers: return "encryption_differs";
  }
  return "unknown";
}

}  // namespace twinbed::secure
