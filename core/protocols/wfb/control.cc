#include "core/protocols/wfb/control.h"

#include "core/wire/radiotap.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr std::uint32_t kTryAgain = 11;      // EAGAIN
constexpr std::uint32_t kInvalid = 22;       // EINVAL
constexpr std::uint32_t kNotSupported = 95;  // EOPNOTSUPP
constexpr std::size_t kFecBytes = 2;
constexpr std::size_t kRadioBytes = 7;

std::optional<FecParams> read_fec(Bytes bytes) {
  Reader reader(bytes);
  FecParams fec;
  fec.k = reader.u8();
  fec.n = reader.u8();
  if (!reader.done()) return std::nullopt;
  return fec;
}

std::optional<RadioSettings> read_radio(Bytes bytes) {
  Reader reader(bytes);
  RadioSettings settings;
  for (std::uint8_t* field :
       {&settings.stbc, &settings.ldpc, &settings.short_guard_interval, &settings.bandwidth_mhz,
        &settings.mcs, &settings.vht_mode, &settings.spatial_streams}) {
    *field = reader.u8();
  }
  if (!reader.done()) return std::nullopt;
  return settings;
}

/// The errno of the reply, whose body is added where there is one.
std::uint32_t carry_out(std::uint8_t command, Bytes body, ControlTarget& target, Buffer& reply) {
  switch (static_cast<ControlCommand>(command)) {
    case ControlCommand::kSetFec: {
      const std::optional<FecParams> fec = read_fec(body);
      if (!fec || !fec->is_sound()) return kInvalid;
      if (!target.can_set_fec()) return kTryAgain;
      target.set_fec(*fec);
      return 0;
    }
    case ControlCommand::kSetRadio: {
      const std::optional<RadioSettings> settings = read_radio(body);
      if (!settings || !tx_params_of(*settings)) return kInvalid;
      target.set_radio(*settings);
      return 0;
    }
    case ControlCommand::kGetFec:
      if (!body.empty()) return kInvalid;
      reply = control_body(target.fec());
      return 0;
    case ControlCommand::kGetRadio:
      if (!body.empty()) return kInvalid;
      reply = control_body(target.radio());
      return 0;
  }
  return kNotSupported;
}

}  // namespace

std::optional<TxParams> tx_params_of(const RadioSettings& settings) {
  TxParams params;
  switch (settings.bandwidth_mhz) {
    case 10:  // the card is tuned to it, and radiotap does not know it
    case 20: params.bandwidth = Bandwidth::k20Mhz; break;
    case 40: params.bandwidth = Bandwidth::k40Mhz; break;
    case 80: params.bandwidth = Bandwidth::k80Mhz; break;
    case 160: params.bandwidth = Bandwidth::k160Mhz; break;
    default: return std::nullopt;
  }
  const bool is_vht = settings.vht_mode != 0 || params.bandwidth >= Bandwidth::k80Mhz;
  params.modulation = is_vht ? Modulation::kVht : Modulation::kHt;
  params.mcs = settings.mcs;
  params.spatial_streams = settings.spatial_streams;
  params.stbc_streams = settings.stbc;
  params.short_guard_interval = settings.short_guard_interval != 0;
  params.ldpc = settings.ldpc != 0;
  if (!mistake_in(params).empty()) return std::nullopt;
  return params;
}

std::optional<Buffer> answer_control(Bytes request, ControlTarget& target) {
  Reader reader(request);
  const std::uint32_t number = reader.u32be();
  const std::uint8_t command = reader.u8();
  if (!reader.ok()) return std::nullopt;
  Buffer body;
  const std::uint32_t error = carry_out(command, reader.rest(), target, body);
  Buffer reply;
  Writer writer(reply);
  writer.u32be(number);
  writer.u32be(error);
  writer.bytes(body);
  return reply;
}

Buffer control_request(std::uint32_t number, ControlCommand command, Bytes body) {
  Buffer request;
  Writer writer(request);
  writer.u32be(number);
  writer.u8(static_cast<std::uint8_t>(command));
  writer.bytes(body);
  return request;
}

Buffer control_body(FecParams fec) {
  Buffer body;
  Writer writer(body);
  writer.u8(fec.k);
  writer.u8(fec.n);
  return body;
}

Buffer control_body(const RadioSettings& settings) {
  Buffer body;
  Writer writer(body);
  for (const std::uint8_t field :
       {settings.stbc, settings.ldpc, settings.short_guard_interval, settings.bandwidth_mhz,
        settings.mcs, settings.vht_mode, settings.spatial_streams}) {
    writer.u8(field);
  }
  return body;
}

std::optional<ControlReply> read_control_reply(Bytes bytes) {
  Reader reader(bytes);
  ControlReply reply;
  reply.number = reader.u32be();
  reply.error = reader.u32be();
  if (!reader.ok()) return std::nullopt;
  const Bytes body = reader.rest();
  if (body.size() == kFecBytes) reply.fec = read_fec(body);
  if (body.size() == kRadioBytes) reply.radio = read_radio(body);
  if (!body.empty() && !reply.fec && !reply.radio) return std::nullopt;
  return reply;
}

}  // namespace twinbed::wfb
