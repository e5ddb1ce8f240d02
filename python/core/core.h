/* SPDX-License-Identifier: MIT */
/*
 * fusetrace._core: what Python needs of libfusetrace and cannot do itself. Thin on purpose: numbers
 * and bytes go in and out; names, units, defaults and documentation are those of the classes in
 * Python. The interpreter's lock is given back around everything that may take time.
 */
#ifndef PYTHON_CORE_H
#define PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include <fusetrace/fusetrace.h>

/* What the module knows of itself; its types are made with it (PyType_FromModuleAndSpec). */
struct core_state {
	PyTypeObject *operation_type;
	PyTypeObject *monitor_type;
	PyTypeObject *expect_type;
	PyTypeObject *mount_type;
};

/* fusetrace.errors.make(code, text, verdict, json) makes the exception; always returns NULL. */
PyObject *core_raise(int code, const struct fusetrace_error *error);
/* Likewise of a wait; takes report, which may be NULL. */
PyObject *core_raise_report(int code, struct fusetrace_report *report);

/* The bytes of an object without a NUL in them, NULL of None; false with an exception set. */
bool core_bytes(PyObject *object, const char **ret_bytes);

/* ---- operations (operation.c) ---- */

extern PyType_Spec core_operation_spec;
/* An object of type (a subclass of Operation). Takes the reference to op, also on failure. */
PyObject *core_operation_new(PyTypeObject *type, struct fusetrace_op *op);
/* A list of them. Takes all references, also on failure; ops itself stays the caller's. */
PyObject *core_operation_list(PyTypeObject *type, struct fusetrace_op **ops, size_t count);

/* ---- matches (matches.c) ---- */

/* The thread that waits, while it has given the interpreter's lock back. */
struct core_call {
	PyThreadState *saved;
	PyTypeObject *operation_type;
};

/* One match, with the object that owns its strings and its check function. */
struct core_match {
	struct fusetrace_match match;
	PyObject *owner;        /* the tuple that it was made of */
	PyObject *check;        /* of owner; NULL none */
	struct core_call *call; /* of the wait that is running */
};

/* A row of them. Zeroed is empty. */
struct core_matches {
	struct core_match *items;
	const struct fusetrace_match **pointers;
	Py_ssize_t count;
};

/* Of a sequence of tuples as matcher.py makes them; false with an exception set. */
bool core_matches_init(struct core_matches *matches, PyObject *sequence);
void core_matches_done(struct core_matches *matches);
void core_matches_set_call(struct core_matches *matches, struct core_call *call);

/* ---- monitors (monitor.c, monitor_history.c, monitor_waits.c), expectations (expect.c) ---- */

struct core_monitor {
	PyObject_HEAD
	struct fusetrace_monitor *monitor;
	PyTypeObject *operation_type; /* of the operations that it gives */
	_Atomic uint64_t interrupts;
};
extern PyType_Spec core_monitor_spec;

PyObject *core_monitor_operations(PyObject *self, PyObject *args);
PyObject *core_monitor_count(PyObject *self, PyObject *args);
PyObject *core_monitor_in_flight(PyObject *self, PyObject *unused);
PyObject *core_monitor_log_lines(PyObject *self, PyObject *unused);
PyObject *core_monitor_waits(PyObject *self, PyObject *unused);
PyObject *core_monitor_summary(PyObject *self, PyObject *unused);

PyObject *core_monitor_wait(PyObject *self, PyObject *args);
PyObject *core_monitor_wait_none(PyObject *self, PyObject *args);
PyObject *core_monitor_wait_idle(PyObject *self, PyObject *args);
PyObject *core_monitor_wait_state(PyObject *self, PyObject *args);
PyObject *core_monitor_wait_line(PyObject *self, PyObject *args);

extern PyType_Spec core_expect_spec;
/* ---- mounts (mount.c) ---- */
extern PyType_Spec core_mount_spec;

/* ---- smart waits (smart_wait.c) ---- */

PyObject *core_smart_wait(PyObject *module, PyObject *args);

/* "O&": a mark as (seq, mono_ns, lost, printed); None is NULL, which *is_given tells. */
struct core_mark {
	struct fusetrace_mark mark;
	bool is_given;
};
int core_mark_convert(PyObject *object, void *mark);
static inline const struct fusetrace_mark *core_mark_pointer(const struct core_mark *mark)
{
	return mark->is_given ? &mark->mark : NULL;
}

/* ---- signals (wakeup.c) ---- */

/* The descriptor that tells of signals, for the time of one wait in the main thread; else it is none. */
struct core_wakeup {
	bool is_set;
	int former_fd;     /* of signal.set_wakeup_fd() */
	int former_polled; /* of fusetrace_set_wakeup_fd() */
};
void core_wakeup_begin(struct core_wakeup *wakeup);
/* What has been told until now is told no more. */
void core_wakeup_drain(const struct core_wakeup *wakeup);
/* Keeps the exception that is set. */
void core_wakeup_end(struct core_wakeup *wakeup);

/* ---- all waits (waits.c) ---- */

/*
 * A wait that signal handlers may put off: it is repeated with what is left of its time, unless a
 * handler raises, or it or somebody else called interrupt() meanwhile, of which the library's next
 * call would know nothing.
 */
struct core_wait {
	const struct core_monitor *monitor; /* NULL: there is none to interrupt */
	uint64_t deadline_ns;
	uint64_t interrupts; /* when it began */
	bool asks; /* the filesystem, whose answer may take a while even when there is no time */
	bool has_begun;
	struct core_wakeup wakeup;
};
void core_wait_init(struct core_wait *wait, const struct core_monitor *monitor,
		    uint64_t timeout_ns);
uint64_t core_wait_left(const struct core_wait *wait);
/*
 * The head of the loop around the library's call: true when it is to be called, for the first time or once
 * more; false when *r is what came of it. It must be asked until then.
 */
bool core_wait_sleeps(struct core_wait *wait, int *r);

PyObject *core_poll(PyObject *module, PyObject *args);

#endif
