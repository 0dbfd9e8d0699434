#include "sim/medium/airtime.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace twinbed::sim {
namespace {

constexpr std::int64_t kMicrosecond = 1000;
constexpr std::int64_t kLongSymbolNs = 4000;   // with the guard interval of 800 ns
constexpr std::int64_t kShortSymbolNs = 3600;  // with that of 400 ns

/// Bits a subcarrier and stream, and the code rate, by the MCS of one stream (tables 19-27, 21-29).
struct Coding {
  int coded_bits;
  int rate_numerator;
  int rate_denominator;
};
constexpr std::array<Coding, 10> kCodings = {{{1, 1, 2}, {2, 1, 2}, {2, 3, 4}, {4, 1, 2}, {4, 3, 4},
                                              {6, 2, 3}, {6, 3, 4}, {6, 5, 6}, {8, 3, 4},
                                              {8, 5, 6}}};

bool is_ht(const TxParams& params) { return params.modulation == Modulation::kHt; }

const Coding& coding(const TxParams& params) {
  return kCodings[is_ht(params) ? params.mcs % 8 : params.mcs];
}

/// Subcarriers that carry data, N_SD.
int data_subcarriers(Bandwidth bandwidth) {
  constexpr std::array<int, 4> kSubcarriers = {52, 108, 234, 468};
  return kSubcarriers[static_cast<std::size_t>(bandwidth)];
}

/// Coded bits of a symbol, N_CBPS.
int coded_bits_per_symbol(const TxParams& params) {
  return data_subcarriers(params.bandwidth) * coding(params).coded_bits * spatial_streams(params);
}

std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

/// Encoders of the convolutional code, N_ES: each codes at most 320 Mbit/s in HT and 540 Mbit/s in
/// VHT at the long guard interval, and all code equal shares, coded and uncoded. That gives the
/// tables of sections 19.5 and 21.5.
int encoders(const TxParams& params) {
  const int most_bits = is_ht(params) ? 1280 : 2160;
  const int bits = data_bits_per_symbol(params);
  auto count = static_cast<int>(divide_up(bits, most_bits));
  while (bits % count != 0 || coded_bits_per_symbol(params) % count != 0) ++count;
  return count;
}

int space_time_streams(const TxParams& params) {
  const int streams = spatial_streams(params);
  if (params.stbc_streams == 0) return streams;
  return is_ht(params) ? streams + params.stbc_streams : 2 * streams;
}

/// Section 19.3.11.7.5: the symbols of an LDPC-coded data field with this many payload bits.
std::int64_t ldpc_symbols(const TxParams& params, std::int64_t payload_bits) {
  const Coding& code = coding(params);
  const std::int64_t step = coded_bits_per_symbol(params) * (params.stbc_streams > 0 ? 2 : 1);
  const std::int64_t n = code.rate_numerator, d = code.rate_denominator;
  std::int64_t available = step * divide_up(payload_bits * d, step * n);
  // Table 19-16: how many code words, and of which length.
  std::int64_t words = 1;
  std::int64_t length = 1944;
  // Comparisons with (1 - R) are multiplied by the denominator, to stay in integers.
  const auto room = [&](std::int64_t extra) { return available * d >= payload_bits * d + extra; };
  if (available <= 648) {
    length = room(912 * (d - n)) ? 1296 : 648;
  } else if (available <= 1296) {
    length = room(1464 * (d - n)) ? 1944 : 1296;
  } else if (available <= 1944) {
    length = 1944;
  } else if (available <= 2592) {
    words = 2;
    length = room(2916 * (d - n)) ? 1944 : 1296;
  } else {
    words = divide_up(payload_bits * d, 1944 * n);
  }
  const std::int64_t shortened = std::max<std::int64_t>(0, words * length * n / d - payload_bits);
  const std::int64_t parity = words * length * (d - n) / d;
  const std::int64_t punctured =
      std::max<std::int64_t>(0, words * length - available - shortened);
  const bool is_much = 10 * punctured > parity;
  const bool is_little_shortened = 10 * shortened * (d - n) < 12 * punctured * n;
  if ((is_much && is_little_shortened) || 10 * punctured > 3 * parity) available += step;
  return available / coded_bits_per_symbol(params);
}

}  // namespace

