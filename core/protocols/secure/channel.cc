#include "core/protocols/secure/channel.h"

#include <algorithm>
#include <utility>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::secure {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

Channel::Channel(Handshake::Side side, const Credentials& credentials, Frames frames)
    : side_(side), frames_(frames), handshake_(std::in_place, side, credentials, frames) {}

Channel Channel::initiator(const Credentials& credentials, Random& random, Buffer& out,
                           Frames frames) {
  Channel channel(Handshake::Side::kInitiator, credentials, frames);
  channel.handshake_->write(random, out);
  return channel;
}

Channel Channel::responder(const Credentials& credentials, Frames frames) {
  return Channel(Handshake::Side::kResponder, credentials, frames);
}

void Channel::receive(Random& random, Time now, Bytes bytes, Buffer& out) {
  if (state_ == State::kHandshake) keyed_at_ = now;
  while (!bytes.empty() && is_live()) {
    // An initiator has nothing to send before the answer.
    if (wants_verdict()) return end(State::kFailed, Refusal::kProtocol);
    const Bytes part = bytes.first(std::min(bytes.size(), expected_bytes_ - pending_.size()));
    bytes = bytes.subspan(part.size());
    pending_.reserve(expected_bytes_);
    pending_.insert(pending_.end(), part.begin(), part.end());
    if (pending_.size() == expected_bytes_) {
      take_piece(random, out);
    } else if (expected_ == Piece::kHandshake && !handshake_->can_begin_with(pending_)) {
      end(State::kFailed, Refusal::kProtocol);  // A stranger need not send 151 bytes to be known.
    }
  }
}

void Channel::take_piece(Random& random, Buffer& out) {
  switch (expected_) {
    case Piece::kHandshake: return take_handshake(random, out);
    case Piece::kVerdict: return;
    case Piece::kHeader: {
      StreamHeader header{};
      std::ranges::copy(pending_, header.begin());
      opener_.emplace(*opening_key_, header);
      opening_key_.reset();
      return expect(Piece::kLength, kLengthBytes);
    }
    case Piece::kLength: return take_length();
    case Piece::kSealed: return take_sealed();
    case Piece::kClear:
      messages_.push_back(std::exchange(pending_, {}));
      return expect(Piece::kLength, kLengthBytes);
  }
}

void Channel::take_handshake(Random& random, Buffer& out) {
  const Refusal why = handshake_->read(pending_);
  peer_ = handshake_->peer();
  is_failed_by_peer_ = handshake_->is_refused_by_peer();
  const bool is_responder = side_ == Handshake::Side::kResponder;
  if (is_responder && (why == Refusal::kNone || is_verdict(why))) {
    expect(Piece::kVerdict, 0);
    if (why != Refusal::kNone) refuse(why, out);
  } else if (why != Refusal::kNone) {
    end(State::kFailed, why);
  } else if (begin_streams(random, out)) {
    expect(Piece::kHeader, sizeof(StreamHeader));
  }
}

void Channel::accept(Random& random, Buffer& out) {
  TWINBED_CHECK(wants_verdict(), "a peer was accepted that asks for no verdict");
  handshake_->write(random, out);
  if (begin_streams(random, out)) expect(Piece::kHeader, sizeof(StreamHeader));
}

void Channel::refuse(Refusal why, Buffer& out) {
  TWINBED_CHECK(wants_verdict(), "a peer was refused that asks for no verdict");
  handshake_->write_refusal(why, out);
  end(State::kFailed, why);
}

/// Derives the keys and writes what begins this side's stream; false where the peer's keys are bad.
bool Channel::begin_streams(Random& random, Buffer& out) {
  const std::optional<SessionKeys> keys = handshake_->derive();
  if (!keys) {
    end(State::kFailed, Refusal::kNotAuthentic);
    return false;
  }
  handshake_.reset();
  const bool is_initiator = side_ == Handshake::Side::kInitiator;
  opening_key_ = is_initiator ? keys->from_responder : keys->from_initiator;
  sealer_.emplace(is_initiator ? keys->from_initiator : keys->from_responder, random);
  Writer(out).bytes(sealer_->header());
  seal({}, StreamTag::kMessage, out);
  return true;
}

