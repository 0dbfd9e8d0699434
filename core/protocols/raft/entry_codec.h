// One log entry as bytes, the same in messages and in the journal:
//
//   u64 term | u8 kind | u32 length | data
#pragma once

#include "core/protocols/raft/types.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::raft {

inline void write_entry(Writer& out, const Entry& entry) {
  out.u64be(entry.term);
  out.u8(static_cast<std::uint8_t>(entry.kind));
  out.u32be(static_cast<std::uint32_t>(entry.data.size()));
  out.bytes(entry.data);
}

/// False where there is no whole entry, or a configuration entry holds none.
inline bool read_entry(Reader& in, Entry& out) {
  out.term = in.u64be();
  const std::uint8_t kind = in.u8();
  const std::uint32_t size = in.u32be();
  out.data = to_buffer(in.bytes(size));
  if (!in.ok() || kind > static_cast<std::uint8_t>(EntryKind::kConfiguration)) return false;
  out.kind = static_cast<EntryKind>(kind);
  Configuration configuration;
  return out.kind != EntryKind::kConfiguration || decode(out.data, configuration);
}

}  // namespace twinbed::raft