std::string_view mistake_in_rate(const TxParams& params) {
  if (is_ht(params)) {
    if (params.mcs > 31) return "HT has MCS 0 to 31";
    if (params.bandwidth > Bandwidth::k40Mhz) return "HT is at most 40 MHz wide; use VHT";
    const int streams = spatial_streams(params);
    if (params.stbc_streams > 2) return "HT has at most 2 STBC streams";
    if (params.stbc_streams > streams || streams + params.stbc_streams > 4) {
      return "so many STBC streams do not go with so many spatial streams";
    }
    return "";
  }
  if (params.mcs > 9) return "VHT has MCS 0 to 9";
  if (params.spatial_streams < 1 || params.spatial_streams > 4) {
    return "VHT is emulated with 1 to 4 spatial streams";
  }
  if (params.stbc_streams > 1) return "VHT knows STBC only as on (1) or off (0)";
  const bool is_narrow = params.bandwidth == Bandwidth::k20Mhz;
  if (params.mcs == 9 && is_narrow && params.spatial_streams != 3) {
    return "VHT has no MCS 9 at 20 MHz but with 3 spatial streams";
  }
  if (params.mcs == 6 && params.bandwidth == Bandwidth::k80Mhz && params.spatial_streams == 3) {
    return "VHT has no MCS 6 at 80 MHz with 3 spatial streams";
  }
  if (params.mcs == 9 && params.bandwidth == Bandwidth::k160Mhz && params.spatial_streams == 3) {
    return "VHT has no MCS 9 at 160 MHz with 3 spatial streams";
  }
  return "";
}

int spatial_streams(const TxParams& params) {
  return is_ht(params) ? params.mcs / 8 + 1 : params.spatial_streams;
}

int data_bits_per_symbol(const TxParams& params) {
  const Coding& code = coding(params);
  return coded_bits_per_symbol(params) * code.rate_numerator / code.rate_denominator;
}

int bandwidth_mhz(Bandwidth bandwidth) { return 20 << static_cast<int>(bandwidth); }

std::int64_t data_symbols(const TxParams& params, std::size_t psdu_bytes) {
  constexpr std::int64_t kServiceBits = 16;
  constexpr std::int64_t kTailBits = 6;  // for each encoder
  const std::int64_t payload_bits = 8 * static_cast<std::int64_t>(psdu_bytes) + kServiceBits;
  const int pair = params.stbc_streams > 0 ? 2 : 1;  // STBC codes symbols in pairs
  const std::int64_t step = data_bits_per_symbol(params) * pair;
  if (!params.ldpc) return pair * divide_up(payload_bits + kTailBits * encoders(params), step);
  if (is_ht(params)) return ldpc_symbols(params, payload_bits);
  // VHT fills the symbols up before it codes.
  return ldpc_symbols(params, divide_up(payload_bits, step) * step);
}

std::int64_t data_bits_per_stream(const TxParams& params, std::size_t psdu_bytes) {
  return data_symbols(params, psdu_bytes) * data_bits_per_symbol(params) / spatial_streams(params);
}

Duration preamble_duration(const TxParams& params) {
  TWINBED_CHECK(mistake_in_rate(params).empty(), "the airtime of a frame that cannot be sent");
  constexpr std::array<int, 9> kTrainingFields = {0, 1, 2, 4, 4, 6, 6, 8, 8};
  const int fields = kTrainingFields[static_cast<std::size_t>(space_time_streams(params))];
  const int signal_b = is_ht(params) ? 0 : 4;
  return Duration{(8 + 8 + 4 + 8 + 4 + 4 * fields + signal_b) * kMicrosecond};
}

Duration frame_airtime(const TxParams& params, std::size_t psdu_bytes, ChannelMhz channel) {
  const std::int64_t symbols = data_symbols(params, psdu_bytes);
  const std::int64_t data_ns =
      params.short_guard_interval
          ? divide_up(symbols * kShortSymbolNs, kLongSymbolNs) * kLongSymbolNs
          : symbols * kLongSymbolNs;
  const bool is_extended = static_cast<int>(channel) < 3000;
  return preamble_duration(params) + Duration{data_ns + (is_extended ? 6 * kMicrosecond : 0)};
}

}  // namespace twinbed::sim
