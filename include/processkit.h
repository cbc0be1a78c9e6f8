/*
 * processkit: run child processes so that nothing they start can outlive them by accident.
 *
 * This header includes all others. Each of them also compiles alone, in C11 and in C++17.
 *
 * Conventions that hold everywhere:
 *
 *  - A function returns 0 (or a count) on success and a negative errno on failure. The number decides; the optional
 *    pk_error, always the last parameter, explains. Outputs are written on success only.
 *  - Handles are opaque. A *_free function takes NULL and returns NULL: `group = pk_group_free(group);`.
 *  - Times are nanoseconds: pk_duration is a length, pk_time a point on CLOCK_MONOTONIC.
 *  - A handle belongs to one thread at a time, except where a function says otherwise.
 *  - After fork(), the child's copies of all handles are inert: they never kill, signal or remove anything; functions
 *    that return an error answer -EPERM.
 *  - The library starts no threads, installs no signal handlers, never calls waitpid(-1), prints nothing and never
 *    ends the program.
 */
#ifndef PROCESSKIT_H
#define PROCESSKIT_H

#include <processkit/batch.h>
#include <processkit/cancel.h>
#include <processkit/cassette.h>
#include <processkit/command.h>
#include <processkit/counters.h>
#include <processkit/detach.h>
#include <processkit/error.h>
#include <processkit/event.h>
#include <processkit/evidence.h>
#include <processkit/group.h>
#include <processkit/guardian.h>
#include <processkit/host.h>
#include <processkit/input.h>
#include <processkit/limits.h>
#include <processkit/loop.h>
#include <processkit/parse.h>
#include <processkit/pipeline.h>
#include <processkit/probe.h>
#include <processkit/process.h>
#include <processkit/prune.h>
#include <processkit/pty.h>
#include <processkit/ready.h>
#include <processkit/result.h>
#include <processkit/retry.h>
#include <processkit/run.h>
#include <processkit/runner.h>
#include <processkit/script.h>
#include <processkit/service.h>
#include <processkit/stream.h>
#include <processkit/supervisor.h>
#include <processkit/task.h>
#include <processkit/time.h>
#include <processkit/trace.h>
#include <processkit/version.h>

#endif
