// Writes capture files that every reader of pcap files understands, with times of nanoseconds.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backends/pcap/link_layer.h"
#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/time.h"

struct pcap;
struct pcap_dumper;

namespace twinbed::backends {

class PacketFile {
 public:
  /// Creates the file, or empties it.
  static Result<PacketFile> create(const std::string& path, LinkLayer layer);

  /// Appends a packet. Run time is written as if the run had begun on 1970-01-01: readers show
  /// seconds since its start.
  void write(Time at, Bytes packet);
  /// Writes out what is left and closes the file; the first error of all writes. Nothing may be
  /// written afterwards.
  std::optional<Error> close();

 private:
  struct Closer {
    void operator()(pcap* handle) const;
    void operator()(pcap_dumper* dumper) const;
  };
  PacketFile(std::string path, std::unique_ptr<pcap, Closer> handle,
             std::unique_ptr<pcap_dumper, Closer> dumper);

  std::string path_;
  std::unique_ptr<pcap, Closer> handle_;
  std::unique_ptr<pcap_dumper, Closer> dumper_;
};

}  // namespace twinbed::backends
