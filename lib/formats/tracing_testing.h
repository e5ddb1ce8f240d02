/* SPDX-License-Identifier: MIT */
/* Lines of Rust's tracing-subscriber, made up for tests. */
#ifndef FT_TRACING_TESTING_H
#define FT_TRACING_TESTING_H

#define AT(us) "2026-11-22T09:15:38.00000" #us "Z  INFO "
#define SAID(us, span, text) AT(us) span ": demo: " text "\n"
#define NEW(us, span) SAID(us, span, "new")
#define CLOSE(us, span) SAID(us, span, "close time.busy=2.00\302\265s time.idle=1.00\302\265s")
#define OP(span) NEW(1, span) CLOSE(4, span)

/* Of an operation that began at 1 and lasted from there to 4. */
#define TIMES "\"start_ns\":1795338938000001000,\"duration_ns\":3000"
#define START(us) "\"start_ns\":179533893800000" #us "000"

#endif
