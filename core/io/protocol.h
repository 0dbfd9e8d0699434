// The seam: what a protocol is, and all it can see of the world.
//
// A host (the simulator, a live machine, a test) calls one handler at a time. The handler changes
// the protocol's state and makes requests on the Context. Requests return nothing, copy their
// arguments and take effect after the handler has returned, in the order in which they were made;
// every answer arrives later as another handler call. A protocol is therefore a pure function
//     (state, now, random numbers, input) -> (state', requests)
// and runs unchanged, and repeatably, in every world.
//
// Host contract (tests/support/host_contract.h runs it against every host):
//   - one handler at a time, never nested, never from two threads;
//   - `now` never decreases, and handlers at equal times run in the order of their causes;
//   - views (Bytes, Datagram::payload, ...) are valid only until the handler returns;
//   - a timer whose deadline has passed fires at `now`;
//   - after a crash the object is destroyed and built anew, and only synced storage is left;
//   - recording never changes what happens.
#pragma once

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/io/application.h"
#include "core/io/datagrams.h"
#include "core/io/ids.h"
#include "core/io/radio.h"
#include "core/io/recorder.h"
#include "core/io/storage.h"
#include "core/io/streams.h"
#include "core/io/timers.h"

namespace twinbed {

/// The world as one handler sees it. Valid only during the handler.
struct Context {
  const Time now;       ///< this node's monotonic clock, from the start of the run
  const WallTime wall;  ///< this node's wall clock, which a fault may have set wrong
  const NodeId self;
  Random& random;
  Timers& timers;
  Radio& radio;
  Datagrams& datagrams;
  Streams& streams;
  Storage& storage;
  Application& application;
  Recorder& recorder;
};

class Protocol {
 public:
  virtual ~Protocol() = default;

  /// The node has started, or started again after a crash.
  virtual void on_start(Context& context) = 0;

  /// The timer's deadline has come; it is no longer set.
  virtual void on_timer(Context& context, TimerId id) = 0;

  virtual void on_frame(Context&, const RxFrame&) {}
  virtual void on_datagram(Context&, const Datagram&) {}
  virtual void on_stream(Context&, const StreamEvent&) {}
  virtual void on_storage(Context&, const StorageResult&) {}

  /// The user, the workload or the testbed asks for something; the protocol's header says what.
  virtual void on_command(Context&, Bytes) {}

  /// The node is asked to stop in good order; it stops as soon as the requests have been carried
  /// out.
  virtual void on_stop(Context&) {}
};

}  // namespace twinbed
