// The words for the seam's enumerations.
#include "core/io/storage.h"
#include "core/io/streams.h"

namespace twinbed {

std::string_view to_string(StreamFailure failure) {
  switch (failure) {
    case StreamFailure::kNone: return "none";
    case StreamFailure::kRefused: return "refused";
    case StreamFailure::kTimedOut: return "timed out";
    case StreamFailure::kUnreachable: return "unreachable";
  }
  return "unknown";
}

std::string_view to_string(StreamEventKind kind) {
  switch (kind) {
    case StreamEventKind::kAccepted: return "accepted";
    case StreamEventKind::kOpened: return "opened";
    case StreamEventKind::kFailed: return "failed";
    case StreamEventKind::kData: return "data";
    case StreamEventKind::kDrained: return "drained";
    case StreamEventKind::kClosed: return "closed";
    case StreamEventKind::kReset: return "reset";
  }
  return "unknown";
}

std::string_view to_string(StorageStatus status) {
  switch (status) {
    case StorageStatus::kOk: return "ok";
    case StorageStatus::kNotFound: return "not found";
    case StorageStatus::kNoSpace: return "no space";
    case StorageStatus::kFailed: return "failed";
  }
  return "unknown";
}

}  // namespace twinbed
