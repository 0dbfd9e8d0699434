// Names that protocols and hosts use for each other's things. Strong types, no arithmetic.
#pragma once

#include <cstdint>

namespace twinbed {

/// A node of the scenario, numbered in the order in which the scenario lists its nodes, from 0.
enum class NodeId : std::uint32_t {};

/// A timer, named by the protocol that sets it. Setting it again replaces it.
enum class TimerId : std::uint32_t {};

/// A datagram socket, named by the protocol that binds it.
enum class SocketId : std::uint32_t {};

/// A listening endpoint, named by the protocol that opens it.
enum class ListenerId : std::uint32_t {};

/// A stream. The protocol names the streams it opens (below kFirstAcceptedStream); the host names
/// those it accepts, counting up from kFirstAcceptedStream, and never reuses a name within a run.
enum class StreamId : std::uint32_t {};
inline constexpr std::uint32_t kFirstAcceptedStream = 0x8000'0000U;

/// A radio interface of the node, in the order in which the scenario lists them, from 0.
enum class InterfaceId : std::uint32_t {};

/// Chosen by the protocol and handed back with the answer of the storage request.
enum class StorageToken : std::uint64_t {};

}  // namespace twinbed
