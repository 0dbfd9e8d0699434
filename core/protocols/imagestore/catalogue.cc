#include "core/protocols/imagestore/catalogue.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/protocols/election/image.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::imagestore {
namespace {

constexpr std::uint8_t kAddImage = 1;

void write_text(Writer& out, std::string_view text) {
  out.u16be(static_cast<std::uint16_t>(text.size()));
  out.text(text);
}
std::string read_text(Reader& in) { return std::string(as_text(in.bytes(in.u16be()))); }

void write_image(Writer& out, const Image& image) {
  write_text(out, image.id);
  out.bytes(image.hash);
  out.u64be(image.size);
  write_text(out, image.extension);
  write_text(out, image.user);
  out.u32be(image.client.address.value);
  out.u16be(image.client.port);
  out.u64be(static_cast<std::uint64_t>(image.unix_seconds));
  out.u16be(static_cast<std::uint16_t>(image.holders.size()));
  for (const raft::ServerId holder : image.holders) out.u32be(holder);
  if (image.holders.empty()) out.u64be(image.staged);
}

Image read_image(Reader& in) {
  Image image;
  image.id = read_text(in);
  const Bytes hash = in.bytes(image.hash.size());
  std::copy(hash.begin(), hash.end(), image.hash.begin());
  image.size = in.u64be();
  image.extension = read_text(in);
  image.user = read_text(in);
  image.client.address.value = in.u32be();
  image.client.port = in.u16be();
  image.unix_seconds = static_cast<std::int64_t>(in.u64be());
  const std::uint16_t holders = in.u16be();
  for (std::uint16_t i = 0; i < holders && in.ok(); ++i) image.holders.push_back(in.u32be());
  if (holders == 0) image.staged = in.u64be();
  return image;
}

}  // namespace

std::string to_json(const Image& image) {
  const nlohmann::json json{{"id", image.id},
                            {"hash", to_hex(image.hash)},
                            {"bytes", image.size},
                            {"extension", image.extension},
                            {"user", image.user},
                            {"client", to_string(image.client)},
                            {"unix_seconds", image.unix_seconds},
                            {"holders", image.holders},
                            {"term", image.term},
                            {"file", image.file}};
  // A user's name may be any bytes.
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

Buffer Catalogue::command(const Image& image) {
  Buffer buffer;
  Writer out(buffer);
  out.u8(kAddImage);
  write_image(out, image);
  return buffer;
}

Catalogue::Applied Catalogue::apply(raft::Term term, Bytes command) {
  Reader in(command);
  if (in.u8() != kAddImage) return {};
  Image image = read_image(in);
  // Both become part of a file name.
  const bool is_plain = election::is_plain_id(image.id) && election::is_plain_id(image.extension);
  if (!in.done() || !is_plain) return {};
  image.term = term;
  return add(std::move(image));
}

Catalogue::Applied Catalogue::add(Image image) {
  if (const Image* known = find(image.id)) {
    return {known->hash == image.hash ? Verdict::kKnown : Verdict::kTaken, known};
  }
  const Image* same = find(image.hash);
  image.file = same != nullptr
                   ? same->file
                   : election::image_name(image.id, image.client, image.unix_seconds,
                                          image.extension);
  std::string id = image.id;
  const Image& stored = images_.emplace(std::move(id), std::move(image)).first->second;
  by_hash_[stored.hash].push_back(&stored);
  order_.push_back(&stored);
  return {Verdict::kAdded, &stored};
}

const Image* Catalogue::find(std::string_view id) const {
  const auto found = images_.find(id);
  return found == images_.end() ? nullptr : &found->second;
}

const Image* Catalogue::find(const Digest& hash) const {
  const auto all = all_of(hash);
  return all.empty() ? nullptr : all.front();
}

std::span<const Image* const> Catalogue::all_of(const Digest& hash) const {
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return {};
  return found->second;
}

Buffer Catalogue::snapshot() const {
  Buffer buffer;
  Writer out(buffer);
  out.u64be(order_.size());
  for (const Image* image : order_) {
    out.u64be(image->term);
    write_image(out, *image);
  }
  return buffer;
}

bool Catalogue::restore(Bytes snapshot) {
  *this = {};
  Reader in(snapshot);
  const std::uint64_t count = in.u64be();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const raft::Term term = in.u64be();
    Image image = read_image(in);
    image.term = term;
    if (in.ok()) add(std::move(image));
  }
  if (in.done()) return true;
  *this = {};
  return false;
}

}  // namespace twinbed::imagestore
