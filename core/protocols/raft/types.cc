#include "core/protocols/raft/types.h"

#include <algorithm>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::raft {
namespace {

bool contains(const std::vector<ServerId>& sorted, ServerId id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

void write_servers(Writer& out, const std::vector<ServerId>& servers) {
  out.u16be(static_cast<std::uint16_t>(servers.size()));
  for (const ServerId id : servers) out.u32be(id);
}

bool read_servers(Reader& in, std::vector<ServerId>& out) {
  out.clear();
  const std::size_t count = in.u16be();
  if (in.remaining() < count * 4) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const ServerId id = in.u32be();
    if (id == kNobody || (!out.empty() && id <= out.back())) return false;
    out.push_back(id);
  }
  return in.ok();
}

}  // namespace

bool Configuration::is_voter(ServerId id) const { return contains(voters, id); }

bool Configuration::is_member(ServerId id) const { return is_voter(id) || contains(learners, id); }

Buffer encode(const Configuration& configuration) {
  Buffer bytes;
  Writer out(bytes);
  write_servers(out, configuration.voters);
  write_servers(out, configuration.learners);
  return bytes;
}

bool decode(Bytes bytes, Configuration& out) {
  Reader in(bytes);
  if (!read_servers(in, out.voters) || !read_servers(in, out.learners) || !in.done()) return false;
  return std::none_of(out.learners.begin(), out.learners.end(),
                      [&](ServerId id) { return out.is_voter(id); });
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kFollower: return "follower";
    case Role::kPreCandidate: return "pre-candidate";
    case Role::kCandidate: return "candidate";
    case Role::kLeader: return "leader";
  }
  return "?";
}

}  // namespace twinbed::raft