void Channel::take_length() {
  const std::size_t length = Reader(pending_).u32be();
  if (is_clear()) return take_clear_length(length);
  // Until the peer has proved itself, its only frame is the empty one.
  const std::size_t largest = state_ == State::kOpen ? kMaxMessageBytes : 0;
  if (length < kSealOverheadBytes) {
    end(State::kFailed, Refusal::kNotAuthentic);
  } else if (length > largest + kSealOverheadBytes) {
    end(State::kFailed, Refusal::kTooLarge);
  } else {
    expect(Piece::kSealed, length);
  }
}

void Channel::take_clear_length(std::size_t length) {
  if (length == 0) {
    end(State::kClosed, Refusal::kNone);
  } else if (length > kMaxMessageBytes) {
    end(State::kFailed, Refusal::kTooLarge);
  } else {
    expect(Piece::kClear, length);
  }
}

void Channel::take_sealed() {
  std::optional<StreamOpener::Opened> opened = opener_->open(pending_);
  if (!opened) return end(State::kFailed, Refusal::kNotAuthentic);
  expect(Piece::kLength, kLengthBytes);
  const bool is_empty = opened->plain.empty();
  if (state_ == State::kHandshake) {
    if (opened->tag != StreamTag::kMessage) return end(State::kFailed, Refusal::kProtocol);
    state_ = State::kOpen;
    if (!is_clear()) return;
    sealer_.reset();  // Both sides are proven, which is all that the keys were for.
    opener_.reset();
  } else if (is_empty && opened->tag == StreamTag::kFinal) {
    end(State::kClosed, Refusal::kNone);
  } else if (is_empty || opened->tag == StreamTag::kFinal) {
    end(State::kFailed, Refusal::kProtocol);
  } else {
    messages_.push_back(std::move(opened->plain));
  }
}

void Channel::expect(Piece piece, std::size_t bytes) {
  expected_ = piece;
  expected_bytes_ = bytes;
  pending_.clear();
}

std::optional<Buffer> Channel::next() {
  if (messages_.empty()) return std::nullopt;
  Buffer message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

void Channel::send(Time now, Bytes message, Buffer& out) {
  TWINBED_CHECK(state_ == State::kOpen, "a message was sent on a channel that is not open");
  TWINBED_CHECK(!message.empty() && message.size() <= kMaxMessageBytes,
                "a message must have 1 byte to 1 MiB");
  if (is_clear()) return write_clear(message, out);
  bytes_under_key_ += message.size();
  const bool is_key_spent =
      bytes_under_key_ >= rekey_limits_.bytes || now - keyed_at_ >= rekey_limits_.age;
  seal(message, is_key_spent ? StreamTag::kRekey : StreamTag::kMessage, out);
  if (is_key_spent) {
    bytes_under_key_ = 0;
    keyed_at_ = now;
  }
}

void Channel::send(Time now, Bytes head, Bytes body, Buffer& out) {
  Buffer message;
  message.reserve(head.size() + body.size());
  message.insert(message.end(), head.begin(), head.end());
  message.insert(message.end(), body.begin(), body.end());
  send(now, message, out);
}

void Channel::write_clear(Bytes message, Buffer& out) {
  Writer writer(out);
  writer.u32be(static_cast<std::uint32_t>(message.size()));
  writer.bytes(message);
}

void Channel::seal(Bytes plain, StreamTag tag, Buffer& out) {
  Writer(out).u32be(static_cast<std::uint32_t>(plain.size() + kSealOverheadBytes));
  sealer_->seal(plain, tag, out);
}

void Channel::close(Time, Buffer& out) {
  if (is_clear()) {
    write_clear({}, out);
  } else if (state_ == State::kOpen) {
    seal({}, StreamTag::kFinal, out);
  }
  if (is_live()) end(State::kClosed, Refusal::kNone);
}

void Channel::on_end() {
  if (is_live()) end(State::kFailed, Refusal::kTruncated);
}

/// Ends the channel and forgets its keys; messages that came whole stay.
void Channel::end(State state, Refusal why) {
  state_ = state;
  failure_ = why;
  expect(Piece::kHandshake, 0);
  pending_.shrink_to_fit();
  handshake_.reset();
  opening_key_.reset();
  sealer_.reset();
  opener_.reset();
}

}  // namespace twinbed::secure
