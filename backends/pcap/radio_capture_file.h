// Writes captures of radio frames in the format pcapng (draft-ietf-opsawg-pcapng), in which each
// frame belongs to a card that has a name, and is marked as one that came in or went out. libpcap
// reads this format, and does not write it.
//
//   section header ──► interface description, one before the first frame of each card
//                  └─► enhanced packet: card, time, radiotap's header and the frame, direction
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace twinbed::backends {

enum class FrameDirection : std::uint8_t { kReceived, kSent };

class RadioCaptureFile {
 public:
  /// Creates the file, or empties it; "-" is the standard output.
  static Result<RadioCaptureFile> create(const std::string& path);

  /// Adds a card; returns its number, from 0.
  std::uint32_t add_card(std::string_view name);
  /// Appends a frame, after radiotap's header, of a card that was added. Run time is written as if
  /// the run had begun on 1970-01-01: readers show seconds since its start.
  void write(std::uint32_t card, Time at, FrameDirection direction, Bytes packet);
  /// Writes out what is left and closes the file; the first error of all writes. Nothing may be
  /// written afterwards.
  std::optional<Error> close();

 private:
  struct Closer {
    void operator()(std::FILE* file) const;
  };
  RadioCaptureFile(std::string path, std::unique_ptr<std::FILE, Closer> file);
  void write_block(std::uint32_t type, Bytes body);

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  std::uint32_t cards_ = 0;
  Buffer block_;
};

}  // namespace twinbed::backends
