/* SPDX-License-Identifier: MIT */
/* The smart waits, with a monitor or without one. */
#include "core.h"

/* As smart_wait.py numbers them. */
#define VISIBLE 0u
#define GONE 1u
#define WRITTEN 2u
#define XATTR 3u

struct smart_call {
	const struct core_monitor *monitor; /* or NULL */
	struct core_mark mark;
	unsigned int kind;
	const char *path;
	const char *name;
	unsigned int flags;
};

static int wait(const struct smart_call *call, uint64_t timeout_ns, uint32_t *ret_proof,
		struct fusetrace_report **reterr_report)
{
	struct fusetrace_monitor *monitor = call->monitor ? call->monitor->monitor : NULL;
	const struct fusetrace_mark *mark = core_mark_pointer(&call->mark);

	switch (call->kind) {
	case VISIBLE:
		return fusetrace_wait_visible(monitor, call->path, call->flags, timeout_ns,
					      reterr_report);
	case GONE:
		return fusetrace_wait_gone(monitor, call->path, call->flags, timeout_ns,
					   reterr_report);
	case WRITTEN:
		return fusetrace_wait_written(monitor, mark, call->path, call->flags, timeout_ns,
					      ret_proof, NULL, reterr_report);
	default:
		return fusetrace_wait_xattr(monitor, mark, call->path, call->name, call->flags,
					    timeout_ns, reterr_report);
	}
}

/* smart_wait(monitor, kind, mark, path, name, flags, timeout_ns) -> proof */
PyObject *core_smart_wait(PyObject *module, PyObject *args)
{
	struct core_state *state = PyModule_GetState(module);
	struct fusetrace_report *report = NULL;
	struct smart_call call = {.monitor = NULL};
	struct core_wait waiting;
	PyObject *monitor, *path, *name;
	unsigned long long timeout_ns;
	uint32_t proof = 0;
	int r;

	if (!PyArg_ParseTuple(args, "OIO&OOIK", &monitor, &call.kind, core_mark_convert, &call.mark,
			      &path, &name, &call.flags, &timeout_ns) ||
	    !core_bytes(path, &call.path) || !core_bytes(name, &call.name))
		return NULL;
	if (monitor != Py_None) {
		if (!PyObject_TypeCheck(monitor, state->monitor_type)) {
			PyErr_SetString(PyExc_TypeError, "a monitor or None");
			return NULL;
		}
		call.monitor = (struct core_monitor *)monitor;
	}
	call.flags |= FUSETRACE_SMART_EINTR;
	core_wait_init(&waiting, call.monitor, timeout_ns);
	waiting.asks = true;
	while (core_wait_sleeps(&waiting, &r)) {
		PyThreadState *saved = PyEval_SaveThread();

		r = wait(&call, core_wait_left(&waiting), &proof, &report);
		PyEval_RestoreThread(saved);
	}
	return r < 0 ? core_raise_report(r, report) : PyLong_FromUnsignedLong(proof);
}
